//! Collects the faults and warnings of a rules file.
//!
//! Owns their order and their text form. Knows nothing of YAML or of rules.

use serde::Serialize;

use crate::scalar::Scalar;
use crate::source_map::{Position, SourceMap};

/// One fault or warning. Its text is `LINE:COLUMN: what; hint`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[error("{line}:{column}: {what}; {hint}")]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, such as `this value has a tag`.
    pub what: String,
    /// How to correct it.
    pub hint: String,
}

impl Fault {
    /// The fault with the name of its file. The text is `FILE:LINE:COLUMN: what; hint`, the JSON
    /// `{"file", "line", "column", "what", "hint"}`.
    pub fn in_file<'a>(&'a self, file: &'a str) -> FaultInFile<'a> {
        FaultInFile { file, fault: self }
    }
}

/// A fault with the name of its file.
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

/// How many pairs of names are compared for suggestions. Without this limit, a file full of wrong names would take time
/// quadratic in its size.
const MAX_COMPARISONS: usize = 50_000;

/// The faults and warnings found so far.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    comparisons_left: usize,
    is_yaml: bool,
    source_map: SourceMap,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            warnings: Vec::new(),
            comparisons_left: MAX_COMPARISONS,
            is_yaml: true,
            source_map: SourceMap::new(""),
        }
    }
}

impl Diagnostics {
    /// Adds a fault: the document is rejected.
    pub(crate) fn fault(&mut self, at: Position, what: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault { line: at.line, column: at.column, what: what.into(), hint: hint.into() });
    }

    /// Adds a warning: the document is valid, but this is probably a mistake.
    pub(crate) fn warning(&mut self, at: Position, what: impl Into<String>, hint: impl Into<String>) {
        self.warnings.push(Fault { line: at.line, column: at.column, what: what.into(), hint: hint.into() });
    }

    /// Notes that the file is JSON.
    pub(crate) fn set_json(&mut self) {
        self.is_yaml = false;
    }

    /// Whether the file is YAML that is not JSON.
    pub(crate) fn is_yaml(&self) -> bool {
        self.is_yaml
    }

    /// Sets the text of the file, to which later positions refer.
    pub(crate) fn set_source(&mut self, text: &str) {
        self.source_map = SourceMap::new(text);
    }

    /// The position in the file of a line and column inside a scalar's text.
    pub(crate) fn position_in(&mut self, scalar: &Scalar, at: Position, line: usize, column: usize) -> Position {
        self.source_map.position(scalar, at, line, column)
    }

    /// Whether one more pair of names may be compared; counts the comparison.
    pub(crate) fn may_compare(&mut self) -> bool {
        let may = self.comparisons_left > 0;
        self.comparisons_left = self.comparisons_left.saturating_sub(1);
        may
    }

    /// The document and the warnings; if there is a fault, all faults, sorted by position.
    pub(crate) fn conclude<T>(mut self, read: Option<T>) -> Result<(T, Vec<Fault>), Vec<Fault>> {
        // A value that aliases repeat has been checked several times, with equal faults.
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
