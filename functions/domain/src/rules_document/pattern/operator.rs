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
        "wildcard" => wildcard(reader, value, pointer).map(ValuePattern::Wildcard),
        "anything-but" => anything_but(reader, value, pointer).map(ValuePattern::AnythingBut),
        "numeric" => numeric(reader, value, pointer).map(ValuePattern::Numeric),
        "cidr" => cidr(reader, value, pointer).map(ValuePattern::Cidr),
        "exists" => match value {
            Value::Bool(wanted) => Some(ValuePattern::Exists(*wanted)),
            _ => reader.wrong(pointer, "exists is neither true nor false", "write { exists: true }"),
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
        let hint = format!("write one of {}; several tests are several items of the list", known.join(", "));
        return reader.wrong(pointer, format!("an operator is an object with one key, not {}", object.len()), hint);
    };
    let pointer = format!("{pointer}{}", pointer_segment(name));
    if known.contains(&name.as_str()) {
        return Some((name, value, pointer));
    }
    // A name of the wrong form may be a value in the wrong place, and values are not repeated.
    let shown = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_$".contains(&byte));
    let what = if shown { format!("{name:?} is not an operator here") } else { "this is not an operator".to_owned() };
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
        _ => reader.wrong(pointer, format!("{name} does not hold a text"), "write one text, in quotes if need be"),
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

fn wildcard(reader: &mut Reader, value: &Value, pointer: &str) -> Option<Wildcard> {
    let text = text(reader, value, pointer, "wildcard")?;
    Wildcard::parse(&text).map_or_else(
        |error| {
            let hint = r"one * stands for any characters; write \* for the character * and \\ for a backslash";
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
            "wildcard" => {
                let read = |reader: &mut Reader, item: &Value, at: &str, _: &str| wildcard(reader, item, at);
                several(reader, value, pointer, name, read).map(AnythingBut::Wildcard)
            }
            _ => several(reader, value, pointer, name, text).map(AnythingBut::EqualsIgnoreCase),
        };
    }
    let items = several(reader, value, pointer, "anything-but", |reader, item, at, _| match item {
        Value::String(_) => Some(item),
        Value::Number(number) => bounded(reader, number, at).then_some(item),
        _ => {
            let hint = "it takes texts or numbers; for null and booleans list the values that are meant";
            reader.wrong(at, "anything-but holds neither a text nor a number", hint)
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
    let text = text(reader, value, pointer, name)?;
    if text.is_empty() {
        let hint = "every text starts and ends with the empty one, so nothing would ever match";
        return reader.wrong(pointer, format!("{name} is empty"), hint);
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
        return reader.wrong(pointer, format!("{name} lists nothing"), "list what is not wanted");
    }
    let read: Vec<_> =
        items.iter().enumerate().map(|(at, item)| read(reader, item, &format!("{pointer}/{at}"), name)).collect();
    read.into_iter().collect()
}

fn bounded(reader: &mut Reader, number: &Number, pointer: &str) -> bool {
    let result = comparable(number);
    if let Err(what) = &result {
        reader.wrong::<()>(pointer, what, "compare with a smaller or rounder number");
    }
    result.is_ok()
}

const NUMERIC_HINT: &str = r#"write { numeric: [">=", 5] }, or both ends: { numeric: [">", 0, "<=", 5] }"#;

fn numeric(reader: &mut Reader, value: &Value, pointer: &str) -> Option<Interval> {
    let Value::Array(items) = value else { return reader.wrong(pointer, "numeric is not a list", NUMERIC_HINT) };
    if !matches!(items.len(), 2 | 4) {
        return reader.wrong(pointer, "numeric is not one or two comparisons", NUMERIC_HINT);
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
        return reader.wrong(pointer, "numeric does not name a lower and then an upper end", NUMERIC_HINT);
    };
    match compare(&lower.value, &upper.value) {
        Ordering::Less => Some(Interval { lower: Some(lower), upper: Some(upper) }),
        Ordering::Equal => {
            reader.wrong(pointer, "both ends of numeric are the same", r#"write { numeric: ["=", 5] } for one number"#)
        }
        Ordering::Greater => {
            let hint = "no number is both; write the smaller end first, or two items of the list for either";
            reader.wrong(pointer, "the lower end of numeric is above the upper one", hint)
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
        _ => reader.wrong(sign_at, "this is not a comparison", "write one of =, <, <=, >, >= in quotes"),
    };
    let value = match &pair[1] {
        Value::Number(number) => bounded(reader, number, value_at).then(|| number::canonical(number)),
        _ => reader.wrong(value_at, "numeric compares with what is not a number", "write a number, without quotes"),
    };
    let ((sign, included), value) = (sign?, value?);
    Some((sign, IntervalEnd { value, included }))
}

fn cidr(reader: &mut Reader, value: &Value, pointer: &str) -> Option<IpNet> {
    let text = text(reader, value, pointer, "cidr")?;
    let Ok(net) = text.parse::<IpNet>() else {
        let hint = "write one such as 192.0.2.0/24 or 2001:db8::/32; a single address ends in /32 or /128";
        return reader.wrong(pointer, "cidr does not hold a network", hint);
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
