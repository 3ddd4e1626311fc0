//! `nuncio export`: writes stored events to a file or standard output, page by page, with progress.
//!
//! A page that fails is requested again; only complete pages are written. So an export that was aborted continues from
//! the cursor that it prints.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};

use crate::cli::{ExportFormat, ExportOptions};
use crate::http::{Remote, block_on, expect, problem};

const MAX_ATTEMPTS: u32 = 5;

struct ExportPage {
    text: String,
    next: Option<String>,
    /// Why the search is not a valid query; `None` if it is one, or if there is none.
    searched_as_text: Option<String>,
}

#[expect(clippy::print_stderr, reason = "these are for the user, not for a pipe")]
pub(crate) fn run(options: &ExportOptions) -> anyhow::Result<ExitCode> {
    let remote = Remote::new(&options.server)?;
    let mut output: Box<dyn Write> = match &options.output {
        Some(file) => {
            let mut open = OpenOptions::new();
            // A continued export appends to the file.
            let open = if options.cursor.is_some() { open.append(true) } else { open.write(true).truncate(true) };
            Box::new(open.create(true).open(file).with_context(|| format!("cannot write {}", file.display()))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let progress = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {bytes}  {msg}  {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let (mut cursor, mut is_told) = (options.cursor.clone(), false);
    let done = block_on(async {
        loop {
            let ExportPage { text, next, searched_as_text } = fetch(&remote, options, cursor.as_deref()).await?;
            if let Some(why) = searched_as_text.filter(|_| !is_told) {
                is_told = true;
                eprintln!("the search is not a query ({why}); the export has the events that contain it as text");
            }
            output.write_all(text.as_bytes()).context("cannot write the output")?;
            progress.inc(text.len() as u64);
            let Some(next) = next else { break };
            if let Ok(pk) = next.parse::<domain::EventPk>() {
                progress.set_message(format!("back to {}", domain::time::format(pk.instant())));
            }
            cursor = Some(next);
        }
        output.flush().context("cannot write the output")
    });
    progress.finish_and_clear();
    if let (Err(_), Some(cursor)) = (&done, &cursor) {
        eprintln!("the export is incomplete; continue with --cursor {cursor}");
    }
    done.map(|()| ExitCode::SUCCESS)
}

async fn fetch(remote: &Remote, options: &ExportOptions, cursor: Option<&str>) -> anyhow::Result<ExportPage> {
    let path = path(options, cursor);
    let mut tries = 1;
    loop {
        match fetch_once(remote, &path).await {
            Ok(part) => return Ok(part),
            Err(FetchError::Temporary(_)) if tries < MAX_ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                tries += 1;
            }
            Err(FetchError::Temporary(fault)) => bail!(fault),
            Err(FetchError::Permanent(fault)) => return Err(fault),
        }
    }
}

enum FetchError {
    /// A retry may help.
    Temporary(String),
    Permanent(anyhow::Error),
}

async fn fetch_once(remote: &Remote, path: &str) -> Result<ExportPage, FetchError> {
    let temporary = |error: reqwest::Error| {
        FetchError::Temporary(format!("cannot read from {}: {}", remote.url(), error.without_url()))
    };
    let response = remote.request(Method::GET, path).send().await.map_err(temporary)?;
    if matches!(response.status().as_u16(), 429 | 500..=599) {
        return Err(FetchError::Temporary(format!("the server responded {}", problem(response).await)));
    }
    let response = expect(response, &[StatusCode::OK]).await.map_err(FetchError::Permanent)?;
    let header =
        |name| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let (next, searched_as_text) = (header("nuncio-next"), header("nuncio-searched-as-text"));
    Ok(ExportPage { next, searched_as_text, text: response.text().await.map_err(temporary)? })
}

fn path(options: &ExportOptions, cursor: Option<&str>) -> String {
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
