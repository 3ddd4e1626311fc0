//! The error of a failed delivery reveals no secret, by any transport and for any failure.

use domain::delivery::Failure;
use domain::rules_document::{PlainOrSecret, TransportKind};

use crate::fixtures::{World, email, login_failed, notification, signed, slack, webhook};
use crate::recorder::SmtpServer;
use crate::sink::Sink;

/// Parts of the URLs, secrets, addresses and bodies that are used below.
const PRIVATE: [&str; 9] =
    ["hushhush", "s3same", "127.0.0.1", "localhost", "nowhere", "root@", "akadmin", "::1", "default-authentication"];

fn assert_gives_nothing_away(failure: &Failure) {
    let mut shown = vec![failure.to_string()];
    // What the receiver said is for the test button, and is the only thing that is not our own words.
    if failure.answer().is_none() {
        shown.push(format!("{failure:?}"));
    }
    for part in PRIVATE {
        assert!(!shown.iter().any(|text| text.contains(part)), "{part}: {shown:?}");
    }
}

#[tokio::test]
async fn every_failure_of_every_transport() {
    let sink = Sink::start().await;
    sink.answer(500, &[], "s3same");
    let smtp = SmtpServer::start().await;
    smtp.refuse("RCPT", "550 <root@example.org> hushhush");
    let port = sink.authority.rsplit_once(':').unwrap().1.to_owned();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bad_key = format!("{}_s3same!", "whsec");
    let secret_url = format!("http://{closed}/hushhush");
    let mut world = World::with(&[("KEY", &bad_key), ("URL", &secret_url), ("JUNK", "hushhush s3same")]);
    let notification = notification(login_failed());

    let mut failures = Vec::new();
    let urls = [
        format!("http://{}/hushhush?token=s3same", sink.authority),
        format!("https://{}/hushhush", sink.authority),
        format!("http://{closed}/hushhush"),
        format!("http://[::1]:{port}/hushhush"),
        format!("http://ann:s3same@localhost:{port}/"),
        "http://nowhere.invalid/hushhush".to_owned(),
        "hushhush".to_owned(),
        "ftp://localhost/hushhush".to_owned(),
        "env:URL".to_owned(),
        "env:JUNK".to_owned(),
        "env:MISSING".to_owned(),
    ];
    for url in urls {
        failures.push(world.fail(&notification, webhook(&url)).await);
        failures.push(world.fail(&notification, slack(&url)).await);
    }
    failures.push(world.fail(&notification, signed(sink.url("/hushhush"), &["KEY"])).await);
    for server in [
        smtp.url(),
        format!("smtps://ann:s3same@{}", smtp.address()),
        format!("smtp://ann:s3same@{closed}"),
        "smtp://ann:s3same@nowhere.invalid".to_owned(),
        "smtp:hushhush".to_owned(),
        "env:JUNK".to_owned(),
        "env:MISSING".to_owned(),
    ] {
        world.document.email.smtp = Some(PlainOrSecret::parse(&server));
        failures.push(world.fail(&notification, email()).await);
    }
    world.document.email.from = Some("root@".to_owned());
    failures.push(world.fail(&notification, email()).await);
    *world.inbox.broken.lock().unwrap() = true;
    failures.push(world.fail(&notification, TransportKind::Local).await);

    assert_eq!(failures.len(), 32);
    failures.iter().for_each(assert_gives_nothing_away);
}

#[tokio::test]
async fn a_local_notification_lands_in_the_inbox() {
    let world = World::with(&[]);
    let notification = notification(login_failed());
    world.send(&notification, TransportKind::Local).await;
    let items = world.inbox.items.lock().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].username.as_str(), items[0].event), ("akadmin", notification.event.pk));
}
