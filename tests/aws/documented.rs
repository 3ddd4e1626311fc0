//! The commands that `infra/deploy/README.md` gives for a deployed stack, as its reader runs them: a token into the
//! table, rules through the console's URL, one event to the ingest URL.

use std::process::{Command, Output};

use axum::extract::{Request, State};
use axum::response::Response;
use reqwest::Method;
use serde_json::json;
use support::binaries::cloud_binary;
use support::emulator::{Emulator, REGION};
use support::pages::Page;
use support::proxy::pass_on_to;
use support::{Answer, Sink};
use tokio::net::TcpListener;

use crate::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_from_the_table_puts_rules_in_force_and_posts_an_event() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(200)]);
    let stack = Stack::deploy("retention: days=365\n").await;
    let folder = tempfile::tempdir().unwrap();
    let page = Page::read("infra/deploy/README.md");

    let create = documented(&page, "cargo run --features cloud -- token create");
    let created = nuncio(&create.replace("TABLE", &stack.adapters.settings().table), folder.path());
    let token = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    assert!(token.starts_with("nuncio_"), "{token}");

    let rules = format!(
        "allow_networks: [127.0.0.0/8]\ngroups: {{ ops: [ {{ username: ann }} ] }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         policies: {{ any: {{ event_matcher: {{ action: login }} }} }}\n\
         rules: {{ all: {{ group: ops, transports: [hook], policies: [any] }} }}\n",
        sink.url("/hook")
    );
    std::fs::write(folder.path().join("nuncio.yaml"), rules).unwrap();
    let apply = documented(&page, "cargo run -- apply");
    let console = address_of(stack.url_of("ConsoleUrl")).await;
    let applied = nuncio(&apply.replace("CONSOLE_URL", &console).replace("TOKEN", &token), folder.path());
    assert_eq!(String::from_utf8(applied.stdout).unwrap(), "nuncio.yaml is in force as version 2\n");

    let event = json!({ "action": "login", "context": { "message": "from the documentation" } });
    let post = stack.request_as(&token, Method::POST, "IngestUrl", "/v1/events").json(&event);
    assert_eq!(post.send().await.unwrap().status(), 202);
    // The functions notice new rules within half a minute; what is posted before that was matched by the old ones.
    for _ in 0..60 {
        if !sink.received_at("/hook").is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let post = stack.request_as(&token, Method::POST, "IngestUrl", "/v1/events").json(&event);
        assert_eq!(post.send().await.unwrap().status(), 202);
    }
    assert_eq!(sink.received_at("/hook")[0].json()["body"], "from the documentation");

    let id =
        String::from_utf8(created.stderr).unwrap().split_whitespace().nth(2).unwrap().trim_end_matches(';').to_owned();
    let listed = nuncio(&format!("token list --table {}", stack.adapters.settings().table), folder.path());
    assert!(String::from_utf8(listed.stdout).unwrap().contains(&id));
    let revoke = format!("token revoke {id} --table {}", stack.adapters.settings().table);
    assert!(nuncio(&revoke, folder.path()).status.success());
}

/// The arguments of the page's only command that begins with `start`.
fn documented(page: &Page, start: &str) -> String {
    let lines: Vec<_> = page.shell().into_iter().filter(|line| line.starts_with(start)).collect();
    let [line] = &lines[..] else { panic!("{} has the line once: {start}: {lines:?}", page.name()) };
    line.split_once(" -- ").expect("arguments follow").1.to_owned()
}

/// Runs the command as it is built with the feature `cloud`, with the credentials and endpoint of the emulator.
fn nuncio(arguments: &str, folder: &std::path::Path) -> Output {
    let output = Command::new(cloud_binary())
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("AWS_ENDPOINT_URL", Emulator::shared().endpoint())
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// An address on loopback that leads to a function's URL: the emulator tells functions apart by the name asked for,
/// which no name server here knows.
async fn address_of(url: String) -> String {
    let host = url.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(forward).with_state((reqwest::Client::new(), host));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn forward(State((client, host)): State<(reqwest::Client, String)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    pass_on_to(&client, Some(&host), parts, body).await.into()
}
