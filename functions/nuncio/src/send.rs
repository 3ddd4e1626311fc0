//! `nuncio send`: posts events from files or standard input, in batches, with progress.
//!
//! A batch that meets a busy or restarting server is posted again under the same `Idempotency-Key`,
//! so that trying again never doubles an event.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::ports::Entropy as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::Send;
use crate::http::{Remote, block_on, problem};

/// Half the server's limit on events, and well below its limit on bytes.
const EVENTS_TO_A_BATCH: usize = 500;
const BYTES_TO_A_BATCH: usize = 2 * 1024 * 1024;

const TRIES: u32 = 8;

#[derive(Deserialize)]
struct Answer {
    results: Vec<Verdict>,
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Verdict {
    Accepted,
    Rejected { detail: String, pointer: String },
}

#[derive(Default)]
struct Counts {
    accepted: usize,
    rejected: usize,
}

#[expect(clippy::print_stderr, reason = "the summary is for the user, not for a pipe")]
pub(crate) fn run(mut options: Send) -> anyhow::Result<ExitCode> {
    if options.files.is_empty() {
        options.files.push("-".into());
    }
    let counts = block_on(async {
        let sender =
            Sender { remote: Remote::new(&options.server)?, run: format!("send-{:032x}", host::OsEntropy.bits()) };
        let progress = progress(&options.files);
        let mut counts = Counts::default();
        for file in &options.files {
            sender.send_file(file, &progress, &mut counts).await?;
        }
        progress.finish_and_clear();
        Ok(counts)
    })?;
    eprintln!("{} accepted, {} rejected", counts.accepted, counts.rejected);
    Ok(if counts.rejected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// By bytes where the sizes of all files are known; indicatif shows nothing unless on a terminal.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let sizes: Option<u64> = files.iter().map(|file| Some(std::fs::metadata(file).ok()?.len())).sum();
    let (bar, template) = match sizes {
        Some(bytes) => (ProgressBar::new(bytes), "{bar:30} {bytes}/{total_bytes}  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {msg}  {elapsed}"),
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

struct Sender {
    remote: Remote,
    /// Names this run in the batches' idempotency keys.
    run: String,
}

impl Sender {
    async fn send_file(&self, file: &PathBuf, progress: &ProgressBar, counts: &mut Counts) -> anyhow::Result<()> {
        let name = if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() };
        let input: Box<dyn Read> = if file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(file).with_context(|| format!("cannot open {name}"))?)
        };
        let mut batch: Vec<Box<RawValue>> = Vec::new();
        let (mut bytes, mut first) = (0, 1);
        for event in events(progress.wrap_read(input)) {
            let event = event.with_context(|| format!("{name}: no JSON after event {}", first + batch.len() - 1))?;
            if !batch.is_empty() && (batch.len() == EVENTS_TO_A_BATCH || bytes + event.get().len() > BYTES_TO_A_BATCH) {
                self.post(&name, first, &batch, progress, counts).await?;
                first += batch.len();
                batch.clear();
                bytes = 0;
            }
            bytes += event.get().len();
            batch.push(event);
        }
        if batch.is_empty() { Ok(()) } else { self.post(&name, first, &batch, progress, counts).await }
    }

    async fn post(
        &self,
        name: &str,
        first: usize,
        batch: &[Box<RawValue>],
        progress: &ProgressBar,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let last = first + batch.len() - 1;
        let key = format!("{}-{}", self.run, counts.accepted + counts.rejected);
        let response = self.post_until_taken(&serde_json::to_vec(batch)?, &key).await?;
        if !matches!(
            response.status(),
            StatusCode::ACCEPTED | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE
        ) {
            bail!("{name}: events {first} to {last}: the server answered {}", problem(response).await);
        }
        let status = response.status();
        let answer: Answer = response.json().await.with_context(|| {
            format!("{name}: events {first} to {last}: the server answered {status} without results")
        })?;
        for (place, verdict) in answer.results.iter().enumerate() {
            match verdict {
                Verdict::Accepted => counts.accepted += 1,
                Verdict::Rejected { detail, pointer } => {
                    counts.rejected += 1;
                    // The pointer's first part is the place in the batch, which means nothing here.
                    let within = pointer.strip_prefix(&format!("/{place}")).unwrap_or(pointer);
                    let message = format!("{name}: event {}: {within}: {detail}", first + place);
                    progress.suspend(|| report(&message.replace(": : ", ": ")));
                }
            }
        }
        progress.set_message(format!("{} events", counts.accepted + counts.rejected));
        Ok(())
    }

    async fn post_until_taken(&self, body: &[u8], key: &str) -> anyhow::Result<Response> {
        let mut tries = 1;
        loop {
            let request = self.remote.request(Method::POST, "/v1/events").header("Idempotency-Key", key);
            let sent = request.header(CONTENT_TYPE, "application/json").body(body.to_vec()).send().await;
            let wait = match sent {
                Ok(response) if !matches!(response.status().as_u16(), 429 | 500..=599) || tries == TRIES => {
                    return Ok(response);
                }
                Ok(response) => retry_after(&response),
                Err(error) if tries == TRIES => {
                    return Err(error.without_url()).with_context(|| format!("cannot reach {}", self.remote.url()));
                }
                Err(_) => None,
            };
            tokio::time::sleep(wait.unwrap_or(Duration::from_millis(100 << tries))).await;
            tries += 1;
        }
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(30)))
}

#[expect(clippy::print_stderr, reason = "which events were rejected is for the user")]
fn report(message: &str) {
    eprintln!("{message}");
}

/// The events of a stream of JSON values, in which an array is its items.
fn events<R: Read>(input: R) -> impl Iterator<Item = serde_json::Result<Box<RawValue>>> {
    let values = serde_json::Deserializer::from_reader(BufReader::new(input)).into_iter::<Box<RawValue>>();
    values.flat_map(|value| match value {
        Ok(value) if value.get().starts_with('[') => match serde_json::from_str::<Vec<Box<RawValue>>>(value.get()) {
            Ok(items) => items.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        },
        other => vec![other],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        events(text.as_bytes()).map(|event| event.unwrap().get().to_owned()).collect()
    }

    #[test]
    fn objects_arrays_and_lines_are_events() {
        assert_eq!(read("{\"a\": 1}\n{\"b\":2}\n"), ["{\"a\": 1}", "{\"b\":2}"]);
        assert_eq!(read("[{\"a\":1}, {\"b\":\n2}] {}"), ["{\"a\":1}", "{\"b\":\n2}", "{}"]);
        assert!(read(" ").is_empty());
        assert!(events("{\"a\":1}\n{oops".as_bytes()).nth(1).unwrap().is_err());
    }
}
