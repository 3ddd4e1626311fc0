//! Authorisation: every described route refuses callers without a token, with a wrong one, and with a lesser scope.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use support::nuncio::{Nuncio, TOKEN, answer};

/// The routes that need no token. A route that is missing here and in `openapi.json` alike fails the test below.
const OPEN: [(&str, &str); 8] = [
    ("post", "/in/x"),
    ("get", "/in/x"),
    ("options", "/v1/events"),
    ("get", "/healthz"),
    ("get", "/openapi.json"),
    ("post", "/v1/session"),
    ("delete", "/v1/session"),
    ("get", "/v1/session/help"),
];

/// A route as `openapi.json` describes it.
struct Operation {
    method: Method,
    /// The path with its placeholders filled in.
    path: String,
    /// The required scope, or `None` for an open route.
    scope: Option<String>,
}

impl Operation {
    fn is_open(&self) -> bool {
        OPEN.contains(&(self.method.as_str().to_lowercase().as_str(), self.path.as_str()))
    }

    /// Without credentials, and with parameters that no route accepts: the refusal must come first.
    fn unauthorized(&self, nuncio: &Nuncio) -> RequestBuilder {
        Client::new().request(self.method.clone(), nuncio.at(&format!("{}?unknown=parameter", self.path)))
    }

    fn with_token(&self, nuncio: &Nuncio, token: &str) -> RequestBuilder {
        Client::new().request(self.method.clone(), nuncio.at(&self.path)).bearer_auth(token)
    }
}

/// A value for each placeholder that the route can parse.
fn fill(placeholder: &str) -> &'static str {
    match placeholder {
        "{pk}" => "018650dd-2c93-7f1e-8afe-ad5af90bf680",
        "{id}" => "018650dd-2c93-7f1e-8afe-ad5af90bf680_0123456789abcdef0123",
        "{version}" => "0",
        _ => "x",
    }
}

async fn operations(nuncio: &Nuncio) -> Vec<Operation> {
    let (status, description) = answer(Client::new().get(nuncio.at("/openapi.json"))).await;
    assert_eq!(status, 200);
    let mut found = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parts = path.split('/').map(|part| if part.starts_with('{') { fill(part) } else { part });
            found.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: parts.collect::<Vec<_>>().join("/"),
                scope: operation["security"].pointer("/0/token/0").and_then(Value::as_str).map(str::to_owned),
            });
        }
    }
    found
}

fn create_token(nuncio: &Nuncio, scope: &str) -> String {
    let created = nuncio.run(&["token", "create", "--scope", scope]);
    String::from_utf8(created.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_described_route_requires_its_scope() {
    let nuncio = Nuncio::with_rules("trusted_proxies: [127.0.0.1]\n").await;
    let (ingest, read) = (create_token(&nuncio, "ingest"), create_token(&nuncio, "read"));
    let operations = operations(&nuncio).await;
    assert!(operations.len() > 35, "the description lists {} routes", operations.len());
    for (number, operation) in operations.iter().enumerate() {
        let name = format!("{} {}", operation.method, operation.path);
        assert_eq!(operation.scope.is_none(), operation.is_open(), "{name}: scope {:?}", operation.scope);
        let Some(scope) = &operation.scope else { continue };

        let (status, problem) = answer(operation.unauthorized(&nuncio)).await;
        assert_eq!(status, 401, "{name} without a token: {problem}");

        // Each from an address of its own: too many wrong tokens from one address would block it.
        let wrong = operation.unauthorized(&nuncio).bearer_auth("wrong");
        let (status, problem) = answer(wrong.header("x-forwarded-for", format!("192.0.2.{number}"))).await;
        assert_eq!((status, &problem["detail"]), (401, &"unknown token".into()), "{name} with a wrong token");

        let (lesser, sufficient): (&[&str], &[&str]) = match scope.as_str() {
            "ingest" => (&[&read], &[&ingest, TOKEN]),
            "read" => (&[&ingest], &[&read, TOKEN]),
            "admin" => (&[&ingest, &read], &[TOKEN]),
            other => panic!("{name} requires the unknown scope {other}"),
        };
        for token in lesser {
            let (status, problem) = answer(operation.unauthorized(&nuncio).bearer_auth(token)).await;
            assert_eq!(status, 403, "{name} with a lesser scope: {problem}");
            assert_eq!(
                problem["detail"],
                format!("the token lacks the scope \"{scope}\"; ask for a token that has it"),
                "{name}"
            );
        }
        for token in sufficient {
            // Only the head of the response: a live response has no end.
            let status = operation.with_token(&nuncio, token).send().await.unwrap().status();
            assert!(![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status), "{name}: {status}");
        }
    }
}
