//! Matches event patterns.
//!
//! Owns what a pattern means; the rules document owns how a pattern is written. `path_matcher` decides most events
//! quickly from collected values. `tree_match` decides the rest: fields of objects in a list must pass for the same
//! object.

mod path_matcher;
mod reason;
mod tree_match;
mod tree_matcher;
mod value_match;

pub(crate) use path_matcher::PathMatcher;
pub(crate) use reason::explain_pattern;
pub(crate) use tree_matcher::TreeMatcher;
