//! Converts between JSON and the interpreter's values.
//!
//! Owns the JSON form of a body's result. Refuses values that contain themselves or are too large.

use std::fmt::Write as _;

use domain::json::MAX_NUMBER_LENGTH;
use jiff::Timestamp;
use monty_types::{MontyClassInstance, MontyDateTime, MontyObject};
use num_bigint::BigInt;
use serde_json::{Map, Number, Value};

/// The maximum number of values in one result.
const MAX_VALUES: usize = 100_000;
/// The maximum number of text bytes in one result.
const MAX_BYTES: usize = 1024 * 1024;
/// The maximum nesting of one result.
const MAX_DEPTH: usize = 64;

/// A Python `str` with this text.
pub(crate) fn text(text: impl Into<String>) -> MontyObject {
    MontyObject::String(text.into())
}

/// A Python `str`, or `None`.
pub(crate) fn optional(value: Option<&str>) -> MontyObject {
    value.map_or(MontyObject::None, text)
}

/// A Python `dict` with the same keys, and the values as [`to_python`] converts them.
pub(crate) fn dict(object: &Map<String, Value>) -> MontyObject {
    object.iter().map(|(key, value)| (text(key), to_python(value))).collect::<Vec<_>>().into_dict()
}

/// Converts pairs into a dict.
pub(crate) trait IntoDict {
    /// The pairs as a Python `dict`.
    fn into_dict(self) -> MontyObject;
}

impl IntoDict for Vec<(MontyObject, MontyObject)> {
    fn into_dict(self) -> MontyObject {
        MontyObject::dict(self)
    }
}

/// The Python value of a JSON value. A number without fraction and exponent becomes an `int` of any size, another one a
/// `float`.
pub(crate) fn to_python(value: &Value) -> MontyObject {
    match value {
        Value::Null => MontyObject::None,
        Value::Bool(value) => MontyObject::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => MontyObject::Int(whole),
            None => number
                .as_str()
                .parse()
                .map_or_else(|_| MontyObject::Float(number.as_f64().unwrap_or(f64::NAN)), MontyObject::BigInt),
        },
        Value::String(value) => text(value),
        Value::Array(items) => MontyObject::List(items.iter().map(to_python).collect()),
        Value::Object(object) => dict(object),
    }
}

/// A Python `datetime` in UTC, with or without time zone.
pub(crate) fn datetime(instant: Timestamp, aware: bool) -> MontyObject {
    let at = instant.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let small = |part: i8| u8::try_from(part).unwrap_or_default();
    MontyObject::DateTime(MontyDateTime {
        year: i32::from(at.year()),
        month: small(at.month()),
        day: small(at.day()),
        hour: small(at.hour()),
        minute: small(at.minute()),
        second: small(at.second()),
        microsecond: u32::try_from(at.subsec_nanosecond() / 1000).unwrap_or_default(),
        offset_seconds: aware.then_some(0),
        timezone_name: None,
    })
}

/// Gives the JSON form of host objects.
pub(crate) trait DescribeHostObject {
    /// The object as JSON; `None` if it is not a host object with a JSON form of its own.
    fn describe(&self, instance: &MontyClassInstance) -> Option<Value>;
}

/// The JSON form of a result.
///
/// # Errors
/// A message for the author, if the value is too large or cannot be represented.
pub(crate) fn to_json(object: &MontyObject, host: &dyn DescribeHostObject) -> Result<Value, &'static str> {
    JsonWriter { host, values: 0, bytes: 0 }.value(object, 0)
}

/// An integer with more bits has more than [`MAX_NUMBER_LENGTH`] digits.
const MAX_BITS: u64 = 14_285;

/// An integer as a JSON number. Formatting takes time quadratic in the length, so that the length is checked first.
fn whole(value: &BigInt) -> Result<Number, &'static str> {
    let text = if value.bits() > MAX_BITS { String::new() } else { value.to_string() };
    if text.is_empty() || text.len() > MAX_NUMBER_LENGTH {
        return Err("a number in the value has more than 4,300 characters");
    }
    text.parse().map_err(|_| "a number in the value cannot be written")
}

/// Converts one result and counts its size.
struct JsonWriter<'a> {
    host: &'a dyn DescribeHostObject,
    values: usize,
    bytes: usize,
}

impl JsonWriter<'_> {
    fn value(&mut self, object: &MontyObject, depth: usize) -> Result<Value, &'static str> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err("the value contains more than 100,000 values");
        }
        if depth > MAX_DEPTH {
            return Err("the value is nested deeper than 64 levels");
        }
        Ok(match object {
            MontyObject::None | MontyObject::Ellipsis | MontyObject::NotImplemented => Value::Null,
            MontyObject::Bool(value) => Value::Bool(*value),
            MontyObject::Int(value) => Value::Number((*value).into()),
            MontyObject::BigInt(value) => Value::Number(whole(value)?),
            MontyObject::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
            MontyObject::String(value) => self.text(value.clone())?,
            MontyObject::Bytes(value) => self.text(String::from_utf8_lossy(value).into_owned())?,
            MontyObject::List(items)
            | MontyObject::Tuple(items)
            | MontyObject::Set(items)
            | MontyObject::FrozenSet(items)
            | MontyObject::NamedTuple { values: items, .. } => {
                Value::Array(items.iter().map(|item| self.value(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            MontyObject::Dict(pairs) => self.object(pairs.iter(), depth)?,
            MontyObject::DateTime(at) => self.text(isoformat(at))?,
            MontyObject::Date(date) => self.text(format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))?,
            MontyObject::TimeDelta(delta) => {
                let seconds = f64::from(delta.days) * 86_400.0
                    + f64::from(delta.seconds)
                    + f64::from(delta.microseconds) / 1_000_000.0;
                Number::from_f64(seconds).map_or(Value::Null, Value::Number)
            }
            MontyObject::Exception { arg, .. } => self.text(arg.clone().unwrap_or_default())?,
            MontyObject::Cycle(..) => return Err("the value contains itself"),
            MontyObject::ClassInstance(instance) => self.instance(instance, depth)?,
            other => self.text(other.to_string())?,
        })
    }

    fn instance(&mut self, instance: &MontyClassInstance, depth: usize) -> Result<Value, &'static str> {
        if let Some(value) = self.host.describe(instance) {
            return Ok(value);
        }
        let attribute =
            |name: &str| instance.attrs.iter().find(|(key, _)| matches!(key, MontyObject::String(key) if key == name));
        if instance.class_type.name.starts_with("IPv")
            && let Some((_, MontyObject::String(address))) = attribute("_text")
        {
            return self.text(address.clone());
        }
        let public =
            instance.attrs.iter().filter(|(key, _)| !matches!(key, MontyObject::String(key) if key.starts_with('_')));
        self.object(public, depth)
    }

    fn object<'p>(
        &mut self,
        pairs: impl Iterator<Item = &'p (MontyObject, MontyObject)>,
        depth: usize,
    ) -> Result<Value, &'static str> {
        let mut object = Map::new();
        for (key, value) in pairs {
            let key = match key {
                MontyObject::String(key) => key.clone(),
                MontyObject::None => "null".to_owned(),
                MontyObject::Bool(key) => key.to_string(),
                other => other.to_string(),
            };
            if domain::json::is_reserved(&key) {
                return Err("a key that begins with $serde_json::private:: cannot be stored");
            }
            self.count(key.len())?;
            object.insert(key, self.value(value, depth + 1)?);
        }
        Ok(Value::Object(object))
    }

    fn text(&mut self, text: String) -> Result<Value, &'static str> {
        self.count(text.len())?;
        Ok(Value::String(text))
    }

    fn count(&mut self, bytes: usize) -> Result<(), &'static str> {
        self.bytes += bytes;
        if self.bytes > MAX_BYTES { Err("the value contains more than 1 MiB of text") } else { Ok(()) }
    }
}

fn isoformat(at: &MontyDateTime) -> String {
    let mut text =
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", at.year, at.month, at.day, at.hour, at.minute, at.second);
    if at.microsecond != 0 {
        let _ = write!(text, ".{:06}", at.microsecond);
    }
    if let Some(offset) = at.offset_seconds {
        let (sign, offset) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
        let _ = write!(text, "{sign}{:02}:{:02}", offset / 3600, offset % 3600 / 60);
    }
    text
}
