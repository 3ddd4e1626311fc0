//! Whether a query holds for an event.

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::query::{Comparison, Field, Literal, Query, Test};
use crate::event::{Event, Object};
use crate::rules_document::compare_numbers;

impl Query {
    /// Whether it holds for the event.
    pub fn holds(&self, event: &Event) -> bool {
        match self {
            Self::Comparison(comparison) => comparison.holds(event),
            Self::All(parts) => parts.iter().all(|part| part.holds(event)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(event)),
        }
    }
}

impl Comparison {
    fn holds(&self, event: &Event) -> bool {
        let found = match &self.field {
            Field::Action => Found::Text(event.action.as_str()),
            Field::App => Found::Text(&event.app),
            Field::ClientIp => event.client_ip.map_or(Found::Nothing, Found::Address),
            Field::Created => Found::Instant(event.created),
            Field::Pk => Found::Own(event.pk.to_string()),
            Field::User(path) => below(&event.user, path),
            Field::Brand(path) => below(&event.brand, path),
            Field::Context(path) => below(&event.context, path),
        };
        found.passes(&self.test) != self.denied
    }
}

/// What an event has for a field.
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
    fn passes(&self, test: &Test) -> bool {
        match test {
            Test::Equals(value) => self.equals(value),
            Test::Among(values) => values.iter().any(|value| self.equals(value)),
            Test::Above(value) => self.compare(value) == Some(Ordering::Greater),
            Test::AtLeast(value) => self.compare(value).is_some_and(Ordering::is_ge),
            Test::Below(value) => self.compare(value) == Some(Ordering::Less),
            Test::AtMost(value) => self.compare(value).is_some_and(Ordering::is_le),
            Test::Contains(part) => self.text().is_some_and(|own| own.contains(&part.to_lowercase())),
            Test::Starts(part) => self.text().is_some_and(|own| own.starts_with(&part.to_lowercase())),
            Test::Ends(part) => self.text().is_some_and(|own| own.ends_with(&part.to_lowercase())),
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
                text.parse().ok().map(|address: IpAddr| own.to_canonical().cmp(&address.to_canonical()))
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

    /// As it is written, in lower case.
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

/// From when until when a date lasts, to the precision it is written in.
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
