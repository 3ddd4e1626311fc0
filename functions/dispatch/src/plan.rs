//! Which deliveries there should be: (event, rule, transport, recipient), decided purely.

use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Cause, Delivery};
use domain::event::Event;
use domain::rules_document::{Rule, RulesDocument};
use rules::Judged;

use crate::trace;

/// A delivery, the event it tells of, and the rule that asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Planned<'a> {
    pub(crate) delivery: Delivery,
    pub(crate) event: Arc<Event>,
    pub(crate) rule: &'a Rule,
    /// The ledger has it as it is to be.
    pub(crate) settled: bool,
}

impl Planned<'_> {
    /// It is not to be sent, for this cause.
    pub(crate) fn keep_back(&mut self, cause: Cause) {
        tracing::debug!(delivery = %self.delivery.id, trace_id = trace::id(Some(&self.event)), rule = self.rule.name, reason = %cause, "suppressed");
        self.delivery.keep_back(cause);
    }
}

/// The deliveries that these events lead to, by the verdict on each.
pub(crate) fn deliveries<'a>(
    events: &[Arc<Event>],
    judged: Vec<Judged>,
    document: &'a RulesDocument,
    now: Timestamp,
) -> Vec<Planned<'a>> {
    let mut planned = Vec::new();
    for (event, judged) in events.iter().zip(judged) {
        let plan = judged.plan(event, document);
        if let Some(looping) = plan.held_back {
            tracing::info!(pk = %event.pk, trace_id = trace::id(Some(event)), reason = %looping, "held back by the loop guard");
        }
        planned.extend(plan.told.into_iter().map(|telling| Planned {
            delivery: Delivery::open(event, telling.rule, telling.transport, telling.recipient, now),
            event: Arc::clone(event),
            rule: telling.rule,
            settled: false,
        }));
    }
    planned
}
