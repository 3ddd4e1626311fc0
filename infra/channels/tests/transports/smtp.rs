//! A real SMTP conversation.

use domain::delivery::{Attribution, Class, Failure, Outcome};
use domain::rules_document::Text;

use crate::fixtures::{World, email, login_failed, notification};
use crate::mime::MimePart;
use crate::recorder::SmtpServer;

fn world(server: &SmtpServer) -> World {
    let mut world = World::with(&[]);
    world.document.email.smtp = Some(Text::Plain(server.url()));
    world
}

#[tokio::test]
async fn a_mail_is_handed_over() {
    let server = SmtpServer::start().await;
    let world = world(&server);
    let outcome = world.send(&notification(login_failed()), email()).await;
    assert!(matches!(outcome, Outcome::Delivered { status: Some(250), .. }), "{outcome:?}");
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].from.as_str(), mails[0].to.as_slice()),
        ("nuncio@localhost", &["root@example.org".to_owned()][..])
    );
    let mail = MimePart::read(std::str::from_utf8(&mails[0].data).unwrap());
    assert_eq!(mail.header("Subject"), "Nuncio notification: login_failed");
    assert_eq!(mail.parts().len(), 2);
    assert!(world.mailbox().is_empty(), "it went to the server alone");
}

#[tokio::test]
async fn connections_serve_again() {
    let server = SmtpServer::start().await;
    let world = world(&server);
    for _ in 0..5 {
        world.send(&notification(login_failed()), email()).await;
    }
    assert_eq!((server.mails().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn the_servers_code_decides() {
    use Attribution::{Endpoint, Message, Recipient};

    let server = SmtpServer::start().await;
    let world = world(&server);
    for (stage, reply, code, attribution, dies) in [
        ("CONNECT", "421 4.3.2 come back later", 421, Endpoint, false),
        ("MAIL", "452 4.3.1 full", 452, Endpoint, false),
        ("MAIL", "550 5.7.1 who are you", 550, Endpoint, false),
        ("RCPT", "450 4.2.1 <root@example.org> later", 450, Recipient, false),
        ("RCPT", "550 5.1.1 <root@example.org> no such user", 550, Recipient, true),
        ("RCPT", "421 4.3.2 closing down", 421, Endpoint, false),
        ("DATA", "451 not now", 451, Message, false),
        ("DATA", "554 5.5.1 no valid recipients", 554, Message, true),
        ("DATA", "250 what for", 250, Endpoint, false),
        (".", "452 4.3.1 full", 452, Message, false),
        (".", "554 5.7.1 spam", 554, Message, true),
        (".", "354 go on", 354, Endpoint, false),
    ] {
        server.refuse(stage, reply);
        // A kept connection would pass by CONNECT.
        let fresh = self::world(&server);
        let failure = fresh.fail(&notification(login_failed()), email()).await;
        assert_eq!(failure.status(), Some(code), "{stage}: {reply}: {failure}");
        assert_eq!(
            (failure.attribution(), failure.class() == Class::Permanent),
            (attribution, dies),
            "{stage}: {reply}"
        );
        let said = failure.with_answer();
        assert!(said.ends_with(&format!(": {}", &reply[4..])) && !failure.to_string().contains('@'), "{said}");
    }
    assert!(server.mails().is_empty());
    server.heal();
    world.send(&notification(login_failed()), email()).await;
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_everybody_loses_no_mail() {
    let server = SmtpServer::start().await;
    for (stage, reply) in
        [("CONNECT", "554 go away root@example.org"), ("EHLO", "502 what?"), ("MAIL", "530 login first")]
    {
        server.refuse(stage, reply);
        let failure = self::world(&server).fail(&notification(login_failed()), email()).await;
        assert!(matches!(failure.class(), Class::Temporary { .. }), "{stage}: {failure}");
        assert!(!failure.to_string().contains("root@"), "{failure}");
    }
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_connection_that_went_stale_is_replaced() {
    let server = SmtpServer::start().await;
    let world = world(&server);
    world.send(&notification(login_failed()), email()).await;
    server.refuse("NOOP", "");
    world.send(&notification(login_failed()), email()).await;
    assert_eq!((server.mails().len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn the_url_with_its_password_may_be_a_secret() {
    let server = SmtpServer::start().await;
    let url = format!("smtp://ann%40example.org:{}@{}", "p%3Aw", server.address());
    let mut world = World::with(&[("SMTP", &url)]);
    world.document.email.smtp = Some(Text::parse("env:SMTP"));
    let outcome = world.send(&notification(login_failed()), email()).await;
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    server.refuse("AUTH", "535 5.7.8 bad credentials");
    let mut fresh = World::with(&[("SMTP", &url)]);
    fresh.document.email.smtp = Some(Text::parse("env:SMTP"));
    let failure = fresh.fail(&notification(login_failed()), email()).await;
    assert!(matches!(failure, Failure::Misconfigured(_)), "{failure}");
}

#[tokio::test]
async fn servers_that_are_none() {
    let server = SmtpServer::start().await;
    let address = server.address();
    server.refuse("MAIL", "");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut world = World::with(&[]);
    for (url, expected) in [
        (format!("smtp://{address}"), "Broken"),
        (format!("smtp://{address}?tls=required"), "Tls"),
        (format!("smtps://{address}"), "Tls"),
        (format!("smtp://{silent}"), "Connect"),
        ("smtp://nowhere.invalid".to_owned(), "Resolve"),
        (format!("http://{address}"), "Misconfigured"),
        (format!("smtp://{address}?tls=maybe"), "Misconfigured"),
        ("localhost:25".to_owned(), "Misconfigured"),
    ] {
        world.document.email.smtp = Some(Text::Plain(url.clone()));
        let failure = world.fail(&notification(login_failed()), email()).await;
        assert!(format!("{failure:?}").starts_with(expected), "{url}: {failure:?}");
    }
    assert!(server.mails().is_empty() && world.mailbox().is_empty());
}

#[tokio::test]
async fn every_address_that_smtp_knows_is_mailed() {
    let server = SmtpServer::start().await;
    let world = world(&server);
    for (address, sent) in [
        ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
        ("a@[127.0.0.1]", "a@[127.0.0.1]"),
        ("a@[IPv6:::1]", "a@[IPv6:::1]"),
        ("\"x y\"@x.org", "\"x y\"@x.org"),
        ("\"x@y\"@x.org", "\"x@y\"@x.org"),
        ("o'neil+tag@x.org", "o'neil+tag@x.org"),
    ] {
        let mut notification = notification(login_failed());
        notification.recipient.email = address.to_owned();
        let outcome = world.send(&notification, email()).await;
        assert!(matches!(outcome, Outcome::Delivered { .. }), "{address}: {outcome:?}");
        assert_eq!(server.mails().pop().unwrap().to, [sent]);
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_mailed_is_its_recipients_affair() {
    let server = SmtpServer::start().await;
    let world = world(&server);
    let too_long = format!("{}@example.org", "a".repeat(65));
    for address in ["", "nonsense", "\u{fc}@example.org", &too_long, "a@b@c", "a@example.org>", "a\n@example.org"] {
        let mut notification = notification(login_failed());
        notification.recipient.email = address.to_owned();
        let failure = world.fail(&notification, email()).await;
        let judged = (failure.attribution(), failure.class());
        assert_eq!(judged, (Attribution::Recipient, Class::Permanent), "{address}: {failure}");
    }
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn silence_after_the_recipient_is_not_the_servers() {
    let server = SmtpServer::start().await;
    for (stage, attribution) in
        [("RCPT", Attribution::Recipient), ("DATA", Attribution::Message), (".", Attribution::Message)]
    {
        server.refuse(stage, "");
        let failure = self::world(&server).fail(&notification(login_failed()), email()).await;
        assert_eq!(failure.attribution(), attribution, "{stage}: {failure}");
        assert!(matches!(failure.class(), Class::Temporary { .. }), "{stage}: {failure}");
    }
}

#[tokio::test]
async fn a_local_part_outside_ascii_goes_to_a_server_that_takes_it() {
    let server = SmtpServer::start().await;
    let mut world = world(&server);
    let mut notification = notification(login_failed());
    notification.recipient.email = "\u{fc}n\u{ef}@b\u{fc}cher.example".to_owned();
    assert_eq!(world.fail(&notification, email()).await, Failure::NoSmtputf8);
    server.refuse("EHLO", "250-recorder\r\n250-8BITMIME\r\n250 SMTPUTF8");
    let fresh = self::world(&server);
    let outcome = fresh.send(&notification, email()).await;
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    assert_eq!(server.mails().pop().unwrap().to, ["\u{fc}n\u{ef}@xn--bcher-kva.example"]);
    server.heal();
    world.document.email.from = Some("\u{fc}@example.org".to_owned());
    notification.recipient.email = "ann@example.org".to_owned();
    let failure = world.fail(&notification, email()).await;
    assert!(matches!(&failure, Failure::Misconfigured(why) if why.contains("email.from")), "{failure}");
}
