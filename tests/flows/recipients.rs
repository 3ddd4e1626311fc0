//! Recipients: groups, the acting user, the affected user, each once; and by which transport.

use std::time::Duration;

use serde_json::json;
use support::Sink;
use support::nuncio::Nuncio;
use support::smtp::SmtpServer;

const SOON: Duration = Duration::from_secs(10);

/// Rules that report `login_failed` by webhook to the sink.
pub(crate) fn rules_to(sink: &Sink, told: &str) -> String {
    format!(
        r#"
groups:
  ops:
    - {{ username: ann, email: ann@example.org }}
    - {{ username: bob, email: bob@example.org }}
transports:
  hook: {{ mode: webhook, url: "{hook}", send_once: true }}
  everybody: {{ mode: webhook, url: "{everybody}" }}
  chat: {{ mode: webhook_slack, url: "{chat}", send_once: true }}
policies:
  failed: {{ event_matcher: {{ action: login_failed }} }}
  fan-out: {{ event_matcher: {{ action: custom_fan_out }} }}
rules:
  failed: {{ severity: alert, {told}, transports: [hook], policies: [failed] }}
  fan-out: {{ severity: warning, group: ops, event_user: true, event_subject: true, transports: [everybody, chat, default-email-transport, default-local-transport], policies: [fan-out] }}
allow_networks: [127.0.0.0/8]
"#,
        hook = sink.url("/hook"),
        everybody = sink.url("/everybody"),
        chat = sink.url("/chat"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_once_by_every_transport() {
    let sink = Sink::start().await;
    let smtp = SmtpServer::start().await;
    let rules = format!(
        "{}email: {{ from: \"Nuncio <nuncio@example.org>\", smtp: \"{}\" }}\n",
        rules_to(&sink, "group: ops"),
        smtp.url()
    );
    let nuncio = Nuncio::with_rules(&rules).await;
    let event = json!({
        "action": "custom_fan_out",
        "user": { "username": "bob", "email": "bob@example.org" },
        "context": { "message": "It <b>happened</b>", "subject": { "username": "cyd", "email": "cyd@example.org" } }
    });
    let pk = nuncio.accept(&event).await.remove(0);
    let deliveries = nuncio
        .get_until(&format!("/v1/deliveries?event={pk}&state=delivered"), |body| {
            body["results"].as_array().unwrap().len() == 10
        })
        .await;
    assert_eq!(deliveries["next"], json!(null));

    let hooks = sink.received_at("/everybody");
    let mut told: Vec<String> =
        hooks.iter().map(|hook| hook.json()["user_username"].as_str().unwrap().to_owned()).collect();
    told.sort();
    assert_eq!(told, ["ann", "bob", "cyd"]);
    assert_eq!(
        hooks.iter().find(|hook| hook.json()["user_username"] == "ann").unwrap().json(),
        json!({
            "body": "It <b>happened</b>", "severity": "warning", "user_email": "ann@example.org", "user_username": "ann",
            "event_user_email": "bob@example.org", "event_user_username": "bob"
        })
    );

    let chat = sink.received_at("/chat");
    assert_eq!(chat.len(), 1, "send_once tells the first recipient only");
    let attachment = &chat[0].json()["attachments"][0];
    assert_eq!(attachment["title"], "custom_fan_out");
    assert_eq!(attachment["fields"][1]["value"], "bob");

    let mut mailed: Vec<String> = smtp.mails().into_iter().flat_map(|mail| mail.to).collect();
    mailed.sort();
    assert_eq!(mailed, ["ann@example.org", "bob@example.org", "cyd@example.org"]);
    for username in ["ann", "bob", "cyd"] {
        let inbox = nuncio.results(&format!("/v1/notifications?username={username}"), 1).await;
        assert_eq!(inbox.len(), 1, "{username}");
        assert_eq!(inbox[0]["event"], pk.as_str());
    }
    assert!(nuncio.mails().is_empty(), "with a mail server there is no mailbox folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_cannot_divert_what_a_group_member_gets() {
    let smtp = SmtpServer::start().await;
    let nuncio = Nuncio::with_rules(&format!(
        r#"
groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}
policies: {{ failed: {{ event_matcher: {{ action: login_failed }} }} }}
rules:
  failed: {{ severity: alert, group: ops, event_user: true, event_subject: true, transports: [default-email-transport, default-local-transport], policies: [failed] }}
email: {{ from: "Nuncio <nuncio@example.org>", smtp: "{}" }}
"#,
        smtp.url()
    ))
    .await;
    let evil = "evil@evil.example";
    let claims = [
        (json!({ "user": { "username": "ann", "email": evil } }), Some(evil)),
        (json!({ "user": { "username": "ANN", "email": evil } }), Some(evil)),
        (json!({ "context": { "subject": { "username": " Ann ", "email": evil } } }), Some(evil)),
        (json!({ "user": { "username": "ann", "email": "nonsense" } }), None),
        (json!({ "user": { "username": "ann", "email": "Ann@Example.org" } }), None),
    ];
    for (claim, further) in &claims {
        let before = smtp.mails().len();
        let mut event = json!({ "action": "login_failed" });
        event.as_object_mut().unwrap().extend(claim.as_object().unwrap().clone());
        let pk = nuncio.accept(&event).await.remove(0);
        nuncio
            .get_until(&format!("/v1/deliveries?event={pk}&transport=default-email-transport"), |body| {
                let deliveries = body["results"].as_array().unwrap();
                !deliveries.is_empty()
                    && deliveries.iter().all(|one| one["next_at"].is_null() && one["state"] != "pending")
            })
            .await;
        let mut mailed: Vec<_> = smtp.mails()[before..].iter().flat_map(|mail| mail.to.clone()).collect();
        mailed.sort();
        let expected: Vec<String> = ["ann@example.org"].into_iter().chain(*further).map(str::to_owned).collect();
        assert_eq!(mailed, expected, "{claim}");
    }
    assert_eq!(nuncio.results("/v1/notifications?username=Ann", claims.len()).await.len(), claims.len());
    assert_eq!(nuncio.results("/v1/deliveries?recipient=ANN&state=dead", 1).await.len(), 1, "only `nonsense` failed");
    assert_eq!(nuncio.results("/v1/events?username=ann", claims.len() - 1).await.len(), claims.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_events_name_hold_up_no_mail() {
    let smtp = SmtpServer::start().await;
    smtp.refuse("RCPT <stranger", "550 5.1.1 no such user");
    let nuncio = Nuncio::with_rules(&format!(
        r#"
groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}
policies:
  seen: {{ event_matcher: {{ action: login_failed }} }}
  alarm: {{ event_matcher: {{ action: suspicious_request }} }}
rules:
  seen: {{ event_user: true, transports: [default-email-transport], policies: [seen] }}
  alarm: {{ severity: alert, group: ops, transports: [default-email-transport], policies: [alarm] }}
email: {{ from: "Nuncio <nuncio@example.org>", smtp: "{}" }}
"#,
        smtp.url()
    ))
    .await;
    let strange = ["nonsense", "a@b@c", "ü@example.org", "stranger@example.org", "a@exa_mple.org", "a..b@example.org"];
    let events: Vec<_> = strange
        .iter()
        .cycle()
        .take(30)
        .map(|email| json!({ "action": "login_failed", "user": { "email": email } }))
        .collect();
    nuncio.accept(&json!(events)).await;
    nuncio.get_until("/v1/deliveries?state=dead", |body| body["results"].as_array().unwrap().len() == 30).await;
    nuncio.accept(&json!({ "action": "suspicious_request" })).await;
    let delivered = nuncio.results("/v1/deliveries?rule=alarm&state=delivered", 1).await;
    assert_eq!(delivered[0]["attempts"].as_array().unwrap().len(), 1);
    let transports = nuncio.get("/v1/transports").await;
    assert!(transports["results"].as_array().unwrap().iter().all(|one| one["state"] == "ready"), "{transports}");
    let refused = nuncio.get("/v1/deliveries?recipient=STRANGER@example.org").await;
    let error = refused["results"][0]["attempts"][0]["error"].as_str().unwrap();
    assert_eq!(error, "the mail server answered 550 to RCPT: 5.1.1 no such user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_reaches_nobody_tells_nobody() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "event_user: true")).await;
    nuncio.accept(&json!({ "action": "login_failed" })).await;
    let pk = nuncio.accept(&json!({ "action": "login_failed", "user": { "username": "dan" } })).await.remove(0);
    let received = sink.wait_for(1, SOON).await;
    assert_eq!(received[0].json()["user_username"], "dan");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(sink.received().len(), 1);
    assert_eq!(nuncio.results("/v1/deliveries", 1).await[0]["event"], pk.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_caller_writes_stops_a_rule() {
    let sink = Sink::start().await;
    let nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    nuncio.accept(&json!({ "action": "login_failed", "context": { "policy_uuid": "failed" } })).await;
    nuncio.accept(&json!({ "action": "login_failed", "context": { "nuncio_delivery": "x" } })).await;
    nuncio.accept(&json!({ "action": "login_failed", "context": { "policy_uuid": "of-no-rule" } })).await;
    nuncio
        .accept(&json!({ "action": "login_failed", "source": "nuncio", "context": { "nuncio_delivery": null } }))
        .await;
    sink.wait_for(4, SOON).await;
    assert_eq!(nuncio.get("/v1/events").await["results"].as_array().unwrap().len(), 4);
}
