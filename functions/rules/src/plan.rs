//! What one event leads to: the rules that fire, whether the loop guard holds them back, and who is
//! notices by what. Sending and trying on history go by the same plan.

use domain::document::{Rule, RulesDocument};
use domain::event::Event;
use domain::expression::Effects;
use domain::loop_guard::Looping;
use domain::ports::Expressions;
use domain::recipient::{Recipient, Recipients};

use crate::{RuleMatches, RuleSet};

/// What one event leads to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan<'a> {
    /// The rules that fire, in the document's order.
    pub matched: Vec<&'a Rule>,
    /// Why nobody is notices all the same.
    pub loop_guard: Option<Looping>,
    /// Who is notices, each once per rule and transport. Empty where something holds it back.
    pub notices: Vec<PlannedNotice<'a>>,
    /// What the expressions that were run left behind, to be stored.
    pub effects: Vec<Effects>,
}

/// One recipient, notices for one rule by one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedNotice<'a> {
    /// For this rule.
    pub rule: &'a Rule,
    /// By the transport of this name.
    pub transport: &'a str,
    /// Who, and at which address.
    pub recipient: Recipient,
}

impl RuleSet {
    /// The plan for an event. `document` is the one this was compiled from.
    pub fn plan<'a>(&self, event: &Event, document: &'a RulesDocument, expressions: &dyn Expressions) -> Plan<'a> {
        self.evaluate(event, document, expressions).plan(event, document)
    }
}

impl RuleMatches {
    /// The plan that follows for that event, by that document.
    pub fn plan<'a>(self, event: &Event, document: &'a RulesDocument) -> Plan<'a> {
        let Self { matched, loop_guard, effects } = self;
        let matched: Vec<&Rule> = matched.into_iter().filter_map(|index| document.rules.get(index)).collect();
        let notices = match loop_guard {
            Some(_) => Vec::new(),
            None => matched.iter().flat_map(|rule| notices(rule, event, document)).collect(),
        };
        Plan { matched, loop_guard, notices, effects }
    }
}

fn notices<'a>(rule: &'a Rule, event: &Event, document: &'a RulesDocument) -> Vec<PlannedNotice<'a>> {
    let recipients = Recipients::of_rule(rule, event, document);
    let transports = rule.transports.iter().filter_map(|name| document.transports.get(name));
    transports
        .flat_map(|transport| recipients.by_transport(transport).into_iter().map(move |to| (transport, to)))
        .map(|(transport, recipient)| PlannedNotice { rule, transport: &transport.name, recipient })
        .collect()
}
