//! The effects of an expression that raises, however often and wherever its message is handled.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use domain::event::{ActionPattern, Event};
use domain::expression::{Evaluation, ExpressionScope, PolicyCaller};
use domain::loop_guard;
use domain::message::QueuedWork;
use domain::ports::Expressions;
use domain::query::EventQuery;
use domain::query::search::Search;
use domain::rules_document::{Binding, EventMatcher, Policy, PolicyExpression, Precondition};
use domain::testing::serialized;
use jiff::SignedDuration;
use support::{FakeClock, event};

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

/// A sandbox in which every body takes a second and then raises.
#[derive(Default)]
struct TakesASecond(OnceLock<Arc<FakeClock>>);

impl Expressions for TakesASecond {
    fn evaluate(&self, _: &str, _: &ExpressionScope, _: &dyn PolicyCaller) -> Evaluation {
        self.0.get().unwrap().advance(SignedDuration::from_secs(1));
        Evaluation::raised("TimeoutError", "too long")
    }
}

pub(crate) async fn leave_what_there_is_no_time_for_to_later_messages(world: &World) {
    let now = somewhen();
    let policy = support::unique("policy");
    let mut rules =
        document(|rule| rule.bindings = vec![Binding { failure_result: true, ..Binding::to_policy(&policy) }]);
    let expression = PolicyExpression { source: "return True".to_owned(), precondition: Precondition::default() };
    rules.policies.insert(policy, Policy::Expression(expression).into());
    let sandbox = Arc::new(TakesASecond::default());
    let expressions = sandbox.clone();
    let dispatchers = Dispatchers::with_expressions(world, rules, now, 1, move |_| expressions);
    sandbox.0.set(dispatchers.clock.clone()).unwrap();
    let one = |_| event("login_failed").created(now).kept_for(SignedDuration::from_hours(2400)).shared();
    let events: Vec<_> = (0..60).map(one).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let told = || dispatchers.sent.all().iter().map(|sent| sent.event.pk).collect::<BTreeSet<_>>();
    let mut messages = 0;
    while told().len() < events.len() {
        let came = world.work.receive(PATIENCE).await;
        assert!(!came.is_empty(), "only {} of {} events were evaluated", told().len(), events.len());
        for message in came {
            let before = told().len();
            // An expression is run until 25 seconds before the end.
            dispatchers.one_handles_within(message.into_work(), SignedDuration::from_secs(40)).await;
            assert!(told().len() - before <= 15);
            messages += 1;
        }
    }
    assert!(messages > 3, "{messages}");
    assert_eq!(dispatchers.sent.all().len(), 2 * events.len(), "each recipient once");
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
