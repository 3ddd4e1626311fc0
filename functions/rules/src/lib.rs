//! Which rules an event matches, and why.
//!
//! A [`RuleSet`] is made once from a checked document and asked for every event:
//! [`RuleSet::matches`] says which rules fire, as fast as it can; [`RuleSet::explain`] says for every
//! rule why it does or does not. They are two evaluations that must agree, and a property test holds
//! them together.
//!
//! Nothing here does I/O, knows the time, or decides who is told. The loop guard stands apart
//! (`domain::loop_guard`): it is about where an event comes from, not about what a rule wants.

mod clause;
mod compiled;
mod explain;
mod facts;
mod pattern;

pub use compiled::RuleSet;
pub use explain::{Explanation, PolicyVerdict};
