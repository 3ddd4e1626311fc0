//! `nuncio source test`: shows the events that a payload of a source becomes, without a server.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use domain::admission::AdmissionContext;
use domain::admission::mask::Masker;
use domain::ports::Clock as _;
use domain::source::{self, Interpretation, SourceRequest};

use crate::check;
use crate::cli::{SourceCommand, SourceOptions};

#[expect(clippy::print_stdout, reason = "the events are the command's output")]
pub(crate) fn run(SourceOptions { command: SourceCommand::Test(options) }: &SourceOptions) -> anyhow::Result<ExitCode> {
    let (document, _) = check::read_valid(&options.rules)?;
    let Some(event_source) = document.sources.get(&options.name) else {
        let names: Vec<_> = document.sources.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        bail!("{} has no source {:?}; its sources are: {names}", options.rules.display(), options.name);
    };
    let headers = options.header.iter().rev().cloned().collect();
    let content_type = options.header.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    let payload = source::parse(content_type, &read(&options.file)?, usize::MAX)?;
    let request = SourceRequest { headers, payload };
    let events = match source::interpret(event_source, &request)? {
        Interpretation::Handshake(answer) => {
            println!("{answer}");
            return Ok(ExitCode::SUCCESS);
        }
        Interpretation::Events(events) => events,
    };
    let id = source::request_id(event_source, &request);
    let masker = Masker::new(&document.redact);
    let admission = AdmissionContext {
        now: host::SystemClock.now(),
        retention: &document.retention,
        masker: &masker,
        key: None,
        trace: None,
        origins: &(),
        random: 0,
    };
    for (place, event) in events.into_iter().enumerate() {
        let draft = event.into_draft(event_source, id.as_deref(), place);
        let admitted = draft.and_then(|draft| draft.admit(&admission));
        let admitted = admitted.map_err(|rejection| anyhow!("{} {}", rejection.pointer, rejection.detail))?;
        println!("{}", admitted.json);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read the payload from standard input")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("cannot read the payload {}", file.display()))?;
    }
    Ok(bytes)
}
