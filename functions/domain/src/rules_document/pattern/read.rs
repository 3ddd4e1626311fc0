//! Parses the JSON of a pattern into its checked form.
//!
//! Owns objects, lists and `$or`, and reports every fault, not just the first. The `operator` module parses operators.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::number;
use super::{EventPattern, FaultyPart, FieldPattern, ObjectPattern, PatternFault, ValuePattern, operator};
use crate::json::pointer_segment;

const OR: &str = "$or";

/// Names that cannot be fields inside `$or`, where they would hardly be meant as such.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

impl EventPattern {
    /// Reads a pattern from its JSON.
    ///
    /// # Errors
    /// Every fault of the pattern, in its order; never an empty list.
    pub fn read(value: &Value) -> Result<Self, Vec<PatternFault>> {
        let mut reader = Reader::default();
        let place = PatternPosition { pointer: "", depth: 0, inside_or: false };
        let root = match value {
            Value::Object(object) => reader.fields(object, place),
            _ => reader.wrong("", "an event pattern must be an object of fields", "write { action: [login_failed] }"),
        };
        if let Some(size) = root.as_ref().map(size) {
            reader.check_size(size);
        }
        match root {
            Some(root) if reader.faults.is_empty() => Ok(Self { root: root.into() }),
            _ => Err(reader.faults),
        }
    }
}

fn fault(pointer: &str, part: FaultyPart, what: impl Into<String>, hint: impl Into<String>) -> PatternFault {
    PatternFault { pointer: pointer.to_owned(), part, what: what.into(), hint: hint.into() }
}

#[derive(Default)]
pub(super) struct Reader {
    faults: Vec<PatternFault>,
}

/// Where the reader is: the JSON pointer, the depth of nesting, and whether an `$or` encloses it.
#[derive(Clone, Copy)]
struct PatternPosition<'a> {
    pointer: &'a str,
    depth: usize,
    inside_or: bool,
}

impl Reader {
    /// Reports a fault of the value at this pointer.
    pub(super) fn wrong<T>(&mut self, pointer: &str, what: impl Into<String>, hint: impl Into<String>) -> Option<T> {
        self.faults.push(fault(pointer, FaultyPart::Value, what, hint));
        None
    }

    /// Reports a fault of the key at this pointer.
    pub(super) fn wrong_key<T>(
        &mut self,
        pointer: &str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<T> {
        self.faults.push(fault(pointer, FaultyPart::Key, what, hint));
        None
    }

    fn fields(&mut self, object: &Map<String, Value>, place: PatternPosition<'_>) -> Option<ObjectPattern> {
        if object.is_empty() {
            return self.wrong(place.pointer, "this object has no fields", "name a field in it, or remove the object");
        }
        if place.depth == EventPattern::MAX_DEPTH {
            let most = EventPattern::MAX_DEPTH;
            let what = format!("the pattern has more than {most} levels of nesting");
            return self.wrong(place.pointer, what, format!("write it with at most {most} levels"));
        }
        let mut fields = ObjectPattern::default();
        for (name, value) in object {
            let pointer = format!("{}{}", place.pointer, pointer_segment(name));
            let inner = PatternPosition { pointer: &pointer, depth: place.depth + 1, ..place };
            if name == OR {
                fields.any_of = self.alternatives(value, inner);
            } else if place.inside_or && RESERVED.contains(&name.as_str()) {
                let hint = "use $or for alternative fields: $or: [{ a: [1] }, { b: [2] }]; write alternative values of one field as its list";
                self.wrong_key::<()>(&pointer, format!("{name:?} cannot be the name of a field inside $or"), hint);
            } else if let Some(field) = self.field(name, value, inner) {
                fields.fields.push((name.clone(), field));
            }
        }
        Some(fields)
    }

    fn alternatives(&mut self, value: &Value, place: PatternPosition<'_>) -> Vec<ObjectPattern> {
        let hint = "write two or more patterns: $or: [{ a: [1] }, { b: [2] }]";
        let Value::Array(items) = value else {
            self.wrong::<()>(place.pointer, "$or must be a list of patterns", hint);
            return Vec::new();
        };
        if items.len() < 2 {
            self.wrong::<()>(place.pointer, "$or needs at least two alternatives", hint);
        }
        let mut alternatives = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let pointer = format!("{}/{at}", place.pointer);
            let place = PatternPosition { pointer: &pointer, depth: place.depth, inside_or: true };
            match item {
                Value::Object(object) => alternatives.extend(self.fields(object, place)),
                _ => {
                    self.wrong::<()>(&pointer, "an alternative of $or must be an object of fields", hint);
                }
            }
        }
        alternatives
    }

    fn field(&mut self, name: &str, value: &Value, place: PatternPosition<'_>) -> Option<FieldPattern> {
        match value {
            Value::Object(object) => self.fields(object, place).map(FieldPattern::Object),
            Value::Array(items) => self.tests(items, place.pointer).map(FieldPattern::Value),
            _ if operator::is_known(name) => {
                let what = format!("{name:?} is an operator, but is used here as the name of a field");
                self.wrong_key(
                    place.pointer,
                    what,
                    format!("write it in the list of a field: field: [{{ {name}: … }}]"),
                )
            }
            _ => {
                let what = format!("{} must be a list of values or an object of fields", shown(name));
                self.wrong(place.pointer, what, "put the value into a list, such as [login]")
            }
        }
    }

    fn tests(&mut self, items: &[Value], pointer: &str) -> Option<Vec<ValuePattern>> {
        if items.is_empty() {
            return self.wrong(
                pointer,
                "this list is empty",
                "list at least one value; for a missing field, write { exists: false }",
            );
        }
        let tests = items.iter().enumerate().filter_map(|(at, item)| self.test(item, &format!("{pointer}/{at}")));
        Some(tests.collect())
    }

    fn test(&mut self, item: &Value, pointer: &str) -> Option<ValuePattern> {
        match item {
            Value::Null => Some(ValuePattern::Null),
            Value::Bool(value) => Some(ValuePattern::Boolean(*value)),
            Value::Number(number) => Some(ValuePattern::Number(number::canonical(number))),
            Value::String(text) => Some(ValuePattern::Text(text.clone())),
            Value::Object(object) => operator::read(self, object, pointer),
            Value::Array(_) => {
                self.wrong(pointer, "this list is inside a list of values", "move its values into the outer list")
            }
        }
    }

    fn check_size(&mut self, size: Size) {
        let (most, fields) = (EventPattern::MAX_COMBINATIONS, EventPattern::MAX_COMBINED_FIELDS);
        if size.combinations > most {
            let what = format!("the alternatives of $or make more than {most} combinations");
            self.wrong::<()>(
                "",
                what,
                "list the values of one field instead of alternatives, or split the pattern into several policies",
            );
        } else if size.fields > fields {
            let what = format!("the combinations of $or have more than {fields} fields in total");
            self.wrong::<()>("", what, "name fewer fields beside $or, or split the pattern into several policies");
        }
    }
}

/// The field's name in quotes, unless it could be a value in the wrong place, which must not be shown.
fn shown(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./$".contains(&byte);
    let is_name = name.len() <= 60 && name.bytes().all(plain) && name.parse::<IpAddr>().is_err();
    if is_name { format!("{name:?}") } else { "this field".to_owned() }
}

/// The size of a pattern if every `$or` is expanded into a list of combinations.
#[derive(Clone, Copy)]
struct Size {
    combinations: usize,
    /// The number of fields in all combinations together.
    fields: usize,
}

fn size(fields: &ObjectPattern) -> Size {
    let mut all = Size { combinations: 1, fields: 0 };
    for (_, field) in &fields.fields {
        all = both(
            all,
            match field {
                FieldPattern::Value(_) => Size { combinations: 1, fields: 1 },
                FieldPattern::Object(inner) => size(inner),
            },
        );
    }
    if fields.any_of.is_empty() {
        return all;
    }
    let either = fields.any_of.iter().map(size).fold(Size { combinations: 0, fields: 0 }, |one, other| Size {
        combinations: one.combinations.saturating_add(other.combinations),
        fields: one.fields.saturating_add(other.fields),
    });
    both(all, either)
}

fn both(one: Size, other: Size) -> Size {
    let times = usize::saturating_mul;
    Size {
        combinations: times(one.combinations, other.combinations),
        fields: times(one.fields, other.combinations).saturating_add(times(other.fields, one.combinations)),
    }
}
