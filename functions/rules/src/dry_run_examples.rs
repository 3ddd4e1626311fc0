//! Collects a few of the deliveries that a dry run would make, for the console to show as they would look.

use std::sync::Arc;

use domain::delivery::Delivery;
use domain::event::Event;

use crate::PlannedNotice;

/// How many examples are kept per rule and transport, each of a different event.
const MAX_PER_PAIR: usize = 2;

/// How many examples are kept in total.
const MAX_EXAMPLES: usize = 100;

/// A delivery that the new rules would make.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The event that it would report.
    pub event: Arc<Event>,
    /// The ledger entry that would be opened.
    pub delivery: Delivery,
}

/// Adds the notice as an example, unless there are enough of its rule and transport or one of the same event.
pub(crate) fn add_example(examples: &mut Vec<Example>, event: &Event, notice: &PlannedNotice<'_>) {
    let alike =
        |known: &&Example| known.delivery.rule == notice.rule.name && known.delivery.transport == notice.transport;
    let known = examples.iter().filter(alike);
    if examples.len() == MAX_EXAMPLES
        || known.clone().count() == MAX_PER_PAIR
        || known.clone().any(|one| one.event.pk == event.pk)
    {
        return;
    }
    let delivery = Delivery::open(event, notice.rule, notice.transport, notice.recipient.clone(), event.created);
    examples.push(Example { event: Arc::new(event.clone()), delivery });
}
