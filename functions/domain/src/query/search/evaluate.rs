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
        let found = match &self.field {
            SearchField::Action => Found::Text(event.action.as_str()),
            SearchField::App => Found::Text(&event.app),
            SearchField::ClientIp => event.client_ip.map_or(Found::Nothing, Found::Address),
            SearchField::Created => Found::Instant(event.created),
            SearchField::Pk => Found::Own(event.pk.to_string()),
            SearchField::User(path) => below(&event.user, path),
            SearchField::Brand(path) => below(&event.brand, path),
            SearchField::Context(path) => below(&event.context, path),
        };
        found.passes(&self.test) != self.denied
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

fn below<'a>(object: &'a Object, path: &[String]) -> Found<'a> {
    let Some((first, rest)) = path.split_first() else { return Found::Nothing };
    let value = rest.iter().try_fold(object.get(first), |value, key| Some(value?.as_object()?.get(key)));
    match value.flatten() {
        None | Some(Value::Null) => Found::Nothing,
        Some(Value::String(text)) => Found::Text(text),
        Some(value) => Found::Json(value),
    }
}

impl Found<'_> {
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
