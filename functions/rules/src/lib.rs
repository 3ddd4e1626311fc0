//! Which rules an event matches, and why.
//!
//! A [`RuleSet`] is made once from a checked document and asked for every event:
//! [`RuleSet::matches`] says which rules fire, as fast as it can; [`RuleSet::explain`] says for every
//! rule why it does or does not. They are two evaluations that must agree, and a property test holds
//! them together.
//!
//! [`RuleSet::plan`] adds who is told by what, and whether the loop guard holds it back.
//!
//! Nothing here does I/O or knows the time.

mod clause;
mod compiled;
mod explain;
mod facts;
mod plan;
pub mod rehearsal;

pub use compiled::RuleSet;
pub use explain::{Explanation, PolicyVerdict};
pub use plan::{Plan, Telling};
