//! `nuncio check FILE`: every fault of a rules file.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use domain::document::{RulesDocument, SecretRef, TransportKind};
use rulesfile::Fault;

use crate::cli::Check;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "faults are the output, warnings are advice")]
pub(crate) fn run(options: &Check) -> anyhow::Result<ExitCode> {
    let file = options.file.display().to_string();
    let bytes = bytes(&options.file)?;
    let checked = rulesfile::read_with_warnings(&bytes).and_then(|reading| {
        let faults = unusable_secrets(&reading.document, &String::from_utf8_lossy(&bytes));
        if faults.is_empty() { Ok(reading) } else { Err(faults) }
    });
    match checked {
        Ok(reading) => {
            for warning in &reading.warnings {
                eprintln!("warning: {}", warning.in_file(&file));
            }
            if !options.json {
                println!("{file}: valid");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            for fault in faults.iter().map(|fault| fault.in_file(&file)) {
                if options.json {
                    println!("{}", serde_json::to_string(&fault)?);
                } else {
                    println!("{fault}");
                }
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Signing secrets that are set in this environment and cannot sign. One that is not set here may be set where Nuncio
/// runs.
fn unusable_secrets(document: &RulesDocument, text: &str) -> Vec<Fault> {
    let environment = host::environment();
    let secrets = document.transports.values().filter_map(|transport| match &transport.kind {
        TransportKind::Webhook { secrets, .. } => Some(secrets),
        _ => None,
    });
    let mut faults = Vec::new();
    for reference in secrets.flatten() {
        let SecretRef::Env(name) = reference else { continue };
        let Some(why) = environment.get(name).and_then(|text| channels::unusable_signing_secret(text)) else {
            continue;
        };
        let (line, column) = place(text, &reference.to_string());
        let hint = "give it the secret as its issuer shows it, such as whsec_ and base64".to_owned();
        faults.push(Fault { line, column, what: format!("the secret {reference} cannot sign: {why}"), hint });
    }
    faults.sort();
    faults.dedup();
    faults
}

/// Line and column, from 1, at which a text is first written.
fn place(text: &str, wanted: &str) -> (usize, usize) {
    let found = text.lines().zip(1..).find_map(|(line, number)| Some((number, line.find(wanted)?, line)));
    found.map_or((1, 1), |(number, at, line)| (number, line[..at].chars().count() + 1))
}

/// `nuncio schema`.
#[expect(clippy::print_stdout, reason = "the schema is the output")]
pub(crate) fn schema() -> ExitCode {
    print!("{}", rulesfile::SCHEMA);
    ExitCode::SUCCESS
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read the rules file {}", file.display()))
}

/// The document in a file and its YAML; faults become one error that lists them.
pub(crate) fn read_valid(file: &Path) -> anyhow::Result<(RulesDocument, String)> {
    let bytes = bytes(file)?;
    let document = rulesfile::read(&bytes).map_err(|faults| {
        let name = file.display().to_string();
        let lines: Vec<_> = faults.iter().map(|fault| fault.in_file(&name).to_string()).collect();
        anyhow::anyhow!("the rules file has faults\n{}", lines.join("\n"))
    })?;
    Ok((document, String::from_utf8_lossy(&bytes).into_owned()))
}
