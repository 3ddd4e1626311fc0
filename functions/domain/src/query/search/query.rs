//! A parsed query, and how it is written as text.

use std::fmt;

use serde_json::Number;

use super::lex::is_name;

/// A condition on an event.
#[derive(Debug, Clone, PartialEq)]
pub enum SearchQuery {
    /// A test of one field of the event.
    Comparison(Comparison),
    /// All of these match. Has at least two parts.
    All(Vec<Self>),
    /// At least one of these matches. Has at least two parts.
    Any(Vec<Self>),
}

/// A test of one field of an event, or its negation.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The part of the event whose value is tested.
    pub field: SearchField,
    /// Whether the test is negated: the comparison matches if the test fails.
    pub denied: bool,
    /// The operator, with the value to compare the field with.
    pub test: FieldTest,
}

/// A part of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchField {
    /// `action`: what happened, as text.
    Action,
    /// `app`: the application that reported the event, as text.
    App,
    /// `client_ip`: the IP address. `192.0.2.7` and `::ffff:192.0.2.7` are equal, and both equal `192.0.2.0/24`.
    ClientIp,
    /// `created`: the event's time, compared with a date or time, which is in UTC unless it has an offset.
    Created,
    /// `event_uuid` or `pk`: the event's pk as text, whose case does not matter.
    Pk,
    /// `expires`: when the event expires, compared as `created` is.
    Expires,
    /// `id`: the caller's own id, as text; nothing if the caller did not name the event.
    Id,
    /// `source`: the namespace of `id`, as text.
    Source,
    /// Below `user`: at least one name.
    User(Vec<String>),
    /// Below `brand`: at least one name.
    Brand(Vec<String>),
    /// Below `context`: at least one name.
    Context(Vec<String>),
}

/// An operator with its value.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldTest {
    /// `=`: the values are equal. A date equals every time within it; `None` equals null and a missing value.
    Equals(Literal),
    /// `>`: the value is greater, or later than the end of a date.
    Above(Literal),
    /// `>=`: the value is equal or greater.
    AtLeast(Literal),
    /// `<`: the value is less, or earlier than the beginning of a date.
    Below(Literal),
    /// `<=`: the value is equal or less.
    AtMost(Literal),
    /// `~`: the value contains this text, ignoring case.
    Contains(String),
    /// `startswith`: the value begins with this text, ignoring case.
    Starts(String),
    /// `endswith`: the value ends with this text, ignoring case.
    Ends(String),
    /// `in`: the value equals at least one of these.
    Among(Vec<Literal>),
}

/// A value as written in a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A text in double or single quotes, such as `"login"`.
    Text(String),
    /// A number, such as `7` or `-1.5`.
    Number(Number),
    /// `True` or `False`, as Python writes them.
    Bool(bool),
    /// `None`: null or missing.
    None,
}

impl SearchQuery {
    /// Pieces of text that occur in the JSON of every event that the query matches; may be empty. Used to rule out
    /// events without parsing them.
    pub fn necessary(&self) -> Vec<RequiredPiece<'_>> {
        match self {
            Self::Comparison(Comparison { field, denied: false, test: FieldTest::Equals(Literal::Text(text)) }) => {
                field.required_pieces(text)
            }
            Self::All(parts) => parts.iter().flat_map(Self::necessary).collect(),
            Self::Comparison(_) | Self::Any(_) => Vec::new(),
        }
    }
}

/// A piece of an event's JSON without blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredPiece<'q> {
    /// The key with this text for its value: `"key":"text"`.
    Pair(&'q str, &'q str),
    /// The key, whatever its value: `"key":`.
    Key(&'q str),
    /// The text as a value, wherever it is: `"text"`.
    Text(&'q str),
}

impl SearchField {
    /// What the JSON contains if the field equals the text; empty if equal values can be written differently.
    fn required_pieces<'q>(&'q self, text: &'q str) -> Vec<RequiredPiece<'q>> {
        match self {
            Self::Action => vec![RequiredPiece::Pair("action", text)],
            Self::App => vec![RequiredPiece::Pair("app", text)],
            Self::Id => vec![RequiredPiece::Pair("id", text)],
            Self::Source => vec![RequiredPiece::Pair("source", text)],
            // The text may be an item of a list, so that the key does not stand before it.
            Self::User(path) | Self::Brand(path) | Self::Context(path) => {
                let keys = path.iter().map(|key| RequiredPiece::Key(key));
                keys.chain([RequiredPiece::Text(text)]).collect()
            }
            Self::ClientIp | Self::Created | Self::Expires | Self::Pk => Vec::new(),
        }
    }
}

impl fmt::Display for SearchQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Comparison(comparison) => return comparison.fmt(formatter),
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                formatter.write_str(word)?;
            }
            match part {
                Self::Comparison(comparison) => comparison.fmt(formatter)?,
                nested => write!(formatter, "({nested})")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, denied, test } = self;
        let not = if *denied { "not " } else { "" };
        match test {
            FieldTest::Equals(value) => write!(formatter, "{field} {}= {value}", if *denied { "!" } else { "" }),
            FieldTest::Contains(text) => {
                write!(formatter, "{field} {}~ {}", if *denied { "!" } else { "" }, Quoted(text))
            }
            FieldTest::Above(value) => write!(formatter, "{field} > {value}"),
            FieldTest::AtLeast(value) => write!(formatter, "{field} >= {value}"),
            FieldTest::Below(value) => write!(formatter, "{field} < {value}"),
            FieldTest::AtMost(value) => write!(formatter, "{field} <= {value}"),
            FieldTest::Starts(text) => write!(formatter, "{field} {not}startswith {}", Quoted(text)),
            FieldTest::Ends(text) => write!(formatter, "{field} {not}endswith {}", Quoted(text)),
            FieldTest::Among(values) => {
                write!(formatter, "{field} {not}in (")?;
                for (place, value) in values.iter().enumerate() {
                    write!(formatter, "{}{value}", if place > 0 { ", " } else { "" })?;
                }
                formatter.write_str(")")
            }
        }
    }
}

impl fmt::Display for SearchField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action => formatter.write_str("action"),
            Self::App => formatter.write_str("app"),
            Self::ClientIp => formatter.write_str("client_ip"),
            Self::Created => formatter.write_str("created"),
            Self::Pk => formatter.write_str("event_uuid"),
            Self::Expires => formatter.write_str("expires"),
            Self::Id => formatter.write_str("id"),
            Self::Source => formatter.write_str("source"),
            Self::User(path) => write!(formatter, "user{}", PathKeys(path)),
            Self::Brand(path) => write!(formatter, "brand{}", PathKeys(path)),
            Self::Context(path) => write!(formatter, "context{}", PathKeys(path)),
        }
    }
}

/// The keys of a path, each after a dot.
struct PathKeys<'a>(&'a [String]);

impl fmt::Display for PathKeys<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in self.0 {
            if is_name(key) { write!(formatter, ".{key}")? } else { write!(formatter, ".{}", Quoted(key))? }
        }
        Ok(())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Bool(true) => formatter.write_str("True"),
            Self::Bool(false) => formatter.write_str("False"),
            Self::None => formatter.write_str("None"),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query accepts texts with JSON's escapes.
        serde_json::to_string(self.0).map_err(|_| fmt::Error)?.fmt(formatter)
    }
}
