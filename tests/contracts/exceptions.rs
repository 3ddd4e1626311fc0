//! The effects of an expression that raises, however often and wherever its message is handled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::event::{ActionPattern, Event};
use domain::expression::{Evaluation, ExpressionScope, PolicyCaller};
use domain::loop_guard;
use domain::message::QueuedWork;
use domain::ports::Expressions;
use domain::query::EventQuery;
use domain::query::search::Search;
use domain::rules_document::{Binding, EventMatcher, Policy, PolicyExpression, Precondition};
use jiff::SignedDuration;
use support::event;

use crate::dispatchers::{Dispatchers, Sent, document};
use crate::world::{PATIENCE, World, somewhen};

/// A sandbox in which every body runs until a notification was sent, or for [`PATIENCE`], and then raises.
struct WaitsForOthers(Arc<Sent>);

impl Expressions for WaitsForOthers {
    fn evaluate(&self, _: &str, _: &ExpressionScope, _: &dyn PolicyCaller) -> Evaluation {
        let began = Instant::now();
        while self.0.all().is_empty() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        let kind = if self.0.all().is_empty() { "NobodyWasNotified" } else { "TimeoutError" };
        Evaluation::raised(kind, "too long")
    }
}

pub(crate) async fn hold_up_no_event_that_needs_no_expression(world: &World) {
    let now = somewhen();
    let policy = support::unique("policy");
    let mut rules = document(|rule| rule.bindings = vec![Binding::to_policy(&policy), Binding::to_policy("alarms")]);
    let action = vec![ActionPattern::parse("noise").unwrap()];
    let precondition = Precondition { action, ..Precondition::default() };
    let noise = PolicyExpression { source: "while True: pass".to_owned(), precondition };
    rules.policies.insert(policy.clone(), Policy::Expression(noise).into());
    let alarms = EventMatcher { action: vec![ActionPattern::parse("alarm").unwrap()], ..EventMatcher::default() };
    rules.policies.insert("alarms".to_owned(), Policy::EventMatcher(alarms).into());
    // The alarm fires another rule, which needs no expression.
    let mut other = rules.rules[0].clone();
    other.name = support::unique("rule");
    other.bindings = vec![Binding::to_policy("alarms")];
    rules.rules[0].bindings = vec![Binding::to_policy(&policy)];
    rules.rules.push(other);
    let dispatchers = Dispatchers::with_expressions(world, rules, now, 1, |sent| Arc::new(WaitsForOthers(sent)));
    let one = |action: &str| event(action).created(now).kept_for(SignedDuration::from_hours(2400)).shared();
    let quiet = one("alarm");
    dispatchers.one_handles(QueuedWork::Events(vec![one("noise"), quiet.clone(), one("noise")])).await;
    assert!(dispatchers.sent.all().iter().all(|sent| sent.event.pk == quiet.pk));
    let query = EventQuery {
        search: Some(Search::text(&policy)),
        since: Some(now),
        until: Some(now + SignedDuration::from_secs(1)),
        limit: 10,
        ..EventQuery::default()
    };
    for exception in world.log.list(&query, now).await.unwrap().results {
        assert!(!exception.to_json().contains("NobodyWasNotified"), "{}", exception.to_json());
    }
}

pub(crate) async fn are_one_event_for_each_cause(world: &World) {
    let now = somewhen();
    let policy = support::unique("policy");
    let mut rules =
        document(|rule| rule.bindings = vec![Binding { failure_result: true, ..Binding::to_policy(&policy) }]);
    // Without a sandbox, the body raises an exception like any other.
    let expression = PolicyExpression { source: "return True".to_owned(), precondition: Precondition::default() };
    rules.policies.insert(policy.clone(), Policy::Expression(expression).into());
    let dispatchers = Dispatchers::of(world, rules.clone(), now);
    let one = || event("login_failed").created(now).kept_for(SignedDuration::from_hours(2400)).shared();
    let messages: Vec<Vec<Arc<Event>>> = (0..3).map(|_| vec![one(), one()]).collect();
    dispatchers.all_handle_all(&messages).await;

    let until = Some(now + SignedDuration::from_secs(1));
    let query = EventQuery {
        search: Some(Search::text(&policy)),
        since: Some(now),
        until,
        limit: 100,
        ..EventQuery::default()
    };
    let kept = world.log.list(&query, now).await.unwrap().results;
    assert_eq!(kept.len(), 6, "one for each event that caused one");
    for event in &kept {
        assert_eq!((event.action.as_str(), event.created), ("policy_exception", now));
        assert!(loop_guard::check(event, &rules).is_some(), "it may notify nobody");
    }
    // Two people of each event: the failure's result counts.
    assert_eq!(dispatchers.sent.all().len(), 12);
    dispatchers.all_handle_all(&[kept.into_iter().map(Arc::new).collect()]).await;
    assert_eq!(world.log.list(&query, now).await.unwrap().results.len(), 6, "and causes nothing more");
    assert_eq!(dispatchers.sent.all().len(), 12);
}
