//! Why a delivery was held back.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::DeliveryId;
use crate::rules_document::{Period, Silence, Throttle};

/// The mechanism, by what state, until when. Shown as `{"by": "throttle", …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Cause {
    /// An operator silenced it.
    Silence {
        /// By this silence.
        id: String,
        /// Why.
        reason: String,
        /// Who put it there.
        author: String,
        /// When it ends, as it was then.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
    /// The rule was in one of its mute windows.
    Mute {
        /// When that window ends.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
    /// Another delivery tells of it.
    Digest {
        /// This one.
        delivery: DeliveryId,
        /// When it collects no more.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
    /// The rule had notified as often as it may.
    Throttle {
        /// So often.
        max: u32,
        /// In this time.
        per: Period,
        /// Of events with these values; empty counts the rule as a whole. A field that the event has not is null.
        key: BTreeMap<String, Option<String>>,
        /// From when on there is room for another.
        #[serde(with = "crate::time::micros")]
        until: Timestamp,
    },
}

impl Cause {
    /// By this silence.
    pub fn silence(silence: &Silence) -> Self {
        let (id, reason, author) = (silence.id.clone(), silence.reason.clone(), silence.by.clone());
        Self::Silence { id, reason, author, until: silence.ends }
    }

    /// By this throttle, for these values of its fields.
    pub fn throttle(throttle: &Throttle, values: Vec<Option<String>>, until: Timestamp) -> Self {
        let paths = throttle.by.iter().map(|path| path.as_str().to_owned());
        Self::Throttle { max: throttle.max.get(), per: throttle.per, key: paths.zip(values).collect(), until }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence { id, reason, author, until } => {
                write!(formatter, "silenced by {author} until {}: {reason} ({id})", shown(*until))
            }
            Self::Mute { until } => write!(formatter, "the rule is muted until {}", shown(*until)),
            Self::Digest { delivery, until } => {
                write!(formatter, "collected until {} for the digest {delivery}", shown(*until))
            }
            Self::Throttle { max, per, key, until } => {
                write!(formatter, "the rule notifies of at most {max} in {:#}", per.duration())?;
                for (place, (path, value)) in key.iter().enumerate() {
                    let before = if place == 0 { " with" } else { " and" };
                    write!(formatter, "{before} {path} {}", value.as_deref().unwrap_or("missing"))?;
                }
                write!(formatter, "; there is room again at {}", shown(*until))
            }
        }
    }
}

fn shown(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_and_as_stored() {
        let until: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let key = BTreeMap::from([("client_ip".to_owned(), Some("192.0.2.7".to_owned())), ("user.x".to_owned(), None)]);
        let cause = Cause::Throttle { max: 5, per: Period::parse("hours=1").unwrap(), key, until };
        assert_eq!(
            cause.to_string(),
            "the rule notifies of at most 5 in 1h with client_ip 192.0.2.7 and user.x missing; there is room again at 2026-01-02 03:04:05 UTC"
        );
        let stored = r#"{"by":"mute","until":"2026-01-02T03:04:05.000000Z"}"#;
        assert_eq!(serde_json::from_str::<Cause>(stored).unwrap(), Cause::Mute { until });
        assert_eq!(serde_json::to_string(&Cause::Mute { until }).unwrap(), stored);
    }
}
