//! `nuncio send`: posts events from files or standard input, in batches, with progress.
//!
//! If the server is busy or restarting, a batch is posted again with the same `Idempotency-Key`, so that a retry never
//! duplicates an event. An event that cannot be posted is reported and counted; the others are posted in any case.

mod stream;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::ports::Entropy as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;

use crate::cli::SendOptions;
use crate::http::{Remote, block_on, error_text};
use stream::{Events, Piece};

/// The limits of one batch: half of the server's limit on events, and far less than its limit on bytes.
const MAX_BATCH_EVENTS: usize = 500;
const MAX_BATCH_BYTES: usize = 2 * 1024 * 1024;

/// The most notes to print: every event of a file may have the same one.
const MAX_NOTES: usize = 20;

const MAX_ATTEMPTS: u32 = 8;

/// The statuses by which the server rejects a batch as a whole. A part of the batch may still be accepted.
const REFUSED: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];

#[derive(Deserialize)]
struct PostResponse {
    results: Vec<EventResult>,
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum EventResult {
    Accepted {
        /// What the server changed or ignored, each as `POINTER: what`.
        #[serde(default)]
        notes: Vec<String>,
    },
    Rejected {
        detail: String,
        pointer: String,
    },
}

#[derive(Default)]
struct Counts {
    accepted: usize,
    rejected: usize,
    requests: usize,
    /// How many notes the server made, printed or not.
    notes: usize,
}

impl Counts {
    #[expect(clippy::print_stderr, reason = "which events were rejected is for the user")]
    fn reject(&mut self, progress: &ProgressBar, message: &str) {
        self.rejected += 1;
        progress.suspend(|| eprintln!("{message}"));
    }

    /// Counts a note, and prints it if it is one of the first.
    #[expect(clippy::print_stderr, reason = "what became of an event is for the user")]
    fn note(&mut self, progress: &ProgressBar, message: &str) {
        self.notes += 1;
        if self.notes <= MAX_NOTES {
            progress.suspend(|| eprintln!("{message}"));
        }
    }

    /// Counts the result of the event at index `index` in its batch, and prints a rejection and notes.
    fn add(&mut self, result: &EventResult, index: usize, event: &str, progress: &ProgressBar) {
        match result {
            EventResult::Accepted { notes } => {
                self.accepted += 1;
                for note in notes {
                    self.note(progress, &format!("{event}: note: {}", within(note, index)));
                }
            }
            EventResult::Rejected { detail, pointer } => {
                let within = within(pointer, index);
                let within = if within.is_empty() { String::new() } else { format!("{within}: ") };
                self.reject(progress, &format!("{event}: {within}{detail}"));
            }
        }
    }
}

/// The pointer without the index in the batch with which it begins, because that is meaningless to the user.
fn within(pointer: &str, index: usize) -> &str {
    pointer.strip_prefix(&format!("/{index}")).unwrap_or(pointer)
}

/// Events, each with its number in the file, from 1.
#[derive(Default)]
struct Batch {
    events: Vec<(usize, Vec<u8>)>,
    bytes: usize,
}

impl Batch {
    fn is_full_for(&self, event: &[u8]) -> bool {
        !self.events.is_empty() && (self.events.len() == MAX_BATCH_EVENTS || self.bytes + event.len() > MAX_BATCH_BYTES)
    }

    fn add(&mut self, number: usize, event: Vec<u8>) {
        self.bytes += event.len();
        self.events.push((number, event));
    }
}

/// A JSON array of the events, each byte for byte as in the file.
fn body(events: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let events: Vec<&[u8]> = events.iter().map(|(_, event)| event.as_slice()).collect();
    [b"[".as_slice(), &events.join(&b','), b"]"].concat()
}

#[expect(clippy::print_stderr, reason = "the summary is for the user, not for a pipe")]
pub(crate) fn run(mut options: SendOptions) -> anyhow::Result<ExitCode> {
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
    if counts.notes > MAX_NOTES {
        eprintln!("{} more notes are not shown", counts.notes - MAX_NOTES);
    }
    eprintln!("{} accepted, {} rejected", counts.accepted, counts.rejected);
    Ok(if counts.rejected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Shows progress by bytes if the sizes of all files are known. indicatif shows nothing if stderr is not a terminal.
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
    /// A unique prefix of this run's idempotency keys.
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
        let input = stream::decompressed(progress.wrap_read(input)).with_context(|| format!("cannot read {name}"))?;
        let mut batch = Batch::default();
        let mut number = 0;
        for piece in Events::new(input) {
            number += 1;
            match piece.with_context(|| format!("{name}: cannot be read after event {}", number - 1))? {
                Piece::Event(event) => {
                    if batch.is_full_for(&event) {
                        self.post(&name, std::mem::take(&mut batch), progress, counts).await?;
                    }
                    batch.add(number, event);
                }
                Piece::Corrupt(what) => counts.reject(progress, &format!("{name}: event {number}: {what}")),
            }
        }
        self.post(&name, batch, progress, counts).await
    }

    /// Posts a batch. If the server rejects it as a whole, posts its halves, to find the event at fault.
    async fn post(&self, name: &str, batch: Batch, progress: &ProgressBar, counts: &mut Counts) -> anyhow::Result<()> {
        let mut waiting = vec![&batch.events[..]];
        while let Some(events) = waiting.pop() {
            let [(first, _), ..] = events else { continue };
            let last = events.last().map_or(*first, |(last, _)| *last);
            counts.requests += 1;
            let key = format!("{}-{}", self.run, counts.requests);
            let response = self.post_until_taken(&body(events), &key).await?;
            let status = response.status();
            let text = response.text().await.with_context(|| format!("{name}: events {first} to {last}"))?;
            match serde_json::from_str::<PostResponse>(&text) {
                Ok(answer) => {
                    for (index, (result, (number, _))) in answer.results.iter().zip(events).enumerate() {
                        counts.add(result, index, &format!("{name}: event {number}"), progress);
                    }
                }
                Err(_) if !REFUSED.contains(&status) => {
                    bail!("{name}: events {first} to {last}: the server responded {}", error_text(status, &text));
                }
                Err(_) if events.len() > 1 => {
                    let (one, other) = events.split_at(events.len() / 2);
                    waiting.extend([other, one]);
                }
                Err(_) => counts.reject(progress, &format!("{name}: event {first}: {}", error_text(status, &text))),
            }
            progress.set_message(format!("{} events", counts.accepted + counts.rejected));
        }
        Ok(())
    }

    async fn post_until_taken(&self, body: &[u8], key: &str) -> anyhow::Result<Response> {
        let mut tries = 1;
        loop {
            let request = self.remote.request(Method::POST, "/v1/events").header("Idempotency-Key", key);
            let sent = request.header(CONTENT_TYPE, "application/json").body(body.to_vec()).send().await;
            let wait = match sent {
                Ok(response) if !matches!(response.status().as_u16(), 429 | 500..=599) || tries == MAX_ATTEMPTS => {
                    return Ok(response);
                }
                Ok(response) => retry_after(&response),
                Err(error) if tries == MAX_ATTEMPTS => {
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
