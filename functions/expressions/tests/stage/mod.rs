//! One event, its people and a notification of it, for bodies to look at.
//!
//! Owns two promises of its own: whatever is run here comes to the same in this process and in a worker, and what runs
//! to its end is not reported as using something that is missing.

use std::sync::{Arc, LazyLock};

use domain::Event;
use domain::delivery::DeliveryId;
use domain::notification::{Link, Notification};
use domain::person::Person;
use domain::rules_document::Severity;
use expressions::worker::{ARGUMENT, WorkerPool};
use expressions::{Evaluation, Expression, ExpressionScope, Groups, PolicyCaller};
use serde_json::json;

static WORKERS: LazyLock<WorkerPool> = LazyLock::new(workers);

/// A pool of the test's own.
pub(crate) fn workers() -> WorkerPool {
    WorkerPool::new(env!("CARGO_BIN_EXE_expression-worker"), vec![ARGUMENT.into()], 1)
}

/// Runs a body here and in a worker.
pub(crate) fn run_with(source: &str, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
    let expression = Expression::parse(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    let here = expression.evaluate(scope, policies);
    let late = |evaluation: &Evaluation| evaluation.outcome.as_ref().is_err_and(|raised| raised.kind == "TimeoutError");
    // The deadline is by the clock, and a busy machine may give a worker no time before it.
    let mut there = WORKERS.evaluate(&expression, scope, policies);
    for _ in 0..5 {
        if late(&there) && !late(&here) {
            there = WORKERS.evaluate(&expression, scope, policies);
        }
    }
    assert_eq!(here, there, "{source}");
    if here.outcome.is_ok() {
        assert_eq!(expression.missing(scope.kind), [], "a body that runs uses nothing that is missing: {source}");
    }
    here
}

/// A failed login of `ann` from 192.0.2.7.
pub(crate) fn event() -> Event {
    domain::testing::event("login_failed")
        .created("2023-02-15T15:33:42.771091Z".parse().unwrap())
        .random(7)
        .user(json!({ "pk": 5, "username": "ann", "email": "ann@example.org" }))
        .app("authentik.events.signals")
        .context(json!({
            "username": "ann",
            "email": "ann@example.org",
            "name": "Ann",
            "created": true,
            "stage": { "name": "password" },
            "geo": { "country": "DE" },
            "asn": { "asn": 64500 },
            "auth_method_args": { "known_device": false },
            "diff": { "users": { "add": [{ "pk": 9, "name": "Bob" }] } },
            "model": { "app": "authentik_core", "model_name": "group", "name": "admins", "pk": "1" }
        }))
        .client_ip("192.0.2.7")
        .brand(json!({ "name": "Default brand" }))
        .build()
}

/// Three groups.
pub(crate) fn groups() -> Arc<Groups> {
    let person = |name: &str| Person::new(name, format!("{name}@example.org"));
    Arc::new(Groups::from([
        ("admins".to_owned(), vec![person("ann"), person("bob")]),
        ("gotify-users".to_owned(), vec![person("ann")]),
        ("others".to_owned(), vec![person("cyd")]),
    ]))
}

/// The scope of a policy for an event.
pub(crate) fn policy_of(event: Event) -> ExpressionScope {
    let user = event.user.clone();
    ExpressionScope::policy(Arc::new(event), user, groups())
}

/// The scope of a policy.
pub(crate) fn policy() -> ExpressionScope {
    policy_of(event())
}

/// The notification of the event to `bob`.
pub(crate) fn notification() -> Notification {
    Notification {
        delivery: DeliveryId::for_recipient(event().pk, "failed-logins", "chat", "bob"),
        rule: "failed-logins".to_owned(),
        transport: "chat".to_owned(),
        severity: Severity::Alert,
        body: "Login failed".to_owned(),
        recipient: Person::new("bob", "bob@example.org"),
        event: Arc::new(event()),
        link: Some(Link { target: "https://example.org/e/1".to_owned(), label: "Show".to_owned() }),
        created: event().created,
        digest: None,
    }
}

/// The scope of a mapping.
pub(crate) fn mapping() -> ExpressionScope {
    ExpressionScope::mapping(&notification(), groups())
}
