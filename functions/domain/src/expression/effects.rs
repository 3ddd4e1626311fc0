//! The effects of running an expression, which are stored as events in authentik's shape.
//!
//! Owns the names, marks and contexts of these events. Each is named by the event that caused it, by the policy or
//! mapping that produced it, and by its content, so that handling a queue message again stores nothing twice. Each is
//! marked for the loop guard, whatever the body wrote there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CreatedEvent, Evaluation, LogLine, RaisedException};
use crate::admission::mask::Masker;
use crate::admission::{AdmissionContext, AdmittedEvent, Draft, Rejection};
use crate::delivery::DeliveryId;
use crate::event::{Action, Event, Object, Producer};
use crate::loop_guard::{DELIVERY_KEY, POLICY_KEY};
use crate::rules_document::{Binding, RulesDocument};
use crate::text::truncate;

/// The most characters of an exception's message that an event repeats.
const MAX_WORDS: usize = 4000;
/// The most bytes of the causing event's user, and of its brand, that are repeated, so that an event about an event
/// does not become too large.
const MAX_REPEATED_BYTES: usize = 8 * 1024;

/// The `source` of these events, within which their ids are unique.
const SOURCE: &str = "nuncio";

/// The effects of one expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// The policy or the mapping that the expression belongs to.
    pub owner: ExpressionOwner,
    /// The exception that the body did not catch.
    pub raised: Option<RaisedException>,
    /// The events that it created by `ak_create_event`, in order.
    pub created: Vec<CreatedEvent>,
    /// The lines that it logged by `ak_logger`, in order.
    pub log: Vec<LogLine>,
}

/// The owner of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionOwner {
    /// The policy of this name.
    Policy(String),
    /// A mapping of a transport, which ran to render one delivery.
    Mapping {
        /// The name of the transport that has the mapping.
        transport: String,
        /// Whether the mapping makes the body or the headers.
        part: MappingPart,
        /// The delivery that the mapping was run for.
        delivery: DeliveryId,
    },
}

/// The part of a message that a mapping makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingPart {
    /// The body of a webhook, or the notification that goes into an inbox.
    Body,
    /// The additional headers of a webhook.
    Headers,
}

impl MappingPart {
    /// The key in the rules document: `body` or `headers`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Headers => "headers",
        }
    }
}

impl Effects {
    /// The effects of an evaluation; `None` if it raised, created and logged nothing.
    pub fn from_evaluation(owner: ExpressionOwner, evaluation: &mut Evaluation) -> Option<Self> {
        let raised = evaluation.outcome.as_ref().err().cloned();
        let (created, log) = (std::mem::take(&mut evaluation.events), std::mem::take(&mut evaluation.log));
        let any = raised.is_some() || !created.is_empty() || !log.is_empty();
        any.then_some(Self { owner, raised, created, log })
    }

    /// The event for a passed policy whose binding is a `dry_run`, in authentik's shape.
    pub fn dry_run_passed(rule: &str, binding: &Binding) -> Self {
        let context = [
            ("message", Value::from("Policy Execution (dry run)")),
            ("dry_run", true.into()),
            ("cached", false.into()),
            ("binding", json!({ "rule": rule, "order": binding.order })),
            ("result", json!({ "passing": true })),
        ];
        let context = context.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let created = vec![CreatedEvent { action: "policy_execution".to_owned(), context }];
        Self { owner: ExpressionOwner::Policy(binding.policy.clone()), raised: None, created, log: Vec::new() }
    }

    /// The events to store for these effects, each admitted or rejected. `event` is the one that the expression was run
    /// for.
    pub fn events(
        &self,
        event: &Event,
        document: &RulesDocument,
        now: Timestamp,
    ) -> Vec<Result<AdmittedEvent, Rejection>> {
        let masker = Masker::new(&document.redact);
        let admission = AdmissionContext {
            now,
            retention: &document.retention,
            masker: &masker,
            key: None,
            random: 0,
            trace: None,
            origins: &(),
        };
        let exception = self.raised.as_ref().map(|raised| self.exception(raised, event, document, &masker));
        let created = self.created.iter().enumerate().map(|(place, created)| self.made(place, created, event));
        exception.into_iter().chain(created).map(|draft| draft?.admit(&admission)).collect()
    }

    fn exception(
        &self,
        raised: &RaisedException,
        event: &Event,
        document: &RulesDocument,
        masker: &Masker,
    ) -> Result<Draft, Rejection> {
        let (action, app, message) = match &self.owner {
            ExpressionOwner::Policy(_) => ("policy_exception", "nuncio.policies", "Policy failed to execute"),
            ExpressionOwner::Mapping { .. } => {
                ("property_mapping_exception", "nuncio.transports", "Failed to execute property mapping")
            }
        };
        let mut context = Object::new();
        context.insert("message".to_owned(), message.into());
        if let ExpressionOwner::Policy(policy) = &self.owner {
            context.insert("binding".to_owned(), binding(policy, document));
        }
        context.insert("expression".to_owned(), self.name().into());
        context.insert("request".to_owned(), request(event));
        context.insert("exception".to_owned(), self.traceback(raised, masker));
        self.draft("exception", action, app.to_owned(), context, event)
    }

    fn made(&self, place: usize, created: &CreatedEvent, event: &Event) -> Result<Draft, Rejection> {
        let app = match &self.owner {
            ExpressionOwner::Policy(name) | ExpressionOwner::Mapping { transport: name, .. } => name.clone(),
        };
        let mut context = created.context.clone();
        context.entry("request").or_insert_with(|| request(event));
        self.draft(&place.to_string(), &created.action, app, context, event)
    }

    fn draft(
        &self,
        what: &str,
        action: &str,
        app: String,
        mut context: Object,
        event: &Event,
    ) -> Result<Draft, Rejection> {
        let (mark, id, producer) = match &self.owner {
            ExpressionOwner::Policy(policy) => (
                (POLICY_KEY, policy.clone()),
                format!("{}/{policy}/{what}", event.pk),
                Producer::Policy(policy.clone()),
            ),
            ExpressionOwner::Mapping { part, delivery, .. } => (
                (DELIVERY_KEY, delivery.to_string()),
                format!("{delivery}/{}/{what}", part.as_str()),
                Producer::Delivery(*delivery),
            ),
        };
        context.insert(mark.0.to_owned(), mark.1.into());
        let action = Action::parse(action).map_err(|error| Rejection::malformed("/action", error.to_string()))?;
        Ok(Draft {
            id: Some(id),
            source: Some(SOURCE.to_owned()),
            user: short(&event.user),
            action,
            app,
            context,
            client_ip: None,
            // The time of the causing event: the name must not depend on when the expression was run.
            created: Some(event.created),
            brand: short(&event.brand),
            traceparent: event.traceparent,
            produced_by: Some(producer),
            is_named_alone: false,
        })
    }

    /// The path of the body in the rules document. The body's text stays out of events: headers contain tokens.
    fn name(&self) -> String {
        match &self.owner {
            ExpressionOwner::Policy(policy) => format!("policies.{policy}.expression"),
            ExpressionOwner::Mapping { transport, part, .. } => format!("transports.{transport}.{}", part.as_str()),
        }
    }

    fn traceback(&self, raised: &RaisedException, masker: &Masker) -> Value {
        let mut words = raised.message.clone();
        // Mask before truncating: the rest of a truncated credential would no longer be recognised.
        masker.mask_string(&mut words);
        let frame = json!({ "filename": self.name(), "lineno": raised.line, "name": "<expression>" });
        json!([{ "exc_type": raised.kind, "exc_value": truncate(&words, MAX_WORDS), "is_cause": false, "frames": [frame] }])
    }
}

/// The first enabled binding of the policy: the body runs once for all of them.
fn binding(policy: &str, document: &RulesDocument) -> Value {
    let bindings = document.rules.iter().flat_map(|rule| rule.bindings.iter().map(move |binding| (rule, binding)));
    let mut bound = bindings.filter(|(rule, binding)| rule.enabled && binding.enabled && binding.policy == policy);
    bound.next().map_or(Value::Null, |(rule, binding)| json!({ "rule": rule.name, "order": binding.order }))
}

/// The request in authentik's form, without its objects.
fn request(event: &Event) -> Value {
    let pk: String = event.pk.to_string().split('-').collect();
    let reference =
        json!({ "app": "authentik_events", "model_name": "event", "pk": pk, "name": event.action.as_str() });
    json!({ "user": short(&event.user), "obj": reference, "debug": false })
}

/// The entries of the object that fit into [`MAX_REPEATED_BYTES`].
fn short(object: &Object) -> Object {
    let mut room = MAX_REPEATED_BYTES;
    let mut fits = |(key, value): &(&String, &Value)| {
        let left = room.checked_sub(key.len() + value.to_string().len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    object.iter().filter(|entry| fits(entry)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::MAX_EVENT_BYTES;

    fn event(user: Object, brand: Object) -> Event {
        let event = crate::testing::event("login").created(Timestamp::UNIX_EPOCH).expires(Timestamp::MAX);
        event.user(Value::Object(user)).brand(Value::Object(brand)).build()
    }

    /// The event that reports an exception with this message.
    fn raised(event: &Event, message: String) -> AdmittedEvent {
        let raised = RaisedException { kind: "ValueError".to_owned(), message, line: Some(1) };
        let owner = ExpressionOwner::Policy("p".to_owned());
        let effects = Effects { owner, raised: Some(raised), created: Vec::new(), log: Vec::new() };
        let mut made = effects.events(event, &RulesDocument::default(), Timestamp::UNIX_EPOCH);
        made.pop().unwrap().unwrap()
    }

    #[test]
    fn however_large_cause_and_words_are_an_exception_is_an_event() {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let event = event(
            object(json!({ "pk": 5, "blob": "x".repeat(MAX_EVENT_BYTES / 2), "username": "ann" })),
            object(json!({ "name": "b", "blob": "x".repeat(MAX_EVENT_BYTES / 3) })),
        );
        let made = raised(&event, "é".repeat(MAX_EVENT_BYTES));
        assert_eq!(Value::Object(made.event.user.clone()), json!({ "pk": 5, "username": "ann" }));
        assert_eq!(Value::Object(made.event.brand.clone()), json!({ "name": "b" }));
        assert!(made.json.len() < 20_000, "{}", made.json.len());
    }

    #[test]
    fn a_credential_that_the_cut_goes_through_is_masked() {
        let event = event(Object::new(), Object::new());
        let secret = ["hunter", "2"].concat().repeat(10);
        let words = format!("{}https://ann:{secret}@example.org/", ".".repeat(MAX_WORDS - 40));
        let made = raised(&event, words);
        assert!(!made.json.contains("hunter"), "{}", made.json);
    }
}
