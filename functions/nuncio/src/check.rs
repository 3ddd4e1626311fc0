//! `nuncio check FILE`: reports every error of a rules file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use domain::rules_document::{RulesDocument, SecretRef, TransportKind};
use rulesfile::Fault;
use rustix::fs::OFlags;

use crate::cli::CheckOptions;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "faults are the output, warnings are advice")]
pub(crate) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
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

/// The signing secrets that are set in this environment and cannot sign. A secret that is not set here may be set on
/// the server.
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
        let hint = "set it to the secret as its issuer shows it, such as whsec_ and base64".to_owned();
        faults.push(Fault { line, column, what: format!("the secret {reference} cannot sign: {why}"), hint });
    }
    faults.sort();
    faults.dedup();
    faults
}

/// The line and column, from 1, at which a text first occurs.
fn place(text: &str, wanted: &str) -> (usize, usize) {
    let found = text.lines().zip(1..).find_map(|(line, number)| Some((number, line.find(wanted)?, line)));
    found.map_or((1, 1), |(number, at, line)| (number, line[..at].chars().count() + 1))
}

/// `nuncio schema`: prints the JSON Schema of rules files.
#[expect(clippy::print_stdout, reason = "the schema is the output")]
pub(crate) fn schema() -> ExitCode {
    print!("{}", rulesfile::SCHEMA);
    ExitCode::SUCCESS
}

/// Reads the rules file of a command, which may be a pipe. Reads only slightly more than the largest rules document.
fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    let opened = File::open(file);
    opened.and_then(up_to_the_limit).with_context(|| format!("cannot read the rules file {}", file.display()))
}

/// Reads the rules file of a server, without blocking.
///
/// # Errors
/// When the file is not a regular file, is larger than a rules document may be, or cannot be read.
pub(crate) fn regular_file(file: &Path) -> anyhow::Result<Vec<u8>> {
    // Without these flags, opening a FIFO would block until a writer opens it.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(file);
    let opened = opened.with_context(|| format!("cannot read the rules file {}", file.display()))?;
    let metadata =
        opened.metadata().with_context(|| format!("cannot read the metadata of the rules file {}", file.display()))?;
    if !metadata.is_file() {
        bail!("the rules file {} is not a regular file", file.display());
    }
    if metadata.len() > rulesfile::MAX_BYTES as u64 {
        bail!(
            "the rules file {} has {} bytes; at most {} are allowed",
            file.display(),
            metadata.len(),
            rulesfile::MAX_BYTES
        );
    }
    up_to_the_limit(opened).with_context(|| format!("cannot read the rules file {}", file.display()))
}

/// Reads up to one byte more than a rules document may have, which is enough to report that it is too large.
fn up_to_the_limit(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(rulesfile::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads and checks a rules file. Returns the document and its YAML; all errors become one that lists them.
pub(crate) fn read_valid(file: &Path) -> anyhow::Result<(RulesDocument, String)> {
    valid(file, &bytes(file)?)
}

/// Checks the content of a rules file. Returns the document and its YAML; all errors become one that lists them.
pub(crate) fn valid(file: &Path, bytes: &[u8]) -> anyhow::Result<(RulesDocument, String)> {
    let document = rulesfile::read(bytes).map_err(|faults| {
        let name = file.display().to_string();
        let lines: Vec<_> = faults.iter().map(|fault| fault.in_file(&name).to_string()).collect();
        anyhow::anyhow!("the rules file has errors\n{}", lines.join("\n"))
    })?;
    Ok((document, String::from_utf8_lossy(bytes).into_owned()))
}
