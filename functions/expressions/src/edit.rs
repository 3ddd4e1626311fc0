//! Changes to a text that keep its lines where they are.

use std::ops::Range;

/// One stretch of the text and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    range: Range<usize>,
    text: String,
}

impl Edit {
    /// `range` becomes `text`.
    pub(crate) fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }

    /// `text` comes in before what stands at `place`.
    pub(crate) fn insert(place: usize, text: impl Into<String>) -> Self {
        Self::replace(place..place, text)
    }
}

/// The text with all changes made. Of changes that overlap the one that begins first is made.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    // Stable: of several insertions at one place the first recorded stands first.
    edits.sort_by_key(|edit| edit.range.start);
    let mut result = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for edit in edits {
        if edit.range.start < done {
            continue;
        }
        result.push_str(&text[done..edit.range.start]);
        result.push_str(&edit.text);
        done = edit.range.end;
    }
    result.push_str(&text[done..]);
    result
}
