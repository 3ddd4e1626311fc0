//! Which deliveries there should be: (event, rule, transport, recipient), decided purely.

use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::Delivery;
use domain::document::RulesDocument;
use domain::event::Event;
use rules::RuleSet;

/// A delivery and the event it tells of.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) delivery: Delivery,
    pub(crate) event: Arc<Event>,
}

/// The deliveries that these events lead to.
pub(crate) fn deliveries(
    events: &[Arc<Event>],
    document: &RulesDocument,
    rules: &RuleSet,
    now: Timestamp,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    for event in events.iter().filter(|event| event.is_visible(now)) {
        let plan = rules.plan(event, document);
        if let Some(looping) = plan.held_back {
            tracing::info!(pk = %event.pk, reason = %looping, "matched, but held back by the loop guard");
        }
        planned.extend(plan.told.into_iter().map(|telling| Planned {
            delivery: Delivery::open(event, telling.rule, telling.transport, telling.recipient, now),
            event: Arc::clone(event),
        }));
    }
    planned
}
