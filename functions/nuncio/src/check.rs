//! `nuncio check FILE`: every fault of a rules file.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use domain::document::RulesDocument;
use rulesfile::Fault;
use serde_json::json;

use crate::cli::Check;

#[expect(clippy::print_stdout, reason = "faults are the command's output")]
pub(crate) fn run(options: &Check) -> anyhow::Result<ExitCode> {
    let file = options.file.display().to_string();
    let Err(faults) = read(&options.file)? else {
        if !options.json {
            println!("{file}: valid");
        }
        return Ok(ExitCode::SUCCESS);
    };
    for fault in &faults {
        if options.json {
            println!(
                "{}",
                json!({ "file": file, "line": fault.line, "column": fault.column, "what": fault.what, "hint": fault.hint })
            );
        } else {
            println!("{file}:{fault}");
        }
    }
    Ok(ExitCode::FAILURE)
}

/// The document in a file, or its faults.
pub(crate) fn read(file: &Path) -> anyhow::Result<Result<RulesDocument, Vec<Fault>>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read the rules file {}", file.display()))?;
    Ok(rulesfile::read(&bytes))
}

/// The document in a file; faults become one error that lists them.
pub(crate) fn read_valid(file: &Path) -> anyhow::Result<RulesDocument> {
    read(file)?.map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(|fault| format!("{}:{fault}", file.display())).collect();
        anyhow::anyhow!("the rules file has faults\n{}", lines.join("\n"))
    })
}
