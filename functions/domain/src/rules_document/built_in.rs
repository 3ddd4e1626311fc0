//! The built-in document, which applies until an operator saves one: authentik's default rules.

use super::{Binding, EventMatcher, Policy, Rule, RulesDocument, Severity, Transport};
use crate::event::ActionPattern;
use crate::person::Person;

const ADMINS: &str = "admins";

/// (rule, its policies as (name, action))
const DEFAULTS: [(&str, &[(&str, &str)]); 3] = [
    ("default-notify-configuration-error", &[("default-match-configuration-error", "configuration_error")]),
    ("default-notify-update", &[("default-match-update", "update_available")]),
    (
        "default-notify-exception",
        &[
            ("default-match-policy-exception", "policy_exception"),
            ("default-match-property-mapping-exception", "property_mapping_exception"),
        ],
    ),
];

impl RulesDocument {
    /// The built-in document: configuration errors, updates and policy or mapping exceptions go to
    /// the `admins` group by both default transports.
    pub fn built_in() -> Self {
        let mut document = Self::default();
        document.groups.insert(ADMINS.to_owned(), vec![Person::new("admin", "admin@localhost")]);
        for transport in Transport::built_in() {
            document.transports.insert(transport.name.clone(), transport);
        }
        for (name, policies) in DEFAULTS {
            let mut rule = Rule::named(name);
            rule.severity = Severity::Alert;
            rule.group = Some(ADMINS.to_owned());
            rule.transports = vec![Transport::DEFAULT_EMAIL.to_owned(), Transport::DEFAULT_LOCAL.to_owned()];
            for (order, (policy, action)) in (0..).zip(policies) {
                let action = ActionPattern::parse(action).into_iter().collect();
                document.policies.insert(
                    (*policy).to_owned(),
                    Policy::EventMatcher(EventMatcher { action, ..EventMatcher::default() }).into(),
                );
                rule.bindings.push(Binding { order, ..Binding::to_policy(*policy) });
            }
            document.rules.push(rule);
        }
        document
    }
}
