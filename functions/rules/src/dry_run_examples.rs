//! Some of the deliveries that rules tried on history would make, to be shown as they would look.

use std::sync::Arc;

use domain::delivery::Delivery;
use domain::event::Event;

use crate::PlannedNotice;

/// Of each rule and transport; each of another event.
const OF_EACH: usize = 2;

/// All in all.
const MOST: usize = 100;

/// A delivery that there would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it tells of.
    pub event: Arc<Event>,
    /// As it would be opened.
    pub delivery: Delivery,
}

/// Keeps one more if there is room.
pub(crate) fn add_example(examples: &mut Vec<Example>, event: &Event, notice: &PlannedNotice<'_>) {
    let alike =
        |known: &&Example| known.delivery.rule == notice.rule.name && known.delivery.transport == notice.transport;
    let known = examples.iter().filter(alike);
    if examples.len() == MOST || known.clone().count() == OF_EACH || known.clone().any(|one| one.event.pk == event.pk) {
        return;
    }
    let delivery = Delivery::open(event, notice.rule, notice.transport, notice.recipient.clone(), event.created);
    examples.push(Example { event: Arc::new(event.clone()), delivery });
}
