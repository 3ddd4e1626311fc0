//! Instants: their one written form, RFC 3339 in UTC with exactly six decimals and a `Z`, and arithmetic that
//! saturates.

use jiff::{SignedDuration, Timestamp, Unit};
use serde::{Deserialize, Deserializer, Serializer};

/// Writes an instant as `2023-02-15T15:33:42.771091Z`.
pub fn format(instant: Timestamp) -> String {
    format!("{instant:.6}")
}

/// Writes an instant for a sentence, to the second: `2023-02-15 15:33:42 UTC`.
pub fn in_words(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Parses an RFC 3339 instant; `None` if it is malformed or its offset exceeds RFC 3339's maximum of 23:59.
pub fn parse(text: &str) -> Option<Timestamp> {
    // The calendar's parser accepts offsets of up to 25:59, because ISO 8601 sets no limit.
    let behind_date = text.get(10..).unwrap_or_default();
    let offset = behind_date.find(['+', '-']).and_then(|sign| behind_date.get(sign + 1..sign + 3));
    if offset.is_some_and(|hours| hours.parse::<u8>().is_ok_and(|hours| hours > 23)) {
        return None;
    }
    // RFC 3339 lets a second have any number of decimals. A nanosecond is the finest that is kept.
    let decimals = text.find('.').map_or(0, |dot| text[dot + 1..].bytes().take_while(u8::is_ascii_digit).count());
    match text.find('.').filter(|_| decimals > 9) {
        Some(dot) => format!("{}{}", &text[..dot + 10], &text[dot + 1 + decimals..]).parse().ok(),
        None => text.parse().ok(),
    }
}

/// Parses an RFC 3339 instant like [`parse`]. An instant of the year 9999 that cannot be represented becomes the last
/// one that can.
pub fn parse_saturating(text: &str) -> Option<Timestamp> {
    let last = || {
        let civil = text.get(..19)?.parse::<jiff::civil::DateTime>().ok()?;
        (civil.year() == 9999).then_some(Timestamp::MAX)
    };
    parse(text).or_else(last)
}

/// Truncates to microseconds, the precision of everything that is stored.
pub fn to_micros(instant: Timestamp) -> Timestamp {
    // Truncation keeps an instant before `now` before `now`; rounding up would not.
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

/// Truncates to milliseconds, the precision of a `pk`.
pub fn to_millis(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

/// `instant + duration`; saturates at [`Timestamp::MAX`].
pub fn later(instant: Timestamp, duration: SignedDuration) -> Timestamp {
    instant.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

/// How far apart the clocks of two machines that share a store may be.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// Whether a stored deadline, at most `longest` ahead when it was written, has passed. A deadline further ahead was
/// written by a wrong clock and counts as passed, so that it cannot block anything.
pub fn has_passed(instant: Timestamp, longest: SignedDuration, now: Timestamp) -> bool {
    instant <= now || instant > later(now, longest)
}

/// Whether the recorded time of a past event lies further in the future than [`CLOCK_SKEW`] explains.
pub fn is_ahead(instant: Timestamp, now: Timestamp) -> bool {
    instant > later(now, CLOCK_SKEW)
}

/// Whole seconds since the epoch, rounded up, so that a TTL never precedes the exact expiry.
pub fn ttl_seconds(instant: Timestamp) -> i64 {
    instant.round(Unit::Second).map_or_else(
        |_| instant.as_second(),
        |rounded| {
            if rounded < instant { rounded.as_second() + 1 } else { rounded.as_second() }
        },
    )
}

/// `#[serde(default, deserialize_with = "domain::time::parameter")]`: an optional instant of a query string. A `+` of
/// the offset that arrives as a blank, because the caller did not encode it, is read as `+`; an instant of the year
/// 9999 that cannot be represented becomes the last one that can.
///
/// # Errors
/// With the text and the form to write it in, when it is not an RFC 3339 instant.
pub fn parameter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let with_sign = || text.rsplit_once(' ').and_then(|(civil, offset)| parse(&format!("{civil}+{offset}")));
    parse_saturating(&text).or_else(with_sign).map(Some).ok_or_else(|| {
        serde::de::Error::custom(format_args!(
            "{text:?} is not an instant; write a date, a time and an offset, such as 2026-03-01T00:00:00Z or \
             2026-03-01T00:00:00%2B01:00"
        ))
    })
}

/// `#[serde(with = "domain::time::micros")]`: the fixed six-decimal form.
pub mod micros {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    /// Writes six decimals and a `Z`.
    pub fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{instant:.6}"))
    }

    /// Reads any RFC 3339 instant, with any offset.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}

/// `#[serde(with = "domain::time::micros_option")]`: the fixed form, or null.
pub mod micros_option {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    /// Writes the fixed form, or null.
    pub fn serialize<S: Serializer>(instant: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match instant {
            Some(instant) => serializer.collect_str(&format_args!("{instant:.6}")),
            None => serializer.serialize_none(),
        }
    }

    /// Reads any RFC 3339 instant, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Option::<Timestamp>::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_decimals_always() {
        let whole: Timestamp = "2023-02-15T15:33:42Z".parse().unwrap();
        assert_eq!(format(whole), "2023-02-15T15:33:42.000000Z");
        let nanos: Timestamp = "2023-02-15T16:33:42.771091999+01:00".parse().unwrap();
        assert_eq!(format(to_micros(nanos)), "2023-02-15T15:33:42.771091Z");
        assert_eq!(in_words(nanos), "2023-02-15 15:33:42 UTC");
    }

    #[test]
    fn what_a_wrong_clock_wrote_holds_nothing_up() {
        let now: Timestamp = "2023-02-15T15:33:42Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        for (seconds, passed) in [(-1, true), (0, true), (1, false), (3600, false), (3601, true), (400 * 86_400, true)]
        {
            assert_eq!(has_passed(later(now, SignedDuration::from_secs(seconds)), hour, now), passed, "{seconds}");
        }
        assert!(!is_ahead(later(now, CLOCK_SKEW), now) && is_ahead(later(now, CLOCK_SKEW * 2), now));
    }

    #[test]
    fn offsets_are_a_day_at_most() {
        for (text, reads) in [
            ("2023-02-15T15:33:42Z", true),
            ("2023-02-15T15:33:42.771091+01:00", true),
            ("2023-02-15T15:33:42-23:59", true),
            ("2023-02-15 15:33:42+00:00", true),
            ("2023-02-15T15:33:42+24:00", false),
            ("2023-02-15T15:33:42+25:00", false),
            ("2023-02-15T15:33:42-25:59", false),
            ("2023-02-15T15:33:42+2500", false),
            ("2023-02-15T15:33:42+23:60", false),
            ("2023-02-15T15:33:42.123456789123456Z", true),
            ("2023-02-15T15:33:42.1234567891+01:00", true),
            ("2023-02-15T15:33:42.1234567891x+01:00", false),
            ("2023-02-15T15:33:42", false),
            ("2023-02-15", false),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}+25:00", false),
        ] {
            assert_eq!(parse(text).is_some(), reads, "{text}");
        }
    }

    #[test]
    fn a_ttl_never_comes_early() {
        let exact: Timestamp = "2023-02-15T15:33:42Z".parse().unwrap();
        assert_eq!(ttl_seconds(exact), exact.as_second());
        let just_after: Timestamp = "2023-02-15T15:33:42.000001Z".parse().unwrap();
        assert_eq!(ttl_seconds(just_after), exact.as_second() + 1);
    }
}
