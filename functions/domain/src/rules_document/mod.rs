//! The rules document in its checked form: every name in it exists, every text in it has been read.
//!
//! It is what the functions load from the store. Reading it from YAML, with faults by line and
//! column, is the `rulesfile` crate's task.

mod built_in;
mod pattern;
mod policy;
mod retention;
mod silence;
mod storm;
mod transport;

pub use pattern::{
    AnythingBut, End, EventPattern, FaultyPart, Field, Fields, Interval, PatternFault, Test, Wildcard, WildcardError,
    compare as compare_numbers,
};
pub use policy::{Addresses, Binding, EventMatcher, Expression, Mode, Policy, Precondition, Rule};
pub use retention::{Period, PeriodError, Retention};
pub use silence::{Silence, Standing};
pub use storm::{Digest, FieldPath, FieldPathError, MuteWindow, Throttle, WallTime, WallTimeError, Weekday};
pub use transport::{Limit, Mappings, SecretRef, Text, Transport, TransportKind};

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::event::Action;
use crate::person::Person;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    #[default]
    Notice,
    /// Look at it.
    Warning,
    /// Act on it.
    Alert,
}

impl Severity {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Alert => "alert",
        }
    }
}

/// A checked `nuncio.yaml`. A reader accepts every shape that was ever stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct RulesDocument {
    /// How long events are kept.
    pub retention: Retention,
    /// Who belongs together; the order is the file's.
    pub groups: BTreeMap<String, Vec<Person>>,
    /// By name; `default-email-transport` and `default-local-transport` are always there.
    pub transports: BTreeMap<String, Transport>,
    /// By name. Shared with what is made ready of them.
    pub policies: BTreeMap<String, Arc<Policy>>,
    /// In the file's order.
    pub rules: Vec<Rule>,
    /// What is kept back for a time; others are posted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// How mail leaves.
    #[serde(default)]
    pub email: EmailSettings,
    /// Networks that webhooks may reach besides public addresses.
    #[serde(default)]
    pub allow_networks: Vec<IpNet>,
    /// Networks of proxies whose word counts on whom a request comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<IpNet>,
    /// Changes to what counts as a secret.
    #[serde(default)]
    pub redact: Redact,
    /// How CloudEvents types become actions.
    #[serde(default)]
    pub cloudevents: Vec<TypeMapping>,
    /// Where the console is, for links in notifications; without a slash at its end.
    #[serde(default)]
    pub public_url: Option<String>,
}

impl RulesDocument {
    /// The rule of that name.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Whether any rule is bound to the policy of that name.
    pub fn is_bound(&self, policy: &str) -> bool {
        self.rules.iter().any(|rule| rule.bindings.iter().any(|binding| binding.policy == policy))
    }

    /// Whether a policy is an expression, so that evaluating the rules may take its time.
    pub fn has_expressions(&self) -> bool {
        self.policies.values().any(|policy| matches!(**policy, Policy::Expression(_)))
    }

    /// The action for a CloudEvents `type`: the first mapping that fits, else its last dotted part.
    ///
    /// # Errors
    /// When what results is no action name.
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

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EmailSettings {
    /// The sender, as `address` or `Name <address>`.
    pub from: Option<String>,
    /// `smtp://host:port`, `smtps://…`; may be a secret reference. Not used on AWS.
    pub smtp: Option<Text>,
    /// How long mails are kept that were written to files for want of a server; see [`kept_for`](Self::kept_for).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Period>,
}

impl EmailSettings {
    /// The longest that `keep` may be. A ledger entry is kept for 31 days at least, and an erasure finds the mails of a
    /// person through their entries.
    pub const LONGEST_KEPT: Period = Period::days(31);

    /// How long a written mail is kept: 30 days unless `keep` says otherwise.
    pub fn kept_for(&self) -> SignedDuration {
        self.keep.unwrap_or(Period::days(30)).duration()
    }
}

/// Changes to what counts as a secret key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Redact {
    /// A key containing one of these is masked too.
    pub keys: Vec<String>,
    /// A key that is one of these is not masked.
    pub except: Vec<String>,
}

/// One line of `cloudevents.actions`. A `*` at the end of the type is what replaces the `*` of the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeMapping {
    /// A CloudEvents type, or the start of one followed by `*`.
    pub event_type: String,
    /// The action, with at most one `*` at its end.
    pub action: String,
}

impl TypeMapping {
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
        let mapping = |event_type: &str, action: &str| TypeMapping {
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
