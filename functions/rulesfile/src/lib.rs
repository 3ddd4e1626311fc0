//! Reads `nuncio.yaml` into the checked rules document, or reports everything that is wrong with it.
//!
//! ```
//! let faults = rulesfile::read("retention: a year\nruls: {}\n").unwrap_err();
//! assert_eq!(faults.len(), 2);
//! assert!(faults[1].to_string().starts_with(r#"2:1: "ruls" is not a key of the rules file; did you mean "rules"?"#));
//! ```
//!
//! A file passes these modules:
//!
//! 1. `source`: bytes to text of limited size.
//! 2. `tree`: text to lists, mappings and scalars, each with its position. If the file is neither JSON nor valid YAML,
//!    reading ends here with one fault, because the rest of the file cannot be interpreted.
//! 3. `document` and `sections`: the tree to the typed document, one module per section. They report all faults, not
//!    only the first.
//!
//! The `expressions` crate reads Python bodies; `source_map` translates the positions of their faults to the file.
//!
//! This crate runs nothing, opens no file, resolves no secret and connects to no address. No fault repeats a secret, a
//! mail or network address, or a URL of the file.
#![doc = include_str!("../README.md")]

mod diagnostics;
mod document;
mod names;
mod scalar;
mod sections;
mod shape;
mod source;
mod source_map;
mod tree;

pub use diagnostics::{Fault, FaultInFile};

use domain::Timestamp;
use domain::rules_document::{RulesDocument, Silence};

use diagnostics::Diagnostics;
use names::DefinedNames;
use sections::silences;
use tree::Node;

/// A commented rules file with the content of `RulesDocument::built_in`, as a template.
pub const BUILT_IN: &str = include_str!("../built-in.yaml");

/// The JSON Schema (draft 2020-12) of the rules file, for completion in editors.
pub const SCHEMA: &str = include_str!("../nuncio.schema.json");

/// The maximum size of a rules file in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The content of a file without faults.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedFile {
    /// The document that the file describes; it has passed all checks.
    pub document: RulesDocument,
    /// Probable mistakes that are allowed, such as a rule without recipients; sorted by position.
    pub warnings: Vec<Fault>,
}

/// Reads a rules file.
///
/// # Errors
/// All faults of the file, sorted by position; never an empty list.
pub fn read(text: impl AsRef<[u8]>) -> Result<RulesDocument, Vec<Fault>> {
    read_with_warnings(text).map(|file| file.document)
}

/// Reads a rules file and also returns its warnings.
///
/// # Errors
/// All faults of the file, sorted by position; never an empty list.
pub fn read_with_warnings(text: impl AsRef<[u8]>) -> Result<CheckedFile, Vec<Fault>> {
    let mut diagnostics = Diagnostics::default();
    let document = source::text(text.as_ref(), &mut diagnostics)
        .inspect(|text| diagnostics.set_source(text))
        .and_then(|text| tree::parse(text, &mut diagnostics))
        .and_then(|root| document::read(&root, &mut diagnostics));
    diagnostics.conclude(document).map(|(document, warnings)| CheckedFile { document, warnings })
}

/// Reads a silence from the body of a request, as JSON or YAML. `rules` are the names that it may refer to, and `now`
/// is the default of `starts`. The id and the author of the result are empty; the caller sets them.
///
/// # Errors
/// All faults, sorted by position; never an empty list.
pub fn read_silence<'r>(
    text: impl AsRef<[u8]>,
    rules: impl Iterator<Item = &'r str>,
    now: Timestamp,
) -> Result<Silence, Vec<Fault>> {
    read_silence_with(text.as_ref(), rules, |root, rules, diagnostics| {
        silences::read_posted(root, rules, now, diagnostics)
    })
}

/// Reads a silence for a preview: like [`read_silence`], but `reason` and `ends` may be missing.
///
/// # Errors
/// All faults, sorted by position; never an empty list.
pub fn read_silence_preview<'r>(
    text: impl AsRef<[u8]>,
    rules: impl Iterator<Item = &'r str>,
) -> Result<Silence, Vec<Fault>> {
    read_silence_with(text.as_ref(), rules, silences::read_preview)
}

fn read_silence_with<'r>(
    text: &[u8],
    rules: impl Iterator<Item = &'r str>,
    read: impl Fn(&Node, &DefinedNames<'_>, &mut Diagnostics) -> Option<Silence>,
) -> Result<Silence, Vec<Fault>> {
    let mut diagnostics = Diagnostics::default();
    let known = DefinedNames::new("rule", Some(rules.collect()));
    let silence = source::text(text, &mut diagnostics)
        .and_then(|text| tree::parse(text, &mut diagnostics))
        .and_then(|root| read(&root, &known, &mut diagnostics));
    diagnostics.conclude(silence).map(|(silence, _)| silence)
}

#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod schema_tests;
