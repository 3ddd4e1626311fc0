//! `nuncio job`: asks for work over all that is stored, and watches it.
//!
//! The work goes on in the Nuncio that was asked, whether or not somebody watches.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::{JobCommand, JobOptions, Watched};
use crate::http::{Remote, block_on, expect};

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

#[derive(Deserialize)]
struct Page {
    results: Vec<Job>,
    next: Option<String>,
}

#[expect(clippy::print_stdout, reason = "what became of the job is the command's output")]
pub(crate) fn run(options: JobOptions) -> anyhow::Result<ExitCode> {
    let (asked, Watched { json, server }) = match options.command {
        JobCommand::List { server } => {
            let remote = Remote::new(&server)?;
            print!("{}", block_on(list(&remote))?);
            return Ok(ExitCode::SUCCESS);
        }
        JobCommand::Erase { username, email, dry_run, watched } => {
            (json!({ "kind": "erase", "username": username, "email": email, "dry_run": dry_run }), watched)
        }
        JobCommand::Restamp { dry_run, watched } => (json!({ "kind": "restamp", "dry_run": dry_run }), watched),
    };
    let remote = Remote::new(&server)?;
    let ended = block_on(watch(&remote, asked))?;
    let job: Job = serde_json::from_value(ended.clone()).context("the answer is no job")?;
    if json {
        println!("{ended}");
    } else {
        print!("{}", readable(&job));
    }
    Ok(if job.state == "done" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks for the job and waits until it has ended.
async fn watch(remote: &Remote, asked: Value) -> anyhow::Result<Value> {
    let reach = || format!("cannot reach {}", remote.url());
    let answer = remote.request(Method::POST, "/v1/jobs").json(&asked).send().await.with_context(reach)?;
    let mut job: Value = expect(answer, &[StatusCode::ACCEPTED]).await?.json().await.context("the answer is no job")?;
    let path = format!("/v1/jobs/{}", job["id"].as_str().context("the job has no id")?);
    let progress = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg}  {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    while job["state"] == "running" {
        let shown: Job = serde_json::from_value(job).context("the answer is no job")?;
        let back = shown.reached.as_ref().map_or_else(String::new, |reached| format!(", back to {reached}"));
        progress.set_message(format!("{}{back}", counts(&shown)));
        progress.tick();
        tokio::time::sleep(LOOK).await;
        let answer = remote.request(Method::GET, &path).send().await.with_context(reach)?;
        job = expect(answer, &[StatusCode::OK]).await?.json().await.context("the answer is no job")?;
    }
    progress.finish_and_clear();
    Ok(job)
}

async fn list(remote: &Remote) -> anyhow::Result<String> {
    let (mut text, mut cursor) = (String::new(), String::new());
    loop {
        let answer = remote.request(Method::GET, &format!("/v1/jobs?limit=1000{cursor}")).send().await;
        let answer = answer.with_context(|| format!("cannot reach {}", remote.url()))?;
        let page: Page = expect(answer, &[StatusCode::OK]).await?.json().await.context("the answer is no list")?;
        for job in &page.results {
            let _ = writeln!(
                text,
                "{}  {}  {:8} {:8} {}  {}",
                job.id,
                job.created,
                kind(job),
                job.state,
                job.by,
                counts(job)
            );
        }
        let Some(next) = page.next else { return Ok(text) };
        if next.is_empty() {
            bail!("the server's list does not end");
        }
        cursor = format!("&cursor={next}");
    }
}

fn kind(job: &Job) -> String {
    format!("{}{}", job.kind, if job.dry_run { " (dry run)" } else { "" })
}

fn counts(job: &Job) -> String {
    let counts: Vec<_> = job.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    if counts.is_empty() { "nothing yet".to_owned() } else { counts.join(", ") }
}

fn readable(job: &Job) -> String {
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
    text
}
