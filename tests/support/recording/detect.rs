//! Records what events cost where the rules have a detection.

use std::sync::Arc;

use domain::Timestamp;
use serde_json::Value;
use tokio::runtime::Handle;

use super::Operation;
use super::operations::{BATCH, Meter, Operations, REPEATED};
use super::stack::{Error, RecordedAction, RecordedStack, post, posted_event};

/// Posts batches to rules with a detection, and dispatches them.
pub(super) async fn record(operations: &mut Operations, background: &Handle) -> Result<(), Error> {
    let detections = "  detected: { event_matcher: { action: custom_detected } }\n\
                      detections:\n  often: { count: { of: detected, by: [user.username], within: minutes=5, at_least: 10 } }\n";
    let stack = RecordedStack::with_detections(background, false, detections).await?;
    let process = stack.process().await?;
    let (router, dispatcher) = (process.ingest(), process.dispatcher(Arc::new(host::SystemClock))?);
    let batch = async |first: usize, action: RecordedAction| {
        let action = |number| if number == first { action } else { RecordedAction::Unmatched };
        let events: Vec<Value> = (first..first + BATCH).map(|number| posted_event(number, action(number))).collect();
        post(&router, &events).await
    };
    let mut number = 0;
    for (action, operation) in
        [(RecordedAction::Unmatched, Operation::WatchBatch), (RecordedAction::Detected, Operation::EnterGroup)]
    {
        for _ in 0..=REPEATED {
            batch(number, action).await?;
            number += BATCH;
        }
        let bodies = stack.take_messages().await?;
        let mut meter = Meter::start(&process);
        for (place, body) in bodies.iter().enumerate() {
            let handled = dispatcher.handle(aws::from_queued(body)?, Timestamp::MAX).await;
            handled.map_err(|error| error.to_string())?;
            if place == 0 {
                // The first one connects, and counts how many groups are open.
                meter.lap();
            }
        }
        operations.add_mean(operation, meter.lap(), bodies.len() - 1, Some(Operation::MatchBatch));
    }
    Ok(())
}
