//! `POST /v1/transports/{name}/test`: sends a real notification now and reports the response.

use std::sync::Arc;

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::access::token::Token;
use domain::delivery::{AttemptOutcome, DeliveryId};
use domain::event::{Action, Event, EventPk, Object};
use domain::notification::Notification;
use domain::person::{Person, is_same_name};
use domain::rules_document::{RulesDocument, Severity};
use jiff::SignedDuration;
use serde::Serialize;

use crate::{Console, transports};

const RULE: &str = "transport test";
const ACTION: &str = "custom_notification_test";

/// The result of the test.
#[derive(Serialize)]
pub(crate) struct TransportTest {
    delivered: bool,
    status: Option<u16>,
    answer: Option<String>,
    error: Option<String>,
}

/// Sends to the token's own user, or else to the first member of the first group. Success enables a paused or disabled
/// transport.
pub(crate) async fn test(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(name): Path<String>,
) -> Result<Json<TransportTest>, Problem> {
    let active = console.configuration.current().await?;
    let transport = transports::find(&active.document.transports, &name)?;
    let recipient = recipient(caller.token(), &active.document);
    let now = console.clock.now();
    let event = Arc::new(test_event(&name, now, console.entropy.bits())?);
    let notification = Notification {
        delivery: DeliveryId::for_recipient(event.pk, RULE, &name, recipient.label()),
        rule: RULE.to_owned(),
        transport: name.clone(),
        severity: Severity::Notice,
        body: format!("Test notification from transport {name}"),
        recipient,
        event,
        link: None,
        created: now,
        digest: None,
    };
    let outcome = console.channel.send(&notification, transport, &active.document).await.outcome;
    if matches!(outcome, AttemptOutcome::Delivered { .. })
        && let Err(error) = transports::make_ready(&console, transport).await
    {
        tracing::warn!(%error, transport = name, "the transport works, but its state cannot be stored");
    }
    Ok(Json(outcome.into()))
}

impl From<AttemptOutcome> for TransportTest {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Delivered { status, answer } => {
                Self { delivered: true, status, answer: Some(answer).filter(|answer| !answer.is_empty()), error: None }
            }
            AttemptOutcome::Failed(failure) => Self {
                delivered: false,
                status: failure.status(),
                error: Some(failure.to_string()),
                answer: failure.answer().map(str::to_owned),
            },
        }
    }
}

fn recipient(token: &Token, document: &RulesDocument) -> Person {
    let mut members = document.groups.values().flatten();
    let own = token.username.as_deref();
    let is_own = |person: &&Person| own.is_some_and(|own| is_same_name(own, &person.username));
    let known = document.groups.values().flatten().find(is_own);
    match (known, own) {
        (Some(person), _) => person.clone(),
        (None, Some(username)) => Person::new(username, members.next().map_or("", |person| &person.email)),
        (None, None) => members.next().cloned().unwrap_or_else(|| Person::new("admin", "")),
    }
}

/// The event of the notification. It is not stored.
fn test_event(transport: &str, now: Timestamp, random: u128) -> Result<Event, Problem> {
    let mut context = Object::new();
    context.insert("message".to_owned(), format!("Test notification from transport {transport}").into());
    Ok(Event {
        pk: EventPk::unnamed(now, random),
        user: Object::new(),
        action: Action::parse(ACTION).map_err(|_| Problem::internal())?,
        app: "nuncio".to_owned(),
        context,
        client_ip: None,
        created: now,
        received: None,
        expires: domain::time::later(now, SignedDuration::from_hours(24)),
        brand: Object::new(),
        id: None,
        source: None,
        traceparent: None,
        produced_by: None,
    })
}
