//! The client of the HTTP API.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::ServerOptions;

/// A server and a token for it.
pub(crate) struct Remote {
    client: Client,
    url: String,
    token: String,
}

impl Remote {
    pub(crate) fn new(server: &ServerOptions) -> anyhow::Result<Self> {
        if !server.url.starts_with("http://") && !server.url.starts_with("https://") {
            bail!("the server's URL begins with http:// or https://, such as http://127.0.0.1:8787");
        }
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_mins(1))
            .build()
            .context("cannot set up HTTP")?;
        Ok(Self { client, url: server.url.trim_end_matches('/').to_owned(), token: server.token.clone() })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// The server's URL, for messages.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Describes an error response in one line: status and detail.
pub(crate) async fn problem(response: Response) -> String {
    let status = response.status();
    error_text(status, &response.text().await.unwrap_or_default())
}

/// The same for a response whose body was read already.
pub(crate) fn error_text(status: StatusCode, body: &str) -> String {
    let detail =
        serde_json::from_str::<Value>(body).ok().and_then(|problem| Some(problem.get("detail")?.as_str()?.to_owned()));
    format!("{} {}", status.as_u16(), detail.unwrap_or_else(|| status.canonical_reason().unwrap_or("").to_owned()))
}

/// Fails with the server's message unless the status is one of those expected.
pub(crate) async fn expect(response: Response, expected: &[StatusCode]) -> anyhow::Result<Response> {
    if expected.contains(&response.status()) {
        return Ok(response);
    }
    bail!("the server responded {}", problem(response).await)
}

/// Reads all pages of a list. `path` must contain a query string.
pub(crate) async fn all(remote: &Remote, path: &str) -> anyhow::Result<Vec<Value>> {
    let (mut results, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = remote.request(Method::GET, &format!("{path}{cursor}")).send().await;
        let answer = answer.with_context(|| format!("cannot reach {}", remote.url()))?;
        let page: ListResponse = expect(answer, &[StatusCode::OK])
            .await?
            .json()
            .await
            .context("unexpected response from the server: not a list")?;
        results.extend(page.results);
        let Some(next) = page.next else { return Ok(results) };
        if next.is_empty() {
            bail!("unexpected response from the server: a page has an empty cursor");
        }
        cursor = format!("&cursor={next}");
    }
}

#[derive(Deserialize)]
struct ListResponse {
    results: Vec<Value>,
    next: Option<String>,
}

/// Runs the asynchronous part of a command.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?.block_on(work)
}
