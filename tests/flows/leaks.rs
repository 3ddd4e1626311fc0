//! No secret appears in any response, log line or file, whatever the request, the transport and the log level.

use reqwest::Method;
use serde_json::{Value, json};
use support::nuncio::{Nuncio, TOKEN, answer};
use support::smtp::SmtpServer;
use support::{Answer, Sink};

/// Secrets that must never appear, and that occur nowhere else: parts of URLs, keys, passwords and tokens.
const HUSH: [&str; 7] =
    ["hush-path-1", "hush-query-2", "hush-chat-3", "hush-shared-4", "hush-broken-5", "hush-mail-6", "hush-guess-7"];

fn rules(sink: &Sink) -> String {
    format!(
        "groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}\n\
         transports:\n\
         \x20 hook: {{ mode: webhook, url: \"env:HOOK\", secret: \"env:SHARED\" }}\n\
         \x20 broken: {{ mode: webhook, url: \"{}\", secret: \"env:BROKEN\" }}\n\
         \x20 missing: {{ mode: webhook, url: \"env:NOBODY_SET_THIS\" }}\n\
         \x20 chat: {{ mode: webhook_slack, url: \"env:CHAT\" }}\n\
         \x20 away: {{ mode: webhook, url: \"env:AWAY\" }}\n\
         email: {{ smtp: \"env:SMTP\" }}\n\
         policies: {{ any: {{ event_matcher: {{ action: login }} }} }}\n\
         rules: {{ all: {{ group: ops, transports: [{}], policies: [any] }} }}\n\
         allow_networks: [127.0.0.0/8]\n",
        sink.url("/plain"),
        TRANSPORTS.join(", ")
    )
}

const TRANSPORTS: [&str; 7] =
    ["hook", "broken", "missing", "chat", "away", "default-email-transport", "default-local-transport"];

/// Everything that can be asked for, right and wrong.
async fn surfaces(nuncio: &Nuncio, pk: &str) -> Vec<String> {
    let mut shown = Vec::new();
    let mut ask = async |method: Method, path: &str, body: &str| {
        let request = nuncio.request(method.clone(), path).header("content-type", "application/json");
        let (status, body) = answer(request.body(body.to_owned())).await;
        shown.push(format!("{method} {path}: {status} {body}"));
    };
    for path in ["config", "events", "deliveries?limit=1000", "notifications?username=ann", "nowhere"] {
        ask(Method::GET, &format!("/v1/{path}"), "").await;
    }
    ask(Method::GET, &format!("/v1/events/{pk}"), "").await;
    ask(Method::GET, &format!("/v1/events/{pk}/trace"), "").await;
    ask(Method::POST, "/v1/rules/dry-run?payloads=true", "").await;
    ask(Method::PUT, "/v1/config", "{}").await;
    for transport in TRANSPORTS {
        ask(Method::POST, &format!("/v1/transports/{transport}/test"), "").await;
    }
    // A document with secrets where references belong: its faults must not repeat them.
    let faulty = format!(
        "transports: {{ a: {{ mode: webhook, url: \"http://ann:{0}@x.org/\", secret: {0} }} }}\nemail: {{ smtp: \"smtp://ann:{0}@x.org\" }}\n",
        HUSH[3]
    );
    ask(Method::POST, "/v1/config/check", &faulty).await;
    ask(Method::POST, "/v1/rules/dry-run", &faulty).await;
    std::fs::write(nuncio.file("faulty.yaml"), &faulty).unwrap();
    for arguments in [
        &["check", "faulty.yaml"][..],
        &["explain", pk],
        &["token", "list"],
        &["apply", "faulty.yaml"],
        &["dry-run", "--config", "rules.yaml", "--json"],
        &["explain", pk, "--token", HUSH[6]],
    ] {
        let output = nuncio.run(arguments);
        shown.push(format!("{}: {}", arguments[0], String::from_utf8_lossy(&[output.stdout, output.stderr].concat())));
    }
    shown
}

/// Every file it wrote: the store, its journal, the mailbox.
fn files(nuncio: &Nuncio) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![nuncio.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                found.push((entry.display().to_string(), std::fs::read(&entry).unwrap()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_comes_out_anywhere() {
    let (sink, smtp) = (Sink::start().await, SmtpServer::start().await);
    // Receivers that repeat the request, as error pages do.
    let echo = |path: &str| format!("Cannot POST {path}");
    let hook = format!("/in/{}?key={}", HUSH[0], HUSH[1]);
    let chat = format!("/services/{}", HUSH[2]);
    sink.answer(&format!("/in/{}", HUSH[0]), [Answer::status(500).body(echo(&hook))]);
    sink.answer(&chat, [Answer::status(404).body(echo(&chat))]);
    smtp.refuse("AUTH", "535 5.7.8 bad credentials");

    let mut nuncio = Nuncio::not_started(&rules(&sink));
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (name, secret) in [
        ("HOOK", sink.url(&hook)),
        ("CHAT", sink.url(&chat)),
        ("AWAY", format!("https://{away}/{}", HUSH[0])),
        ("SHARED", HUSH[3].to_owned()),
        ("BROKEN", format!("{}_!{}", "whsec", HUSH[4])),
        ("SMTP", format!("smtp://ann:{}@{}", HUSH[5], smtp.address())),
        ("NUNCIO_LOG", "trace".to_owned()),
    ] {
        nuncio.set(name, &secret);
    }
    nuncio.start().await;
    let secret = json!({ "action": "login", "context": { "password": HUSH[4], "note": format!("https://ann:{}@x.org/", HUSH[5]) } });
    let pk = nuncio.accept(&secret).await.remove(0);
    let path = format!("/v1/deliveries?event={pk}");
    let tried = |body: &Value| {
        let deliveries = body["results"].as_array().unwrap();
        deliveries.len() == TRANSPORTS.len() && deliveries.iter().all(|one| one["attempts"] != json!([]))
    };
    nuncio.get_until(&path, tried).await;
    let guess = reqwest::Client::new().get(nuncio.at("/v1/events")).bearer_auth(HUSH[6]);
    assert_eq!(answer(guess).await.0, 401);

    let shown = surfaces(&nuncio, &pk).await;
    assert!(shown.iter().any(|text| text.contains("Cannot POST")), "the receivers' words were shown: {shown:#?}");
    assert!(sink.received().iter().any(|request| request.path.contains(HUSH[0])), "the secrets were used");
    let log = nuncio.log();
    let files = files(&nuncio);
    let found = |hush: &str| {
        let in_files =
            files.iter().filter(|(_, bytes)| bytes.windows(hush.len()).any(|window| window == hush.as_bytes()));
        let in_texts = shown.iter().chain([&log]).filter(|text| text.contains(hush));
        in_texts.cloned().chain(in_files.map(|(name, _)| name.clone())).collect::<Vec<_>>()
    };
    for hush in HUSH.iter().chain([&TOKEN]) {
        assert!(found(hush).is_empty(), "{hush} came out: {:#?}", found(hush));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_the_environment_sees_nothing() {
    let (sink, proxy) = (Sink::start().await, Sink::start().await);
    let mut nuncio = Nuncio::not_started(&crate::recipients::rules_to(&sink, "group: ops"));
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        nuncio.set(name, &proxy.url(""));
    }
    nuncio.start().await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    sink.wait_for(1, std::time::Duration::from_secs(10)).await;
    assert!(proxy.received().is_empty());
}
