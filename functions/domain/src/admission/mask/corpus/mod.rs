//! The masking corpus: forms in which real systems leak credentials, and texts that look alike and leak none.
//!
//! Everything that looks like a credential is assembled at run time, from parts that no scanner takes for one.
//! `functions/rulesfile/README.md` states both counts; a test compares them.

mod innocent;
mod leaking;

use serde_json::Value;

use super::{MASK, Masker};
use innocent::innocent;
use leaking::{formed, leaking, placed};

fn masked(value: &Value) -> Value {
    let mut object = value.as_object().unwrap().clone();
    Masker::default().mask_object(&mut object);
    Value::Object(object)
}

#[test]
fn no_leaking_form_passes() {
    let leaking = leaking();
    let passed: Vec<_> = leaking
        .iter()
        .filter(|(event, secret)| {
            let text = masked(event).to_string();
            text.contains(secret.as_str()) || !text.contains(MASK)
        })
        .map(|(event, _)| masked(event).to_string())
        .collect();
    assert!(leaking.len() >= 150);
    assert!(passed.is_empty(), "{} of {} pass: {passed:#?}", passed.len(), leaking.len());
}

#[test]
fn a_form_is_found_wherever_it_stands() {
    for (form, secret) in formed() {
        for event in placed(&form) {
            let text = masked(&event).to_string();
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

#[test]
fn no_innocent_text_is_masked() {
    let innocent = innocent();
    let changed: Vec<_> =
        innocent.iter().filter(|event| masked(event) != **event).map(|event| masked(event).to_string()).collect();
    assert!(innocent.len() >= 150);
    assert!(changed.is_empty(), "{} of {} are masked: {changed:#?}", changed.len(), innocent.len());
}

#[test]
fn masking_the_corpus_twice_is_masking_it_once() {
    for (event, _) in leaking() {
        let once = masked(&event);
        assert_eq!(masked(&once), once);
    }
}

#[test]
fn the_documentation_states_the_size_of_the_corpus() {
    let stated = format!("{} leaking forms and {} innocent", leaking().len(), innocent().len());
    let readme = include_str!("../../../../../rulesfile/README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&stated), "functions/rulesfile/README.md states: {stated}");
}
