//! What an expression that raises leaves behind, however often and wherever its message is handled.

use std::sync::Arc;

use domain::document::{Binding, Expression, Policy, Precondition};
use domain::event::Event;
use domain::loop_guard;
use domain::ports::EventQuery;
use domain::search::Search;
use jiff::SignedDuration;
use support::event;

use crate::dispatchers::{Dispatchers, document};
use crate::world::{World, somewhen};

pub(crate) async fn are_one_event_for_each_cause(world: &World) {
    let now = somewhen();
    let policy = support::unique("policy");
    let mut rules = document(|rule| rule.bindings = vec![Binding { failure_result: true, ..Binding::to(&policy) }]);
    // Nobody runs it here, which is an exception like any other.
    let expression = Expression { source: "return True".to_owned(), precondition: Precondition::default() };
    rules.policies.insert(policy.clone(), Policy::Expression(expression).into());
    let dispatchers = Dispatchers::of(world, rules.clone(), now);
    let one = || event("login_failed").created(now).kept_for(SignedDuration::from_hours(2400)).shared();
    let messages: Vec<Vec<Arc<Event>>> = (0..3).map(|_| vec![one(), one()]).collect();
    dispatchers.all_handle_all(&messages).await;

    let until = Some(now + SignedDuration::from_secs(1));
    let query = EventQuery {
        search: Some(Search::Text(policy.clone())),
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
