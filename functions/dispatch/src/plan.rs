//! Which deliveries there should be: (event, rule, transport, recipient), decided purely.

use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::Delivery;
use domain::document::{Rule, RulesDocument};
use domain::event::Event;
use domain::{loop_guard, recipient};
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
        let matched = rules.matches(event);
        if matched.is_empty() {
            continue;
        }
        if let Some(looping) = loop_guard::check(event, document) {
            tracing::info!(pk = %event.pk, reason = %looping, "matched, but held back by the loop guard");
            continue;
        }
        for rule in matched.into_iter().filter_map(|index| document.rules.get(index)) {
            planned.extend(of_rule(event, rule, document, now));
        }
    }
    planned
}

fn of_rule<'a>(
    event: &'a Arc<Event>,
    rule: &'a Rule,
    document: &'a RulesDocument,
    now: Timestamp,
) -> impl Iterator<Item = Planned> + 'a {
    let people = recipient::of(rule, event, document);
    let transports = rule.transports.iter().filter_map(|name| document.transports.get(name));
    transports.flat_map(move |transport| {
        let told = if transport.send_once { people.len().min(1) } else { people.len() };
        let people: Vec<_> = people[..told].to_vec();
        people.into_iter().map(move |person| Planned {
            delivery: Delivery::open(event, rule, &transport.name, person, now),
            event: Arc::clone(event),
        })
    })
}
