//! Evaluates which rules each event fires.
//!
//! Owns where the evaluation runs. Expressions are slow, so that events that need one are evaluated on blocking
//! threads, a few messages at a time, while the other events go on at once. To tell them apart, each event is first
//! evaluated without expressions; if the rules ask for one, the event is set aside.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::event::Event;
use domain::expression::{Evaluation, Policies, Scope};
use domain::ports::{Active, Expressions, NoExpressions};
use rules::{RuleMatches, RuleSet};
use tokio::sync::Semaphore;

use crate::Parts;

/// How many messages run expressions at a time; more would only compete for the processors.
pub(crate) const MAX_CONCURRENT: usize = 4;

/// An event with the rules that it fires.
pub(crate) type MatchedEvent = (Arc<Event>, RuleMatches);

/// Evaluates the events that need no expression. Returns the other events, not evaluated, as the second part.
pub(crate) fn without_expressions(
    events: Vec<Arc<Event>>,
    active: &Active,
    rules: &RuleSet,
) -> (Vec<MatchedEvent>, Vec<Arc<Event>>) {
    let (mut matched, mut others) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        let probe = ExpressionProbe::default();
        let matches = rules.evaluate(&event, &active.document, &probe);
        if probe.0.load(Ordering::Relaxed) {
            others.push(event);
        } else {
            matched.push((event, matches));
        }
    }
    (matched, others)
}

/// Runs no expression, and remembers whether the rules asked for one.
#[derive(Default)]
struct ExpressionProbe(AtomicBool);

impl Expressions for ExpressionProbe {
    fn evaluate(&self, source: &str, scope: &Scope, policies: &dyn Policies) -> Evaluation {
        self.0.store(true, Ordering::Relaxed);
        NoExpressions.evaluate(source, scope, policies)
    }
}

/// Evaluates events that need expressions, as soon as one of the `permits` is free.
pub(crate) async fn with_expressions(
    parts: &Parts,
    permits: &Semaphore,
    events: Vec<Arc<Event>>,
    active: &Arc<Active>,
    rules: &Arc<RuleSet>,
) -> Vec<MatchedEvent> {
    // `acquire` fails only on a closed semaphore, and this one is never closed.
    let _permit = permits.acquire().await;
    let expressions = Arc::clone(&parts.expressions);
    let (active, rules) = (Arc::clone(active), Arc::clone(rules));
    let matched = tokio::task::spawn_blocking(move || {
        let evaluate = |event: Arc<Event>| {
            let matches = rules.evaluate(&event, &active.document, &*expressions);
            (event, matches)
        };
        events.into_iter().map(evaluate).collect()
    });
    matched.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
