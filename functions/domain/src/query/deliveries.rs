//! Which deliveries to list.

use jiff::Timestamp;

use crate::delivery::{Delivery, DeliveryId, State};
use crate::event::EventPk;
use crate::person::is_same_name;

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeliveryQuery {
    /// Of this event.
    pub event: Option<EventPk>,
    /// In this state.
    pub state: Option<State>,
    /// For this rule.
    pub rule: Option<String>,
    /// By this transport.
    pub transport: Option<String>,
    /// To the recipient of this label, compared as [people](crate::person) are.
    pub recipient: Option<String>,
    /// Of events of this millisecond or later.
    pub since: Option<Timestamp>,
    /// Of events before this millisecond.
    pub until: Option<Timestamp>,
    /// Only entries that sort after this one, newest event first (the cursor).
    pub before: Option<DeliveryId>,
    /// At most so many.
    pub limit: usize,
}

impl DeliveryQuery {
    /// Whether all filters hold, the cursor and the limit aside.
    pub fn admits(&self, delivery: &Delivery) -> bool {
        self.event.is_none_or(|event| delivery.event() == event)
            && self.state.is_none_or(|state| delivery.state == state)
            && self.rule.as_ref().is_none_or(|rule| *rule == delivery.rule)
            && self.transport.as_ref().is_none_or(|transport| *transport == delivery.transport)
            && self.recipient.as_ref().is_none_or(|recipient| is_same_name(recipient, delivery.recipient.label()))
            && self.first().is_none_or(|first| delivery.event() >= first)
            && self.end().is_none_or(|end| delivery.event() < end)
    }

    /// No event that `since` admits has a smaller pk.
    pub fn first(&self) -> Option<EventPk> {
        self.since.map(EventPk::first_at)
    }

    /// Every event that `until` admits has a smaller pk.
    pub fn end(&self) -> Option<EventPk> {
        self.until.map(EventPk::first_at)
    }
}
