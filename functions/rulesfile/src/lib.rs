//! Reads `nuncio.yaml` into the checked rules document, or says everything that is wrong with it.
//!
//! ```
//! let faults = rulesfile::read("retention: a year\nruls: {}\n").unwrap_err();
//! assert_eq!(faults.len(), 2);
//! assert!(faults[1].to_string().starts_with(r#"2:1: "ruls" is not a key of the rules file; did you mean "rules"?"#));
//! ```
//!
//! A file goes through these modules:
//!
//! 1. `source`: bytes to text, of a bounded size.
//! 2. `tree`: text to lists, mappings and scalars that know where they stand. A file that is no YAML
//!    ends here with one fault: what follows a broken line cannot be told.
//! 3. `document` and below: the tree to the typed document, one module a section. Here every fault is
//!    reported, not the first.
//!
//! Python bodies are read by the `expressions` crate; `written` says where in the file their faults are.
//!
//! It runs nothing, opens no file, resolves no secret and reaches no address. No fault repeats a secret, a mail or
//! network address, or a URL of the file.
#![doc = include_str!("../README.md")]

mod document;
mod fault;
mod names;
mod scalar;
mod sections;
mod shape;
mod source;
mod tree;
mod written;

pub use fault::{Fault, InFile};

use domain::Timestamp;
use domain::rules_document::{RulesDocument, Silence};

use fault::Findings;
use names::Known;
use sections::silences;
use tree::Node;

/// The rules file that says what `RulesDocument::built_in` says, with comments: a start for one's own.
pub const BUILT_IN: &str = include_str!("../built-in.yaml");

/// The file's JSON Schema (draft 2020-12), for editors to complete from.
pub const SCHEMA: &str = include_str!("../nuncio.schema.json");

/// The most bytes a rules file may have.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A file without a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it says.
    pub document: RulesDocument,
    /// What is allowed but hardly meant, such as a rule that reaches nobody; by position.
    pub warnings: Vec<Fault>,
}

/// Reads a rules file.
///
/// # Errors
/// Every fault of the file, by position; never an empty list.
pub fn read(text: impl AsRef<[u8]>) -> Result<RulesDocument, Vec<Fault>> {
    read_with_warnings(text).map(|reading| reading.document)
}

/// Reads a rules file and says what in it is hardly meant.
///
/// # Errors
/// Every fault of the file, by position; never an empty list.
pub fn read_with_warnings(text: impl AsRef<[u8]>) -> Result<Reading, Vec<Fault>> {
    let mut findings = Findings::default();
    let document = source::text(text.as_ref(), &mut findings)
        .inspect(|text| findings.written(text))
        .and_then(|text| tree::parse(text, &mut findings))
        .and_then(|root| document::read(&root, &mut findings));
    findings.conclude(document).map(|(document, warnings)| Reading { document, warnings })
}

/// Reads a silence that is posted at `now`, as JSON or YAML, for rules of these names. Its id and author are empty.
///
/// # Errors
/// Every fault, by position; never an empty list.
pub fn read_silence<'r>(
    text: impl AsRef<[u8]>,
    rules: impl Iterator<Item = &'r str>,
    now: Timestamp,
) -> Result<Silence, Vec<Fault>> {
    silence(text.as_ref(), rules, |root, rules, findings| silences::posted(root, rules, now, findings))
}

/// The same where only the rules and events matter: reason and end need not be there.
///
/// # Errors
/// Every fault, by position; never an empty list.
pub fn read_silence_preview<'r>(
    text: impl AsRef<[u8]>,
    rules: impl Iterator<Item = &'r str>,
) -> Result<Silence, Vec<Fault>> {
    silence(text.as_ref(), rules, silences::previewed)
}

fn silence<'r>(
    text: &[u8],
    rules: impl Iterator<Item = &'r str>,
    read: impl Fn(&Node, &Known<'_>, &mut Findings) -> Option<Silence>,
) -> Result<Silence, Vec<Fault>> {
    let mut findings = Findings::default();
    let known = Known::new("rule", Some(rules.collect()));
    let silence = source::text(text, &mut findings)
        .and_then(|text| tree::parse(text, &mut findings))
        .and_then(|root| read(&root, &known, &mut findings));
    findings.conclude(silence).map(|(silence, _)| silence)
}

#[cfg(test)]
mod schema_tests;
