//! Which rules each event fires.
//!
//! Owns where that is found out: expressions take their time, so events that need one are evaluated beside the threads
//! that send, a few messages at once. An event that needs none never waits for those: it is told apart by evaluating it
//! without expressions and seeing whether one was asked for.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::event::Event;
use domain::expression::{Evaluation, Policies, Scope};
use domain::ports::{Active, Expressions, NoExpressions};
use rules::{Judged, RuleSet};
use tokio::sync::Semaphore;

use crate::Parts;

/// Messages whose expressions are run at a time; more would only wait for a processor.
pub(crate) const AT_A_TIME: usize = 4;

/// An event and which rules it fires.
pub(crate) type Evaluated = (Arc<Event>, Judged);

/// Evaluates the events that need no expression; the others come back as they are.
pub(crate) fn without_expressions(
    events: Vec<Arc<Event>>,
    active: &Active,
    rules: &RuleSet,
) -> (Vec<Evaluated>, Vec<Arc<Event>>) {
    let (mut evaluated, mut others) = (Vec::with_capacity(events.len()), Vec::new());
    for event in events {
        let asked = Asked::default();
        let judged = rules.judge(&event, &active.document, &asked);
        if asked.0.load(Ordering::Relaxed) {
            others.push(event);
        } else {
            evaluated.push((event, judged));
        }
    }
    (evaluated, others)
}

/// Runs nothing, and knows whether it should have.
#[derive(Default)]
struct Asked(AtomicBool);

impl Expressions for Asked {
    fn evaluate(&self, source: &str, scope: &Scope, policies: &dyn Policies) -> Evaluation {
        self.0.store(true, Ordering::Relaxed);
        NoExpressions.evaluate(source, scope, policies)
    }
}

/// Evaluates events that need expressions.
pub(crate) async fn with_expressions(
    parts: &Parts,
    turns: &Semaphore,
    events: Vec<Arc<Event>>,
    active: &Arc<Active>,
    rules: &Arc<RuleSet>,
) -> Vec<Evaluated> {
    // Nobody closes the turns.
    let _turn = turns.acquire().await;
    let expressions = Arc::clone(&parts.expressions);
    let (active, rules) = (Arc::clone(active), Arc::clone(rules));
    let judged = tokio::task::spawn_blocking(move || {
        let judge = |event: Arc<Event>| {
            let judged = rules.judge(&event, &active.document, &*expressions);
            (event, judged)
        };
        events.into_iter().map(judge).collect()
    });
    judged.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
