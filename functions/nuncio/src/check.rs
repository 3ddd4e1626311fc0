//! `nuncio check FILE`: every fault of a rules file.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use domain::document::RulesDocument;

use crate::cli::Check;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "faults are the output, warnings are advice")]
pub(crate) fn run(options: &Check) -> anyhow::Result<ExitCode> {
    let file = options.file.display().to_string();
    match rulesfile::read_with_warnings(bytes(&options.file)?) {
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
