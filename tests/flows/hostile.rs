//! Hostile clients get a proper response, and do not keep others from being served.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::nuncio::{Nuncio, TOKEN, answer};
use support::tools;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile").join(file)
}

/// Sends these bytes; returns everything received until the end of the connection.
async fn say(nuncio: &Nuncio, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(nuncio.at("").trim_start_matches("http://")).await.unwrap();
    // It may hang up before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_requests_are_answered_as_described() {
    let nuncio = Nuncio::built_in().await;
    nuncio.accept(&json!([{ "action": "update_available" }, { "action": "login" }])).await;
    let python = tools::python("schemathesis", &here("requirements.txt"));
    let run = Command::new(python.with_file_name("schemathesis"))
        .arg("--config-file")
        .arg(here("schemathesis.toml"))
        .args(["run", &nuncio.at("/openapi.json"), "--header", &format!("Authorization: Bearer {TOKEN}")])
        .current_dir(nuncio.data())
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    assert!(run.status.success(), "{said}\n{}", nuncio.log());
    nuncio.accept(&json!({ "action": "login" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_what_the_routers_take() {
    let nuncio = Nuncio::built_in().await;
    let (status, description) = answer(reqwest::Client::new().get(nuncio.at("/openapi.json"))).await;
    assert_eq!((status, &description["openapi"]), (200, &json!("3.1.0")));
    for (path, operations) in description["paths"].as_object().unwrap() {
        let filled = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>();
        let request = nuncio.request(reqwest::Method::TRACE, &filled.join("/"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        let allow = response.headers()["allow"].to_str().unwrap().to_lowercase();
        let mut taken: Vec<&str> = allow.split(',').filter(|method| *method != "head").collect();
        let mut described: Vec<&str> = operations.as_object().unwrap().keys().map(String::as_str).collect();
        taken.sort_unstable();
        described.sort_unstable();
        assert_eq!(taken, described, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_that_only_wait_keep_nobody_out() {
    let mut nuncio = Nuncio::not_started("retention: days=1\n");
    nuncio.limit_files(256);
    nuncio.start().await;
    let mut crowd = Command::new("python3")
        .arg(here("crowd.py"))
        .args([nuncio.at("").trim_start_matches("http://"), "1000"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut lines = BufReader::new(crowd.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "1000 open");
    for _ in 0..20 {
        // Each by a new connection.
        let client = reqwest::Client::new().post(nuncio.at("/v1/events")).bearer_auth(TOKEN);
        assert_eq!(answer(client.json(&json!({ "action": "login" }))).await.0, 202);
    }
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.trim(), "1000 closed by the server");
    assert!(crowd.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_beyond_the_limits() {
    let nuncio = Nuncio::built_in().await;
    let head = |rest: &str| format!("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{rest}");
    let close = "Content-Type: application/json\r\nConnection: close\r\n";
    for (request, status) in [
        (head(&format!("X-Large: {}\r\n\r\n", "x".repeat(100_000))), "431"),
        (head(&format!("{}\r\n", "X-Many: x\r\n".repeat(200))), "431"),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000)), "431"),
        (head(&format!("{close}Content-Length: 1000000000000\r\n\r\n{{")), "413"),
        (head(&format!("{close}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}")), "400"),
        (head(&format!("{close}Content-Length: -1\r\n\r\n{{}}")), "400"),
        (head(&format!("{close}Transfer-Encoding: chunked\r\n\r\nzz\r\n")), "400"),
        (head(&format!("Host: y\r\n{close}Content-Length: 2\r\n\r\n{{}}")), "400"),
        (head(&format!("Host: x\r\n{close}Content-Length: 2\r\n\r\n{{}}")), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), "200"),
        ("GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n".to_owned(), "200"),
        (head("X-Folded: a\r\n b: c\r\n\r\n"), "400"),
        (head("X-Nul: \0\r\n\r\n"), "400"),
        ("\x16\x03\x01\x02\0\x01\0\x01\u{fc}".to_owned(), "400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = say(&nuncio, request.as_bytes()).await;
        let said = answer.split(' ').nth(1).unwrap_or_default();
        assert_eq!(said, status, "{:?}: {answer}", &request[..request.len().min(150)]);
    }
    nuncio.accept(&json!({ "action": "login" })).await;
    assert!(!nuncio.log().contains("panicked"), "{}", nuncio.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_tokens_has_to_wait_and_nobody_else() {
    let nuncio = Nuncio::built_in().await;
    nuncio.get("/v1/events").await;
    let client = reqwest::Client::new();
    let mut statuses = Vec::new();
    for number in 0..25 {
        // The address cannot be chosen by those who ask.
        let request = client.get(nuncio.at("/v1/events")).bearer_auth(format!("guess-{number}"));
        let request = request.header("Nuncio-Client", format!("192.0.2.{number}"));
        let response = request.header("X-Forwarded-For", format!("192.0.2.{number}")).send().await.unwrap();
        let waits = response.headers().get("retry-after").is_some();
        statuses.push((response.status().as_u16(), waits));
        let problem: Value = response.json().await.unwrap();
        assert!(problem["detail"].is_string());
    }
    assert_eq!(statuses, [vec![(401, false); 20], vec![(429, true); 5]].concat());
    nuncio.get("/v1/events").await;
    assert_eq!(answer(client.get(nuncio.at("/healthz"))).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_used_before_a_restart_does_not_wait_for_those_who_guess() {
    let mut nuncio = Nuncio::built_in().await;
    let made = nuncio.run(&["token", "create", "--scope", "read"]);
    let fresh = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    nuncio.get("/v1/events").await;
    // That it was is written a moment later, so that no request waits for it.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    nuncio.kill();
    nuncio.start().await;
    let client = reqwest::Client::new();
    let ask = async |token: &str| answer(client.get(nuncio.at("/v1/events")).bearer_auth(token)).await.0;
    for number in 0..20 {
        assert_eq!(ask(&format!("guess-{number}")).await, 401);
    }
    assert_eq!((ask("guess").await, ask(&fresh).await), (429, 429), "nor is it said whether a guess was right");
    assert_eq!(ask(TOKEN).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_it_is_its_client_who_has_to_wait() {
    let nuncio = Nuncio::with_rules("trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]\n").await;
    let client = reqwest::Client::new();
    let ask = async |header: &str, value: &str| {
        answer(client.get(nuncio.at("/v1/events")).bearer_auth("guess").header(header, value)).await.0
    };
    for number in 0..20 {
        // The client's own entry comes first, and is ignored.
        assert_eq!(ask("X-Forwarded-For", &format!("198.51.100.{number}, 192.0.2.7, 10.0.0.2")).await, 401);
    }
    assert_eq!(ask("X-Forwarded-For", "192.0.2.7").await, 429);
    assert_eq!(ask("Forwarded", "for=198.51.100.1, for=\"192.0.2.7:4711\";proto=https").await, 429);
    assert_eq!(ask("X-Forwarded-For", "192.0.2.7, 192.0.2.8").await, 401);
    assert_eq!(ask("Forwarded", "for=\"[2001:db8::7]:80\"").await, 401);
}
