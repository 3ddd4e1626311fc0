//! The rules file: any bytes are either parsed or rejected with faults that point into the file, and a parsed document
//! is stored and loaded unchanged.

#![no_main]

use domain::rules_document::RulesDocument;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: fuzz::let_panics_be_caught(), |input: &[u8]| {
    match rulesfile::read(input) {
        Err(faults) => {
            assert!(!faults.is_empty());
            let lines = 2 + input.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
            for fault in &faults {
                assert!((1..=lines).contains(&fault.line) && fault.column > 0, "{fault}");
                assert!(!fault.what.is_empty() && !fault.hint.is_empty(), "{fault}");
            }
        }
        Ok(document) => {
            let stored = serde_json::to_string(&document).expect("a document is written");
            let loaded: RulesDocument = serde_json::from_str(&stored).expect("a document is loaded");
            assert_eq!(loaded, document);
        }
    }
});
