//! Text replacements in a body. The rewrites use them so that every line keeps its number.

use std::ops::Range;

/// A range of the text, in bytes, and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    range: Range<usize>,
    text: String,
}

impl Edit {
    /// Replaces `range` by `text`.
    pub(crate) fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }

    /// Inserts `text` at the byte offset.
    pub(crate) fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self::replace(offset..offset, text)
    }

    /// Whether the edit changes nothing outside these byte offsets.
    pub(crate) fn is_within(&self, start: usize, end: usize) -> bool {
        start <= self.range.start && self.range.end <= end
    }

    /// The same edit of a text without its first `bytes`.
    pub(crate) fn without_first(self, bytes: usize) -> Self {
        Self { range: self.range.start - bytes..self.range.end - bytes, text: self.text }
    }
}

/// Applies all edits. Of overlapping edits, only the one that begins first is applied.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    // The sort is stable: several insertions at one offset keep their order. They come before what replaces the text from
    // there on, because they close what ends there, or open what surrounds it.
    edits.sort_by_key(|edit| (edit.range.start, !edit.range.is_empty()));
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
