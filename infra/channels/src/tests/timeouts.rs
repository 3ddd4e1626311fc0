//! Receivers that take their time, or never stop.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const ALL: &str = "127.0.0.0/8";

fn http(timeouts: Timeouts) -> Http {
    super::http(Arc::new(SystemResolver), timeouts)
}

#[tokio::test]
async fn a_receiver_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        stream.read_to_end(&mut request).await.unwrap();
        request
    });
    let timeouts = Timeouts { connect: Duration::from_secs(9), total: Duration::from_secs(1) };
    assert_eq!(post(&http(timeouts), &format!("http://{address}/"), ALL).await, Err(Failure::Timeout(1)));
    assert!(silent.await.unwrap().starts_with(b"POST / HTTP/1.1\r\n"), "it was asked, and hung up on");
}

#[tokio::test]
async fn a_handshake_that_never_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timeouts = Timeouts { connect: Duration::from_secs(1), total: Duration::from_secs(9) };
    assert_eq!(post(&http(timeouts), &format!("https://{address}/"), ALL).await, Err(Failure::Timeout(1)));
    drop(listener);
}

#[tokio::test]
async fn a_mail_server_that_never_greets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let smtp = smtp::Smtp::with_step_timeout(Duration::from_secs(1));
    let sent = smtp.send(&url, "a@example.org", "b@example.org", b"Subject: x\r\n\r\nx").await;
    assert_eq!(sent, Err(Failure::Timeout(1)));
    drop(listener);
}

/// A receiver that sends this, and then `more` repeatedly until the client stops reading; reports how many bytes it
/// could send.
async fn talking(
    first: &'static [u8],
    more: &'static [u8],
    pause: Duration,
) -> (String, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let talk = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(first).await.unwrap();
        let mut said = 0;
        while stream.write_all(more).await.is_ok() {
            said += more.len();
            tokio::time::sleep(pause).await;
        }
        said
    });
    (url, talk)
}

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(9), total: Duration::from_secs(1) };

#[tokio::test]
async fn a_body_without_end_is_left_after_64_kib() {
    let (url, talk) = talking(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 16_384], Duration::ZERO).await;
    // Patient enough that only the limit can end it.
    let with_step_timeout = Timeouts { connect: Duration::from_secs(30), total: Duration::from_mins(1) };
    let outcome = post(&http(with_step_timeout), &url, ALL).await;
    assert_eq!(outcome, Ok(AttemptOutcome::Delivered { status: Some(200), answer: "x".repeat(1024) }));
    // The system's buffers hold a few megabytes in addition.
    assert!(talk.await.unwrap() < 64 * 1024 * 1024);
}

#[tokio::test]
async fn a_body_that_drips_is_left_when_time_is_up() {
    let (url, talk) = talking(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(20)).await;
    let Ok(AttemptOutcome::Delivered { status: Some(200), answer }) = post(&http(TIMEOUTS), &url, ALL).await else {
        panic!("the status line had said that it is delivered")
    };
    assert!(answer.starts_with('x') && answer.len() < 1024);
    talk.await.unwrap();
}

#[tokio::test]
async fn headers_without_end_are_no_answer() {
    for (more, pause) in [(&b"x-more: and more\r\n"[..], Duration::ZERO), (b"x", Duration::from_millis(20))] {
        let (url, talk) = talking(b"HTTP/1.1 200 OK\r\n", more, pause).await;
        let failure = post(&http(TIMEOUTS), &url, ALL).await.unwrap_err();
        assert!(matches!(failure, Failure::Broken(_) | Failure::Timeout(1)), "{failure:?}");
        talk.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_came_while_the_process_was_stopped_is_read() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // A separate thread, which continues while this one is blocked.
    let receiver = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap() > 0);
        std::thread::sleep(Duration::from_millis(300));
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    let http = http(TIMEOUTS);
    let stopped = async {
        // The request has left by then.
        tokio::time::sleep(Duration::from_millis(200)).await;
        std::thread::sleep(TIMEOUTS.total + Duration::from_millis(500));
    };
    let (outcome, ()) = tokio::join!(post(&http, &url, ALL), stopped);
    assert!(matches!(outcome, Ok(AttemptOutcome::Delivered { status: Some(204), .. })), "{outcome:?}");
    receiver.join().unwrap();
}
