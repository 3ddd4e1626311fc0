//! What needs the crate's inside: shortened patience.

use std::time::Duration;

use domain::delivery::Failure;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;
use crate::http::Post;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> domain::Timestamp {
        domain::Timestamp::UNIX_EPOCH
    }
}

async fn post(url: &str, timeouts: Timeouts) -> Failure {
    let allow = ["127.0.0.0/8".parse().unwrap()];
    let http = Http::new(Arc::new(Epoch), timeouts).unwrap();
    let post = Post { url, headers: ::http::HeaderMap::new(), body: b"{}".to_vec(), allow: &allow };
    http.post(post).await.unwrap_err()
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
    assert_eq!(post(&format!("http://{address}/"), timeouts).await, Failure::Timeout(1));
    assert!(silent.await.unwrap().starts_with(b"POST / HTTP/1.1\r\n"), "it was asked, and hung up on");
}

#[tokio::test]
async fn a_handshake_that_never_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timeouts = Timeouts { connect: Duration::from_secs(1), total: Duration::from_secs(9) };
    assert_eq!(post(&format!("https://{address}/"), timeouts).await, Failure::Timeout(1));
    drop(listener);
}

#[tokio::test]
async fn a_mail_server_that_never_greets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let smtp = smtp::Smtp::patient(Duration::from_secs(1));
    let sent = smtp.send(&url, "a@example.org", "b@example.org", b"Subject: x\r\n\r\nx").await;
    assert_eq!(sent, Err(Failure::Timeout(1)));
    drop(listener);
}
