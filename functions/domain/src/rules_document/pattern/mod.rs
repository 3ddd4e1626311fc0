//! Event patterns: Amazon EventBridge's pattern language in its checked form.
//!
//! Owns what a pattern is made of and the limits it keeps; it is stored as the JSON that people write.
//! Says nothing of events: the rules crate matches.

mod number;
mod operator;
mod read;
#[cfg(test)]
mod tests;
mod wildcard;
mod write;

pub use number::compare;
pub use wildcard::{Wildcard, WildcardError};

use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// A pattern over the JSON of an event. Only [`EventPattern::read`] makes one, so that every one was checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct EventPattern {
    /// Shared, as whoever evaluates it keeps a copy.
    root: Arc<Fields>,
}

impl EventPattern {
    /// The most combinations that all `$or` together may stand for.
    pub const MAX_COMBINATIONS: usize = 1000;
    /// The most fields that all these combinations together may name.
    pub const MAX_COMBINED_FIELDS: usize = 20_000;
    /// How deep objects and lists may nest.
    pub const MAX_DEPTH: usize = 64;
    /// The largest number, either way, that `numeric` and `anything-but` compare with.
    pub const MAX_NUMBER: i64 = 5_000_000_000;
    /// The most decimals of such a number.
    pub const MAX_DECIMALS: usize = 6;

    /// What the event's outermost object must hold.
    pub fn root(&self) -> &Fields {
        &self.root
    }
}

/// What one object must hold: all of its fields, and one of the alternatives if there are any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Fields {
    /// In the order in which they are written.
    pub fields: Vec<(String, Field)>,
    /// `$or`: empty, or two and more.
    pub any_of: Vec<Self>,
}

/// What is wanted of one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// It is an object, or a list with an object, that holds these.
    Object(Fields),
    /// It is a value, or a list with a value, that passes one of these.
    Value(Vec<Test>),
}

/// What is wanted of one value. A test of texts fails on what is no text, one of numbers on what is no number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// Equal as a number: `1`, `1.0` and `1e0` are the same.
    Number(Number),
    /// The same text.
    Text(String),
    /// `equals-ignore-case`.
    EqualsIgnoreCase(String),
    /// `prefix`.
    Prefix(String),
    /// `prefix` with `equals-ignore-case`.
    PrefixIgnoreCase(String),
    /// `suffix`.
    Suffix(String),
    /// `suffix` with `equals-ignore-case`.
    SuffixIgnoreCase(String),
    /// `wildcard`.
    Wildcard(Wildcard),
    /// `anything-but`.
    AnythingBut(AnythingBut),
    /// `numeric`.
    Numeric(Interval),
    /// `cidr`: the text is an address in this network.
    Cidr(IpNet),
    /// `exists`.
    Exists(bool),
}

/// What a value must not be. It must be there, and it may be of any type. No list is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AnythingBut {
    /// None of these texts.
    Texts(Vec<String>),
    /// None of these numbers.
    Numbers(Vec<Number>),
    /// None of these texts, in any case.
    EqualsIgnoreCase(Vec<String>),
    /// No text that starts with one of these.
    Prefix(Vec<String>),
    /// No text that ends with one of these.
    Suffix(Vec<String>),
    /// No text that fits one of these.
    Wildcard(Vec<Wildcard>),
}

/// Numbers between two ends, of which at least one is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Interval {
    /// `>` or `>=`.
    pub lower: Option<End>,
    /// `<` or `<=`. With `=` both ends are the same and included.
    pub upper: Option<End>,
}

/// One end of an [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct End {
    /// Where it is.
    pub value: Number,
    /// Whether it belongs to the interval.
    pub included: bool,
}

/// One thing that is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {what}; {hint}")]
pub struct PatternFault {
    /// JSON pointer (RFC 6901) into the pattern.
    pub pointer: String,
    /// What of it is wrong.
    pub part: FaultyPart,
    /// What is wrong, without any of the pattern's values.
    pub what: String,
    /// How to mend it.
    pub hint: String,
}

/// Which part a fault is about, of what its pointer points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultyPart {
    /// The name that leads to the value.
    Key,
    /// The value.
    Value,
}

impl TryFrom<Value> for EventPattern {
    type Error = PatternFault;
    /// The first fault, if there is one: what is stored was checked before.
    fn try_from(value: Value) -> Result<Self, PatternFault> {
        Self::read(&value).map_err(|mut faults| faults.swap_remove(0))
    }
}

impl From<EventPattern> for Value {
    fn from(pattern: EventPattern) -> Self {
        write::fields(&pattern.root)
    }
}

impl Test {
    /// The test as it is written in a pattern.
    pub fn to_json(&self) -> Value {
        write::test(self)
    }
}
