//! Event patterns: the form in which they are matched, and the matching.
//!
//! Owns what a pattern means; which patterns there are, and how they are written, is the document's.
//! Two fields of one object in a list pass together or not at all: see `admit`.

mod field_value;
mod leaf;
mod path_matcher;
mod reason;
mod tree_match;
mod tree_matcher;

pub(crate) use field_value::{EVENT_KEYS, FieldValue};
pub(crate) use leaf::Leaf;
pub(crate) use path_matcher::PathMatcher;
pub(crate) use reason::explain_pattern;
pub(crate) use tree_matcher::TreeMatcher;
