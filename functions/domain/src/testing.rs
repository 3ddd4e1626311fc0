//! Builds events for tests, so that a new field of [`Event`] changes one place. Behind the feature `testing`.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use crate::event::{Action, Object, SerializedEvent};
use crate::{Event, EventPk, Timestamp};

/// An event with this action that happened at 2100-01-01 and is kept for a year, without any other data.
///
/// It lies in the future so that no store's physical deletion, which goes by the real clock, removes it.
///
/// # Panics
/// When the text is not a valid action.
#[expect(clippy::expect_used, reason = "a test that passes an invalid action must fail")]
pub fn event(action: &str) -> EventBuilder {
    let created = "2100-01-01T00:00:00Z".parse().expect("a valid time");
    let event = Event {
        pk: EventPk::unnamed(created, 0),
        user: Object::new(),
        action: Action::parse(action).expect("a valid action"),
        app: String::new(),
        context: Object::new(),
        client_ip: None,
        created,
        received: None,
        expires: created,
        brand: Object::new(),
        id: None,
        source: None,
        traceparent: None,
        produced_by: None,
    };
    EventBuilder { random: 0, expiry: Expiry::After(SignedDuration::from_hours(365 * 24)), event }
}

/// An event of the beginning of 1970 that never expires.
#[cfg(test)]
pub(crate) fn sample(user: Value, context: Value) -> Event {
    event("login").created(Timestamp::UNIX_EPOCH).expires(Timestamp::MAX).user(user).context(context).build()
}

/// The events with their JSON, as [`Intake::accept`](crate::ports::Intake::accept) takes them.
pub fn serialized(events: &[Arc<Event>]) -> Vec<SerializedEvent> {
    events.iter().cloned().map(SerializedEvent::from).collect()
}

#[derive(Debug, Clone, Copy)]
enum Expiry {
    After(SignedDuration),
    At(Timestamp),
}

/// Builds an [`Event`]; see [`event`].
#[derive(Debug, Clone)]
pub struct EventBuilder {
    random: u128,
    expiry: Expiry,
    event: Event,
}

impl EventBuilder {
    /// Sets the random part of the pk, which is 0 otherwise. Events of one time need different numbers.
    #[must_use]
    pub fn random(mut self, random: u128) -> Self {
        self.random = random;
        self
    }

    /// Sets the time at which the event happened, cut to microseconds. The pk depends on it.
    #[must_use]
    pub fn created(mut self, created: Timestamp) -> Self {
        self.event.created = crate::time::to_micros(created);
        self
    }

    /// Sets how long after its creation the event expires.
    #[must_use]
    pub fn kept_for(mut self, lifetime: SignedDuration) -> Self {
        self.expiry = Expiry::After(lifetime);
        self
    }

    /// Sets the time at which the event expires.
    #[must_use]
    pub fn expires(mut self, expires: Timestamp) -> Self {
        self.expiry = Expiry::At(expires);
        self
    }

    /// Sets the app, which is empty otherwise.
    #[must_use]
    pub fn app(mut self, app: &str) -> Self {
        app.clone_into(&mut self.event.app);
        self
    }

    /// Sets the user, a JSON object.
    ///
    /// # Panics
    /// When the value is not an object.
    #[must_use]
    pub fn user(mut self, user: Value) -> Self {
        self.event.user = object(user);
        self
    }

    /// Sets the context, a JSON object.
    ///
    /// # Panics
    /// When the value is not an object.
    #[must_use]
    pub fn context(mut self, context: Value) -> Self {
        self.event.context = object(context);
        self
    }

    /// Sets the brand, a JSON object.
    ///
    /// # Panics
    /// When the value is not an object.
    #[must_use]
    pub fn brand(mut self, brand: Value) -> Self {
        self.event.brand = object(brand);
        self
    }

    /// Sets the client's IP address.
    ///
    /// # Panics
    /// When the text is not an IP address.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that passes an invalid address must fail")]
    pub fn client_ip(mut self, address: &str) -> Self {
        self.event.client_ip = Some(address.parse().expect("an IP address"));
        self
    }

    /// Builds the event. Its pk is that of an unnamed event, made of its time and the random part.
    pub fn build(self) -> Event {
        let Self { random, expiry, mut event } = self;
        event.pk = EventPk::unnamed(event.created, random);
        event.expires = match expiry {
            Expiry::After(lifetime) => crate::time::later(event.created, lifetime),
            Expiry::At(expires) => expires,
        };
        event
    }

    /// The event in an [`Arc`].
    pub fn shared(self) -> Arc<Event> {
        Arc::new(self.build())
    }
}

#[expect(clippy::panic, reason = "a test that passes another value must fail")]
fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not a JSON object: {other}"),
    }
}
