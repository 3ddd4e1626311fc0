//! The requests that a generic webhook sends, and how Nuncio interprets the responses.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::delivery::{AttemptOutcome, Attribution, Failure, retry};
use domain::rules_document::{PlainOrSecret, TransportKind};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fixtures::{NOW, World, changed, login_failed, notification, signed, webhook};
use crate::sink::Sink;

#[tokio::test]
async fn the_whole_request() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    let outcome = world.send(&notification(login_failed()), webhook(sink.url("/in?a=b"))).await;
    assert_eq!(outcome, AttemptOutcome::Delivered { status: Some(200), answer: "ok".to_owned() });
    let shown = sink.only().text().replace(&sink.authority, "[sink]").replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(shown, @r###"
POST /in?a=b
traceparent: 00-018655ab7777800080002779b173eb2a-48243336e12c950d-00
content-type: application/json
webhook-id: msg_018655ab-7777-8000-8000-2779b173eb2a_7e5b48243336e12c950d
webhook-timestamp: 1676475180
accept: */*
user-agent: Nuncio/[version]
host: [sink]
content-length: 233

{"body":"login_failed: stage: passwordstage default-authentication-password, username: akadmin","severity":"alert","user_email":"root@example.org","user_username":"akadmin","event_user_email":"","event_user_username":"AnonymousUser"}
"###);
}

#[tokio::test]
async fn the_events_user_is_named_where_it_has_one() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    for user in [json!({}), json!({ "username": "ann" }), json!({ "pk": 1 })] {
        world.send(&changed("/user", user), webhook(sink.url("/"))).await;
    }
    let bodies: Vec<_> = sink.received().iter().map(crate::sink::Received::json).collect();
    let plain = ["body", "severity", "user_email", "user_username"];
    assert_eq!(bodies[0].as_object().unwrap().keys().collect::<Vec<_>>(), plain);
    assert_eq!((&bodies[1]["event_user_email"], &bodies[1]["event_user_username"]), (&json!(null), &json!("ann")));
    assert_eq!((&bodies[2]["event_user_email"], &bodies[2]["event_user_username"]), (&json!(null), &json!(null)));
    assert_eq!(bodies[2].as_object().unwrap().len(), 6);
}

#[tokio::test]
async fn the_content_type_is_the_transports() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    let of_type = |content_type: &str| TransportKind::Webhook {
        url: PlainOrSecret::Plain(sink.url("/")),
        secrets: Vec::new(),
        content_type: content_type.to_owned(),
    };
    world.send(&notification(login_failed()), of_type("text/json")).await;
    assert_eq!(sink.only().header("content-type"), "text/json");
    let failure = world.fail(&notification(login_failed()), of_type("text/json\r\nx: y")).await;
    assert!(matches!(failure, Failure::Misconfigured(_)), "{failure}");
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn signed_by_every_secret_and_verified_from_the_wire() {
    let encoded = STANDARD.encode([7_u8; 32]);
    let prefixed = format!("{}_{encoded}", "whsec");
    let (sink, world) = (Sink::start().await, World::with(&[("NEW", &prefixed), ("OLD", " plain words\n")]));
    for _ in 0..2 {
        world.send(&notification(login_failed()), signed(sink.url("/"), &["NEW", "OLD"])).await;
    }
    let received = sink.received();
    for request in &received {
        let content = [
            request.header("webhook-id").as_bytes(),
            b".",
            request.header("webhook-timestamp").as_bytes(),
            b".",
            &request.body,
        ]
        .concat();
        let signatures: Vec<_> = request.header("webhook-signature").split(' ').collect();
        assert_eq!(signatures.len(), 2);
        for (signature, key) in signatures.iter().zip([&[7_u8; 32][..], b" plain words\n"]) {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
            mac.update(&content);
            mac.verify_slice(&STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap()).unwrap();
        }
    }
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"), "the id is the delivery's");
}

#[tokio::test]
async fn a_secret_that_is_missing_or_no_key_sends_nothing() {
    let (sink, world) = (Sink::start().await, World::with(&[("BAD", "whsec_???"), ("EMPTY", "")]));
    for name in ["BAD", "EMPTY", "MISSING"] {
        let failure = world.fail(&notification(login_failed()), signed(sink.url("/"), &[name])).await;
        let Failure::Misconfigured(text) = &failure else { panic!("{failure:?}") };
        assert!(text.contains(&format!("env:{name}")) && !text.contains("hunter2") && !text.contains("???"), "{text}");
    }
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn the_url_may_be_a_secret() {
    let sink = Sink::start().await;
    let url = sink.url("/hook");
    let world = World::with(&[("HOOK", &url)]);
    world.send(&notification(login_failed()), webhook("env:HOOK")).await;
    assert_eq!(sink.only().line, "POST /hook");
}

#[tokio::test]
async fn only_2xx_is_delivery() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    for status in
        [200, 201, 202, 204, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 408, 410, 425, 429, 500, 503, 599]
    {
        sink.answer(status, &[("location", "/elsewhere")], "because");
        let outcome = world.send(&notification(login_failed()), webhook(sink.url("/"))).await;
        match outcome {
            AttemptOutcome::Delivered { status: Some(said), .. } => assert!(said == status && status < 300, "{status}"),
            AttemptOutcome::Failed(Failure::Answered { status: said, retry_after: None, .. }) => {
                assert!(said == status && status >= 300, "{status}");
            }
            other => panic!("{status}: {other:?}"),
        }
    }
    assert!(sink.received().iter().all(|request| request.line == "POST /"), "no redirect was followed");
    assert_eq!(sink.received().len(), 22, "and nothing was sent twice");
}

#[tokio::test]
async fn connections_serve_again() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    // A response that is longer than the part Nuncio keeps must not cost the connection.
    sink.answer(200, &[], &"x".repeat(50_000));
    for _ in 0..5 {
        world.send(&notification(login_failed()), webhook(sink.url("/"))).await;
    }
    let received = sink.received();
    assert_eq!(received.len(), 5);
    assert!(received.iter().all(|request| request.peer == received[0].peer));
}

#[tokio::test]
async fn retry_after_in_seconds_and_as_a_date() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    for (header, expected) in [
        ("120", at("2023-02-15T15:35:00Z")),
        (" 0 ", at("2023-02-15T15:33:00Z")),
        ("Wed, 15 Feb 2023 16:00:00 GMT", at("2023-02-15T16:00:00Z")),
        ("Wednesday, 15-Feb-23 16:00:00 GMT", at("2023-02-15T16:00:00Z")),
        ("89.5", at("2023-02-15T15:34:30Z")),
        ("99999999999999999999999", Some(Timestamp::MAX)),
        ("-1", None),
        ("1e9", None),
        (".", None),
        ("soon", None),
    ] {
        sink.answer(503, &[("retry-after", header)], "");
        let failure = world.fail(&notification(login_failed()), webhook(sink.url("/"))).await;
        assert_eq!(
            failure,
            Failure::Answered { status: 503, retry_after: expected, answer: String::new() },
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_long_answer_is_cut() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    sink.answer(200, &[], &"é".repeat(100_000));
    let outcome = world.send(&notification(login_failed()), webhook(sink.url("/"))).await;
    assert_eq!(outcome, AttemptOutcome::Delivered { status: Some(200), answer: "é".repeat(512) });
}

#[tokio::test]
async fn this_machine_is_out_of_reach_unless_allowed() {
    let (sink, mut world) = (Sink::start().await, World::with(&[]));
    let port = sink.authority.rsplit_once(':').unwrap().1.to_owned();
    world.document.allow_networks.clear();
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "[::1]"] {
        let failure = world.fail(&notification(login_failed()), webhook(format!("http://{host}:{port}/"))).await;
        let Failure::Blocked(text) = &failure else { panic!("{host}: {failure:?}") };
        assert!(text.contains("loopback") && text.contains("allow_networks"), "{text}");
    }
    assert!(sink.received().is_empty());
    // The document changes, and changes back.
    world.document.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    world.send(&notification(login_failed()), webhook(format!("http://localhost:{port}/"))).await;
    assert_eq!(sink.received().len(), 1);
    world.document.allow_networks.clear();
    world.fail(&notification(login_failed()), webhook(format!("http://localhost:{port}/"))).await;
    assert_eq!(sink.received().len(), 1, "an open connection is no way around");
}

#[tokio::test]
async fn what_is_not_an_answer() {
    let world = World::with(&[]);
    let cases = [
        (answering(b"").await, false, "Broken"),
        (answering(b"220 mail.example.org ESMTP\r\n").await, false, "Broken"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Le").await, false, "Broken"),
        (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, true, "Tls"),
        (closed_port().await, false, "Connect"),
    ];
    for (address, tls, expected) in cases {
        let scheme = if tls { "https" } else { "http" };
        let failure = world.fail(&notification(login_failed()), webhook(format!("{scheme}://{address}/"))).await;
        assert!(format!("{failure:?}").starts_with(expected), "{expected}: {failure:?}");
    }
    let failure = world.fail(&notification(login_failed()), webhook("http://nowhere.invalid/")).await;
    assert_eq!(failure, Failure::Resolve);
}

#[tokio::test]
async fn an_answer_that_breaks_off_behind_its_status_was_an_answer() {
    let world = World::with(&[]);
    let address = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
    let outcome = world.send(&notification(login_failed()), webhook(format!("http://{address}/"))).await;
    assert_eq!(outcome, AttemptOutcome::Delivered { status: Some(200), answer: "half".to_owned() });
}

/// Where a server reads once, says this, and hangs up.
async fn answering(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(words).await.unwrap();
        stream.shutdown().await.unwrap();
        // Until the client has hung up too, so that nothing unread turns the end into a reset.
        while stream.read(&mut request).await.is_ok_and(|count| count > 0) {}
    });
    address
}

async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn an_answer_may_have_many_headers() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    let names: Vec<&'static str> = (0..400).map(|n| &*format!("x-{n}").leak()).collect();
    let headers: Vec<_> = names.iter().map(|name| (*name, "value")).collect();
    sink.answer(204, &headers, "");
    let outcome = world.send(&notification(login_failed()), webhook(sink.url("/"))).await;
    assert!(matches!(outcome, AttemptOutcome::Delivered { status: Some(204), .. }), "{outcome:?}");
}

#[tokio::test]
async fn whoever_asks_for_the_far_future_gets_a_day() {
    let (sink, world) = (Sink::start().await, World::with(&[]));
    for date in ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 30 Dec 9999 00:00:00 GMT", "99999999999999999999"] {
        sink.answer(503, &[("retry-after", date)], "");
        let failed = AttemptOutcome::Failed(world.fail(&notification(login_failed()), webhook(sink.url("/"))).await);
        let now = NOW.parse().unwrap();
        let retry::NextStep::Retry { at } = retry::next(1, &failed, now, 0.0) else { panic!("{failed:?}") };
        assert_eq!(at.duration_since(now).as_hours(), 24, "{date}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_up_on_a_large_body_refuses_that_message() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut start = [0; 100];
            let _ = stream.read(&mut start).await;
        }
    });
    let world = World::with(&[]);
    for (chars, attribution) in [(100, Attribution::Endpoint), (200_000, Attribution::Message)] {
        let mut notification = notification(login_failed());
        notification.body = "x".repeat(chars);
        let failure = world.fail(&notification, webhook(&url)).await;
        assert_eq!(failure.attribution(), attribution, "{failure}");
    }
    server.abort();
}
