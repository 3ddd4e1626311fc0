//! The event that records a delivery's permanent failure: one `configuration_error` per transport, cause and hour.
//!
//! The event names its delivery, so the loop guard keeps it from notifying anyone. Its [`name`] is made of transport,
//! cause and hour, so that any number of failed deliveries makes one event, at the time of the first.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Attribution, Delivery, Failure};
use crate::event::{Action, ActionError, Event, EventPk, Object, Producer};
use crate::loop_guard::DELIVERY_KEY;
use crate::rules_document::RulesDocument;

const ACTION: &str = "configuration_error";
const SOURCE: &str = "nuncio";

/// Whether the failure is worth an event, because it concerns the configuration and not just one message.
pub fn is_worth_an_event(failure: &Failure) -> bool {
    !matches!(failure, Failure::NoEvent)
}

/// Distinguishes the events of one transport and hour by cause, so that a recipient's or message's failure does not
/// hide a failure of the transport. `""` is the transport itself.
pub fn cause(failure: &Failure) -> &'static str {
    match failure.attribution() {
        Attribution::Recipient => "/recipient",
        Attribution::Message => "/message",
        Attribution::Endpoint | Attribution::Nuncio => "",
    }
}

/// The pk that the event has if this failure is the first one of its name. The store remembers the first one's.
pub fn pk(delivery: &Delivery, failure: &Failure, now: Timestamp) -> EventPk {
    EventPk::named(now, &name(delivery, failure, now))
}

/// The hash of the event's name: equal for all failures of one transport, cause and hour.
pub fn name(delivery: &Delivery, failure: &Failure, now: Timestamp) -> [u8; 32] {
    Sha256::digest(format!("{SOURCE} failed delivery {}", id(delivery, failure, now))).into()
}

fn id(delivery: &Delivery, failure: &Failure, now: Timestamp) -> String {
    format!("{}{}@{}", delivery.transport, cause(failure), crate::time::format(hour(now)))
}

/// The hour that the event is named by: `now`, rounded down.
pub fn hour(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second().div_euclid(3600) * 3600).unwrap_or(now)
}

/// The event for this failure of a delivery, with the pk of the first failure of its [`name`], at whose time it was
/// created.
///
/// # Errors
/// Never: the action is a constant and well-formed.
pub fn for_delivery(
    delivery: &Delivery,
    failure: &Failure,
    document: &RulesDocument,
    pk: EventPk,
    now: Timestamp,
) -> Result<Event, ActionError> {
    let action = Action::parse(ACTION)?;
    let context = [
        ("message", format!("The transport {} could not deliver: {failure}", delivery.transport)),
        ("transport", delivery.transport.clone()),
        ("rule", delivery.rule.clone()),
        (DELIVERY_KEY, delivery.id.to_string()),
    ];
    Ok(Event {
        pk,
        user: Object::new(),
        expires: document.retention.expiry(&action, crate::time::to_micros(now)),
        action,
        app: SOURCE.to_owned(),
        context: context.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect(),
        client_ip: None,
        created: pk.instant(),
        received: None,
        brand: Object::new(),
        id: Some(id(delivery, failure, now)),
        source: Some(SOURCE.to_owned()),
        traceparent: None,
        produced_by: Some(Producer::Delivery(delivery.id)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loop_guard::{self, Looping};
    use crate::person::Person;
    use crate::rules_document::Rule;

    #[test]
    fn one_name_an_hour_for_each_transport_and_cause_and_it_notifies_nobody() {
        let document = RulesDocument::built_in();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let named = |transport: &str, failure: &Failure, time: &str| {
            let cause = Event { created: at(time), ..sample() };
            let delivery = Delivery::open(&cause, &Rule::named("r"), transport, Person::new("ann", ""), at(time));
            (name(&delivery, failure, at(time)), delivery)
        };
        let resolve = Failure::Resolve;
        let (first_name, delivery) = named("siem", &resolve, "2026-01-02T03:04:05.678Z");
        assert_eq!(first_name, named("siem", &resolve, "2026-01-02T03:59:59.9Z").0);
        assert_ne!(first_name, named("siem", &resolve, "2026-01-02T04:00:00Z").0);
        assert_ne!(first_name, named("chat", &resolve, "2026-01-02T03:04:05Z").0);
        let strangers = named("siem", &Failure::NoAddress, "2026-01-02T03:04:05Z").0;
        assert_ne!(first_name, strangers, "no stranger's address hides that the transport fails");
        let now = at("2026-01-02T03:04:05.678Z");
        let first = for_delivery(&delivery, &resolve, &document, pk(&delivery, &resolve, now), now).unwrap();
        assert_eq!(first.created, now, "it is dated to the failure");
        assert_eq!(first.pk.instant(), first.created);
        assert_eq!(first.id.as_deref(), Some("siem@2026-01-02T03:00:00.000000Z"));
        assert!(first.pk.is_named());
        assert_eq!(loop_guard::check(&first, &document), Some(Looping::Delivery));
    }

    fn sample() -> Event {
        crate::testing::event("login").created(Timestamp::UNIX_EPOCH).expires(Timestamp::UNIX_EPOCH).random(7).build()
    }
}
