//! Event patterns: Amazon EventBridge's pattern language in its checked form.
//!
//! Owns the parts of a pattern and their limits. A pattern is stored as the JSON that people write. Refuses to match
//! events: the rules crate does.

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
    /// Shared with the evaluator, which keeps a copy.
    root: Arc<ObjectPattern>,
}

impl EventPattern {
    /// The most combinations that all `$or` together may expand to.
    pub const MAX_COMBINATIONS: usize = 1000;
    /// The most fields in all these combinations together.
    pub const MAX_COMBINED_FIELDS: usize = 20_000;
    /// How deep objects and lists may nest.
    pub const MAX_DEPTH: usize = 64;
    /// The largest absolute value that `numeric` and `anything-but` compare with.
    pub const MAX_NUMBER: i64 = 5_000_000_000;
    /// The most decimals of such a number.
    pub const MAX_DECIMALS: usize = 6;

    /// The pattern of the event's outermost object.
    pub fn root(&self) -> &ObjectPattern {
        &self.root
    }
}

/// The pattern of one object: all fields must match, and one of the alternatives if there are any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ObjectPattern {
    /// The fields by name, in the order in which they are written.
    pub fields: Vec<(String, FieldPattern)>,
    /// The alternatives of `$or`: none, or at least two.
    pub any_of: Vec<Self>,
}

/// The pattern of one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FieldPattern {
    /// The field is an object, or a list with an object, that matches.
    Object(ObjectPattern),
    /// The field is a value, or a list with a value, that matches one of these.
    Value(Vec<ValuePattern>),
}

/// The pattern of one value. A text pattern matches strings only, a number pattern numbers only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ValuePattern {
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
    /// `wildcard` with `equals-ignore-case`.
    WildcardIgnoreCase(Wildcard),
    /// `anything-but`.
    AnythingBut(AnythingBut),
    /// `numeric`.
    Numeric(Interval),
    /// `cidr`: the text is an address in this network.
    Cidr(IpNet),
    /// `exists`.
    Exists(bool),
}

/// The values that a field must not have. The field must be present, and may be of any type. No list is empty.
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
    /// No text that fits one of these, in any case.
    WildcardIgnoreCase(Vec<Wildcard>),
}

/// A range of numbers with one end or two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Interval {
    /// `>` or `>=`.
    pub lower: Option<IntervalEnd>,
    /// `<` or `<=`. With `=` both ends are the same and included.
    pub upper: Option<IntervalEnd>,
}

/// One end of an [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IntervalEnd {
    /// The number at this end.
    pub value: Number,
    /// Whether the number itself is in the interval.
    pub included: bool,
}

/// One fault of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {what}; {hint}")]
pub struct PatternFault {
    /// JSON pointer (RFC 6901) into the pattern.
    pub pointer: String,
    /// Whether the key or the value is at fault.
    pub part: FaultyPart,
    /// The fault, without any of the pattern's values.
    pub what: String,
    /// How to fix it.
    pub hint: String,
}

/// The part that a fault's pointer refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultyPart {
    /// The key of the value.
    Key,
    /// The value.
    Value,
}

impl TryFrom<Value> for EventPattern {
    type Error = PatternFault;
    /// Returns the first fault only: a stored pattern was checked before.
    fn try_from(value: Value) -> Result<Self, PatternFault> {
        Self::read(&value).map_err(|mut faults| faults.swap_remove(0))
    }
}

impl From<EventPattern> for Value {
    fn from(pattern: EventPattern) -> Self {
        write::fields(&pattern.root)
    }
}

impl ValuePattern {
    /// The JSON that people write for it.
    pub fn to_json(&self) -> Value {
        write::test(self)
    }
}
