//! `nuncio job`: asks for work over all that is stored, and watches it.
//!
//! The work goes on in the Nuncio that was asked, whether or not somebody watches.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::{JobCommand, JobOptions, Watched};
use crate::http::{Remote, all, block_on, expect};

/// How often it is asked how far a job has come.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Job {
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

#[expect(clippy::print_stdout, reason = "what became of the job is the command's output")]
pub(crate) fn run(options: JobOptions) -> anyhow::Result<ExitCode> {
    let (asked, Watched { json, server }) = match options.command {
        JobCommand::List { server } => {
            for job in block_on(all(&Remote::new(&server)?, "/v1/jobs?limit=1000"))? {
                print!("{}", line(&read(job)?));
            }
            return Ok(ExitCode::SUCCESS);
        }
        JobCommand::Erase { username, email, dry_run, watched } => {
            (json!({ "kind": "erase", "username": username, "email": email, "dry_run": dry_run }), watched)
        }
        JobCommand::Restamp { dry_run, watched } => (json!({ "kind": "restamp", "dry_run": dry_run }), watched),
    };
    let remote = Remote::new(&server)?;
    let ended = block_on(async {
        let answer = remote.request(Method::POST, "/v1/jobs").json(&asked).send().await;
        let answer = answer.with_context(|| format!("cannot reach {}", remote.url()))?;
        let job: Value = expect(answer, &[StatusCode::ACCEPTED]).await?.json().await.context("the answer is no job")?;
        follow(&remote, job["id"].as_str().context("the job has no id")?).await
    })?;
    if json {
        println!("{ended}");
    } else {
        print!("{}", readable(&ended)?);
    }
    Ok(code(&ended))
}

fn read(job: Value) -> anyhow::Result<Job> {
    serde_json::from_value(job).context("the answer is no job")
}

/// Waits until the job has ended, and shows meanwhile how far it has come.
pub(crate) async fn follow(remote: &Remote, id: &str) -> anyhow::Result<Value> {
    let path = format!("/v1/jobs/{id}");
    let progress = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg}  {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    loop {
        let answer = remote.request(Method::GET, &path).send().await;
        let answer = answer.with_context(|| format!("cannot reach {}", remote.url()))?;
        let job: Value = expect(answer, &[StatusCode::OK]).await?.json().await.context("the answer is no job")?;
        if job["state"] != "running" {
            progress.finish_and_clear();
            return Ok(job);
        }
        let shown = read(job)?;
        let back = shown.reached.as_ref().map_or_else(String::new, |reached| format!(", back to {reached}"));
        progress.set_message(format!("{}{back}", counts(&shown)));
        progress.tick();
        tokio::time::sleep(LOOK).await;
    }
}

/// What a job that ended has come to, as the command's.
pub(crate) fn code(ended: &Value) -> ExitCode {
    if ended["state"] == "done" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(job: &Job) -> String {
    format!("{}  {}  {:8} {:8} {}  {}\n", job.id, job.created, kind(job), job.state, job.by, counts(job))
}

fn kind(job: &Job) -> String {
    format!("{}{}", job.kind, if job.dry_run { " (dry run)" } else { "" })
}

fn counts(job: &Job) -> String {
    let counts: Vec<_> = job.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if counts.is_empty() { "nothing yet".to_owned() } else { counts.join(", ") }
}

/// What a job has done, for people.
pub(crate) fn readable(job: &Value) -> anyhow::Result<String> {
    let job = &read(job.clone())?;
    let mut text =
        format!("{}: {}", kind(job), if job.counts.is_empty() { "nothing to do".to_owned() } else { counts(job) });
    if let (Some(from), Some(to)) = (&job.from, &job.to) {
        let would = if job.dry_run { "would be deleted" } else { "are deleted" };
        let _ = write!(text, "\nevents from {from} to {to} {would}");
    }
    if let Some(why) = &job.why {
        let _ = write!(text, "\nfailed: {why}");
    }
    text.push('\n');
    Ok(text)
}
