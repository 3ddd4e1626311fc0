//! Events as they are stored, made in one line.

use std::sync::Arc;

use domain::event::{Action, Object};
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;

/// An event of this action: created at 2100-01-01, kept for a year, nothing else known, its pk its own.
///
/// It lies in the future so that no store's physical deletion, which goes by the real clock, takes it.
pub fn event(action: &str) -> EventBuilder {
    let created: Timestamp = "2100-01-01T00:00:00Z".parse().expect("an instant");
    EventBuilder {
        random: crate::random_bits(),
        lifetime: SignedDuration::from_hours(365 * 24),
        event: Event {
            pk: EventPk::unnamed(created, 0),
            user: Object::new(),
            action: Action::parse(action).expect("an action"),
            app: String::new(),
            context: Object::new(),
            client_ip: None,
            created,
            expires: created,
            brand: Object::new(),
            id: None,
            source: None,
            traceparent: None,
            produced_by: None,
        },
    }
}

/// An event in the making.
#[derive(Debug, Clone)]
pub struct EventBuilder {
    random: u128,
    lifetime: SignedDuration,
    event: Event,
}

impl EventBuilder {
    /// When it happened; the pk follows.
    pub fn created(mut self, created: Timestamp) -> Self {
        self.event.created = domain::time::to_micros(created);
        self
    }

    /// How long it is kept from then on.
    pub fn kept_for(mut self, lifetime: SignedDuration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// What reported it.
    pub fn app(mut self, app: &str) -> Self {
        app.clone_into(&mut self.event.app);
        self
    }

    /// Who did it: a JSON object.
    pub fn user(mut self, user: Value) -> Self {
        self.event.user = object(user);
        self
    }

    /// Everything else: a JSON object.
    pub fn context(mut self, context: Value) -> Self {
        self.event.context = object(context);
        self
    }

    /// Where it came from.
    pub fn client_ip(mut self, address: &str) -> Self {
        self.event.client_ip = Some(address.parse().expect("an IP address"));
        self
    }

    /// The event.
    pub fn build(self) -> Event {
        let Self { random, lifetime, mut event } = self;
        event.pk = EventPk::unnamed(event.created, random);
        event.expires = domain::time::later(event.created, lifetime);
        event
    }

    /// The event, shared.
    pub fn shared(self) -> Arc<Event> {
        Arc::new(self.build())
    }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not a JSON object: {other}"),
    }
}
