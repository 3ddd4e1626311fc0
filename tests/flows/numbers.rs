//! Numbers of any length are stored, matched, searched, calculated with and sent exactly as they were posted.

use std::time::Duration;

use reqwest::Method;
use support::Sink;
use support::nuncio::Nuncio;

const LONG: &str = "123456789012345678901234567890";
const NEXT: &str = "123456789012345678901234567891";

#[tokio::test(flavor = "multi_thread")]
async fn numbers_come_back_as_they_were_written() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&format!(
        "allow_networks: [127.0.0.0/8]\n\
         groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}\n\
         policies:\n  \
           exact: {{ event_pattern: {{ context: {{ id: [{LONG}] }} }} }}\n  \
           calculated: {{ expression: 'return request.context[\"event\"].context[\"id\"] + 1 == {NEXT}' }}\n\
         transports:\n  \
           hook:\n    mode: webhook\n    url: {}\n    \
             body: 'return {{\"next\": request.context[\"notification\"].event.context[\"id\"] + 1}}'\n\
         rules: {{ r: {{ group: ops, transports: [hook], policies: [exact, calculated], mode: all }} }}\n",
        sink.url("/hook")
    ))
    .await;
    let context = format!(r#"{{"id":{LONG},"more":[18446744073709551617,1.50,0.1000000000000000055511151231257827]}}"#);
    let body =
        format!(r#"[{{"action":"counted","context":{context}}},{{"action":"counted","context":{{"id":{NEXT}}}}}]"#);
    let posted = nuncio.request(Method::POST, "/v1/events").header("Content-Type", "application/json").body(body);
    assert_eq!(posted.send().await.unwrap().status(), 202);

    let sent = sink.wait_for(1, Duration::from_secs(15)).await;
    assert_eq!(String::from_utf8_lossy(&sent[0].body), format!(r#"{{"next":{NEXT}}}"#));

    let text = async |path: &str| nuncio.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
    let found = text(&format!("/v1/events?search=context.id%20%3D%20{LONG}")).await;
    assert!(found.contains(&context) && !found.contains(NEXT), "{found}");
    let larger = text(&format!("/v1/events?search=context.id%20%3E%20{LONG}")).await;
    assert!(larger.contains(NEXT) && !larger.contains(LONG), "{larger}");
    let exported = nuncio.run(&["export"]);
    assert!(String::from_utf8_lossy(&exported.stdout).contains(&context), "{exported:?}");
    assert_eq!(sink.received().len(), 1, "the pattern takes no other number");
}
