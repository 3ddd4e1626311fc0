//! Walks `tests/corpus/rules`: every file under `bad` has exactly the faults its `.expected` lists,
//! every file under `good` is read as exactly the document and warnings in its `.json`.

use std::fs;
use std::path::{Path, PathBuf};

use domain::rules_document::RulesDocument;
use rulesfile::Fault;
use serde_json::{Value, json};

/// The rules files of one folder, each with its expected result.
fn cases(folder: &str, extension: &str) -> Vec<(String, Vec<u8>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/rules").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (cases, expectations): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| path.extension().is_some_and(|own| own == "yaml"));
    assert_eq!(cases.len(), expectations.len(), "every file has its expectation and every expectation its file");
    let read = |path: PathBuf| {
        let expected = path.with_extension(extension);
        let expected = fs::read_to_string(&expected).unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
        (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap(), expected)
    };
    cases.into_iter().map(read).collect()
}

fn lines(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

#[test]
fn every_bad_file_has_exactly_the_faults_that_are_expected() {
    let cases = cases("bad", "expected");
    assert!(cases.len() >= 30, "{}", cases.len());
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases {
        let found = rulesfile::read(&bytes).err().map_or_else(|| "no fault\n".to_owned(), |faults| lines(&faults));
        if found != expected {
            wrong.push(format!("== {name}\n-- expected\n{expected}-- found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn every_good_file_is_read_as_expected() {
    let cases = cases("good", "json");
    assert!(cases.len() >= 10, "{}", cases.len());
    for (name, bytes, expected) in cases {
        let reading =
            rulesfile::read_with_warnings(&bytes).unwrap_or_else(|faults| panic!("{name}: {}", lines(&faults)));
        let warnings: Vec<String> = reading.warnings.iter().map(ToString::to_string).collect();
        let found = json!({ "document": reading.document, "warnings": warnings });
        let expected: Value = serde_json::from_str(&expected).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found, expected, "{name}:\n{}", serde_json::to_string_pretty(&found).unwrap());
        let stored = serde_json::to_string(&reading.document).unwrap();
        assert_eq!(serde_json::from_str::<RulesDocument>(&stored).unwrap(), reading.document, "{name}");
    }
}
