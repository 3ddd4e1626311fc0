//! Parses one operator: an object with one key, in a field's list of values.
//!
//! Owns the list of operators and the values that each takes.

use std::cmp::Ordering;

use ipnet::{IpNet, Ipv4Net};
use serde_json::{Map, Number, Value};

use super::number::{self, comparable, compare};
use super::read::Reader;
use super::{AnythingBut, Interval, IntervalEnd, ValuePattern, Wildcard};
use crate::json::pointer_segment;

const NAMES: [&str; 9] =
    ["prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "cidr", "exists", "exactly"];
const IGNORE_CASE: &str = "equals-ignore-case";

pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

pub(super) fn read(reader: &mut Reader, object: &Map<String, Value>, pointer: &str) -> Option<ValuePattern> {
    let (name, value, pointer) = only_key(reader, object, pointer, &NAMES)?;
    let pointer = pointer.as_str();
    match name {
        "prefix" => {
            text_or_ignore_case(reader, value, pointer, name, ValuePattern::Prefix, ValuePattern::PrefixIgnoreCase)
        }
        "suffix" => {
            text_or_ignore_case(reader, value, pointer, name, ValuePattern::Suffix, ValuePattern::SuffixIgnoreCase)
        }
        "wildcard" => match value {
            Value::Object(object) => {
                let (_, value, pointer) = only_key(reader, object, pointer, &[IGNORE_CASE])?;
                wildcard(reader, value, &pointer, IGNORE_CASE).map(ValuePattern::WildcardIgnoreCase)
            }
            _ => wildcard(reader, value, pointer, name).map(ValuePattern::Wildcard),
        },
        "anything-but" => anything_but(reader, value, pointer).map(ValuePattern::AnythingBut),
        "numeric" => numeric(reader, value, pointer).map(ValuePattern::Numeric),
        "cidr" => cidr(reader, value, pointer).map(ValuePattern::Cidr),
        "exists" => match value {
            Value::Bool(wanted) => Some(ValuePattern::Exists(*wanted)),
            _ => reader.wrong(pointer, "exists must be true or false", "write { exists: true }"),
        },
        IGNORE_CASE => text(reader, value, pointer, name).map(ValuePattern::EqualsIgnoreCase),
        _ => text(reader, value, pointer, name).map(ValuePattern::Text),
    }
}

/// The only key of an operator, with its value and the JSON pointer to the value.
fn only_key<'v>(
    reader: &mut Reader,
    object: &'v Map<String, Value>,
    pointer: &str,
    known: &[&str],
) -> Option<(&'v str, &'v Value, String)> {
    let mut entries = object.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        let hint = format!("write each operator as an item of its own; the operators are {}", known.join(", "));
        return reader.wrong(
            pointer,
            format!("an operator must have exactly one key, but this object has {}", object.len()),
            hint,
        );
    };
    let pointer = format!("{pointer}{}", pointer_segment(name));
    if known.contains(&name.as_str()) {
        return Some((name, value, pointer));
    }
    // A name of the wrong form may be a value in the wrong place, and values are not repeated.
    let shown = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_$".contains(&byte));
    let what = if shown {
        format!("{name:?} is not an operator that can be used here")
    } else {
        "this is not an operator".to_owned()
    };
    let dashed = name.to_lowercase().replace(['_', ' '], "-");
    let hint = match known.iter().find(|known| **known == dashed) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the operators are {}", known.join(", ")),
    };
    reader.wrong_key(&pointer, what, hint)
}

fn text(reader: &mut Reader, value: &Value, pointer: &str, name: &str) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => reader.wrong(
            pointer,
            format!("{name} must be a text"),
            "write one text; put a number, true, false or null in quotes",
        ),
    }
}

fn text_or_ignore_case(
    reader: &mut Reader,
    value: &Value,
    pointer: &str,
    name: &str,
    exact: fn(String) -> ValuePattern,
    ignoring_case: fn(String) -> ValuePattern,
) -> Option<ValuePattern> {
    let Value::Object(object) = value else { return text(reader, value, pointer, name).map(exact) };
    let (inner, value, pointer) = only_key(reader, object, pointer, &[IGNORE_CASE])?;
    text(reader, value, &pointer, inner).map(ignoring_case)
}

fn wildcard(reader: &mut Reader, value: &Value, pointer: &str, name: &str) -> Option<Wildcard> {
    let text = text(reader, value, pointer, name)?;
    Wildcard::parse(&text).map_or_else(
        |error| {
            let hint = r"write one * for any characters, \* for the character *, and \\ for a backslash";
            reader.wrong(pointer, error.to_string(), hint)
        },
        Some,
    )
}

fn anything_but(reader: &mut Reader, value: &Value, pointer: &str) -> Option<AnythingBut> {
    if let Value::Object(object) = value {
        let known = ["prefix", "suffix", IGNORE_CASE, "wildcard"];
        let (name, value, pointer) = only_key(reader, object, pointer, &known)?;
        let pointer = pointer.as_str();
        return match name {
            "prefix" => several(reader, value, pointer, name, some_text).map(AnythingBut::Prefix),
            "suffix" => several(reader, value, pointer, name, some_text).map(AnythingBut::Suffix),
            "wildcard" => match value {
                Value::Object(object) => {
                    let (name, value, pointer) = only_key(reader, object, pointer, &[IGNORE_CASE])?;
                    several(reader, value, &pointer, name, wildcard).map(AnythingBut::WildcardIgnoreCase)
                }
                _ => several(reader, value, pointer, name, wildcard).map(AnythingBut::Wildcard),
            },
            _ => several(reader, value, pointer, name, text).map(AnythingBut::EqualsIgnoreCase),
        };
    }
    let items = several(reader, value, pointer, "anything-but", |reader, item, at, _| match item {
        Value::String(_) => Some(item),
        Value::Number(number) => bounded(reader, number, at).then_some(item),
        _ => {
            let hint = "to exclude null, true or false, list the values that may occur instead";
            reader.wrong(at, "anything-but takes only texts and numbers", hint)
        }
    })?;
    let texts: Vec<String> = items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
    let numbers: Vec<Number> = items.iter().filter_map(|item| item.as_number().map(number::canonical)).collect();
    match (texts.is_empty(), numbers.is_empty()) {
        (false, true) => Some(AnythingBut::Texts(texts)),
        (true, false) => Some(AnythingBut::Numbers(numbers)),
        _ => {
            let hint = "list only texts or only numbers";
            reader.wrong(pointer, "anything-but mixes texts and numbers", hint)
        }
    }
}

fn some_text(reader: &mut Reader, value: &Value, pointer: &str, name: &str) -> Option<String> {
    if value.is_object() {
        let hint =
            "write { wildcard: { equals-ignore-case: a* } } or { wildcard: { equals-ignore-case: '*a' } } instead";
        return reader.wrong(pointer, format!("anything-but cannot ignore the case of a {name}"), hint);
    }
    let text = text(reader, value, pointer, name)?;
    if text.is_empty() {
        let what = format!("the {name} is empty, so that anything-but excludes every text");
        return reader.wrong(pointer, what, "write at least one character");
    }
    Some(text)
}

/// Parses one value or a list of them; `None` if any of them is faulty.
fn several<'v, T>(
    reader: &mut Reader,
    value: &'v Value,
    pointer: &str,
    name: &str,
    read: impl Fn(&mut Reader, &'v Value, &str, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::Array(items) = value else { return read(reader, value, pointer, name).map(|one| vec![one]) };
    if items.is_empty() {
        return reader.wrong(pointer, format!("the list of {name} is empty"), "list the values to exclude");
    }
    let read: Vec<_> =
        items.iter().enumerate().map(|(at, item)| read(reader, item, &format!("{pointer}/{at}"), name)).collect();
    read.into_iter().collect()
}

fn bounded(reader: &mut Reader, number: &Number, pointer: &str) -> bool {
    let result = comparable(number);
    if let Err(what) = &result {
        reader.wrong::<()>(pointer, what, "write a number from -5000000000 to 5000000000 with at most 6 decimals");
    }
    result.is_ok()
}

const NUMERIC_HINT: &str = r#"write { numeric: [">=", 5] }, or both ends: { numeric: [">", 0, "<=", 5] }"#;

fn numeric(reader: &mut Reader, value: &Value, pointer: &str) -> Option<Interval> {
    let Value::Array(items) = value else { return reader.wrong(pointer, "numeric must be a list", NUMERIC_HINT) };
    if !matches!(items.len(), 2 | 4) {
        return reader.wrong(pointer, "numeric must have one or two comparisons", NUMERIC_HINT);
    }
    let mut ends = Vec::new();
    for (at, pair) in items.chunks(2).enumerate() {
        ends.push(comparison(reader, pair, &format!("{pointer}/{}", 2 * at), &format!("{pointer}/{}", 2 * at + 1)));
    }
    let ends: Vec<_> = ends.into_iter().collect::<Option<_>>()?;
    let first = ends[0].clone();
    let Some(second) = ends.get(1).cloned() else {
        let (sign, end) = first;
        let lower = (sign != IntervalSide::Below).then(|| end.clone());
        let upper = (sign != IntervalSide::Above).then_some(end);
        return Some(Interval { lower, upper });
    };
    let ((IntervalSide::Above, lower), (IntervalSide::Below, upper)) = (first, second) else {
        return reader.wrong(pointer, "numeric must have a lower limit and then an upper limit", NUMERIC_HINT);
    };
    match compare(&lower.value, &upper.value) {
        Ordering::Less => Some(Interval { lower: Some(lower), upper: Some(upper) }),
        Ordering::Equal => reader.wrong(
            pointer,
            "the lower and the upper limit of numeric are equal",
            r#"write { numeric: ["=", 5] } for one number"#,
        ),
        Ordering::Greater => {
            let hint = r#"swap the limits; for numbers outside a range, write two items: { numeric: ["<", 1] }, { numeric: [">", 5] }"#;
            reader.wrong(pointer, "the lower limit of numeric is above the upper limit", hint)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IntervalSide {
    Above,
    Below,
    At,
}

fn comparison(
    reader: &mut Reader,
    pair: &[Value],
    sign_at: &str,
    value_at: &str,
) -> Option<(IntervalSide, IntervalEnd)> {
    let sign = match pair[0].as_str() {
        Some(">") => Some((IntervalSide::Above, false)),
        Some(">=") => Some((IntervalSide::Above, true)),
        Some("<") => Some((IntervalSide::Below, false)),
        Some("<=") => Some((IntervalSide::Below, true)),
        Some("=") => Some((IntervalSide::At, true)),
        _ => reader.wrong(sign_at, "this is not a comparison operator", "write =, <, <=, > or >=, in quotes"),
    };
    let value = match &pair[1] {
        Value::Number(number) => bounded(reader, number, value_at).then(|| number::canonical(number)),
        _ => reader.wrong(value_at, "numeric can compare only with a number", "write a number, without quotes"),
    };
    let ((sign, included), value) = (sign?, value?);
    Some((sign, IntervalEnd { value, included }))
}

fn cidr(reader: &mut Reader, value: &Value, pointer: &str) -> Option<IpNet> {
    let text = text(reader, value, pointer, "cidr")?;
    let Ok(net) = text.parse::<IpNet>() else {
        let hint = "write one such as 192.0.2.0/24 or 2001:db8::/32; write /32 or /128 behind a single address";
        return reader.wrong(pointer, "cidr must be a network", hint);
    };
    Some(canonical(net.trunc()))
}

/// The IPv4 network that a network of IPv4-mapped addresses denotes.
fn canonical(net: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(six) = net else { return net };
    let (Some(address), Some(prefix)) = (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(MAPPED_BITS)) else {
        return net;
    };
    Ipv4Net::new(address, prefix).map_or(net, IpNet::V4)
}
