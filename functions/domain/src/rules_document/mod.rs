//! The checked form of the rules document: every reference in it resolves, every text in it is parsed.
//!
//! Owns what a document contains and how it is stored; the functions load this form. Refuses to read YAML: the
//! `rulesfile` crate does, and reports faults by line and column.

mod built_in;
mod detection;
mod pattern;
mod policy;
mod retention;
mod silence;
mod source;
mod storm;
mod transport;

pub use detection::{
    AbsentSettings, CountSettings, Detection, DetectionKind, FirstSeenSettings, LONGEST_WITHIN, Repeat,
    SHORTEST_WITHIN, SequenceSettings,
};
pub use pattern::{
    AnythingBut, EventPattern, FaultyPart, FieldPattern, Interval, IntervalEnd, ObjectPattern, PatternFault,
    ValuePattern, Wildcard, WildcardError, compare as compare_numbers,
};
pub use policy::{AddressSet, Binding, BindingMode, EventMatcher, Policy, PolicyExpression, Precondition, Rule};
pub use retention::{Period, PeriodError, Retention};
pub use silence::{Silence, SilenceState};
pub use source::{
    EventSource, HmacHash, IdLocation, SignatureEncoding, SignatureScheme, SignedPart, SourcePreset, TimestampLocation,
    Verification,
};
pub use storm::{DigestSettings, FieldPath, FieldPathError, MuteWindow, Throttle, WallTime, WallTimeError, Weekday};
pub use transport::{Mappings, PlainOrSecret, SecretRef, Transport, TransportKind, TransportLimit};

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::event::Action;
use crate::person::Person;

/// The severity of a rule's notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For information; the lowest severity, and the default.
    #[default]
    Notice,
    /// Should be looked at.
    Warning,
    /// Requires action; the highest severity.
    Alert,
}

impl Severity {
    /// The name in the document, the store and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Alert => "alert",
        }
    }
}

/// A checked `nuncio.yaml`. Every shape that was ever stored can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct RulesDocument {
    /// How long events are kept.
    pub retention: Retention,
    /// The members of each group, in the file's order.
    pub groups: BTreeMap<String, Vec<Person>>,
    /// The transports by name. `default-email-transport` and `default-local-transport` always exist.
    pub transports: BTreeMap<String, Transport>,
    /// The policies and the detections by name. Shared with the compiled rules.
    pub policies: BTreeMap<String, Arc<Policy>>,
    /// The rules, in the file's order.
    pub rules: Vec<Rule>,
    /// The file's silences. Operators create others through the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// The senders that post without a token of Nuncio, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, EventSource>,
    /// The settings of mail.
    #[serde(default)]
    pub email: EmailSettings,
    /// Private networks that webhooks may reach, besides public addresses.
    #[serde(default)]
    pub allow_networks: Vec<IpNet>,
    /// Networks of proxies whose `X-Forwarded-For` is trusted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<IpNet>,
    /// Additions and exceptions to the keys that are masked.
    #[serde(default)]
    pub redact: RedactSettings,
    /// The mapping of CloudEvents types to actions; the first that matches applies.
    #[serde(default)]
    pub cloudevents: Vec<CloudEventMapping>,
    /// The console's base URL for links in notifications, without a trailing slash.
    #[serde(default)]
    pub public_url: Option<String>,
}

impl RulesDocument {
    /// The rule of this name; `None` if it does not exist.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Whether any rule has a binding to the policy of this name, or any detection names it.
    pub fn is_bound(&self, policy: &str) -> bool {
        self.rules.iter().any(|rule| rule.bindings.iter().any(|binding| binding.policy == policy))
            || self.detections().any(|detection| detection.inputs().iter().any(|input| input == policy))
    }

    /// The detections, in the order of their names.
    pub fn detections(&self) -> impl Iterator<Item = &Detection> {
        self.policies.values().filter_map(|policy| match &**policy {
            Policy::Detection(detection) => Some(detection),
            _ => None,
        })
    }

    /// Whether any policy is an expression, so that evaluating the rules may block.
    pub fn has_expressions(&self) -> bool {
        self.policies.values().any(|policy| matches!(**policy, Policy::Expression(_)))
    }

    /// The action for a CloudEvents `type`: by the first mapping that matches, else the type's last dotted part.
    ///
    /// # Errors
    /// If the result is not a valid action name.
    pub fn cloudevent_action(&self, event_type: &str) -> Result<Action, crate::event::ActionError> {
        for mapping in &self.cloudevents {
            if let Some(mapped) = mapping.apply(event_type) {
                return Action::from_foreign(&mapped);
            }
        }
        // The fewest parts at the end that begin with a letter: `com.example.OrderPaid` gives `order_paid`, and
        // `com.example.1a` gives `example.1a`.
        let starts = event_type.rmatch_indices('.').map(|(dot, _)| dot + 1).chain([0]);
        let mut names = starts.map(|start| &event_type[start..]);
        let is_readable = |name: &&str| name.is_empty() || name.starts_with(|first: char| first.is_ascii_alphabetic());
        Action::from_foreign(names.find(is_readable).unwrap_or_default())
    }
}

/// The settings of mail.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EmailSettings {
    /// The sender, as `address` or `Name <address>`.
    pub from: Option<String>,
    /// The server, as `smtp://host:port` or `smtps://…`; may be a secret reference. Not used on AWS.
    pub smtp: Option<PlainOrSecret>,
    /// How long mails are kept that are written to files because no server is configured; see
    /// [`kept_for`](Self::kept_for).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Period>,
}

impl EmailSettings {
    /// The maximum of `keep`. An erasure finds a person's mails through ledger entries, which are kept for 31 days at
    /// least.
    pub const LONGEST_KEPT: Period = Period::days(31);

    /// How long a written mail is kept: `keep`, or 30 days.
    pub fn kept_for(&self) -> SignedDuration {
        self.keep.unwrap_or(Period::days(30)).duration()
    }
}

/// Additions and exceptions to the keys whose values are masked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RedactSettings {
    /// The value of a key that contains one of these is masked, too.
    pub keys: Vec<String>,
    /// The value of a key, or path, that equals one of these is not masked.
    pub except: Vec<String>,
}

/// One line of `cloudevents.actions`. The part of the type that its final `*` matches replaces the action's `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEventMapping {
    /// A CloudEvents type, or a prefix followed by `*`.
    pub event_type: String,
    /// The action, with at most one `*` at its end.
    pub action: String,
}

impl CloudEventMapping {
    fn apply(&self, event_type: &str) -> Option<String> {
        let Some(start) = self.event_type.strip_suffix('*') else {
            return (self.event_type == event_type).then(|| self.action.clone());
        };
        let rest = event_type.strip_prefix(start)?;
        Some(match self.action.strip_suffix('*') {
            Some(prefix) => format!("{prefix}{rest}"),
            None => self.action.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudevent_types_become_actions() {
        let mapping = |event_type: &str, action: &str| CloudEventMapping {
            event_type: event_type.to_owned(),
            action: action.to_owned(),
        };
        let document = RulesDocument {
            cloudevents: vec![mapping("com.github.*", "github.*"), mapping("com.shop.Paid", "order_paid")],
            ..RulesDocument::default()
        };
        for (event_type, action) in [
            ("com.github.pull_request.opened", "github.pull_request.opened"),
            ("com.shop.Paid", "order_paid"),
            ("com.example.OrderCreated", "order_created"),
            ("login", "login"),
            ("com.example.1a", "example.1a"),
            ("com.example.v1.2.3", "v1.2.3"),
        ] {
            assert_eq!(document.cloudevent_action(event_type).unwrap().as_str(), action);
        }
        assert!(document.cloudevent_action("com.example.").is_err());
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let document = RulesDocument::built_in();
        let stored = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<RulesDocument>(&stored).unwrap(), document);
    }
}
