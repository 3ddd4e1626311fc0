//! Plans the deliveries of each event: one per (event, rule, transport, recipient). Pure.

use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Cause, Delivery};
use domain::event::Event;
use domain::rules_document::{Rule, RulesDocument};
use rules::RuleMatches;

use crate::trace;

/// A delivery before it is claimed, with its event and the rule that asks for it.
#[derive(Debug, Clone)]
pub(crate) struct PlannedDelivery<'a> {
    pub(crate) delivery: Delivery,
    pub(crate) event: Arc<Event>,
    pub(crate) rule: &'a Rule,
    /// The digest stage has already written the ledger entry, so that the claim skips this delivery.
    pub(crate) is_in_ledger: bool,
}

impl PlannedDelivery<'_> {
    /// Closes the delivery with this cause; it is recorded, but not sent.
    pub(crate) fn suppress(&mut self, cause: Cause) {
        tracing::debug!(delivery = %self.delivery.id, trace_id = trace::id(Some(&self.event)), rule = self.rule.name, reason = %cause, "suppressed");
        self.delivery.keep_back(cause);
    }
}

/// The deliveries for these events. `matches` holds one entry per event, in the same order.
pub(crate) fn deliveries<'a>(
    events: &[Arc<Event>],
    matches: Vec<RuleMatches>,
    document: &'a RulesDocument,
    now: Timestamp,
) -> Vec<PlannedDelivery<'a>> {
    let mut planned = Vec::new();
    for (event, matches) in events.iter().zip(matches) {
        let plan = matches.plan(event, document);
        if let Some(looping) = plan.loop_guard {
            tracing::info!(pk = %event.pk, trace_id = trace::id(Some(event)), reason = %looping, "notifications suppressed by the loop guard");
        }
        planned.extend(plan.notices.into_iter().map(|notice| PlannedDelivery {
            delivery: Delivery::open(event, notice.rule, notice.transport, notice.recipient, now),
            event: Arc::clone(event),
            rule: notice.rule,
            is_in_ledger: false,
        }));
    }
    planned
}
