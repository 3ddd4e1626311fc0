//! `nuncio match`: shows which rules of a file an event matches, without a server.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use domain::admission::mask::Masker;
use domain::admission::{AdmissionContext, Draft, Rejection};
use domain::event::Event;
use domain::json::FindingKind;
use domain::loop_guard;
use domain::ports::Clock as _;
use domain::rules_document::RulesDocument;
use expressions::worker::WorkerPool;

use crate::check;
use crate::cli::MatchOptions;

#[expect(clippy::print_stdout, reason = "the verdicts are the command's output")]
pub(crate) fn run(options: &MatchOptions) -> anyhow::Result<ExitCode> {
    let (document, _) = check::read_valid(&options.rules)?;
    let event = read_event(&options.event, &document)?;
    let expressions = WorkerPool::from_current_binary().context("cannot find the path of this program")?;
    let held_back = loop_guard::check(&event, &document);
    for mut explanation in rules::explain(&document, &event, &expressions) {
        if let (true, Some(looping)) = (explanation.matched, &held_back) {
            explanation.matched = false;
            explanation.why = Some(format!("suppressed by the loop guard: {looping}"));
        }
        println!("{}", serde_json::to_string(&explanation)?);
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "the note is for the user, not for a pipe")]
fn read_event(file: &Path, document: &RulesDocument) -> anyhow::Result<Event> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read the event from standard input")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("cannot read the event {}", file.display()))?;
    }
    let parsed = domain::json::parse(&bytes)
        .with_context(|| format!("{} does not contain exactly one JSON event", file.display()))?;
    let rejected = |rejection: Rejection| anyhow!("{}: {}: {}", file.display(), rejection.pointer, rejection.detail);
    for finding in parsed.findings {
        match finding.kind {
            FindingKind::Nul => return Err(rejected(Rejection::nul(finding.pointer))),
            FindingKind::DuplicateKey => {
                eprintln!("{}: duplicate key, the last value is kept", finding.pointer);
            }
        }
    }
    let admission = AdmissionContext {
        now: host::SystemClock.now(),
        retention: &document.retention,
        masker: &Masker::new(&document.redact),
        key: None,
        trace: None,
        origins: &(),
        random: 0,
    };
    let admitted = Draft::from_value(parsed.value).and_then(|draft| draft.admit(&admission));
    admitted.map(|admitted| admitted.event).map_err(rejected)
}
