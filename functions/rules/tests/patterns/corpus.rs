//! Walks `tests/corpus/patterns`: every case is `{"case", "pattern", "event", "expected"}` or
//! `{"case", "pattern", "error"}`, where the error is the first of its faults.

use std::fs;
use std::path::Path;

use domain::rules_document::EventPattern;
use serde::Deserialize;
use serde_json::Value;

use super::{naive, world};

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Case {
    Verdict { case: String, pattern: Value, event: Value, expected: bool },
    Fault { case: String, pattern: Value, error: String },
}

fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/patterns");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let cases: Vec<Case> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        cases.into_iter().map(move |case| (name.clone(), case)).collect::<Vec<_>>()
    };
    files.iter().flat_map(read).collect()
}

#[test]
fn every_pattern_does_what_is_expected_of_it() {
    let mut wrong = Vec::new();
    let mut verdicts = [0, 0];
    for (file, case) in cases() {
        let Case::Verdict { case, pattern, event, expected } = case else { continue };
        let event = world::event(&event);
        let (found, why) = world::verdict(world::pattern(&pattern), &event);
        let defined = naive::admits(&pattern, &serde_json::to_value(&event).unwrap());
        if found != expected {
            wrong.push(format!("{file}: {case}: {why}"));
        }
        // The definition knows texts, not that an address may be written in two ways.
        if defined != expected && !case.contains("mapped") {
            wrong.push(format!("{file}: {case}: the definition says {defined}"));
        }
        verdicts[usize::from(expected)] += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(verdicts.iter().all(|count| *count > 100), "{verdicts:?}");
}

#[test]
fn every_faulty_pattern_is_refused_with_the_fault_that_is_expected() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, case) in cases() {
        let Case::Fault { case, pattern, error } = case else { continue };
        match EventPattern::read(&pattern) {
            Ok(_) => wrong.push(format!("{file}: {case}: no fault")),
            Err(faults) if faults[0].what != error => wrong.push(format!("{file}: {case}: {}", faults[0])),
            Err(faults) => assert!(faults.iter().all(|fault| !fault.hint.is_empty())),
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "{count}");
}

#[test]
fn every_pattern_is_read_back_as_it_was_stored() {
    for (file, case) in cases() {
        let Case::Verdict { case, pattern, .. } = case else { continue };
        let pattern = world::pattern(&pattern);
        let stored = serde_json::to_string(&pattern).unwrap();
        assert_eq!(serde_json::from_str::<EventPattern>(&stored).unwrap(), pattern, "{file}: {case}");
    }
}
