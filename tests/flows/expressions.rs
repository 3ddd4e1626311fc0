//! Python in the rules file: authentik's bodies behave as they do there, and an error in a body becomes an event, a
//! verdict and a line of the trace; it never stops anything.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::Sink;
use support::nuncio::{Nuncio, answer};

const SOON: Duration = Duration::from_secs(15);

const AUTHENTIK: &str = include_str!("../corpus/expressions/authentik.yaml");

/// A rule to `ann`'s webhook at the sink, by these policies.
fn rules(sink: &Sink, policies: &str, bindings: &str) -> String {
    format!(
        "groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}\n\
         allow_networks: [127.0.0.0/8]\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         policies:\n{policies}\
         rules:\n  r: {{ group: ops, transports: [hook], policies: {bindings} }}\n",
        sink.url("/hook")
    )
}

/// A failed login of `bob`.
fn event() -> Value {
    json!({
        "action": "login_failed",
        "user": { "pk": 5, "username": "bob", "email": "bob@example.org" },
        "client_ip": "192.0.2.7",
        "created": "2023-02-15T15:33:42.771091Z",
        "context": {
            "message": "Login failed", "username": "bob", "email": "bob@example.org", "name": "Bob", "created": true,
            "stage": { "name": "password" }, "geo": { "country": "DE" }, "asn": { "asn": 64500 },
            "auth_method_args": { "known_device": false },
            "diff": { "users": { "add": [{ "pk": 9, "name": "Cyd" }] } }
        }
    })
}

fn traced<'t>(trace: &'t Value, rule: &str) -> &'t Value {
    let rules = trace["rules"].as_array().unwrap();
    rules.iter().find(|traced| traced["rule"] == rule).unwrap_or_else(|| panic!("no rule {rule}: {trace:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn authentiks_bodies_run_as_written() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&AUTHENTIK.replace("SINK", &sink.url(""))).await;
    let pk = nuncio.accept(&event()).await.remove(0);
    nuncio.get_until(&format!("/v1/deliveries?event={pk}&state=pending"), |body| body["results"] == json!([])).await;
    let delivered = nuncio.results(&format!("/v1/deliveries?event={pk}&state=delivered"), 15).await;
    assert_eq!(delivered.len(), 15, "{delivered:#?}");

    let trace = nuncio.get(&format!("/v1/events/{pk}/trace")).await;
    let verdicts = |rule: &str| -> BTreeMap<String, (bool, Value)> {
        let policies = traced(&trace, rule)["policies"].as_array().unwrap();
        let verdict = |one: &Value| (one["passed"].as_bool().unwrap(), one["messages"].clone());
        policies.iter().map(|one| (one["policy"].as_str().unwrap().to_owned(), verdict(one))).collect()
    };
    let passed = |rule: &str, policy: &str| verdicts(rule)[policy].0;
    assert!(passed("p01", "p01-network") && !passed("p02", "p02-new-device") && passed("p05", "p05-group-history"));
    assert_eq!(verdicts("p05")["p05-group-history"].1, json!(["2023-02-15T15:33:42: Cyd was added"]));
    assert!(!passed("p06", "p06-regex") && passed("p06", "p06-member") && passed("p06", "p06-private"));
    assert_eq!(verdicts("p06")["p06-caller"], (true, json!(["asked for bar"])));
    assert_eq!(verdicts("p07-says-why")["p07-message"], (false, json!(["Access denied"])));

    let made = nuncio.results("/v1/events?action=custom_testaction", 1).await.remove(0);
    assert_eq!((&made["app"], &made["context"]["foo"]["username"]), (&json!("p07-event"), &json!("bob")));
    assert_eq!(made["context"]["policy_uuid"], "p07-event", "marked, so that it cannot loop");

    let body = |path: &str| sink.received_at(path)[0].json();
    assert_eq!(body("/w08"), json!({ "foo": "Login failed" }));
    assert_eq!(body("/w09"), json!({ "email": "ann@example.org", "client_ip": "192.0.2.7" }));
    assert_eq!(sink.received_at("/w09")[0].header("authorization"), "Bearer <token>");
    assert_eq!(body("/w10"), json!({ "user": "bob", "geo": { "country": "DE" }, "asn": { "asn": 64500 } }));
    assert_eq!(body("/w11")["time"], 1_676_475_222.771_091);
    assert_eq!(body("/w11")["event"]["context"], json!({ "stage": "password" }));
    assert_eq!(sink.received_at("/w11")[0].header("authorization"), "Splunk <token>");
    assert_eq!(body("/w12"), json!({ "message": "Login failed", "priority": 5, "title": "login_failed" }));
    assert_eq!(body("/w13"), json!({ "message": "bob", "priority": 10 }));
    let fields = "Severity: alert\nmessage: Log\nusername: bob\nemail: bob\nname: Bob";
    assert_eq!(body("/w14"), json!({ "message": fields }));
    let synced = json!({ "email": "bob@example.org", "name": "Bob", "username": "bob", "created": true });
    assert_eq!(body("/w15"), synced);
    assert_eq!(body("/w16"), json!({ "event_type": "authentik", "client_payload": { "user": "" } }));
    let inbox = nuncio.get("/v1/notifications?username=ann").await;
    assert!(inbox["results"].as_array().unwrap().iter().any(|item| item["body"] == "foo"), "{inbox:#}");
    assert_eq!(body("/w18"), json!({ "groups": ["ops"] }));
    // By openssl dgst -sha256 -hmac key.
    let signature = "sha256=0fa3cf128f140334d4711a259b08807c2eae7eec22b8473567c2db460195508e";
    assert_eq!(sink.received_at("/w18")[0].header("x-signature"), signature);
    assert_eq!(sink.received_at("/w18")[0].header("content-type"), "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_raises_is_an_event_a_verdict_and_a_line_of_the_trace() {
    let sink = Sink::start().await;
    let policies = "  broken:\n    expression: |\n      ak_message(\"so far\")\n      return request.context[\"event\"].context[\"nope\"]\n";
    let bindings = "[{ policy: broken, negate: true, failure_result: true }]";
    let nuncio = Nuncio::with_rules(&rules(&sink, policies, bindings)).await;
    let pk = nuncio.accept(&event()).await.remove(0);
    // The failure's result counts as it is, however the binding is negated.
    sink.wait_for(1, SOON).await;

    let raised = nuncio.results("/v1/events?action=policy_exception", 1).await.remove(0);
    let context = &raised["context"];
    assert_eq!(context["message"], "Policy failed to execute");
    assert_eq!((&context["policy_uuid"], &context["binding"]["rule"]), (&json!("broken"), &json!("r")));
    assert_eq!(context["request"]["obj"]["pk"].as_str().unwrap().len(), 32);
    let exception = &context["exception"][0];
    assert_eq!((&exception["exc_type"], &exception["exc_value"]), (&json!("KeyError"), &json!("nope")));
    assert_eq!(exception["frames"][0]["lineno"], 2);

    let trace = nuncio.get(&format!("/v1/events/{pk}/trace")).await;
    let policy = &traced(&trace, "r")["policies"][0];
    assert_eq!((&policy["passed"], &policy["messages"]), (&json!(true), &json!(["so far"])));
    assert_eq!((&policy["error"]["kind"], &policy["error"]["line"]), (&json!("KeyError"), &json!(2)));
    assert_eq!(policy["why"], "the expression raised KeyError in line 2; failure_result is true");

    // The event that it caused does not make it run again.
    let own = raised["pk"].as_str().unwrap();
    let trace = nuncio.get(&format!("/v1/events/{own}/trace")).await;
    assert!(trace["held_back"].as_str().unwrap().contains("broken"), "{trace:#}");
    nuncio.accept(&json!({ "action": "logout" })).await;
    sink.wait_for(2, SOON).await;
    assert_eq!(nuncio.get("/v1/events?action=policy_exception").await["results"].as_array().unwrap().len(), 2);
    assert_eq!(sink.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_ends_itself_and_nothing_else() {
    let sink = Sink::start().await;
    // One that grows step by step reaches the limit of memory or of time, whichever the machine is quicker at.
    let policies = "  growing: { expression: \"x = 'ab'\\nwhile True: x = x + x\" }\n\
                    \x20 memory: { expression: \"return len('a' * 10 ** 9)\" }\n\
                    \x20 time: { expression: \"while True: pass\" }\n\
                    \x20 logins: { event_matcher: { action: login_failed } }\n";
    let nuncio = Nuncio::with_rules(&rules(&sink, policies, "[growing, memory, time, logins]")).await;
    nuncio.accept(&json!({ "action": "login" })).await;
    let raised = nuncio.results("/v1/events?action=policy_exception", 3).await;
    let kind = |policy: &str| {
        let of = |event: &&Value| event["context"]["policy_uuid"] == policy;
        raised.iter().find(of).unwrap()["context"]["exception"][0]["exc_type"].as_str().unwrap()
    };
    assert_eq!((kind("memory"), kind("time")), ("MemoryError", "TimeoutError"));
    assert!(["MemoryError", "TimeoutError"].contains(&kind("growing")), "{}", kind("growing"));
    let pk = nuncio.accept(&event()).await.remove(0);
    nuncio.results(&format!("/v1/deliveries?event={pk}&state=delivered"), 1).await;
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_cannot_be_used_fails_the_attempt_and_says_so() {
    let sink = Sink::start().await;
    let rules = rules(&sink, "  any: { event_matcher: {} }\n", "[any]").replace(
        "url: ",
        "body: 'return {\"who\": notification.event.context[\"username\"]}', headers: 'return {\"X-Who\": \
         notification.event.context[\"name\"], \"Content-Type\": \"text/plain\"}', url: ",
    );
    let nuncio = Nuncio::with_rules(&rules).await;
    let sent = async |name: &str, context: Value| {
        let event = json!({ "action": "login", "context": context, "id": name, "source": "test" });
        nuncio.accept(&event).await.remove(0)
    };
    let fine = sent("fine", json!({ "username": "bob", "name": "Bob" })).await;
    let missing = sent("missing", json!({})).await;
    let injected = sent("injected", json!({ "username": "x", "name": "a\r\nX-Evil: 1" })).await;
    let state = async |pk: &str, state: &str| {
        nuncio.results(&format!("/v1/deliveries?event={pk}&state={state}"), 1).await.remove(0)
    };
    state(&fine, "delivered").await;
    let [received] = &sink.received()[..] else { panic!("one webhook") };
    assert_eq!(received.json(), json!({ "who": "bob" }));
    assert_eq!((received.header("x-who"), received.header("content-type")), ("Bob", "text/plain"));

    let failed = state(&missing, "retrying").await;
    assert_eq!(failed["attempts"][0]["error"], "the mapping of the body raised KeyError in line 1");
    let failed = state(&injected, "retrying").await;
    assert_eq!(
        failed["attempts"][0]["error"],
        "the mapping of the headers: a header's value must be one line, without control characters"
    );
    let raised = nuncio.results("/v1/events?action=property_mapping_exception", 2).await;
    assert_eq!(raised.len(), 2, "{raised:#?}");
    for event in &raised {
        assert_eq!(event["context"]["message"], "Failed to execute property mapping");
        assert!(event["context"]["expression"].as_str().unwrap().starts_with("transports.hook."), "{event}");
        assert!(event["context"]["nuncio_delivery"].is_string(), "marked, so that it notifies nobody");
    }
    assert_eq!(sink.received().len(), 1);

    let test = answer(nuncio.request(Method::POST, "/v1/transports/hook/test")).await;
    assert_eq!(test.1["error"], "the mapping of the body raised KeyError in line 1", "{test:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_on_trial_says_where_it_would_have_passed_and_tells_nobody() {
    let sink = Sink::start().await;
    let policies = "  any: { event_matcher: {} }\n  never: { event_matcher: { action: nope } }\n";
    let nuncio = Nuncio::with_rules(&rules(&sink, policies, "[never, { policy: any, dry_run: true, order: 1 }]")).await;
    let pk = nuncio.accept(&event()).await.remove(0);
    let said = nuncio.results("/v1/events?action=policy_execution", 1).await.remove(0);
    assert_eq!(said["context"]["policy_uuid"], "any");
    assert_eq!(said["context"]["binding"], json!({ "rule": "r", "order": 1 }));
    let trace = nuncio.get(&format!("/v1/events/{pk}/trace")).await;
    let traced = traced(&trace, "r");
    assert_eq!((&traced["matched"], &traced["policies"][1]["dry_run"]), (&json!(false), &json!(true)), "{traced:#}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(nuncio.get("/v1/events").await["results"].as_array().unwrap().len(), 2, "what it leaves leaves nothing");
    assert!(sink.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_match_evaluate_and_leave_nothing() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&rules(&sink, "  never: { event_matcher: { action: nope } }\n", "[never]")).await;
    let body = "      ak_create_event(\"x\")\n      return request.context[\"event\"].action.startswith(\"log\") and not request.context[\"event\"].context.get(\"bad\")\n";
    let policies = format!("  own:\n    expression: |\n{body}");
    std::fs::write(nuncio.file("new.yaml"), rules(&sink, &policies, "[own]")).unwrap();
    nuncio
        .accept(&json!([{ "action": "login" }, { "action": "logout", "context": { "bad": 1 } }, { "action": "x" }]))
        .await;
    let report = nuncio.run(&["dry-run", "--config", "new.yaml", "--since", "1d", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["events"], &report["messages"]), (&json!(3), &json!({ "r": { "ann": 1 } })), "{report:#}");
    std::fs::write(nuncio.file("event.json"), r#"{"action":"login"}"#).unwrap();
    let matched = nuncio.run(&["match", "--rules", "new.yaml", "--event", "event.json"]);
    let matched: Value = serde_json::from_slice(&matched.stdout).unwrap();
    assert_eq!(
        (&matched["matched"], &matched["policies"][0]["why"]),
        (&json!(true), &json!("the expression returned True"))
    );
    assert_eq!(nuncio.get("/v1/events?action=custom_x").await["results"], json!([]));
    assert!(sink.received().is_empty());
}

/// A rule `late`, which sends to `/late` after 40 endless bodies have raised, each of which begins with `guard`; and a
/// rule `alarm` without expressions, which sends to `/alarm`. A message with three events that run the bodies takes
/// nine seconds at least: each body runs three times, for 75 ms, before it is suspended.
fn endless(sink: &Sink, guard: &str) -> String {
    let policy = |body| format!("  p{body}: {{ expression: '{guard}while {body} > -1: pass' }}\n");
    let policies = (0..40).map(policy).collect::<Vec<_>>().concat();
    let bindings =
        (0..40).map(|body| format!("{{ policy: p{body}, failure_result: true }}")).collect::<Vec<_>>().join(",");
    format!(
        "groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}\n\
         allow_networks: [127.0.0.0/8]\n\
         transports:\n  alarm: {{ mode: webhook, url: \"{}\" }}\n  late: {{ mode: webhook, url: \"{}\" }}\n\
         policies:\n  alarm: {{ event_matcher: {{ action: alarm }} }}\n{policies}\
         rules:\n  late: {{ group: ops, transports: [late], policies: [{bindings}] }}\n  \
         alarm: {{ group: ops, transports: [alarm], policies: [alarm] }}\n",
        sink.url("/alarm"),
        sink.url("/late")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_without_expressions_does_not_wait_for_those_of_other_rules() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&endless(&sink, "")).await;
    let mut events = vec![json!({ "action": "login" }); 4];
    events.extend(vec![json!({ "action": "alarm" }); 20]);
    nuncio.accept(&json!(events)).await;
    let counts = || (sink.received_at("/alarm").len(), sink.received_at("/late").len());
    sink.wait_for(20, SOON).await;
    assert_eq!(counts(), (20, 0));
    sink.wait_for(44, 8 * SOON).await;
    assert_eq!(counts(), (20, 24), "each event once for each rule");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_expressions_does_not_wait_for_a_backlog_of_others() {
    let sink = Sink::start().await;
    let guard = "if request.context[\"event\"].action != \"login\": return False\n\n    ";
    let mut nuncio = Nuncio::not_started(&endless(&sink, guard));
    nuncio.set("NUNCIO_MEMORY", "32MiB");
    nuncio.start().await;
    // Three of these messages count for more than the 8 MiB for events being evaluated: each colon might be an entry.
    let event = json!({ "action": "login", "context": { "text": ":".repeat(4_000) } });
    for _ in 0..8 {
        nuncio.accept(&json!(vec![event.clone(); 5])).await;
    }
    nuncio.accept(&json!(vec![json!({ "action": "alarm" }); 20])).await;
    let counts = || (sink.received_at("/alarm").len(), sink.received_at("/late").len());
    sink.wait_for(20, SOON).await;
    assert_eq!(counts(), (20, 0));
    sink.wait_for(60, 8 * SOON).await;
    assert_eq!(counts(), (20, 40), "each event once for its rule");
}
