//! The mail that a recipient gets.

use domain::delivery::{AttemptOutcome, DeliveryId, Failure};
use domain::notification::{Link, Notification};
use domain::rules_document::TransportKind;
use serde_json::json;

use crate::fixtures::{World, changed, email, login_failed, notification};
use crate::mime::MimePart;

async fn mail(world: &World, notification: &Notification) -> MimePart {
    let outcome = world.send(notification, email()).await;
    assert!(matches!(outcome, AttemptOutcome::Delivered { .. }), "{outcome:?}");
    let mails = world.mailbox();
    assert_eq!(mails.len(), 1);
    MimePart::read(&mails[0].1)
}

#[tokio::test]
async fn the_headers() {
    let world = World::with(&[]);
    let mail = mail(&world, &notification(login_failed())).await;
    let delivery = notification(login_failed()).delivery;
    for (name, value) in [
        ("From", "Nuncio <nuncio@localhost>".to_owned()),
        ("To", "akadmin <root@example.org>".to_owned()),
        ("Subject", "Nuncio notification: login_failed".to_owned()),
        ("Date", "Wed, 15 Feb 2023 15:32:56 +0000".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Nuncio-Delivery", delivery.to_string()),
        ("Message-ID", format!("<delivery.{delivery}@localhost>")),
    ] {
        assert_eq!(mail.header(name).replace('"', ""), value, "{name}");
    }
    assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
}

#[tokio::test]
async fn mails_of_a_rule_are_one_thread() {
    let threads = async |rule: &str, transport: &str| {
        let mut notification = notification(login_failed());
        rule.clone_into(&mut notification.rule);
        notification.delivery = DeliveryId::for_recipient(notification.event.pk, rule, transport, "akadmin");
        let mail = mail(&World::with(&[]), &notification).await;
        assert_eq!(mail.header("References"), mail.header("In-Reply-To"));
        (mail.header("References").to_owned(), mail.header("Message-ID").to_owned())
    };
    let (first, second, other) = (threads("a", "t").await, threads("a", "u").await, threads("b", "t").await);
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_ne!(first.0, other.0);
}

#[tokio::test]
async fn text_and_html_say_the_same() {
    let world = World::with(&[]);
    let mut notification = notification(login_failed());
    notification.link =
        Some(Link { target: "https://n.example.org/e?a=1&b=2".to_owned(), label: "Show <it>".to_owned() });
    let parts = mail(&world, &notification).await.parts();
    assert_eq!(parts.len(), 2);
    assert!(parts[0].header("Content-Type").starts_with("text/plain; charset=utf-8"));
    assert!(parts[1].header("Content-Type").starts_with("text/html; charset=utf-8"));
    let (text, html) = (parts[0].text(), parts[1].text());
    for part in [&text, &html] {
        for said in [
            "login_failed",
            "alert",
            "user_email",
            "root@example.org",
            "user_username",
            "akadmin",
            "event_user_username",
            "AnonymousUser",
            "client_ip",
            "::1",
            "2023-02-15 15:32:55 UTC",
            "authentik.events.signals",
            "stage",
            "name: default-authentication-password",
            "http_request",
            "next=%2F",
            "brute-force",
            "ops",
        ] {
            assert!(part.contains(said), "{said}: {part}");
        }
    }
    assert!(
        html.contains(r#"href="https://n.example.org/e?a=1&#38;b=2""#) && html.contains("Show &#60;it&#62;"),
        "{html}"
    );
    insta::assert_snapshot!(text.replace("\r\n", "\n"), @r###"
login_failed
Severity: alert

stage: passwordstage default-authentication-password, username: akadmin

created: 2023-02-15 15:32:55 UTC
event_user_username: AnonymousUser
client_ip: ::1
app: authentik.events.signals
stage:
  pk: 7e88f4a991c442c1a1335d80f0827d7f
  app: authentik_stages_password
  name: default-authentication-password
  model_name: passwordstage
password: ********************
username: akadmin
http_request:
  args: (query: next=%2F)
  path: /api/v3/flows/executor/default-authentication-flow/
  method: POST
user_username: akadmin
user_email: root@example.org

Show <it>:
https://n.example.org/e?a=1&b=2

-- 
Sent by Nuncio for the rule brute-force through the transport ops.
"###);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let world = World::with(&[]);
    let attack = "<script>alert(1)</script><img src=x onerror=\"go()\">'\" \u{202e}gpj.exe\u{0}\u{1b}[2J";
    let mut event = login_failed();
    event["context"] =
        json!({ "message": attack, attack: [attack], "deep": { "<b>": attack }, "url": "javascript:go()" });
    event["user"]["username"] = json!(attack);
    event["app"] = json!(attack);
    let mut notification = notification(event);
    attack.clone_into(&mut notification.rule);
    attack.clone_into(&mut notification.transport);
    attack.clone_into(&mut notification.recipient.username);
    notification.link = Some(Link { target: format!("https://x/\"><script>{attack}"), label: attack.to_owned() });
    let mail = mail(&world, &notification).await;
    let (text, html) = (mail.parts()[0].text(), mail.parts()[1].text());
    for tag in ["<script", "<img", "<b>:", "onerror=\"", "javascript:go()\""] {
        assert!(!html.contains(tag), "{tag}: {html}");
    }
    assert!(html.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    for part in [&text, &html] {
        assert!(!part.contains(['\u{202e}', '\u{0}', '\u{1b}']), "{part:?}");
    }
}

#[tokio::test]
async fn no_header_can_be_slipped_in() {
    let slip = "x\r\nBcc: evil@example.org\r\n\r\n<html>";
    let usual = mail(&World::with(&[]), &notification(login_failed())).await;
    let mut notification = notification(login_failed());
    for field in [&mut notification.rule, &mut notification.transport, &mut notification.recipient.username] {
        slip.clone_into(field);
    }
    let world = World::with(&[]);
    let kind = TransportKind::Email { subject_prefix: slip.to_owned() };
    assert!(matches!(world.send(&notification, kind).await, AttemptOutcome::Delivered { .. }));
    let mail = MimePart::read(&world.mailbox()[0].1);
    assert_eq!(mail.names(), usual.names());
    assert_eq!(mail.header("Subject"), "x  Bcc: evil@example.org    <html>login_failed");
    assert_eq!(mail.parts().len(), 2);

    let mut world = World::with(&[]);
    for from in ["Nuncio <n@example.org>\r\nBcc: evil@example.org", "n@example.org, evil@example.org", "n", ""] {
        world.document.email.from = Some(from.to_owned());
        let failure = world.fail(&notification, email()).await;
        assert!(matches!(&failure, Failure::Misconfigured(text) if text.contains("email.from")), "{from}: {failure}");
    }
    world.document.email.from = None;
    for to in
        ["a@b.example\r\nBcc: evil@example.org", "a@b.example, evil@example.org", "a@b.example>, <evil@example.org"]
    {
        to.clone_into(&mut notification.recipient.email);
        let failure = world.fail(&notification, email()).await;
        assert!(matches!(failure, Failure::Address(_)), "{to}: {failure}");
    }
    assert!(world.mailbox().is_empty());
}

#[tokio::test]
async fn names_and_subjects_beyond_ascii() {
    let mut world = World::with(&[]);
    world.document.email.from = Some("Büro Köln <buero@example.org>".to_owned());
    let mut notification = notification(login_failed());
    "Zoë \"Z\" Ünal".clone_into(&mut notification.recipient.username);
    let mail = mail(&world, &notification).await;
    for name in ["From", "To"] {
        assert!(mail.header(name).is_ascii() && mail.header(name).contains("=?utf-8?"), "{}", mail.header(name));
    }
    assert!(mail.header("From").ends_with("<buero@example.org>"));
    assert!(mail.header("Message-ID").ends_with("@example.org>"));
    assert!(mail.parts()[1].text().contains("Zoë"));
}

#[tokio::test]
async fn without_an_address_there_is_no_mail() {
    let world = World::with(&[]);
    for address in ["", "  "] {
        let mut notification = notification(login_failed());
        address.clone_into(&mut notification.recipient.email);
        assert_eq!(world.fail(&notification, email()).await, Failure::NoAddress);
    }
    assert!(world.mailbox().is_empty());
}

#[tokio::test]
async fn a_delivery_sent_twice_is_one_file() {
    let world = World::with(&[]);
    mail(&world, &notification(login_failed())).await;
    let first = world.mailbox();
    mail(&world, &notification(login_failed())).await;
    assert_eq!(world.mailbox(), first);
    let name = &first[0].0;
    assert_eq!(name, &format!("1676475176000-{}.eml", notification(login_failed()).delivery));
}

#[tokio::test]
async fn a_huge_event_is_still_a_small_mail() {
    let world = World::with(&[]);
    let context: serde_json::Map<_, _> = (0..250).map(|n| (format!("key{n}"), json!("&".repeat(1000)))).collect();
    let mail = mail(&world, &changed("/context", context.into())).await;
    let html = mail.parts()[1].text();
    assert!(html.len() < 300_000 && html.contains("more in the event"), "{}", html.len());
    assert!(mail.parts()[0].text().len() < 60_000);
    let lines = world.mailbox()[0].1.lines().map(str::len).max().unwrap();
    assert!(lines <= 998, "RFC 5322 allows lines of 998 characters, not {lines}");
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_written_to() {
    let world = World::with(&[]);
    std::fs::write(world.folder.path().join("mailbox"), "a file").unwrap();
    let failure = world.fail(&notification(login_failed()), email()).await;
    assert!(matches!(failure, Failure::Store(_)), "{failure}");
}

#[tokio::test]
async fn a_change_is_told_by_what_was_and_what_is() {
    let mut event = login_failed();
    event["context"] = json!({ "diff": { "email": { "previous_value": "a@x.y", "new_value": "b@x.y" } } });
    for part in mail(&World::with(&[]), &notification(event)).await.parts() {
        assert!(part.text().contains("email: a@x.y → b@x.y"), "{}", part.text());
    }
}
