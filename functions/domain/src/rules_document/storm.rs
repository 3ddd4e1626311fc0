//! A rule's limits on notifications: throttle, digest and mute windows.
//!
//! Owns their settings. The decisions are in `suppression` and the dispatcher.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Period;
use crate::event::Event;

/// Limits how many events may notify in any period of a given length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// The most events that may notify; at most [`Throttle::MOST`].
    pub max: NonZeroU32,
    /// The length of the period.
    pub per: Period,
    /// Counts each combination of these fields' values separately; empty counts all events of the rule together.
    #[serde(default)]
    pub by: Vec<FieldPath>,
}

impl Throttle {
    /// The maximum of `max`: the log stores each event that passes.
    pub const MOST: u32 = 1000;
}

/// Collects events for some time and reports them in one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSettings {
    /// How long events are collected, from the first one on; at most [`DigestSettings::LONGEST`].
    pub window: Period,
    /// Collects each combination of these fields' values separately.
    #[serde(default)]
    pub by: Vec<FieldPath>,
}

impl DigestSettings {
    /// The maximum of `window`.
    pub const LONGEST: Period = Period::days(7);
}

/// The path of a field of an event: `action`, `app`, `client_ip`, or below `user`, `context` or `brand`, such as
/// `context.geo.country`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath(String);

/// The text is not the path of a field of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "name a field of the event: action, app, client_ip, or one below user, context or brand, such as user.username"
)]
pub struct FieldPathError;

impl FieldPath {
    /// Parses a path.
    ///
    /// # Errors
    /// If the first part is not a field of an event, or a part is empty.
    pub fn parse(text: &str) -> Result<Self, FieldPathError> {
        let known = match text.split_once('.') {
            None => matches!(text, "action" | "app" | "client_ip"),
            Some((first, rest)) => {
                matches!(first, "user" | "context" | "brand") && rest.split('.').all(|part| !part.is_empty())
            }
        };
        if known { Ok(Self(text.to_owned())) } else { Err(FieldPathError) }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The event's value at the path: a string as it is, any other value as JSON; `None` if it is missing or null.
    ///
    /// An IPv4-mapped IPv6 address counts as its IPv4 form.
    pub fn value(&self, event: &Event) -> Option<String> {
        match self.json(event)? {
            Cow::Owned(Value::String(text)) => Some(text),
            Cow::Borrowed(Value::String(text)) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The event's value at the path as JSON; `None` if it is missing or null.
    ///
    /// An IPv4-mapped IPv6 address counts as its IPv4 form.
    pub fn json<'e>(&self, event: &'e Event) -> Option<Cow<'e, Value>> {
        let Some((first, rest)) = self.0.split_once('.') else {
            let text = match self.0.as_str() {
                "action" => event.action.to_string(),
                "app" => event.app.clone(),
                _ => event.client_ip?.to_canonical().to_string(),
            };
            return Some(Cow::Owned(Value::String(text)));
        };
        let object = match first {
            "user" => &event.user,
            "context" => &event.context,
            _ => &event.brand,
        };
        let mut parts = rest.split('.');
        let found = parts.next().and_then(|key| object.get(key));
        let value = parts.try_fold(found?, |value, key| value.get(key))?;
        (!value.is_null()).then_some(Cow::Borrowed(value))
    }
}

impl TryFrom<String> for FieldPath {
    type Error = FieldPathError;
    fn try_from(text: String) -> Result<Self, FieldPathError> {
        Self::parse(&text)
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.0
    }
}

/// A weekly time window, in a time zone, in which the rule does not notify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteWindow {
    /// The days on which the window begins; empty means every day.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// The time at which the window begins.
    pub from: WallTime,
    /// The time at which the window ends: on the next day, unless it is later than `from`.
    pub to: WallTime,
    /// The IANA name of the time zone, which was checked with the document.
    pub zone: String,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday, written `mon` in the document.
    Mon,
    /// Tuesday, written `tue` in the document.
    Tue,
    /// Wednesday, written `wed` in the document.
    Wed,
    /// Thursday, written `thu` in the document.
    Thu,
    /// Friday, written `fri` in the document.
    Fri,
    /// Saturday, written `sat` in the document.
    Sat,
    /// Sunday, written `sun` in the document.
    Sun,
}

impl Weekday {
    /// Every day from Monday on, with its name in the document.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Mon, "mon"),
        (Self::Tue, "tue"),
        (Self::Wed, "wed"),
        (Self::Thu, "thu"),
        (Self::Fri, "fri"),
        (Self::Sat, "sat"),
        (Self::Sun, "sun"),
    ];
}

/// A local time of day, from `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallTime {
    minutes: u16,
}

/// The text is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a time of the day as HH:MM, from 00:00 to 24:00")]
pub struct WallTimeError;

impl WallTime {
    /// `00:00`, the beginning of the day.
    pub const START: Self = Self { minutes: 0 };
    /// `24:00`, the end of the day.
    pub const END: Self = Self { minutes: 24 * 60 };

    /// Parses `HH:MM`.
    ///
    /// # Errors
    /// If the text has another form or is not within one day.
    pub fn parse(text: &str) -> Result<Self, WallTimeError> {
        let (hours, minutes) = text.split_once(':').ok_or(WallTimeError)?;
        let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        if !two_digits(hours) || !two_digits(minutes) {
            return Err(WallTimeError);
        }
        let (hours, minutes): (u16, u16) =
            (hours.parse().map_err(|_| WallTimeError)?, minutes.parse().map_err(|_| WallTimeError)?);
        let time = Self { minutes: hours * 60 + minutes };
        if minutes < 60 && time <= Self::END { Ok(time) } else { Err(WallTimeError) }
    }

    /// Minutes since midnight, from 0 to 1440.
    pub fn minutes(self) -> u16 {
        self.minutes
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl TryFrom<String> for WallTime {
    type Error = WallTimeError;
    fn try_from(text: String) -> Result<Self, WallTimeError> {
        Self::parse(&text)
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_of_the_day() {
        for (text, minutes) in [("00:00", 0), ("06:30", 390), ("23:59", 1439), ("24:00", 1440)] {
            let time = WallTime::parse(text).unwrap();
            assert_eq!((time.minutes(), time.to_string()), (minutes, text.to_owned()));
        }
        for text in ["", "6:30", "24:01", "12:60", "noon", "1200", "+1:00", "12:00:00"] {
            assert!(WallTime::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths() {
        let context = json!({ "geo": { "country": "DE" }, "tags": ["x", 1], "no": null, "on": true });
        let event = crate::testing::event("login").app("a.b").client_ip("::ffff:192.0.2.7").context(context);
        let event = event.user(json!({ "username": "ann", "pk": 7 })).build();
        for (path, value) in [
            ("action", Some("login")),
            ("app", Some("a.b")),
            ("client_ip", Some("192.0.2.7")),
            ("user.username", Some("ann")),
            ("user.pk", Some("7")),
            ("context.geo.country", Some("DE")),
            ("context.geo", Some(r#"{"country":"DE"}"#)),
            ("context.tags", Some(r#"["x",1]"#)),
            ("context.on", Some("true")),
            ("context.no", None),
            ("context.geo.city", None),
            ("context.tags.x", None),
            ("brand.name", None),
        ] {
            assert_eq!(FieldPath::parse(path).unwrap().value(&event).as_deref(), value, "{path}");
        }
        for text in ["", "user", "context.", "context..a", "pk", "created", "action.x", "usr.name"] {
            assert!(FieldPath::parse(text).is_err(), "{text}");
        }
    }
}
