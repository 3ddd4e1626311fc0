//! The filter of delivery lists.

use jiff::Timestamp;

use crate::delivery::{Delivery, DeliveryId, DeliveryState};
use crate::event::EventPk;
use crate::person::is_same_name;

/// Selects deliveries. Every filter that is set must match.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeliveryQuery {
    /// The pk of the delivery's event.
    pub event: Option<EventPk>,
    /// The state that the delivery is in now.
    pub state: Option<DeliveryState>,
    /// The exact name of the rule.
    pub rule: Option<String>,
    /// The exact name of the transport.
    pub transport: Option<String>,
    /// The recipient's label, compared as [people](crate::person) are.
    pub recipient: Option<String>,
    /// The event's time is this millisecond or later.
    pub since: Option<Timestamp>,
    /// The event's time is before this millisecond.
    pub until: Option<Timestamp>,
    /// Only entries that sort after this one, newest event first (the cursor).
    pub before: Option<DeliveryId>,
    /// The most deliveries of a page.
    pub limit: usize,
}

impl DeliveryQuery {
    /// Whether the delivery matches all filters. Ignores the cursor and the limit.
    pub fn matches(&self, delivery: &Delivery) -> bool {
        self.event.is_none_or(|event| delivery.event() == event)
            && self.state.is_none_or(|state| delivery.state == state)
            && self.rule.as_ref().is_none_or(|rule| *rule == delivery.rule)
            && self.transport.as_ref().is_none_or(|transport| *transport == delivery.transport)
            && self.recipient.as_ref().is_none_or(|recipient| is_same_name(recipient, delivery.recipient.label()))
            && self.first().is_none_or(|first| delivery.event() >= first)
            && self.end().is_none_or(|end| delivery.event() < end)
    }

    /// The smallest pk that an event can have under `since`.
    pub fn first(&self) -> Option<EventPk> {
        self.since.map(EventPk::first_at)
    }

    /// A pk above those of all events under `until`.
    pub fn end(&self) -> Option<EventPk> {
        self.until.map(EventPk::first_at)
    }
}
