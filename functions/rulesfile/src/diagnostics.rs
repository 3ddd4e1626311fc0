//! What is wrong in a rules file, and where.
//!
//! Owns how faults are collected, ordered and written. Knows nothing of YAML or of rules.

use serde::Serialize;

use crate::scalar::Scalar;
use crate::source_map::SourceMap;

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
    pub fn in_file<'a>(&'a self, file: &'a str) -> FaultInFile<'a> {
        FaultInFile { file, fault: self }
    }
}

/// A fault and the file it is in.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FaultInFile<'a> {
    file: &'a str,
    #[serde(flatten)]
    fault: &'a Fault,
}

impl std::fmt::Display for FaultInFile<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.file, self.fault)
    }
}

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// How many pairs of names are compared to find the one that was meant. A file made of wrong names
/// would otherwise take time by the square of its size.
const MAX_COMPARISONS: usize = 50_000;

/// What has been found so far.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    comparisons_left: usize,
    written: SourceMap,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            warnings: Vec::new(),
            comparisons_left: MAX_COMPARISONS,
            written: SourceMap::new(""),
        }
    }
}

impl Diagnostics {
    /// The document cannot be taken.
    pub(crate) fn fault(&mut self, at: Position, what: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault { line: at.line, column: at.column, what: what.into(), hint: hint.into() });
    }

    /// The document can be taken, but this is hardly meant.
    pub(crate) fn warning(&mut self, at: Position, what: impl Into<String>, hint: impl Into<String>) {
        self.warnings.push(Fault { line: at.line, column: at.column, what: what.into(), hint: hint.into() });
    }

    /// The file that is read.
    pub(crate) fn written(&mut self, text: &str) {
        self.written = SourceMap::new(text);
    }

    /// Where in the file a place inside a scalar is.
    pub(crate) fn place(&mut self, scalar: &Scalar, at: Position, line: usize, column: usize) -> Position {
        self.written.place(scalar, at, line, column)
    }

    /// Whether two more names may be compared.
    pub(crate) fn may_compare(&mut self) -> bool {
        let may = self.comparisons_left > 0;
        self.comparisons_left = self.comparisons_left.saturating_sub(1);
        may
    }

    /// What was read, unless there is a fault, and the warnings.
    pub(crate) fn conclude<T>(mut self, read: Option<T>) -> Result<(T, Vec<Fault>), Vec<Fault>> {
        // What an alias repeats is wrong once.
        for list in [&mut self.faults, &mut self.warnings] {
            list.sort();
            list.dedup();
        }
        match read {
            Some(read) if self.faults.is_empty() => Ok((read, self.warnings)),
            _ => Err(self.faults),
        }
    }
}
