//! Decides whether an event matches a query.

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::query::{Comparison, FieldTest, Literal, SearchField, SearchQuery};
use crate::event::{Event, Object};
use crate::query::AddressRange;
use crate::rules_document::compare_numbers;

impl SearchQuery {
    /// Whether the event matches the query.
    pub fn holds(&self, event: &Event) -> bool {
        match self {
            Self::Comparison(comparison) => comparison.holds(event),
            Self::All(parts) => parts.iter().all(|part| part.holds(event)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(event)),
        }
    }

    /// The first condition that the event fails, of those that all have to hold; `None` if it matches the query.
    pub fn first_failure(&self, event: &Event) -> Option<&Self> {
        match self {
            Self::All(parts) => parts.iter().find_map(|part| part.first_failure(event)),
            Self::Comparison(_) | Self::Any(_) => (!self.holds(event)).then_some(self),
        }
    }
}

impl Comparison {
    fn holds(&self, event: &Event) -> bool {
        let passes = |found: Found<'_>| found.passes(&self.test);
        let text =
            |text: &Option<String>| text.as_ref().map_or(Found::Nothing, |text| Found::Text(text)).passes(&self.test);
        let passes = match &self.field {
            SearchField::Action => passes(Found::Text(event.action.as_str())),
            SearchField::App => passes(Found::Text(&event.app)),
            SearchField::ClientIp => passes(event.client_ip.map_or(Found::Nothing, Found::Address)),
            SearchField::Created => passes(Found::Instant(event.created)),
            SearchField::Expires => passes(Found::Instant(event.expires)),
            SearchField::Pk => passes(Found::Own(event.pk.to_string())),
            SearchField::Id => text(&event.id),
            SearchField::Source => text(&event.source),
            SearchField::User(path) => one_passes(&event.user, path, &self.test),
            SearchField::Brand(path) => one_passes(&event.brand, path, &self.test),
            SearchField::Context(path) => one_passes(&event.context, path, &self.test),
        };
        passes != self.denied
    }
}

/// The value of a field in an event.
enum Found<'a> {
    Nothing,
    Text(&'a str),
    Own(String),
    Address(IpAddr),
    Instant(Timestamp),
    Json(&'a Value),
}

/// Whether one of the values at the path passes, or, if there is none, the missing value.
fn one_passes(object: &Object, path: &[String], test: &FieldTest) -> bool {
    let mut values = Vec::new();
    if let Some((first, rest)) = path.split_first()
        && let Some(value) = object.get(first)
    {
        collect(value, rest, &mut values);
    }
    if values.is_empty() { Found::Nothing.passes(test) } else { values.into_iter().any(|found| found.passes(test)) }
}

/// Collects the values at the path. It leads into each item of a list on its way. A list at its end is a value itself,
/// and so are its items.
fn collect<'a>(value: &'a Value, path: &[String], values: &mut Vec<Found<'a>>) {
    match (path.split_first(), value) {
        (Some(_), Value::Array(items)) => items.iter().for_each(|item| collect(item, path, values)),
        (Some((key, rest)), Value::Object(object)) => {
            if let Some(inner) = object.get(key) {
                collect(inner, rest, values);
            }
        }
        (Some(_), _) => {}
        (None, value) => {
            values.push(Found::of_json(value));
            collect_items(value, values);
        }
    }
}

/// Collects the items of a list, and of the lists in it. A list in a list is not a value: the text of each of a hundred
/// levels would be searched.
fn collect_items<'a>(list: &'a Value, values: &mut Vec<Found<'a>>) {
    for item in list.as_array().into_iter().flatten() {
        if item.is_array() {
            collect_items(item, values);
        } else {
            values.push(Found::of_json(item));
        }
    }
}

impl<'a> Found<'a> {
    fn of_json(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::String(text) => Self::Text(text),
            value => Self::Json(value),
        }
    }

    fn passes(&self, test: &FieldTest) -> bool {
        match test {
            FieldTest::Equals(value) => self.equals(value),
            FieldTest::Among(values) => values.iter().any(|value| self.equals(value)),
            FieldTest::Above(value) => self.compare(value) == Some(Ordering::Greater),
            FieldTest::AtLeast(value) => self.compare(value).is_some_and(Ordering::is_ge),
            FieldTest::Below(value) => self.compare(value) == Some(Ordering::Less),
            FieldTest::AtMost(value) => self.compare(value).is_some_and(Ordering::is_le),
            FieldTest::Contains(part) => self.text().is_some_and(|own| own.contains(&part.to_lowercase())),
            FieldTest::Starts(part) => self.text().is_some_and(|own| own.starts_with(&part.to_lowercase())),
            FieldTest::Ends(part) => self.text().is_some_and(|own| own.ends_with(&part.to_lowercase())),
        }
    }

    fn equals(&self, literal: &Literal) -> bool {
        match (self, literal) {
            (Self::Nothing, Literal::None) => true,
            (Self::Json(Value::Bool(own)), Literal::Bool(value)) => own == value,
            _ => self.compare(literal) == Some(Ordering::Equal),
        }
    }

    fn compare(&self, literal: &Literal) -> Option<Ordering> {
        match (self, literal) {
            (Self::Text(own), Literal::Text(text)) => Some((*own).cmp(text.as_str())),
            (Self::Own(own), Literal::Text(text)) => Some(own.as_str().cmp(text.to_lowercase().as_str())),
            (Self::Address(own), Literal::Text(text)) => {
                text.parse().ok().map(|range: AddressRange| range.compare(*own))
            }
            (Self::Instant(own), Literal::Text(text)) => period(text).map(|(from, until)| {
                if *own < from {
                    Ordering::Less
                } else if *own < until {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            }),
            (Self::Json(Value::Number(own)), Literal::Number(number)) => Some(compare_numbers(own, number)),
            _ => None,
        }
    }

    /// The value as text, in lower case; `None` if the event lacks it.
    fn text(&self) -> Option<String> {
        let text = match self {
            Self::Nothing => return None,
            Self::Text(text) => (*text).to_owned(),
            Self::Own(text) => text.clone(),
            Self::Address(address) => address.to_string(),
            Self::Instant(instant) => crate::time::format(*instant),
            Self::Json(value) => value.to_string(),
        };
        Some(text.to_lowercase())
    }
}

/// The beginning and the end of the period that a date denotes: a day, a minute or a second, depending on its
/// precision.
pub(super) fn period(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (civil, length) = if let Ok(date) = Date::strptime("%Y-%m-%d", text) {
        (date.to_datetime(jiff::civil::Time::midnight()), SignedDuration::from_hours(24))
    } else if let Ok(minute) = DateTime::strptime("%Y-%m-%d %H:%M", text) {
        (minute, SignedDuration::from_mins(1))
    } else if let Ok(second) = DateTime::strptime("%Y-%m-%d %H:%M:%S", text) {
        (second, SignedDuration::from_secs(1))
    } else {
        let instant: Timestamp = text.parse().ok()?;
        return Some((instant, crate::time::later(instant, SignedDuration::from_nanos(1))));
    };
    let from = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some((from, crate::time::later(from, length)))
}
