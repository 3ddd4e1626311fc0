//! `nuncio dry-run`: compares a rules file with the rules in force on stored events; sends nothing.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use console::Payload;
use domain::Timestamp;
use domain::notification::rendered::Rendered;
use domain::ports::Clock as _;
use host::SystemClock;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use rules::dry_run::DryRunReport;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::cli::DryRunOptions;
use crate::http::{Remote, block_on, expect};

#[derive(Deserialize)]
struct DryRunPage {
    report: DryRunReport,
    next: Option<domain::EventPk>,
    #[serde(default)]
    payloads: Vec<Payload>,
}

/// The result over all pages.
#[derive(Default, Serialize)]
struct DryRunResult {
    #[serde(flatten)]
    report: DryRunReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    payloads: Option<Vec<Payload>>,
}

#[expect(clippy::print_stdout, reason = "the report is the command's output")]
pub(crate) fn run(options: &DryRunOptions) -> anyhow::Result<ExitCode> {
    let (_, yaml) = check::read_valid(&options.config)?;
    let until = SystemClock.now();
    let since = domain::time::later(until, -options.since);
    let result = block_on(walk(options, yaml, since, until))?;
    if options.json {
        println!("{}", serde_json::to_string(&result)?);
    } else {
        print!("{}{}", readable(&result.report, since, until), shown(result.payloads.as_deref().unwrap_or_default()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Requests page after page from now back to `since`. Shows progress by time, as the number of events is unknown.
async fn walk(
    options: &DryRunOptions,
    yaml: String,
    since: Timestamp,
    until: Timestamp,
) -> anyhow::Result<DryRunResult> {
    let remote = Remote::new(&options.server)?;
    let span = until.duration_since(since).as_secs().unsigned_abs();
    let style =
        ProgressStyle::with_template("{bar:30} {percent}%  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let progress = ProgressBar::new(span).with_style(style);
    let mut result = DryRunResult { payloads: options.payloads.then(Vec::new), ..DryRunResult::default() };
    let mut cursor = None;
    loop {
        let mut path = format!(
            "/v1/rules/dry-run?settle=false&payloads={}&since={}&until={}",
            options.payloads,
            domain::time::format(since),
            domain::time::format(until)
        );
        if let Some(cursor) = cursor {
            let _ = write!(path, "&cursor={cursor}");
        }
        let request = remote.request(Method::POST, &path).header("Content-Type", "application/yaml").body(yaml.clone());
        let answer = request.send().await.with_context(|| format!("cannot reach {}", remote.url()))?;
        let part: DryRunPage = expect(answer, &[StatusCode::OK])
            .await?
            .json()
            .await
            .context("unexpected response from the server: not a report")?;
        result.report.add(part.report);
        if let Some(payloads) = &mut result.payloads {
            part.payloads.into_iter().for_each(|payload| keep(payloads, payload));
        }
        progress.set_message(format!("{} events", result.report.events));
        let Some(next) = part.next else {
            progress.finish_and_clear();
            return Ok(DryRunResult { report: result.report.settled(), ..result });
        };
        progress.set_position(until.duration_since(next.instant()).as_secs().unsigned_abs());
        cursor = Some(next);
    }
}

/// The number of example messages kept for each rule and transport.
const MAX_EXAMPLES: usize = 2;

fn keep(payloads: &mut Vec<Payload>, payload: Payload) {
    let alike = |kept: &&Payload| kept.rule == payload.rule && kept.transport == payload.transport;
    if payloads.iter().filter(alike).count() < MAX_EXAMPLES {
        payloads.push(payload);
    }
}

fn shown(payloads: &[Payload]) -> String {
    let mut text = String::new();
    for Payload { rule, transport, recipient, event, sent, error } in payloads {
        let _ = writeln!(text, "\n{rule} by {transport} to {recipient}, of {event}");
        match sent {
            Some(Rendered::Request { headers, body }) => {
                for (name, value) in headers {
                    let _ = writeln!(text, "    {name}: {value}");
                }
                let _ = writeln!(text, "    {body}");
            }
            Some(Rendered::Mail { from, to, subject, text: words }) => {
                let _ = writeln!(text, "    From: {from}\n    To: {to}\n    Subject: {subject}\n");
                for line in words.lines() {
                    let _ = writeln!(text, "    {line}");
                }
            }
            Some(Rendered::Inbox(item)) => {
                let _ = writeln!(text, "    {}", item.body);
            }
            None => {}
        }
        if let Some(error) = error {
            let _ = writeln!(text, "    cannot be sent: {error}");
        }
    }
    text
}

fn readable(report: &DryRunReport, since: Timestamp, until: Timestamp) -> String {
    let mut text = String::new();
    let day = |instant| domain::time::format(instant)[..10].to_owned();
    let _ = writeln!(text, "{} events from {} to {}; nothing was sent", report.events, day(since), day(until));
    if report.rules.is_empty() {
        text.push_str("no rule matched any event, neither old nor new rules\n");
    }
    for (rule, days) in &report.rules {
        let _ = writeln!(text, "\n{rule}\n    day           matches             deliveries");
        for (day, compared) in days {
            let (old, new) = (compared.old, compared.new);
            let arrow = |old: u64, new: u64| if old == new { format!("{new}") } else { format!("{old} → {new}") };
            let matches = arrow(old.matches, new.matches);
            let _ = writeln!(text, "    {day}    {matches:<16}    {}", arrow(old.deliveries, new.deliveries));
        }
        if let Some(difference) = report.differences.get(rule) {
            let list = |pks: &[domain::EventPk]| pks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            if difference.gained > 0 {
                let _ = writeln!(
                    text,
                    "    matches {} more, such as {}",
                    difference.gained,
                    list(&difference.gained_examples)
                );
            }
            if difference.lost > 0 {
                let _ = writeln!(
                    text,
                    "    no longer matches {}, such as {}",
                    difference.lost,
                    list(&difference.lost_examples)
                );
            }
        }
        for (mechanism, deliveries) in report.suppressed.get(rule).into_iter().flatten() {
            let _ = writeln!(text, "    {deliveries} deliveries suppressed by {mechanism}");
        }
        for (recipient, messages) in report.messages.get(rule).into_iter().flatten() {
            let _ =
                writeln!(text, "    {recipient}: {} messages a day", per_day(*messages, until.duration_since(since)));
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a forecast needs no more precision")]
fn per_day(messages: u64, span: SignedDuration) -> String {
    let days = (span.as_secs_f64() / 86_400.0).max(1.0);
    format!("{:.1}", messages as f64 / days)
}
