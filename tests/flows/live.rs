//! A user who looks at an inbox learns of its changes as they happen.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::nuncio::{Nuncio, answer};

async fn listen(nuncio: &Nuncio, token: Option<&str>) -> Response {
    let path = "/v1/notifications/live";
    let request = match token {
        Some(token) => reqwest::Client::new().get(nuncio.at(path)).bearer_auth(token),
        None => nuncio.request(Method::GET, path),
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    response
}

/// The next message of the stream; `None` at its end.
async fn said(stream: &mut Response) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_mins(1), stream.chunk()).await.expect("something is said");
    chunk.expect("the stream ends well").map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

const CHANGED: &str = "event: inbox\ndata: changed\n\n";

fn told() -> Value {
    json!({ "action": "configuration_error", "context": { "message": "down" } })
}

fn token(nuncio: &Nuncio, arguments: &[&str]) -> (String, String) {
    let output = nuncio.run(&[&["token", "create"], arguments].concat());
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let listed = nuncio.run(&["token", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    let id = listed.lines().last().unwrap().split_whitespace().next().unwrap().to_owned();
    (text, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_comes_and_of_what_is_seen() {
    let nuncio = Nuncio::built_in().await;
    let mut stream = listen(&nuncio, None).await;
    nuncio.accept(&told()).await;
    assert_eq!(said(&mut stream).await.as_deref(), Some(CHANGED));
    let pk = nuncio.results("/v1/notifications", 1).await[0]["pk"].as_str().unwrap().to_owned();
    let seen = nuncio.request(Method::PATCH, &format!("/v1/notifications/{pk}")).json(&json!({ "seen": true }));
    assert_eq!(answer(seen).await.0, 200);
    assert_eq!(said(&mut stream).await.as_deref(), Some(CHANGED));
    nuncio.accept(&told()).await;
    assert_eq!(said(&mut stream).await.as_deref(), Some(CHANGED));
    assert_eq!(answer(nuncio.request(Method::POST, "/v1/notifications/mark_all_seen")).await.0, 200);
    assert_eq!(said(&mut stream).await.as_deref(), Some(CHANGED));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_read_it_and_no_longer() {
    let nuncio = Nuncio::built_in().await;
    let path = "/v1/notifications/live";
    let (reader, id) = token(&nuncio, &["--scope", "read", "--username", "admin"]);
    let (stranger, _) = token(&nuncio, &["--scope", "read", "--username", "bob"]);
    let (nobody, _) = token(&nuncio, &["--scope", "read"]);
    let (poster, _) = token(&nuncio, &["--scope", "ingest", "--username", "admin"]);
    for (token, query, expected) in
        [(&stranger, "?username=admin", 403), (&nobody, "", 400), (&poster, "", 403), (&"x".to_owned(), "", 401)]
    {
        let request = reqwest::Client::new().get(nuncio.at(&format!("{path}{query}"))).bearer_auth(token);
        assert_eq!(answer(request).await.0, expected, "{query}");
    }
    let (mut own, mut other) = (listen(&nuncio, Some(&reader)).await, listen(&nuncio, Some(&stranger)).await);
    nuncio.accept(&told()).await;
    assert_eq!(said(&mut own).await.as_deref(), Some(CHANGED));
    // There is no news for bob: the next message that he gets says that his inbox is empty.
    assert_eq!(said(&mut other).await.as_deref(), Some(": nothing new\n\n"));
    assert!(nuncio.run(&["token", "revoke", &id]).status.success());
    nuncio.accept(&told()).await;
    assert_eq!(said(&mut own).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_server_is_asked_to_end() {
    let mut nuncio = Nuncio::built_in().await;
    let mut stream = listen(&nuncio, None).await;
    let (status, _) = nuncio.terminate();
    assert!(status.success());
    assert_eq!(said(&mut stream).await, None);
    assert!(!nuncio.log().contains("panicked"));
}
