//! The retention settings: how long events are kept, by action.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{Action, ActionPattern};

/// A length of time in authentik's format: `days=365`, `hours=3;minutes=1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(SignedDuration);

/// Why a text is not a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// A part is not `unit=number`.
    #[error("a period needs unit=number pairs joined by ';', such as days=365 or hours=3;minutes=1")]
    Malformed,
    /// The unit is not known.
    #[error("this unit is unknown; the units are microseconds, milliseconds, seconds, minutes, hours, days, weeks")]
    UnknownUnit,
    /// The value is not a non-negative number.
    #[error("the number of a unit must be zero or more, such as days=7")]
    NotANumber,
    /// The sum is zero, or shorter than a microsecond.
    #[error("a period must be longer than zero")]
    Zero,
    /// The sum is longer than 1000 years.
    #[error("a period must be shorter than 1000 years")]
    TooLong,
}

const UNITS: [(&str, f64); 7] = [
    ("microseconds", 1e-6),
    ("milliseconds", 1e-3),
    ("seconds", 1.0),
    ("minutes", 60.0),
    ("hours", 3600.0),
    ("days", 86_400.0),
    ("weeks", 604_800.0),
];
/// The minimum of a period that may not be zero.
const SHORTEST: SignedDuration = SignedDuration::from_micros(1);
const MAX_SECONDS: f64 = 1000.0 * 365.25 * 86_400.0;

impl Period {
    /// Parses `unit=value;unit=value`. Units may be in any case; values may have a fraction and surrounding spaces.
    ///
    /// # Errors
    /// If a part is not a pair, a unit is unknown, a value is not a number, or the sum is zero or above 1000 years.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let length = Self::parse_or_zero(text)?;
        if length < SHORTEST { Err(PeriodError::Zero) } else { Ok(Self(length)) }
    }

    /// Parses a length of time like [`Self::parse`], but accepts zero, such as `minutes=0`.
    ///
    /// # Errors
    /// If a part is not a pair, a unit is unknown, a value is not a number, or the sum is above 1000 years.
    pub fn parse_or_zero(text: &str) -> Result<SignedDuration, PeriodError> {
        let mut seconds = 0.0;
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (unit, value) = part.split_once('=').ok_or(PeriodError::Malformed)?;
            let unit = unit.trim().to_ascii_lowercase();
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(PeriodError::UnknownUnit)?;
            let value: f64 = value.trim().parse().map_err(|_| PeriodError::NotANumber)?;
            if !value.is_finite() || value < 0.0 {
                return Err(PeriodError::NotANumber);
            }
            seconds += value * factor;
        }
        if text.trim().is_empty() {
            return Err(PeriodError::Malformed);
        }
        if seconds > MAX_SECONDS {
            return Err(PeriodError::TooLong);
        }
        Ok(SignedDuration::from_secs_f64(seconds))
    }

    /// The length of the period.
    pub fn duration(self) -> SignedDuration {
        self.0
    }

    /// A period of this many minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self(SignedDuration::from_mins(minutes))
    }

    /// A period of this many days.
    pub const fn days(days: i64) -> Self {
        Self(SignedDuration::from_hours(24 * days))
    }
}

/// How long an event is kept, by its action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The period of actions that no pattern matches.
    pub default: Period,
    /// The first pattern that matches the action decides. Exact names precede prefixes, longer prefixes precede shorter
    /// ones.
    pub by_action: Vec<(ActionPattern, Period)>,
}

impl Default for Retention {
    fn default() -> Self {
        Self::new(Period::days(365), Vec::new())
    }
}

impl Retention {
    /// Sorts the patterns into the order in which they decide.
    pub fn new(default: Period, mut by_action: Vec<(ActionPattern, Period)>) -> Self {
        by_action.sort_by_key(|(pattern, _)| match pattern {
            ActionPattern::Exact(_) => (0, 0),
            ActionPattern::Prefix(start) => (1, usize::MAX - start.len()),
        });
        Self { default, by_action }
    }

    /// When an event of this action that was received at `received` expires.
    pub fn expiry(&self, action: &Action, received: Timestamp) -> Timestamp {
        let period = self
            .by_action
            .iter()
            .find(|(pattern, _)| pattern.matches(action))
            .map_or(self.default, |(_, period)| *period);
        crate::time::later(received, period.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        let hours = |text| Period::parse(text).unwrap().duration().as_secs_f64() / 3600.0;
        for (text, expected) in [
            ("days=365", 8760.0),
            ("hours=3;minutes=30", 3.5),
            ("Weeks = 1 ; days=0.5;", 180.0),
            ("milliseconds=3600000", 1.0),
        ] {
            assert!((hours(text) - expected).abs() < 1e-9, "{text}");
        }
        for (text, error) in [
            ("", PeriodError::Malformed),
            ("365", PeriodError::Malformed),
            ("months=1", PeriodError::UnknownUnit),
            ("days=many", PeriodError::NotANumber),
            ("days=-1", PeriodError::NotANumber),
            ("days=nan", PeriodError::NotANumber),
            ("days=0", PeriodError::Zero),
            ("weeks=1e300", PeriodError::TooLong),
        ] {
            assert_eq!(Period::parse(text), Err(error), "{text}");
        }
        assert_eq!(Period::parse_or_zero("minutes=0; days=0"), Ok(SignedDuration::ZERO));
        assert_eq!(Period::parse_or_zero("hours=3"), Ok(SignedDuration::from_hours(3)));
        assert_eq!(Period::parse_or_zero("days=-1"), Err(PeriodError::NotANumber));
        assert_eq!(Period::parse_or_zero("weeks=1e300"), Err(PeriodError::TooLong));
        assert_eq!(Period::parse("microseconds=1").unwrap().duration(), SignedDuration::from_micros(1));
        assert_eq!(Period::parse("microseconds=0.4"), Err(PeriodError::Zero));
    }

    #[test]
    fn the_most_specific_pattern_decides() {
        let pattern = |text| ActionPattern::parse(text).unwrap();
        let retention = Retention::new(
            Period::days(365),
            vec![
                (pattern("model_*"), Period::days(28)),
                (pattern("model_up*"), Period::days(14)),
                (pattern("model_updated"), Period::days(7)),
            ],
        );
        let received: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (action, expires) in [
            ("model_updated", "2026-01-08"),
            ("model_upserted", "2026-01-15"),
            ("model_deleted", "2026-01-29"),
            ("login", "2027-01-01"),
        ] {
            let expiry = retention.expiry(&Action::parse(action).unwrap(), received);
            assert!(expiry.to_string().starts_with(expires), "{action}: {expiry}");
        }
    }
}
