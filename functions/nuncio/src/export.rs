//! `nuncio export`: stored events to a file or standard output, part by part, with progress.
//!
//! A part that fails is asked for again; nothing of it has been written. What was written is whole parts, so an export
//! that was given up goes on from the cursor that it prints.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::Timestamp;
use domain::ports::Clock as _;
use host::SystemClock;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};

use crate::cli::{Export, ExportFormat};
use crate::http::{Remote, block_on, expect, problem};

const TRIES: u32 = 5;

struct Part {
    text: String,
    next: Option<String>,
}

#[expect(clippy::print_stderr, reason = "where to go on is for the user, not for a pipe")]
pub(crate) fn run(options: &Export) -> anyhow::Result<ExitCode> {
    let remote = Remote::new(&options.server)?;
    let mut output: Box<dyn Write> = match &options.output {
        Some(file) => {
            let mut open = OpenOptions::new();
            // Going on adds to what is there.
            let open = if options.cursor.is_some() { open.append(true) } else { open.write(true).truncate(true) };
            Box::new(open.create(true).open(file).with_context(|| format!("cannot write {}", file.display()))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let progress = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {bytes}  {msg}  {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let mut cursor = options.cursor.clone();
    let done = block_on(async {
        loop {
            let Part { text, next } = fetch(&remote, options, cursor.as_deref()).await?;
            output.write_all(text.as_bytes()).context("cannot write")?;
            progress.inc(text.len() as u64);
            let Some(next) = next else { break };
            if let Ok(pk) = next.parse::<domain::EventPk>() {
                progress.set_message(format!("back to {}", domain::time::format(pk.instant())));
            }
            cursor = Some(next);
        }
        output.flush().context("cannot write")
    });
    progress.finish_and_clear();
    if let (Err(_), Some(cursor)) = (&done, &cursor) {
        eprintln!("not all was exported; go on with --cursor {cursor}");
    }
    done.map(|()| ExitCode::SUCCESS)
}

async fn fetch(remote: &Remote, options: &Export, cursor: Option<&str>) -> anyhow::Result<Part> {
    let path = path(options, cursor);
    let mut tries = 1;
    loop {
        match fetch_once(remote, &path).await {
            Ok(part) => return Ok(part),
            Err(Fault::Passing(_)) if tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                tries += 1;
            }
            Err(Fault::Passing(fault)) => bail!(fault),
            Err(Fault::Lasting(fault)) => return Err(fault),
        }
    }
}

enum Fault {
    /// Trying again may help.
    Passing(String),
    Lasting(anyhow::Error),
}

async fn fetch_once(remote: &Remote, path: &str) -> Result<Part, Fault> {
    let passing =
        |error: reqwest::Error| Fault::Passing(format!("cannot read from {}: {}", remote.url(), error.without_url()));
    let response = remote.request(Method::GET, path).send().await.map_err(passing)?;
    if matches!(response.status().as_u16(), 429 | 500..=599) {
        return Err(Fault::Passing(format!("the server answered {}", problem(response).await)));
    }
    let response = expect(response, &[StatusCode::OK]).await.map_err(Fault::Lasting)?;
    let next = response.headers().get("nuncio-next").and_then(|next| next.to_str().ok()).map(str::to_owned);
    Ok(Part { next, text: response.text().await.map_err(passing)? })
}

fn path(options: &Export, cursor: Option<&str>) -> String {
    let format = match options.format {
        ExportFormat::Ndjson => "ndjson",
        ExportFormat::Csv => "csv",
    };
    let [since, until] = [&options.since, &options.until].map(|at| at.map(domain::time::format));
    let parameters = [
        ("action", options.action.as_deref()),
        ("app", options.app.as_deref()),
        ("username", options.username.as_deref()),
        ("client_ip", options.client_ip.as_deref()),
        ("search", options.search.as_deref()),
        ("since", since.as_deref()),
        ("until", until.as_deref()),
        ("cursor", cursor),
    ];
    let mut path = format!("/v1/events/export?format={format}");
    for (name, value) in parameters {
        if let Some(value) = value {
            path.extend(["&", name, "="]);
            path.extend(value.bytes().map(escaped));
        }
    }
    path
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// An instant, or a span before now: `2026-01-02T03:04:05Z`, `30d`.
pub(crate) fn when(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>()
        .or_else(|_| crate::dry_run::since(text).map(|span| domain::time::later(SystemClock.now(), -span)))
        .map_err(|error: String| format!("{error}; or an instant such as 2026-01-02T03:04:05Z"))
}
