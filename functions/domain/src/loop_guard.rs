//! Prevents loops: an event that a notification caused must not cause another notification.
//!
//! An event that Nuncio produced names its [`Producer`] in a field that callers cannot set. If a delivery produced it,
//! or a policy that is bound to any rule, the event is stored but notifies no one. The event's context repeats the
//! producer for people and rules to read; what a caller writes there has no effect.

use crate::event::{Event, Producer};
use crate::rules_document::RulesDocument;

/// The `context` key of the policy that produced an event. authentik uses the same name.
pub const POLICY_KEY: &str = "policy_uuid";
/// The `context` key of the delivery that produced an event.
pub const DELIVERY_KEY: &str = "nuncio_delivery";

/// The `source` of events that Nuncio produced.
const OWN_SOURCE: &str = "nuncio";

/// Why an event must not notify anyone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Looping {
    /// A policy of this name produced the event, and a rule is bound to it.
    #[error("produced by the policy {0:?}, which a rule is bound to")]
    BoundPolicy(String),
    /// A delivery produced the event.
    #[error("produced by a delivery")]
    Delivery,
}

/// The reason why notifying of this event could loop; `None` if it may notify.
pub fn check(event: &Event, document: &RulesDocument) -> Option<Looping> {
    match &event.produced_by {
        Some(Producer::Caller | Producer::Detection(_)) => None,
        Some(Producer::Delivery(_)) => Some(Looping::Delivery),
        Some(Producer::Policy(policy)) => bound(policy, document),
        None => check_marks(event, document),
    }
}

/// The producer to record for a newly admitted event. A caller's event that [`check`] would mistake for one of version
/// 0.1.0 is recorded as [`Producer::Caller`].
pub fn producer_of_new(event: &Event) -> Option<Producer> {
    let has_marks = event.context.contains_key(DELIVERY_KEY) || event.context.contains_key(POLICY_KEY);
    event.produced_by.clone().or_else(|| (is_own(event) && has_marks).then_some(Producer::Caller))
}

/// Version 0.1.0 marked its own events in the context only.
fn check_marks(event: &Event, document: &RulesDocument) -> Option<Looping> {
    if !is_own(event) {
        return None;
    }
    if event.context.contains_key(DELIVERY_KEY) {
        return Some(Looping::Delivery);
    }
    bound(event.context_str(POLICY_KEY)?, document)
}

fn is_own(event: &Event) -> bool {
    event.source.as_deref() == Some(OWN_SOURCE)
}

fn bound(policy: &str, document: &RulesDocument) -> Option<Looping> {
    document.is_bound(policy).then(|| Looping::BoundPolicy(policy.to_owned()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::admission::mask::Masker;
    use crate::admission::{AdmissionContext, Draft};
    use crate::id::DeliveryId;
    use crate::rules_document::{Binding, Retention, Rule};
    use crate::testing::sample;

    fn document() -> RulesDocument {
        let mut document = RulesDocument::default();
        let mut rule = Rule::named("r");
        rule.bindings = vec![Binding::to_policy("bound")];
        document.rules.push(rule);
        document
    }

    fn accepted(body: Value) -> Event {
        let admission = AdmissionContext {
            now: Timestamp::UNIX_EPOCH,
            retention: &Retention::default(),
            masker: &Masker::default(),
            key: None,
            trace: None,
            origins: &(),
            random: 7,
        };
        let admitted = Draft::from_value(body).unwrap().admit(&admission).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&admitted.json).unwrap(), admitted.event, "as it is stored");
        admitted.event
    }

    #[test]
    fn nothing_that_a_caller_writes_stops_a_notification() {
        let delivery = "018650dd-2c93-7f1e-8afe-ad5af90bf680_00112233445566778899";
        for context in [
            json!({ "nuncio_delivery": delivery }),
            json!({ "nuncio_delivery": null }),
            json!({ "policy_uuid": "bound" }),
            json!({ "policy_uuid": "bound", "nuncio_delivery": "x", "produced_by": { "delivery": delivery } }),
        ] {
            for fields in [
                json!({}),
                json!({ "id": "1", "source": "nuncio" }),
                json!({ "source": "nuncio", "app": "nuncio.policies" }),
                json!({ "produced_by": { "delivery": delivery } }),
                json!({ "produced_by": { "policy": "bound" } }),
            ] {
                let mut body = json!({ "action": "login", "context": context });
                body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
                let event = accepted(body);
                assert_eq!(check(&event, &document()), None, "{}", event.to_json());
                assert_eq!(event.context, *context.as_object().unwrap(), "and it is stored as it came");
            }
        }
    }

    #[test]
    fn what_nuncio_produced_notifies_nobody() {
        let delivery: DeliveryId = "018650dd-2c93-7f1e-8afe-ad5af90bf680_00112233445566778899".parse().unwrap();
        for (producer, looping) in [
            (Producer::Delivery(delivery), Some(Looping::Delivery)),
            (Producer::Policy("bound".to_owned()), Some(Looping::BoundPolicy("bound".to_owned()))),
            (Producer::Policy("of-no-rule".to_owned()), None),
        ] {
            let event = Event { produced_by: Some(producer), ..sample(json!({}), json!({})) };
            let stored: Event = serde_json::from_str(&event.to_json()).unwrap();
            assert_eq!(check(&stored, &document()), looping);
        }
    }

    #[test]
    fn what_an_older_nuncio_produced_stays_guarded() {
        let old = |context: Value| Event { source: Some("nuncio".to_owned()), ..sample(json!({}), context) };
        for (context, looping) in [
            (json!({ "nuncio_delivery": "x" }), Some(Looping::Delivery)),
            (json!({ "policy_uuid": "bound" }), Some(Looping::BoundPolicy("bound".to_owned()))),
            (json!({ "policy_uuid": "of-no-rule" }), None),
            (json!({}), None),
        ] {
            assert!(!old(context.clone()).to_json().contains("produced_by"), "as 0.1.0 stored it");
            assert_eq!(check(&old(context), &document()), looping);
        }
        assert_eq!(
            check(&sample(json!({}), json!({ "nuncio_delivery": "x" })), &document()),
            None,
            "it was a caller's"
        );
    }
}
