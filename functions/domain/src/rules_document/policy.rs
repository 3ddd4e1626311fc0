//! Policies, and the rules they are bound to.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Detection, DigestSettings, EventPattern, MuteWindow, Severity, Throttle};
use crate::event::ActionPattern;

/// A condition on events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Compares the event's own fields.
    EventMatcher(EventMatcher),
    /// Matches a pattern against the event's JSON.
    EventPattern(EventPattern),
    /// Runs a Python body and uses its result.
    Expression(PolicyExpression),
    /// Passes on the events that this detection writes.
    Detection(Detection),
}

/// A policy's Python body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicyExpression {
    /// The body as written.
    pub source: String,
    /// A condition that was derived from the body when the document was checked.
    #[serde(default)]
    pub precondition: Precondition,
}

/// A necessary condition for an expression to pass. For an event that fails it, the body returns a false value, raises
/// nothing, and has no effects, so it need not run. A field that is not set requires nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Precondition {
    /// The event's action matches one of these; empty requires nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub action: Vec<ActionPattern>,
    /// The event's app is this one or below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The event's address is in this set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<AddressSet>,
}

/// A set of IP addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AddressSet {
    /// The networks in the set.
    pub nets: Vec<IpNet>,
    /// Whether an event without an address matches, too.
    pub or_none: bool,
}

/// Every configured field must match; one that is not configured is a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct EventMatcher {
    /// The event's action matches one of these; empty is a wildcard.
    #[serde(default)]
    pub action: Vec<ActionPattern>,
    /// The event's app is this one or below it: `authentik.events` matches `authentik.events.signals`.
    #[serde(default)]
    pub app: Option<String>,
    /// The event is about this model, `app_label.model_name`, according to its `context.model`.
    #[serde(default)]
    pub model: Option<String>,
    /// The event's address is in this network.
    #[serde(default)]
    pub client_ip: Option<IpNet>,
    /// The event satisfies this query, in the language of [`crate::query::search`], as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// How a rule combines the results of its bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BindingMode {
    /// The rule fires if any binding passes.
    #[default]
    Any,
    /// The rule fires if all bindings pass.
    All,
}

/// The binding of one policy to one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a binding's settings, each as authentik has it")]
pub struct Binding {
    /// The name of the policy that is bound to the rule.
    pub policy: String,
    /// Whether the binding counts. A disabled one is ignored.
    pub enabled: bool,
    /// Inverts the policy's result.
    pub negate: bool,
    /// The evaluation order; lower numbers come first.
    pub order: i64,
    /// The time limit of an evaluation, in seconds.
    pub timeout: u32,
    /// The result if the policy raises; `negate` does not invert it.
    pub failure_result: bool,
    /// Whether the result is only recorded: the binding does not count, and an event is created if it passes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Binding {
    /// A binding to this policy, with authentik's defaults.
    pub fn to_policy(policy: impl Into<String>) -> Self {
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

/// A rule: who is notified, and how, if its policies pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The name, which no other rule has.
    pub name: String,
    /// Whether the rule can fire.
    pub enabled: bool,
    /// The severity of its notifications.
    pub severity: Severity,
    /// The group whose members are notified.
    pub group: Option<String>,
    /// Whether the acting user is notified.
    pub event_user: bool,
    /// Whether the affected user is notified.
    pub event_subject: bool,
    /// The names of the transports.
    pub transports: Vec<String>,
    /// The bindings, in evaluation order. Without an enabled one the rule never fires.
    pub bindings: Vec<Binding>,
    /// How the bindings' results are combined.
    pub mode: BindingMode,
    /// Limits how many events may notify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Collects events and reports them in one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSettings>,
    /// The times of the week at which the rule does not notify.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<MuteWindow>,
}

impl Rule {
    /// A rule of this name, with authentik's defaults.
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
            mode: BindingMode::Any,
            throttle: None,
            digest: None,
            mute: Vec::new(),
        }
    }
}
