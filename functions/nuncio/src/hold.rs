//! `nuncio hold`: keeps events beyond their retention, lists the holds, and lifts them.
//!
//! One request puts or lifts a hold. The server then runs a job that updates the expiry of stored events; the job
//! continues if this command is interrupted.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use domain::retention::hold::HoldFilter;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{HoldCommand, HoldFilters, HoldOptions, WatchOptions};
use crate::http::{Remote, all, block_on, expect};
use crate::job;

#[derive(Deserialize)]
struct HoldResponse {
    id: String,
    filter: HoldFilter,
    reason: String,
    by: String,
    created: String,
    ended: Option<String>,
    ended_by: Option<String>,
    state: String,
    job: String,
}

impl From<HoldFilters> for HoldFilter {
    fn from(filters: HoldFilters) -> Self {
        let HoldFilters { action, app, username, client_ip, since, until } = filters;
        Self { action, app, username, client_ip, since, until }
    }
}

#[expect(clippy::print_stdout, reason = "the holds are the command's output")]
pub(crate) fn run(options: HoldOptions) -> anyhow::Result<ExitCode> {
    let (method, path, body, expected, WatchOptions { json, server }) = match options.command {
        HoldCommand::List { state, server } => {
            let path = state.map_or_else(String::new, |state| format!("&state={}", state.as_str()));
            let holds = block_on(all(&Remote::new(&server)?, &format!("/v1/holds?limit=1000{path}")))?;
            for hold in holds {
                print!(
                    "{}",
                    line(&serde_json::from_value(hold).context("unexpected response from the server: not a hold")?)
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        HoldCommand::Put { filters, reason, watch } => {
            let body = json!({ "filter": HoldFilter::from(filters), "reason": reason });
            (Method::POST, "/v1/holds".to_owned(), Some(body), StatusCode::CREATED, watch)
        }
        HoldCommand::Lift { id, watch } => (Method::DELETE, format!("/v1/holds/{id}"), None, StatusCode::OK, watch),
    };
    let remote = Remote::new(&server)?;
    block_on(async {
        let request = remote.request(method, &path);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.with_context(|| format!("cannot reach {}", remote.url()))?;
        let shown: Value = expect(response, &[expected])
            .await?
            .json()
            .await
            .context("unexpected response from the server: not a hold")?;
        let hold: HoldResponse =
            serde_json::from_value(shown.clone()).context("unexpected response from the server: not a hold")?;
        if !json {
            print!("{}", line(&hold));
        }
        let ended = job::follow(&remote, &hold.job).await?;
        if json {
            println!("{}", json!({ "hold": shown, "job": ended }));
        } else {
            print!("{}", job::readable(&ended)?);
        }
        Ok(job::code(&ended))
    })
}

fn line(hold: &HoldResponse) -> String {
    let filter = serde_json::to_value(&hold.filter).unwrap_or_default();
    let fields = filter.as_object().into_iter().flatten();
    let fields: Vec<_> = fields.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    let mut text =
        format!("{}  {}  {:6} {}  {}  {:?}", hold.id, hold.created, hold.state, hold.by, fields.join(" "), hold.reason);
    if let (Some(ended), Some(by)) = (&hold.ended, &hold.ended_by) {
        let _ = write!(text, "  ended {ended} by {by}");
    }
    text.push('\n');
    text
}
