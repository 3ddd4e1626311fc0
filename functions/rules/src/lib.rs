//! Evaluates which rules an event matches, and explains why.
//!
//! A [`RuleSet`] is compiled once from a checked document and evaluates every event: [`RuleSet::evaluate`] returns the
//! rules that fire, as fast as possible; [`explain()`] gives the reason for every rule, whether it fires or not. These are
//! two independent evaluations; a property test asserts that they agree.
//!
//! [`RuleSet::plan`] adds the recipients and transports, and applies the loop guard. [`muted_until`] evaluates a rule's
//! mute windows, [`silence_covers`] a silence. [`dry_run`] evaluates other rules on past events, and [`silence_preview`] a
//! silence.
//!
//! The port [`Expressions`](domain::ports::Expressions) runs policies that are expressions. [`RuleSet::evaluate`] runs
//! those whose precondition the event meets, [`explain()`] runs all. An expression that raises has the result
//! `failure_result` of its binding, which `negate` does not invert.
//!
//! This crate does no I/O and reads no clock.
//!
//! # Event patterns
//!
//! An event matcher compares the event's plain fields. An event pattern, in Amazon EventBridge's pattern language, can
//! compare anything in the event's JSON. A pattern is an object with the structure of the event in which each field lists
//! the accepted values:
//!
//! | a field lists | it accepts |
//! |---|---|
//! | `"a"`, `1`, `true`, `null` | that value; `1`, `1.0` and `1e0` are the same number |
//! | `{"prefix": "a"}`, `{"suffix": "a"}` | a text with this prefix or suffix |
//! | `{"prefix": {"equals-ignore-case": "a"}}`, also `suffix` | the same, ignoring case |
//! | `{"equals-ignore-case": "a"}` | that text, ignoring case |
//! | `{"wildcard": "a*b"}` | a text that matches; `*` stands for any characters, `\*` and `\\` for the characters themselves |
//! | `{"anything-but": "a"}`, also a number or a list of either | a value of any type except these |
//! | `{"anything-but": {"prefix": "a"}}`, also `suffix`, `wildcard`, `equals-ignore-case`, and lists | a value of any type except texts that match |
//! | `{"numeric": [">", 0, "<=", 5]}`, also `=`, `<`, `>=`, and one end alone | a number in this range |
//! | `{"cidr": "192.0.2.0/24"}` | a text that is an address in this network, IPv4 or IPv6 |
//! | `{"exists": true}` | any value, including `null`, except an object |
//! | `{"exists": false}` | a missing field, an empty list, or an object |
//!
//! A field passes if one of its listed values matches; all fields must pass. `"$or": [{…}, {…}]` in place of a field
//! passes if one of its objects does, together with the fields beside it. A missing field passes only `exists: false`.
//!
//! A list in the event passes if one item does, at any depth of nested lists. Fields inside the objects of a list must
//! pass for the same object. `exists: false` there applies to the object for which the other fields pass; without other
//! fields, it applies to all objects.
//!
//! A pattern that cannot be intended is rejected, with the location and a hint: an empty object or list, a value outside
//! a list, an unknown operator, an empty range, `**`, an escape of another character, fewer than two alternatives, an
//! operator's name as a field inside `$or`, more than 1,000 combinations of alternatives. `numeric` and `anything-but`
//! accept numbers from -5,000,000,000 to 5,000,000,000 with up to six decimals; the numbers of an event are not limited
//! and never rounded.
//!
//! Where the language leaves a choice: a dot in a name is part of the name; texts, addresses included, are compared by
//! their characters; bits beyond the prefix of a network are ignored; an IPv4-mapped IPv6 address equals its IPv4 form;
//! `$or` must be a list; a field that is named both beside and inside `$or` must pass both times.

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

pub use explain::{Explanation, PolicyVerdict, explain};
pub use mute::muted_until;
pub use plan::{Plan, PlannedNotice};
pub use rule_set::{RuleMatches, RuleSet};
pub use silences::silence_covers;
