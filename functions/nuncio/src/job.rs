//! `nuncio job`: starts a job over all stored data on the server, and shows its progress.
//!
//! The job runs on the server and continues if this command is interrupted.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::{JobCommand, JobOptions, WatchOptions};
use crate::http::{Remote, all, block_on, expect};
use crate::values::in_words;

/// How often the server is asked for a job's progress.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct JobResponse {
    id: String,
    kind: String,
    dry_run: bool,
    state: String,
    counts: Map<String, Value>,
    from: Option<String>,
    to: Option<String>,
    why: Option<String>,
    by: String,
    created: String,
    reached: Option<String>,
}

#[expect(clippy::print_stdout, reason = "the job's result is the command's output")]
pub(crate) fn run(options: JobOptions) -> anyhow::Result<ExitCode> {
    let (asked, WatchOptions { json, server }) = match options.command {
        JobCommand::List { server } => {
            for job in block_on(all(&Remote::new(&server)?, "/v1/jobs?limit=1000"))? {
                print!("{}", line(&read(job)?));
            }
            return Ok(ExitCode::SUCCESS);
        }
        JobCommand::Erase { username, email, dry_run, watch } => {
            (json!({ "kind": "erase", "username": username, "email": email, "dry_run": dry_run }), watch)
        }
        JobCommand::Restamp { dry_run, watch } => (json!({ "kind": "restamp", "dry_run": dry_run }), watch),
    };
    let remote = Remote::new(&server)?;
    let ended = block_on(async {
        let answer = remote.request(Method::POST, "/v1/jobs").json(&asked).send().await;
        let answer = answer.with_context(|| format!("cannot reach {}", remote.url()))?;
        let job: Value = expect(answer, &[StatusCode::ACCEPTED])
            .await?
            .json()
            .await
            .context("unexpected response from the server: not a job")?;
        follow(&remote, job["id"].as_str().context("unexpected response from the server: the job has no id")?).await
    })?;
    if json {
        println!("{ended}");
    } else {
        print!("{}", readable(&ended)?);
    }
    Ok(code(&ended))
}

fn read(job: Value) -> anyhow::Result<JobResponse> {
    serde_json::from_value(job).context("unexpected response from the server: not a job")
}

/// Waits until the job has ended, and shows its progress meanwhile. Returns the job as the server sends it.
pub(crate) async fn follow(remote: &Remote, id: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/jobs/{id}");
    let progress = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg}  {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    loop {
        let answer = remote.request(Method::GET, &path).send().await;
        let answer = answer.with_context(|| format!("cannot reach {}", remote.url()))?;
        let job: Value = expect(answer, &[StatusCode::OK])
            .await?
            .json()
            .await
            .context("unexpected response from the server: not a job")?;
        if job["state"] != "running" {
            progress.finish_and_clear();
            return Ok(job);
        }
        let shown = read(job)?;
        let back = shown.reached.as_ref().map_or_else(String::new, |reached| format!(", back to {reached}"));
        progress.set_message(format!("{}{back}", counts(&shown)));
        progress.tick();
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The exit code for a job that has ended: success only for the state `done`.
pub(crate) fn code(ended: &Value) -> ExitCode {
    if ended["state"] == "done" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(job: &JobResponse) -> String {
    format!("{}  {}  {:8} {:8} {}  {}\n", job.id, job.created, kind(job), job.state, job.by, counts(job))
}

fn kind(job: &JobResponse) -> String {
    format!("{}{}", job.kind, if job.dry_run { " (dry run)" } else { "" })
}

fn counts(job: &JobResponse) -> String {
    let counts: Vec<_> = job.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if counts.is_empty() { "nothing yet".to_owned() } else { counts.join(", ") }
}

/// Describes the result of a job for people.
pub(crate) fn readable(job: &Value) -> anyhow::Result<String> {
    let job = &read(job.clone())?;
    let mut text =
        format!("{}: {}", kind(job), if job.counts.is_empty() { "nothing to do".to_owned() } else { counts(job) });
    if let (Some(from), Some(to)) = (&job.from, &job.to) {
        let would = if job.dry_run { "would be deleted" } else { "were deleted" };
        let _ = write!(text, "\nevents from {} to {} {would}", in_words(from), in_words(to));
    }
    if let Some(why) = &job.why {
        let _ = write!(text, "\nfailed: {why}");
    }
    text.push('\n');
    Ok(text)
}
