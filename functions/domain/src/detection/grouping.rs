//! Which groups of a detection an event belongs to.
//!
//! Owns when two values are the same. Refuses to know what the groups contain.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::{DetectionId, GroupId};
use crate::event::Event;
use crate::person;
use crate::rules_document::{Detection, DetectionKind, FieldPath};
use crate::text::truncate;

/// How many distinct members of a list are groups of their own; the others are in no group.
pub const MAX_LIST_GROUPS: usize = 10;
/// The most groups of one detection that one event is in.
pub const MAX_GROUPS_OF_EVENT: usize = 100;
/// How many characters of a value are kept for display. The group's id is a hash of the whole value.
const MAX_SHOWN_CHARS: usize = 200;

/// The path of a person's name, whose values are compared as persons are.
const USERNAME: &str = "user.username";

/// One group of a detection, as an event belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id, equal for equal values.
    pub id: GroupId,
    /// The values of `by`, and for `first_seen` those of `value` after them, cut for display.
    pub values: Vec<Value>,
}

/// The id of a detection. It changes with everything that decides which events make it fire; not with `max_groups`.
pub fn detection_id(detection: &Detection) -> DetectionId {
    // Every key is a string and no field can refuse, so this cannot fail.
    let kind = serde_json::to_string(&detection.kind).unwrap_or_default();
    let by = serde_json::to_string(&detection.by).unwrap_or_default();
    DetectionId::from_definition(&[&detection.name, &by, &kind])
}

/// The paths whose values make a group: `by`, and for `first_seen` the paths of `value` after them.
pub fn group_paths(detection: &Detection) -> impl Iterator<Item = &FieldPath> {
    let values = match &detection.kind {
        DetectionKind::FirstSeen(settings) => settings.value.as_slice(),
        _ => &[],
    };
    detection.by.iter().chain(values)
}

/// The groups that the event belongs to, in the order of its lists.
///
/// # Errors
/// The first path that the event has no value at: then it is in no group.
pub fn groups<'d>(detection: &'d Detection, id: DetectionId, event: &Event) -> Result<Vec<Group>, &'d FieldPath> {
    let mut combinations: Vec<Vec<Cow<'_, Value>>> = vec![Vec::new()];
    for path in group_paths(detection) {
        let values = distinct_values(path, event);
        if values.is_empty() {
            return Err(path);
        }
        let mut longer = Vec::new();
        for combination in &combinations {
            longer.extend(values.iter().map(|value| [combination.as_slice(), std::slice::from_ref(value)].concat()));
        }
        longer.truncate(MAX_GROUPS_OF_EVENT);
        combinations = longer;
    }
    Ok(combinations.into_iter().map(|values| group(detection, id, &values)).collect())
}

/// The group of these values, one for each of [`group_paths`].
pub fn group(detection: &Detection, id: DetectionId, values: &[Cow<'_, Value>]) -> Group {
    let keys: Vec<String> = group_paths(detection).zip(values).map(|(path, value)| key(path, value)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    Group { id: id.group(&keys), values: values.iter().map(|value| shown(value)).collect() }
}

/// The hash of the event's value at the path, as distinct values are counted; `None` if there is none. A list is one
/// value.
pub fn distinct_value(path: &FieldPath, event: &Event) -> Option<u64> {
    let id = DetectionId::from_definition(&[&key(path, &*path.json(event)?)]);
    id.as_bytes().first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The value, or the first distinct members of a list.
fn distinct_values<'e>(path: &FieldPath, event: &'e Event) -> Vec<Cow<'e, Value>> {
    let mut distinct: Vec<Cow<'e, Value>> = Vec::new();
    let mut keys = Vec::new();
    let mut add = |value: Cow<'e, Value>| {
        let key = key(path, &value);
        let is_blank = path.as_str() == USERNAME && key == "\"\"";
        if !value.is_null() && !is_blank && !keys.contains(&key) && distinct.len() < MAX_LIST_GROUPS {
            keys.push(key);
            distinct.push(value);
        }
    };
    match path.json(event) {
        None => {}
        Some(Cow::Borrowed(Value::Array(items))) => items.iter().for_each(|item| add(Cow::Borrowed(item))),
        Some(value) => add(value),
    }
    distinct
}

/// The text that equals that of every equal value: JSON with keys in order and numbers in one spelling. Names of persons
/// are folded.
fn key(path: &FieldPath, value: &Value) -> String {
    match value {
        Value::String(name) if path.as_str() == USERNAME => Value::String(person::fold(name)).to_string(),
        other => canonical(other).to_string(),
    }
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            entries.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        other => other.clone(),
    }
}

/// An integer below 2^53 as digits only; any other number as a double, or as written if it is beyond the doubles.
fn canonical_number(number: &Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() || number.is_u64() {
        return number.clone();
    }
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "the value is integral and below 2^53")]
        Some(value) if value.fract() == 0.0 && value.abs() < EXACT => Number::from(value as i64),
        Some(value) => Number::from_f64(value).unwrap_or_else(|| number.clone()),
        None => number.clone(),
    }
}

fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(truncate(text, MAX_SHOWN_CHARS)),
        Value::Array(_) | Value::Object(_) => Value::String(truncate(&value.to_string(), MAX_SHOWN_CHARS)),
        Value::Number(number) if number.as_str().len() > MAX_SHOWN_CHARS => {
            Value::String(truncate(number.as_str(), MAX_SHOWN_CHARS))
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules_document::{CountSettings, Period, Repeat};

    fn detection(by: &[&str]) -> Detection {
        let kind = DetectionKind::Count(CountSettings {
            of: "logins".to_owned(),
            distinct: None,
            within: Period::parse("minutes=5").unwrap(),
            at_least: 2,
            repeat: Repeat::Crossing,
        });
        let by = by.iter().map(|path| FieldPath::parse(path).unwrap()).collect();
        Detection { name: "d".to_owned(), by, max_groups: 10, kind }
    }

    fn ids(by: &[&str], context: Value) -> Result<Vec<GroupId>, String> {
        let event = crate::testing::event("login").user(json!({ "username": "Ann" })).context(context).build();
        let detection = detection(by);
        let found = groups(&detection, detection_id(&detection), &event).map_err(|path| path.as_str().to_owned())?;
        Ok(found.into_iter().map(|group| group.id).collect())
    }

    #[test]
    fn values_are_compared_with_their_type() {
        let one = |value: Value| ids(&["context.x"], json!({ "x": value })).unwrap();
        let same = |one_value: &str, other: &str| {
            let [one_value, other] = [one_value, other].map(|text| one(serde_json::from_str(text).unwrap()));
            one_value == other
        };
        for (left, right, equal) in [
            ("7", "\"7\"", false),
            ("7", "7.0", true),
            ("70", "7e1", true),
            ("true", "\"true\"", false),
            ("\"a\"", "\"A\"", false),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1.0}"#, true),
            ("0.1", "0.10", true),
            ("9007199254740993", "9007199254740992", false),
        ] {
            assert_eq!(same(left, right), equal, "{left} {right}");
        }
    }

    #[test]
    fn persons_are_compared_as_persons() {
        let of = |name: &str| {
            let event = crate::testing::event("login").user(json!({ "username": name })).build();
            let detection = detection(&["user.username"]);
            groups(&detection, detection_id(&detection), &event).map(|groups| groups[0].clone()).map_err(Clone::clone)
        };
        assert_eq!(of("ann").unwrap().id, of(" ANN ").unwrap().id);
        assert_eq!(of(" ANN ").unwrap().values, [json!(" ANN ")], "shown as it came");
        assert!(of("  ").is_err(), "a blank name is nobody's");
    }

    #[test]
    fn lists_make_several_groups_and_what_is_missing_none() {
        let two = ["context.a", "context.b"];
        assert_eq!(ids(&two, json!({ "a": 1, "b": null })), Err("context.b".to_owned()));
        assert_eq!(ids(&two, json!({ "a": 1 })), Err("context.b".to_owned()));
        assert_eq!(ids(&two, json!({ "a": [], "b": 1 })), Err("context.a".to_owned()));
        assert_eq!(ids(&two, json!({ "a": [null, 1, 1.0, "1"], "b": [1, 2] })).unwrap().len(), 4);
        let many: Vec<u32> = (0..20).collect();
        assert_eq!(ids(&["context.a"], json!({ "a": many })).unwrap().len(), MAX_LIST_GROUPS);
        assert_eq!(ids(&two, json!({ "a": many, "b": many })).unwrap().len(), MAX_GROUPS_OF_EVENT);
        assert_eq!(ids(&[], json!({})).unwrap().len(), 1, "without `by`, all events are one group");
    }

    #[test]
    fn a_long_value_is_shown_cut_and_distinguished_whole() {
        let long = |end: &str| {
            let event = crate::testing::event("login").context(json!({ "x": "y".repeat(200_000) + end })).build();
            let detection = detection(&["context.x"]);
            groups(&detection, detection_id(&detection), &event).unwrap().remove(0)
        };
        let (one, other) = (long("1"), long("2"));
        assert_ne!(one.id, other.id);
        assert_eq!(one.values, other.values);
        assert_eq!(one.values[0].as_str().unwrap().chars().count(), MAX_SHOWN_CHARS);
    }

    #[test]
    fn every_setting_but_the_limit_makes_another_detection() {
        let one = detection(&["app"]);
        let id = detection_id(&one);
        assert_eq!(detection_id(&Detection { max_groups: 11, ..one.clone() }), id);
        assert_ne!(detection_id(&Detection { name: "e".to_owned(), ..one.clone() }), id);
        assert_ne!(detection_id(&Detection { by: Vec::new(), ..one }), id);
    }
}
