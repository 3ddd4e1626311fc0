//! Plans the notifications of one event: the rules that fire, the recipients of each, and the loop guard. Dispatching
//! and dry runs use the same plan.

use domain::event::Event;
use domain::loop_guard::Looping;
use domain::ports::Expressions;
use domain::recipients::{Recipient, Recipients};
use domain::rules_document::{Rule, RulesDocument};

use crate::{RuleMatches, RuleSet};

/// The notifications of one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan<'a> {
    /// The rules that fire, in the document's order.
    pub matched: Vec<&'a Rule>,
    /// Why the loop guard suppresses all notifications; `None` if it does not.
    pub loop_guard: Option<Looping>,
    /// The planned notices: each recipient once per rule and transport. Empty if the loop guard applies.
    pub notices: Vec<PlannedNotice<'a>>,
}

/// A notification to one recipient, for one rule, by one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedNotice<'a> {
    /// The rule that fired.
    pub rule: &'a Rule,
    /// The name of the transport.
    pub transport: &'a str,
    /// The person and the address.
    pub recipient: Recipient,
}

impl RuleSet {
    /// Evaluates the event and plans its notifications; the effects of expressions are discarded. `document` must be
    /// the document that this set was compiled from.
    pub fn plan<'a>(&self, event: &Event, document: &'a RulesDocument, expressions: &dyn Expressions) -> Plan<'a> {
        self.evaluate(event, document, expressions).plan(event, document)
    }
}

impl RuleMatches {
    /// Plans the notifications of the event that was evaluated. `document` must be the same as for the evaluation.
    pub fn plan<'a>(self, event: &Event, document: &'a RulesDocument) -> Plan<'a> {
        let Self { matched, loop_guard, effects: _, entered: _ } = self;
        let matched: Vec<&Rule> = matched.into_iter().filter_map(|index| document.rules.get(index)).collect();
        let notices = match loop_guard {
            Some(_) => Vec::new(),
            None => matched.iter().flat_map(|rule| notices_of(rule, event, document)).collect(),
        };
        Plan { matched, loop_guard, notices }
    }
}

fn notices_of<'a>(rule: &'a Rule, event: &Event, document: &'a RulesDocument) -> Vec<PlannedNotice<'a>> {
    let recipients = Recipients::for_rule(rule, event, document);
    let transports = rule.transports.iter().filter_map(|name| document.transports.get(name));
    transports
        .flat_map(|transport| recipients.by_transport(transport).into_iter().map(move |to| (transport, to)))
        .map(|(transport, recipient)| PlannedNotice { rule, transport: &transport.name, recipient })
        .collect()
}
