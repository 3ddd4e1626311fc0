//! Which rules each event fires.
//!
//! Owns where that is found out: expressions take their time, so a document that has some is evaluated
//! beside the threads that send, a few messages at once.

use std::panic::resume_unwind;
use std::sync::Arc;

use domain::event::Event;
use domain::expression::NoExpressions;
use domain::ports::Active;
use rules::{Judged, RuleSet};
use tokio::sync::Semaphore;

use crate::Parts;
use crate::patience::Patience;

/// Messages whose expressions are run at a time; more would only wait for a processor.
pub(crate) const AT_A_TIME: usize = 4;

/// The verdicts, in order.
pub(crate) async fn all(
    parts: &Parts,
    turns: &Semaphore,
    events: &[Arc<Event>],
    active: &Arc<Active>,
    rules: &Arc<RuleSet>,
) -> Vec<Judged> {
    if !rules.has_expressions() {
        return events.iter().map(|event| rules.judge(event, &active.document, &NoExpressions)).collect();
    }
    // Nobody closes the turns.
    let _turn = turns.acquire().await;
    let (expressions, events) = (Arc::clone(&parts.expressions), events.to_vec());
    let (active, rules) = (Arc::clone(active), Arc::clone(rules));
    let judged = tokio::task::spawn_blocking(move || {
        let expressions = Patience::with(&*expressions);
        events.iter().map(|event| rules.judge(event, &active.document, &expressions)).collect()
    });
    judged.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
