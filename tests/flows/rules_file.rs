//! The rules document in force: reloaded from its file, or stored with its versions; never half valid.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::Sink;
use support::nuncio::{Nuncio, answer};

use crate::recipients::rules_to;

const SOON: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_comes_into_force_and_a_faulty_one_does_not() {
    let sink = Sink::start().await;
    let rules = rules_to(&sink, "group: ops");
    let nuncio = Nuncio::with_rules(&rules).await;
    nuncio.write_rules("rules: [what]\n");
    let complained = async {
        while !nuncio.log().contains("the last valid rules document stays in force") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, complained).await.expect("it says that the file has faults");
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    sink.wait_for(1, SOON).await;

    nuncio.write_rules(&rules.replace("action: login_failed", "action: logout"));
    let in_force = async {
        while !nuncio.log().contains("the changed rules file is in force") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, in_force).await.expect("it says that the file is in force");
    nuncio.accept(&json!([{ "action": "login_failed" }, { "action": "logout" }])).await;
    sink.wait_for(2, SOON).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sink.received().len(), 2);

    let put = nuncio.request(Method::PUT, "/v1/config").header("If-Match", "\"1\"").body("retention: days=1\n");
    assert_eq!(answer(put).await.0, 409, "a file is edited, not put");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_shows_warnings_with_their_places() {
    let nuncio = Nuncio::built_in().await;
    let rules = "policies:\n  p: { event_pattern: { action: [Login], context: { geo.country: [DE] } } }\n";
    let (status, checked) = answer(nuncio.request(Method::POST, "/v1/config/check").body(rules)).await;
    assert_eq!((status, &checked["valid"], &checked["faults"]), (200, &json!(true), &json!([])));
    let warnings: Vec<_> = checked["warnings"].as_array().unwrap().iter().collect();
    assert_eq!((&warnings[0]["line"], &warnings[0]["column"]), (&json!(2), &json!(34)), "{checked}");
    assert_eq!(warnings[1]["hint"], "write geo: { country: […] }");

    std::fs::write(nuncio.file("rules.yaml"), rules).unwrap();
    let said = nuncio.run(&["check", "rules.yaml"]);
    assert!(said.status.success());
    let lines = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.starts_with("warning: rules.yaml:2:34: no event's action has this form; "), "{lines}");

    let faulty = "policies:\n  p: { event_pattern: { action: Login } }\n";
    let (_, checked) = answer(nuncio.request(Method::POST, "/v1/config/check").body(faulty)).await;
    assert_eq!((&checked["valid"], &checked["warnings"]), (&json!(false), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_document_is_replaced_by_who_has_seen_it() {
    let sink = Sink::start().await;
    let mut nuncio = Nuncio::built_in().await;
    let rules = rules_to(&sink, "group: ops");
    let put = async |nuncio: &Nuncio, seen: Option<&str>, body: &str| {
        let request = nuncio.request(Method::PUT, "/v1/config").body(body.to_owned());
        answer(match seen {
            Some(seen) => request.header("If-Match", seen),
            None => request,
        })
        .await
    };
    assert_eq!(put(&nuncio, None, &rules).await.0, 428);
    let (status, problem) = put(&nuncio, Some("\"0\""), "rules: { a: { group: nobody } }\nretention: ever\n").await;
    assert_eq!(status, 422);
    assert_eq!(problem["faults"].as_array().unwrap().len(), 2, "{problem}");
    assert_eq!(put(&nuncio, Some("\"0\""), &rules).await, (200, json!({ "version": 1 })));
    assert_eq!(put(&nuncio, Some("\"0\""), &rules).await.0, 412);
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    sink.wait_for(1, SOON).await;

    nuncio.kill();
    nuncio.start().await;
    let shown = nuncio.request(Method::GET, "/v1/config").send().await.unwrap();
    assert_eq!(shown.headers()["etag"], "\"1\"");
    assert_eq!(shown.text().await.unwrap(), rules);
    std::fs::write(nuncio.file("nuncio.yml"), "retention: days=7\n").unwrap();
    let applied = nuncio.run(&["apply", "nuncio.yml"]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(nuncio.get("/v1/config").await, json!("retention: days=7\n"));
}
