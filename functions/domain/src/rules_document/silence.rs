//! Silences: what an operator keeps back for a time, and why.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::EventMatcher;

/// How long a silence that has ended is still listed.
const LISTED_AFTERWARDS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Keeps back the notifications of these rules for these events. One of both at least is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Names it: `file-1` for the first one of the rules file.
    pub id: String,
    /// Of these rules; empty means of every rule.
    #[serde(default)]
    pub rules: Vec<String>,
    /// For the events that it admits; none means for every event.
    #[serde(default)]
    pub event_matcher: Option<EventMatcher>,
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: String,
    /// From then on.
    #[serde(with = "crate::time::micros")]
    pub starts: Timestamp,
    /// Until then.
    #[serde(with = "crate::time::micros")]
    pub ends: Timestamp,
}

/// Where a silence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It has not begun.
    Pending,
    /// It keeps back.
    Active,
    /// It has ended.
    Expired,
}

impl Silence {
    /// Where it stands at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.ends <= now {
            Standing::Expired
        } else if self.starts <= now {
            Standing::Active
        } else {
            Standing::Pending
        }
    }

    /// Whether it keeps back notifications of the rule, for the events that it is for.
    pub fn is_of(&self, rule: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|name| name == rule)
    }

    /// The silence as ended at `now`, if it has not ended before.
    pub fn ended(self, now: Timestamp) -> Self {
        let ends = self.ends.min(crate::time::to_micros(now));
        Self { starts: self.starts.min(ends), ends, ..self }
    }

    /// When it is forgotten.
    pub fn expires(&self) -> Timestamp {
        crate::time::later(self.ends, LISTED_AFTERWARDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_its_start_until_its_end() {
        let at = |hour: u8| -> Timestamp { format!("2026-01-02T{hour:02}:00:00Z").parse().unwrap() };
        let silence = Silence {
            id: "file-1".to_owned(),
            rules: vec!["a".to_owned()],
            event_matcher: None,
            reason: "test".to_owned(),
            by: "ann".to_owned(),
            starts: at(2),
            ends: at(4),
        };
        let standings = [1, 2, 3, 4].map(|hour| silence.standing(at(hour)));
        assert_eq!(standings, [Standing::Pending, Standing::Active, Standing::Active, Standing::Expired]);
        assert!(silence.is_of("a") && !silence.is_of("b"));
        assert_eq!(silence.clone().ended(at(3)).standing(at(3)), Standing::Expired);
        assert_eq!(silence.clone().ended(at(1)).standing(at(3)), Standing::Expired);
        assert_eq!(silence.clone().ended(at(5)), silence);
    }
}
