//! Sources as senders meet them: requests that the senders' own libraries sign become events, and forged ones do not.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};
use support::tools;

const RULES: &str = r#"
sources:
  github: { preset: github, secret: ["env:OTHER", "env:GITHUB"] }
  stripe: { preset: stripe, secret: "env:STRIPE" }
  slack: { preset: slack, secret: "env:SLACK" }
  standard: { preset: standard_webhooks, secret: "env:STANDARD" }
  pagerduty: { preset: pagerduty, secret: "env:PAGERDUTY" }
  sentry: { preset: sentry, secret: "env:SENTRY" }
  gitlab: { preset: gitlab, token: "env:OWN" }
  grafana: { preset: grafana, token: "env:OWN" }
  okta: { preset: okta, token: "env:OWN" }
  sha1-hex: &own
    verify: { hmac: sha1, header: X-Signature, prefix: "mac=", signed: "v1:{id}:{timestamp}.{body}", timestamp: X-Time, secrets: "env:OWN" }
    id: { header: X-Id }
  sha256-base64:
    verify: { hmac: sha256, encoding: base64, header: X-Signature, prefix: "mac=", signed: "v1:{id}:{timestamp}.{body}", timestamp: X-Time, secrets: "env:OWN" }
    id: { header: X-Id }
  sha512-hex:
    verify: { hmac: sha512, header: X-Signature, prefix: "mac=", signed: "v1:{id}:{timestamp}.{body}", timestamp: X-Time, secrets: "env:OWN" }
    id: { header: X-Id }
  people: { verify: { basic: ann, secrets: "env:OWN" } }
  in-the-url: { verify: { query: token, allow_query: true, secrets: "env:OWN" }, id: { payload: data.id } }
  unset: { preset: github, secret: "env:NOBODY_SETS_THIS" }
"#;

/// A request of a sender, and what it says.
struct Signed {
    source: String,
    headers: BTreeMap<String, String>,
    body: String,
    facts: Value,
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sources").join(file)
}

fn run(mut signer: Command, secrets: &Value) -> Vec<Signed> {
    let mut child = signer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the signer starts");
    child.stdin.take().expect("its input").write_all(secrets.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let signed = |line: &str| {
        let facts: Value = serde_json::from_str(line).expect("a line is JSON");
        Signed {
            source: facts["source"].as_str().unwrap().to_owned(),
            headers: serde_json::from_value(facts["headers"].clone()).unwrap(),
            body: facts["body"].as_str().unwrap().to_owned(),
            facts,
        }
    };
    String::from_utf8(output.stdout).expect("it writes UTF-8").lines().map(signed).collect()
}

fn by_node(secrets: &Value) -> Vec<Signed> {
    let mut node = Command::new("node");
    node.arg(here("sign.mjs")).arg(tools::node_modules("sources-node", &here("package.json")));
    run(node, secrets)
}

fn by_python(secrets: &Value) -> Vec<Signed> {
    let mut python = Command::new(tools::python("sources", &here("requirements.txt")));
    python.arg("-B").arg(here("sign.py"));
    run(python, secrets)
}

/// Texts that are put together here, because a scanner of secrets would take them for real ones.
fn secrets() -> Value {
    let plain = |name: &str| format!("{name} and a text of {}", name.len());
    json!({
        "github": plain("github"),
        "stripe": format!("{}_{}", "whsec", plain("stripe")),
        "slack": plain("slack"),
        "standard": format!("{}_{}", "whsec", STANDARD.encode([7; 24])),
        "pagerduty": plain("pagerduty"),
        "sentry": plain("sentry"),
        "own": plain("own"),
        "other": plain("other"),
    })
}

async fn nuncio(secrets: &Value) -> Nuncio {
    let mut nuncio = Nuncio::not_started(RULES);
    for (name, secret) in secrets.as_object().unwrap() {
        nuncio.set(&name.to_uppercase(), secret.as_str().unwrap());
    }
    nuncio.start().await;
    nuncio
}

/// Sends a request without a token of Nuncio.
async fn send(nuncio: &Nuncio, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> (u16, Value) {
    let mut request = reqwest::Client::new().request(Method::POST, nuncio.at(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request.body(body.into())).await
}

async fn post(nuncio: &Nuncio, signed: &Signed) -> (u16, Value) {
    let headers: Vec<_> = signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(nuncio, &format!("/in/{}", signed.source), &headers, signed.body.clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payloads_that_github_publishes_become_events() {
    let secrets = secrets();
    let nuncio = nuncio(&secrets).await;
    let signed: Vec<_> = by_node(&secrets).into_iter().filter(|signed| signed.source == "github").collect();
    assert_eq!(signed.len(), 329);
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for one in &signed {
        let action = match one.facts["action"].as_str() {
            Some(action) => format!("github.{}.{action}", one.facts["event"].as_str().unwrap()),
            None => format!("github.{}", one.facts["event"].as_str().unwrap()),
        };
        // A sender tries again when it has not seen the answer.
        for _ in 0..2 {
            assert_eq!(post(&nuncio, one).await, (202, json!({ "events": 1 })), "{action}");
        }
        *expected.entry(action).or_default() += 1;
    }
    let found = nuncio.results("/v1/events?limit=1000&app=github", signed.len()).await;
    let mut stored: BTreeMap<String, usize> = BTreeMap::new();
    for event in &found {
        let one = signed.iter().find(|one| one.headers["x-github-delivery"] == *event["id"].as_str().unwrap()).unwrap();
        assert_eq!(event["source"], "github");
        assert_eq!(event["user"].get("username").unwrap_or(&Value::Null), &one.facts["user"]);
        *stored.entry(event["action"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(stored, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_the_senders_libraries_sign_are_accepted_and_forged_ones_are_not() {
    let secrets = secrets();
    let nuncio = nuncio(&secrets).await;
    let mut signed = by_node(&secrets);
    signed.drain(1..329);
    signed.extend(by_python(&secrets));
    assert_eq!(signed.len(), 1 + 2 + 2 + 2 + 1 + 1 + 3);
    for one in &signed {
        let (status, body) = post(&nuncio, one).await;
        let is_challenge = one.body.contains("url_verification");
        assert_eq!(status, if is_challenge { 200 } else { 202 }, "{}: {body}", one.source);
        if is_challenge {
            assert_eq!(body, json!({ "challenge": "3eZbrw1aB" }));
        }
        let mut forged = Vec::new();
        let with = |change: &dyn Fn(&mut Signed)| {
            let mut changed = Signed {
                source: one.source.clone(),
                headers: one.headers.clone(),
                body: one.body.clone(),
                facts: Value::Null,
            };
            change(&mut changed);
            changed
        };
        forged.push(with(&|forged| forged.body.push(' ')));
        forged.push(with(&|forged| forged.body = "{}".to_owned()));
        for header in one.headers.keys().filter(|name| name.contains("signature") || name.contains("time")) {
            forged.push(with(&|forged| drop(forged.headers.remove(header))));
            forged.push(with(&|forged| drop(forged.headers.insert(header.clone(), "0".to_owned()))));
            forged.push(with(&|forged| drop(forged.headers.insert(header.clone(), String::new()))));
            // An hour later: the signature stays, the time does not.
            let later = one.headers[header].parse::<i64>().map(|seconds| (seconds + 3600).to_string());
            forged.extend(
                later.ok().map(|later| with(&|forged| drop(forged.headers.insert(header.clone(), later.clone())))),
            );
        }
        for forged in forged {
            let (status, body) = post(&nuncio, &forged).await;
            assert_eq!(status, 401, "{}: {:?} {body}", forged.source, forged.headers);
            assert_eq!(body["detail"], "the request does not prove that it comes from the sender of this source");
        }
    }
    let stripe = nuncio.results("/v1/events?action=stripe.charge.failed", 1).await;
    assert_eq!(stripe[0]["id"], "evt_1");
    let created = signed[1].body.parse::<Value>().unwrap()["created"].as_i64().unwrap();
    assert_eq!(
        stripe[0]["created"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second(),
        created,
        "the time of the payload, not that of the second attempt"
    );
    let page = nuncio.results("/v1/events?action=pagerduty.incident.triggered", 1).await;
    assert_eq!(page[0]["created"], "2026-01-02T03:04:05.123000Z");
    assert_eq!(page[0]["user"]["username"], "Ann Lee");
    let invoice = nuncio.results("/v1/events?action=invoice.paid", 1).await;
    assert_eq!((&invoice[0]["id"], &invoice[0]["created"]), (&json!("msg_1"), &json!("2026-01-02T03:04:05.000000Z")));
    nuncio.results("/v1/events?action=slack.user_change&username=U061F7AUR", 1).await;
    nuncio.results("/v1/events?action=sentry.issue.created&username=ann", 1).await;
    nuncio.results("/v1/events?action=webhook_received", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_passwords_are_compared_whole() {
    let secrets = secrets();
    let nuncio = nuncio(&secrets).await;
    let own = secrets["own"].as_str().unwrap();
    let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let alert = |state: &str| {
        json!({ "alerts": [{ "status": state, "fingerprint": "f1", "startsAt": "2026-01-02T03:04:05Z",
                             "endsAt": "2026-01-02T04:04:05Z", "labels": { "alertname": "Disk" } }] })
    };
    let log = json!({ "data": { "events": [
        { "uuid": "u1", "eventType": "user.session.start", "published": "2026-01-02T03:04:05Z",
          "actor": { "alternateId": "ann@example.org" }, "client": { "ipAddress": "192.0.2.7" } },
        { "uuid": "u2", "eventType": "user.session.end", "published": "2026-01-02T03:05:05Z" } ] } });
    let push = json!({ "object_kind": "push", "user_username": "ann" });
    let bearer = format!("Bearer {own}");
    for (path, header, value, wrong, body) in [
        ("/in/gitlab", "x-gitlab-token", own.to_owned(), own[1..].to_owned(), &push),
        ("/in/grafana", "authorization", bearer.clone(), own.to_owned(), &alert("firing")),
        (
            "/in/grafana",
            "authorization",
            bearer.to_uppercase().replace(&own.to_uppercase(), own),
            format!("{bearer}."),
            &alert("resolved"),
        ),
        ("/in/okta", "authorization", own.to_owned(), String::new(), &log),
        ("/in/people", "authorization", basic("ann", own), basic("bob", own), &json!({ "a": 1 })),
    ] {
        let body = body.to_string();
        assert_eq!(send(&nuncio, path, &[(header, &wrong)], body.clone()).await.0, 401, "{path}");
        assert_eq!(send(&nuncio, path, &[], body.clone()).await.0, 401, "{path}");
        let twice = [(header, value.as_str()), (header, value.as_str())];
        assert_eq!(send(&nuncio, path, &twice, body.clone()).await.0, 401, "{path}");
        for _ in 0..2 {
            let (status, answer) = send(&nuncio, path, &[(header, &value)], body.clone()).await;
            assert_eq!(status, 202, "{path}: {answer}");
        }
    }
    let encoded = own.replace(' ', "%20");
    let named = json!({ "data": { "id": 7 } }).to_string();
    for _ in 0..2 {
        assert_eq!(send(&nuncio, &format!("/in/in-the-url?token={encoded}"), &[], named.clone()).await.0, 202);
    }
    for query in ["", "?token=", "?token=x", &format!("?token={encoded}&token={encoded}"), &format!("?Token={encoded}")]
    {
        assert_eq!(send(&nuncio, &format!("/in/in-the-url{query}"), &[], named.clone()).await.0, 401, "{query}");
    }
    let alerts = nuncio.results("/v1/events?action=grafana.alert", 2).await;
    let states: Vec<_> = alerts.iter().map(|alert| (&alert["context"]["state"], &alert["created"])).collect();
    assert_eq!(
        states,
        [
            (&json!("resolved"), &json!("2026-01-02T04:04:05.000000Z")),
            (&json!("firing"), &json!("2026-01-02T03:04:05.000000Z"))
        ]
    );
    let started = nuncio.results("/v1/events?action=okta.user.session.start", 1).await;
    assert_eq!((&started[0]["client_ip"], &started[0]["id"]), (&json!("192.0.2.7"), &json!("u1")));
    nuncio.results("/v1/events?app=in-the-url", 1).await;
    // GitLab sent no name, so each request is an event.
    nuncio.results("/v1/events?action=gitlab.push&username=ann", 2).await;

    let challenge = reqwest::Client::new().get(nuncio.at("/in/okta")).header("authorization", own);
    let challenge = answer(challenge.header("x-okta-verification-challenge", "abc")).await;
    assert_eq!(challenge, (200, json!({ "verification": "abc" })));
    let get = reqwest::Client::new().get(nuncio.at("/in/github")).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_no_event_is_refused_and_recorded_once_an_hour() {
    let secrets = secrets();
    let nuncio = nuncio(&secrets).await;
    let own = secrets["own"].as_str().unwrap();
    let token = [("x-gitlab-token", own)];
    for (body, why) in [
        ("", "the body is empty"),
        ("{", "the body is not JSON"),
        ("[]", "object_kind"),
        ("{\"object_kind\": 7}", "event_name is missing"),
        ("{\"object_kind\": \"push\", \"x\": 1e999}", "not accepted"),
    ] {
        let (status, answer) = send(&nuncio, "/in/gitlab", &token, body).await;
        assert_eq!(status, 422, "{body}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(why) || why == "object_kind", "{body}: {answer}");
    }
    let large = json!({ "object_kind": "push", "text": "x".repeat(300_000) }).to_string();
    let (status, answer) = send(&nuncio, "/in/gitlab", &token, large).await;
    assert_eq!(status, 422);
    assert!(answer["detail"].as_str().unwrap().contains("256 KiB"), "{answer}");
    assert_eq!(send(&nuncio, "/in/gitlab", &token, "x".repeat(6 << 20)).await.0, 413);
    let many = json!({ "alerts": vec![json!({ "status": "firing", "fingerprint": "f" }); 1001] }).to_string();
    let bearer = format!("Bearer {own}");
    assert_eq!(send(&nuncio, "/in/grafana", &[("authorization", &bearer)], many).await.0, 422);
    let nul = "{\"object_kind\": \"push\", \"text\": \"a\\u0000b\"}";
    assert_eq!(send(&nuncio, "/in/gitlab", &token, nul).await.0, 202);
    let pushed = nuncio.results("/v1/events?action=gitlab.push", 1).await;
    assert_eq!(pushed[0]["context"]["text"], "a\u{fffd}b");
    // An hour may end while this runs.
    let errors = nuncio.get("/v1/events?action=source_error").await["results"].as_array().unwrap().len();
    assert!((2..=4).contains(&errors), "one for each of two sources: {errors}");

    assert_eq!(send(&nuncio, "/in/nobody", &[], "{}").await.0, 404);
    let (status, answer) = send(&nuncio, "/in/unset", &[("x-hub-signature-256", "sha256=00")], "{}").await;
    assert_eq!(status, 503, "{answer}");
}
