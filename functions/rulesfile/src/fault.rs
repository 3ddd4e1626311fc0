//! What is wrong in a rules file, and where.
//!
//! Owns how faults are collected, ordered and written. Knows nothing of YAML or of rules.

use serde::Serialize;

use domain::document::RulesDocument;

use crate::Reading;

/// One thing that is wrong. Displayed as `LINE:COLUMN: what; hint`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[error("{line}:{column}: {what}; {hint}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub hint: String,
}

impl Fault {
    /// The fault with the name of the file it is in: `FILE:LINE:COLUMN: what; hint`, and as JSON
    /// `{"file", "line", "column", "what", "hint"}`.
    pub fn in_file<'a>(&'a self, file: &'a str) -> InFile<'a> {
        InFile { file, fault: self }
    }
}

/// A fault and the file it is in.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct InFile<'a> {
    file: &'a str,
    #[serde(flatten)]
    fault: &'a Fault,
}

impl std::fmt::Display for InFile<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.file, self.fault)
    }
}

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl At {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// How many names are looked up for a near one. Each lookup walks all known names, so that a file
/// made of wrong names would otherwise take time by the square of its size.
const MAX_SUGGESTIONS: usize = 200;

/// What has been found so far.
#[derive(Debug)]
pub(crate) struct Findings {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    suggestions_left: usize,
}

impl Default for Findings {
    fn default() -> Self {
        Self { faults: Vec::new(), warnings: Vec::new(), suggestions_left: MAX_SUGGESTIONS }
    }
}

impl Findings {
    /// The document cannot be taken.
    pub(crate) fn fault(&mut self, at: At, what: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault { line: at.line, column: at.column, what: what.into(), hint: hint.into() });
    }

    /// The document can be taken, but this is hardly meant.
    pub(crate) fn warning(&mut self, at: At, what: impl Into<String>, hint: impl Into<String>) {
        self.warnings.push(Fault { line: at.line, column: at.column, what: what.into(), hint: hint.into() });
    }

    /// Whether one more name may be looked up.
    pub(crate) fn may_suggest(&mut self) -> bool {
        let may = self.suggestions_left > 0;
        self.suggestions_left = self.suggestions_left.saturating_sub(1);
        may
    }

    /// The document, unless there is a fault.
    pub(crate) fn conclude(mut self, document: Option<RulesDocument>) -> Result<Reading, Vec<Fault>> {
        // What an alias repeats is wrong once.
        for list in [&mut self.faults, &mut self.warnings] {
            list.sort();
            list.dedup();
        }
        match document {
            Some(document) if self.faults.is_empty() => Ok(Reading { document, warnings: self.warnings }),
            _ => Err(self.faults),
        }
    }
}
