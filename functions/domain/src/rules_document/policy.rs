//! Policies, and the rules they are bound to.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Digest, EventPattern, MuteWindow, Severity, Throttle};
use crate::event::ActionPattern;

/// Decides whether an event is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// By the event's plain fields.
    EventMatcher(EventMatcher),
    /// By anything in the event's JSON.
    EventPattern(EventPattern),
    /// By what a Python body returns.
    Expression(Expression),
}

/// A Python body that says whether an event is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expression {
    /// As written.
    pub source: String,
    /// What was read off it when it was checked.
    #[serde(default)]
    pub precondition: Precondition,
}

/// What an event must have for an expression to do anything but say no: of an event without it, the
/// body returns nothing true, raises nothing, and leaves no message, event or log line behind. Thus it
/// need not be run. What is not set demands nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Precondition {
    /// The event's action is one of these; empty demands nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub action: Vec<ActionPattern>,
    /// The event's app is this, or lies below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<Addresses>,
}

/// Some addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Addresses {
    /// One of these networks.
    pub nets: Vec<IpNet>,
    /// Or no address at all.
    pub or_none: bool,
}

/// Every configured field must match; one that is not configured is a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct EventMatcher {
    /// The event's action is one of these; empty is a wildcard.
    #[serde(default)]
    pub action: Vec<ActionPattern>,
    /// The event's app is this, or lies below it: `authentik.events` admits `authentik.events.signals`.
    #[serde(default)]
    pub app: Option<String>,
    /// `app_label.model_name` of `context.model`.
    #[serde(default)]
    pub model: Option<String>,
    /// The event's address is, or lies in, this.
    #[serde(default)]
    pub client_ip: Option<IpNet>,
}

/// How a rule's bindings are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One that passes is enough.
    #[default]
    Any,
    /// All must pass.
    All,
}

/// One policy bound to one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a binding's settings, each as authentik has it")]
pub struct Binding {
    /// The policy's name.
    pub policy: String,
    /// A disabled binding is as if it were not there.
    pub enabled: bool,
    /// Turns the policy's verdict round.
    pub negate: bool,
    /// Lower ones come first.
    pub order: i64,
    /// Seconds an evaluation may take.
    pub timeout: u32,
    /// The verdict when the policy raises; `negate` does not turn it.
    pub failure_result: bool,
    /// Its verdict does not count; where it would have passed, an event says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Binding {
    /// With authentik's defaults.
    pub fn to(policy: impl Into<String>) -> Self {
        Self {
            policy: policy.into(),
            enabled: true,
            negate: false,
            order: 0,
            timeout: 30,
            failure_result: false,
            dry_run: false,
        }
    }
}

/// Who is told, and how, when its policies say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique.
    pub name: String,
    /// A disabled rule never fires.
    pub enabled: bool,
    /// Of its notifications.
    pub severity: Severity,
    /// Whose members are told.
    pub group: Option<String>,
    /// Tell the acting user.
    pub event_user: bool,
    /// Tell the affected user.
    pub event_subject: bool,
    /// By these transports.
    pub transports: Vec<String>,
    /// In the order in which they are evaluated. Without an enabled one the rule never fires.
    pub bindings: Vec<Binding>,
    /// How they are taken together.
    pub mode: Mode,
    /// At most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Collected for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Not within these windows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<MuteWindow>,
}

impl Rule {
    /// With authentik's defaults.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            enabled: true,
            severity: Severity::Notice,
            group: None,
            event_user: false,
            event_subject: false,
            transports: Vec::new(),
            bindings: Vec::new(),
            mode: Mode::Any,
            throttle: None,
            digest: None,
            mute: Vec::new(),
        }
    }
}
