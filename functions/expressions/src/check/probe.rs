//! Asks the sandbox itself whether it has a name, a module or a member.
//!
//! Owns the questions: short bodies that contain nothing of the author's but one name. They run like any body, so that
//! the answer includes what the interpreter, the host and the rewrites provide, and cannot become outdated.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use domain::event::{Action, Event, EventPk, Object};
use domain::expression::{ExpressionKind, ExpressionScope, Groups, NoPolicies, NotificationView};

use crate::program;
use crate::run::{self, TIMEOUT};

/// The most answers to keep. The names of ordinary documents are far fewer.
const MAX_ANSWERS: usize = 4096;
/// The most names, and the most members, to report of one body, so that a body cannot ask without end.
pub(super) const MAX_REPORTED: usize = 50;
/// How often a question is asked if the machine is too busy to answer it.
const MAX_TRIES: usize = 3;

/// The class of the exception that ends each question; `None` if it ends without one.
type Answers = HashMap<(ExpressionKind, String), Option<String>>;

static ANSWERS: LazyLock<Mutex<Answers>> = LazyLock::new(Mutex::default);

/// Which exception the sandbox raises for this body; `None` if it raises none, or cannot say.
pub(crate) fn exception(body: &str, kind: ExpressionKind) -> Option<String> {
    let key = (kind, body.to_owned());
    let answers = || ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = answers().get(&key) {
        return known.clone();
    }
    let raised = (0..MAX_TRIES).map(|_| run(body, kind)).find(|raised| raised.as_deref() != Some(TIMEOUT))?;
    let mut answers = answers();
    if answers.len() < MAX_ANSWERS {
        answers.insert(key, raised.clone());
    }
    raised
}

fn run(body: &str, kind: ExpressionKind) -> Option<String> {
    let Ok(compiled) = program::compile(body, kind) else { return Some("SyntaxError".to_owned()) };
    let scope = match kind {
        ExpressionKind::Policy => POLICY.as_ref(),
        ExpressionKind::Mapping => MAPPING.as_ref(),
    };
    run::run(&compiled.program, scope?, &NoPolicies).outcome.err().map(|raised| raised.kind)
}

static POLICY: LazyLock<Option<ExpressionScope>> =
    LazyLock::new(|| Some(ExpressionScope::policy(Arc::new(event()?), Object::new(), Arc::new(Groups::new()))));

static MAPPING: LazyLock<Option<ExpressionScope>> = LazyLock::new(|| {
    let notification =
        NotificationView { body: String::new(), severity: String::new(), hyperlink: None, hyperlink_label: None };
    let policy = POLICY.as_ref()?.clone();
    let mapping = ExpressionScope { kind: ExpressionKind::Mapping, notification: Some(notification), ..policy };
    // The body of a webhook has the default body; whether this mapping is one is not known here.
    Some(mapping.with("original_body", Object::new()))
});

/// An event with everything on which a variable depends.
fn event() -> Option<Event> {
    Some(Event {
        pk: EventPk::unnamed(jiff::Timestamp::UNIX_EPOCH, 0),
        user: Object::new(),
        action: Action::parse("login").ok()?,
        app: String::new(),
        context: Object::new(),
        client_ip: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        created: jiff::Timestamp::UNIX_EPOCH,
        received: None,
        expires: jiff::Timestamp::UNIX_EPOCH,
        brand: Object::new(),
        id: None,
        source: None,
        traceparent: None,
        produced_by: None,
    })
}
