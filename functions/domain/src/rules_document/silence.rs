//! Silences: which notifications an operator suppresses for a time, and why.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::EventMatcher;

/// How long a silence that has ended is still listed.
const LISTED_AFTERWARDS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Suppresses the notifications of these rules for these events. `rules`, `event_matcher` or both are set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The id; `file-1` for the first silence of the rules file.
    pub id: String,
    /// The rules; empty means every rule.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The events; `None` means every event.
    #[serde(default)]
    pub event_matcher: Option<EventMatcher>,
    /// The reason that its author gave, in one line; empty in a preview without one.
    pub reason: String,
    /// The user or token that created it.
    pub by: String,
    /// When the silence begins.
    #[serde(with = "crate::time::micros")]
    pub starts: Timestamp,
    /// When the silence ends.
    #[serde(with = "crate::time::micros")]
    pub ends: Timestamp,
}

/// The state of a silence at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    /// The silence has not begun.
    Pending,
    /// The silence suppresses notifications.
    Active,
    /// The silence has ended.
    Expired,
}

impl Silence {
    /// The state at `now`.
    pub fn state_at(&self, now: Timestamp) -> SilenceState {
        if self.ends <= now {
            SilenceState::Expired
        } else if self.starts <= now {
            SilenceState::Active
        } else {
            SilenceState::Pending
        }
    }

    /// Whether it applies to the rule of this name. The event must match, too.
    pub fn covers_rule(&self, rule: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|name| name == rule)
    }

    /// The silence as ended at `now`, if it has not ended before.
    pub fn ended(self, now: Timestamp) -> Self {
        let ends = self.ends.min(crate::time::to_micros(now));
        Self { starts: self.starts.min(ends), ends, ..self }
    }

    /// When the silence is deleted: 90 days after its end.
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
        let standings = [1, 2, 3, 4].map(|hour| silence.state_at(at(hour)));
        assert_eq!(
            standings,
            [SilenceState::Pending, SilenceState::Active, SilenceState::Active, SilenceState::Expired]
        );
        assert!(silence.covers_rule("a") && !silence.covers_rule("b"));
        assert_eq!(silence.clone().ended(at(3)).state_at(at(3)), SilenceState::Expired);
        assert_eq!(silence.clone().ended(at(1)).state_at(at(3)), SilenceState::Expired);
        assert_eq!(silence.clone().ended(at(5)), silence);
    }
}
