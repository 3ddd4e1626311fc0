//! Which rules an event matches, and why.
//!
//! A [`RuleSet`] is made once from a checked document and asked for every event:
//! [`RuleSet::judge`] says which rules fire, as fast as it can; [`explain()`] says for every
//! rule why it does or does not. They are two evaluations that must agree, and a property test holds
//! them together.
//!
//! [`RuleSet::plan`] adds who is told by what, and whether the loop guard holds it back.
//!
//! [`muted_until`] judges a rule's mute windows, [`silences()`] whether a silence is meant; [`preview`] says what one
//! would have kept back.
//!
//! Policies that are expressions are run by the port [`Expressions`](domain::ports::Expressions):
//! [`RuleSet::judge`] runs one for an event that has what was read off it beforehand, [`explain()`] runs them all.
//! One that raises counts as its binding's `failure_result`, which `negate` does not turn.
//!
//! Nothing here does I/O or knows the time.
//!
//! The language of event patterns is described in `functions/rulesfile/README.md`.

mod asking;
mod bound;
mod clause;
mod compiled;
mod examples;
mod explain;
mod facts;
mod index;
mod mute;
mod pattern;
mod plan;
mod policies;
pub mod preview;
pub mod rehearsal;
mod silence;
mod storms;
mod values;

pub use compiled::{Judged, RuleSet};
pub use explain::{Explanation, PolicyVerdict, explain};
pub use mute::muted_until;
pub use plan::{Plan, Telling};
pub use silence::silences;
