//! Why a rule fires or does not.
//!
//! Evaluates from the document itself, without the compiled form and without stopping early, so that
//! every policy has its say and the fast path has something to be compared with.

use std::collections::BTreeMap;

use domain::Event;
use domain::document::{Binding, Mode, Policy, Rule, RulesDocument};
use serde::Serialize;

use crate::clause;
use crate::compiled::in_order;
use crate::facts::Facts;
use crate::pattern;

/// One rule's answer to one event. As JSON it is a line of `nuncio match`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The rule's name.
    pub rule: String,
    /// Whether it fires.
    pub matched: bool,
    /// The enabled bindings' policies, in the order in which they are evaluated.
    pub policies: Vec<PolicyVerdict>,
    /// What the policies do not tell: that the rule is disabled, or that nothing is bound to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One binding's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyVerdict {
    /// The policy's name.
    pub policy: String,
    /// The binding's verdict, after `negate`.
    pub passed: bool,
    /// The first clause that failed, with the event's value beside the wanted one, or what holds.
    pub why: String,
}

/// For every rule of the document, disabled ones too: whether it fires for the event, and why.
pub fn explain(document: &RulesDocument, event: &Event) -> Vec<Explanation> {
    let facts = Facts::of(event);
    document.rules.iter().map(|one| rule(one, &document.policies, &facts)).collect()
}

fn rule(rule: &Rule, policies: &BTreeMap<String, Policy>, facts: &Facts<'_>) -> Explanation {
    let policies: Vec<_> =
        in_order(rule).map(|binding| verdict(binding, policies.get(&binding.policy), facts)).collect();
    let why = if !rule.enabled {
        Some("disabled")
    } else if policies.is_empty() {
        Some("no enabled binding")
    } else {
        None
    };
    let agreed = match rule.mode {
        Mode::Any => policies.iter().any(|verdict| verdict.passed),
        Mode::All => policies.iter().all(|verdict| verdict.passed),
    };
    Explanation { rule: rule.name.clone(), matched: why.is_none() && agreed, policies, why: why.map(str::to_owned) }
}

fn verdict(binding: &Binding, policy: Option<&Policy>, facts: &Facts<'_>) -> PolicyVerdict {
    let Some(policy) = policy else {
        // A checked document has no such binding. Should one arrive, it is a policy that raised.
        let why = format!("there is no such policy; failure_result is {}", binding.failure_result);
        return PolicyVerdict { policy: binding.policy.clone(), passed: binding.failure_result, why };
    };
    let (admitted, reason) = admits(policy, facts);
    let why = if binding.negate { format!("negated: {reason}") } else { reason };
    PolicyVerdict { policy: binding.policy.clone(), passed: admitted != binding.negate, why }
}

fn admits(policy: &Policy, facts: &Facts<'_>) -> (bool, String) {
    let matcher = match policy {
        Policy::EventMatcher(matcher) => matcher,
        Policy::EventPattern(pattern) => return pattern::verdict(pattern, facts),
    };
    let clauses = clause::all(matcher, facts);
    if let Some(failure) = clauses.iter().find_map(|clause| clause.failure.clone()) {
        return (false, failure);
    }
    let names: Vec<_> = clauses.iter().map(|clause| clause.name).collect();
    let reason = match names.as_slice() {
        [] => "nothing is configured, so every event passes".to_owned(),
        [only] => format!("{only} holds"),
        several => format!("all of {} hold", several.join(", ")),
    };
    (true, reason)
}
