//! Which rules an event matches, and why.
//!
//! A [`RuleSet`] is made once from a checked document and asked for every event:
//! [`RuleSet::evaluate`] says which rules fire, as fast as it can; [`explain()`] says for every
//! rule why it does or does not. They are two evaluations that must agree, and a property test holds
//! them together.
//!
//! [`RuleSet::plan`] adds who is told by what, and whether the loop guard holds it back.
//!
//! [`muted_until`] judges a rule's mute windows, [`silences()`] whether a silence is meant; [`preview`] says what one
//! would have kept back.
//!
//! Policies that are expressions are run by the port [`Expressions`](domain::ports::Expressions):
//! [`RuleSet::evaluate`] runs one for an event that has what was read off it beforehand, [`explain()`] runs them all.
//! One that raises counts as its binding's `failure_result`, which `negate` does not turn.
//!
//! Nothing here does I/O or knows the time.
//!
//! # Event patterns
//!
//! An event matcher looks at the event's plain fields; an event pattern, in Amazon EventBridge's pattern
//! language, at anything in the JSON that the event is shown as. A pattern is an object of the event's form in
//! which each field lists what may be there:
//!
//! | a field lists | and the event has there |
//! |---|---|
//! | `"a"`, `1`, `true`, `null` | that value; `1`, `1.0` and `1e0` are the same number |
//! | `{"prefix": "a"}`, `{"suffix": "a"}` | a text that starts or ends so |
//! | `{"prefix": {"equals-ignore-case": "a"}}`, also `suffix` | the same in any case |
//! | `{"equals-ignore-case": "a"}` | that text in any case |
//! | `{"wildcard": "a*b"}` | a text that fits, `*` being any characters; `\*` and `\\` are the characters |
//! | `{"anything-but": "a"}`, also a number or a list of either | a value of any type, but none of these |
//! | `{"anything-but": {"prefix": "a"}}`, also `suffix`, `wildcard`, `equals-ignore-case`, and lists | the same of texts |
//! | `{"numeric": [">", 0, "<=", 5]}`, also `=`, `<`, `>=`, and one end alone | a number in between |
//! | `{"cidr": "192.0.2.0/24"}` | a text that is an address of that network, IPv4 or IPv6 |
//! | `{"exists": true}` | any value, `null` too, but not an object |
//! | `{"exists": false}` | no value: nothing, an empty list, or an object |
//!
//! One of what a field lists is enough; all fields must hold. `"$or": [{…}, {…}]` in place of a field holds
//! if one of its objects does, together with the fields beside it. What is not there passes `exists: false` only.
//!
//! A list in the event passes if one item does, lists in lists included. Fields inside the objects of a list
//! must hold of one and the same object. `exists: false` there is about the object that other fields hold
//! of; without such fields, about all objects.
//!
//! A pattern is refused, with the place and a hint, if it could not be meant: an empty object or list, a value
//! outside a list, an unknown operator, a range without numbers in it, `**`, an escape of anything else, fewer than
//! two alternatives, an operator's name as a field inside `$or`, more than 1,000 combinations of alternatives.
//! `numeric` and `anything-but` compare with numbers from -5,000,000,000 to 5,000,000,000 with up to six
//! decimals; an event's own numbers may be any, and are never rounded.
//!
//! Where the language leaves a choice: a dot in a name is part of the name; texts are equal if their characters are,
//! addresses included; bits beyond the prefix of a network do not count; an IPv4-mapped IPv6 address is its IPv4
//! form; `$or` must be a list; a field that is named both beside and inside `$or` must pass both times.

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
