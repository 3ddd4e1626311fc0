//! Evaluates which rules an event matches, and explains why.
//!
//! A [`RuleSet`] is compiled once from a checked document and evaluates every event: [`RuleSet::evaluate`] returns the
//! rules that fire, as fast as possible; [`explain()`] gives the reason for every rule, whether it fires or not. These
//! are two independent evaluations; a property test asserts that they agree.
//!
//! [`RuleSet::plan`] adds the recipients and transports, and applies the loop guard. [`muted_until`] evaluates a rule's
//! mute windows, [`silence_covers`] a silence. [`dry_run`] evaluates other rules on past events, and
//! [`silence_preview`] a silence.
//!
//! The port [`Expressions`](domain::ports::Expressions) runs policies that are expressions. [`RuleSet::evaluate`] runs
//! those whose precondition the event meets, [`explain()`] runs all. An expression that raises has the result
//! `failure_result` of its binding, which `negate` does not invert.
//!
//! This crate does no I/O and reads no clock.
//!
//! The language of event patterns is described in `functions/rulesfile/README.md`.
#![doc = include_str!("../README.md")]

mod case_folding;
pub mod dry_run;
mod dry_run_examples;
mod event_view;
mod explain;
mod expression_runner;
mod index;
mod matcher_clauses;
mod mute;
mod path_values;
mod pattern;
mod plan;
mod policy_table;
mod rule_set;
mod rules_by_policy;
pub mod silence_preview;
mod silences;
mod storm_simulation;
mod watches;

pub use explain::{Explanation, PolicyVerdict, explain};
pub use mute::muted_until;
pub use plan::{Plan, PlannedNotice};
pub use rule_set::{RuleMatches, RuleSet};
pub use silences::silence_covers;
pub use watches::EnteredDetection;
