//! Why a delivery was suppressed.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::DeliveryId;
use crate::rules_document::{Period, Silence, Throttle};
use crate::time::in_words;

/// The mechanism that suppressed a delivery, with its settings and its end. Stored and shown as `{"by": "throttle",
/// …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum SuppressionCause {
    /// A silence matched the rule and the event.
    Silence {
        /// The id of the silence that matched.
        id: String,
        /// The reason that the author gave for the silence.
        reason: String,
        /// The user or token that created the silence.
        author: String,
        /// When the silence was to end at that time.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
    /// The rule was in one of its mute windows.
    Mute {
        /// When the mute window ends.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
    /// A digest reports the event.
    Digest {
        /// The delivery that carries the digest.
        delivery: DeliveryId,
        /// When the digest's window closes.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
    /// The rule's throttle had reached its limit.
    Throttle {
        /// The most events that may notify in `per`.
        max: u32,
        /// The length of the throttle's period.
        per: Period,
        /// The values of the throttle's `by` fields, null for a field that the event lacks. Empty if the throttle has
        /// no `by`.
        key: BTreeMap<String, Option<String>>,
        /// From this time on, another event may notify.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
}

impl SuppressionCause {
    /// The cause for this silence.
    pub fn silence(silence: &Silence) -> Self {
        let (id, reason, author) = (silence.id.clone(), silence.reason.clone(), silence.by.clone());
        Self::Silence { id, reason, author, until: silence.ends }
    }

    /// The cause for this throttle; `values` are those of its `by` fields, in order.
    pub fn throttle(throttle: &Throttle, values: Vec<Option<String>>, until: Timestamp) -> Self {
        let paths = throttle.by.iter().map(|path| path.as_str().to_owned());
        Self::Throttle { max: throttle.max.get(), per: throttle.per, key: paths.zip(values).collect(), until }
    }
}

impl fmt::Display for SuppressionCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence { id, reason, author, until } => {
                write!(formatter, "silenced by {author} until {}: {reason} ({id})", in_words(*until))
            }
            Self::Mute { until } => write!(formatter, "the rule is muted until {}", in_words(*until)),
            Self::Digest { delivery, until } => {
                write!(formatter, "collected until {} for the digest {delivery}", in_words(*until))
            }
            Self::Throttle { max, per, key, until } => {
                write!(formatter, "the rule notifies of at most {max} in {:#}", per.duration())?;
                for (place, (path, value)) in key.iter().enumerate() {
                    let before = if place == 0 { " with" } else { " and" };
                    write!(formatter, "{before} {path} {}", value.as_deref().unwrap_or("missing"))?;
                }
                write!(formatter, "; there is room again at {}", in_words(*until))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_and_as_stored() {
        let until: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let key = BTreeMap::from([("client_ip".to_owned(), Some("192.0.2.7".to_owned())), ("user.x".to_owned(), None)]);
        let cause = SuppressionCause::Throttle { max: 5, per: Period::parse("hours=1").unwrap(), key, until };
        assert_eq!(
            cause.to_string(),
            "the rule notifies of at most 5 in 1h with client_ip 192.0.2.7 and user.x missing; there is room again at 2026-01-02 03:04:05 UTC"
        );
        let stored = r#"{"by":"mute","until":"2026-01-02T03:04:05.000000Z"}"#;
        assert_eq!(serde_json::from_str::<SuppressionCause>(stored).unwrap(), SuppressionCause::Mute { until });
        assert_eq!(serde_json::to_string(&SuppressionCause::Mute { until }).unwrap(), stored);
    }
}
