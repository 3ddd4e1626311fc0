//! The SQS trigger. Each message succeeds or fails alone: the response names the failed ones
//! (`ReportBatchItemFailures`), and SQS delivers them again until it moves them to the dead-letter queue.
//!
//! A message is decoded once there is memory for its events: compressed, the events of ten messages fit into the
//! request, but decoded, they might not fit into the function.

use std::fmt::Display;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use domain::event::MAX_EVENT_BYTES;
use domain::message::{QueueMessage, QueuedWork};
use domain::metric::Metric;
use domain::ports::{Clock as _, StoreError};
use futures_util::future::join_all;
use host::SystemClock;
use jiff::SignedDuration;
use lambda_runtime::{LambdaEvent, service_fn};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{RuntimeError, count, deadline};
use crate::codec::QueuedBody;

/// Runs `handler` concurrently for the messages of each batch. Its second argument is the time at which Lambda will end
/// the invocation.
///
/// # Errors
/// When the runtime fails.
pub async fn sqs<E: Display>(
    handler: impl AsyncFn(QueueMessage, Timestamp) -> Result<(), E>,
) -> Result<(), RuntimeError> {
    count(Metric::ColdStart);
    let handler = &handler;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, lambda_runtime::Error>(batch(event.payload, deadline(&event.context), handler).await)
    }))
    .await
    .map_err(RuntimeError)
}

/// The most bytes of events, as JSON, that are in memory at a time. In memory, JSON such as `[1,1,1]` takes about 40
/// times its bytes.
const MAX_JSON_BYTES: usize = 8 * 1024 * 1024;

/// The unit of a memory permit, in bytes: a semaphore's count is too small for bytes.
const KIB: usize = 1024;

/// How long before the function's end a message that still waits for memory goes back to the queue.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

async fn batch<E: Display>(
    event: SqsEvent,
    deadline: Timestamp,
    handler: &impl AsyncFn(QueueMessage, Timestamp) -> Result<(), E>,
) -> SqsBatchResponse {
    let memory = Semaphore::new(MAX_JSON_BYTES / KIB);
    let outcomes = join_all(event.records.iter().map(|record| handle_one(record, deadline, handler, &memory))).await;
    let mut response = SqsBatchResponse::default();
    for (record, done) in event.records.into_iter().zip(outcomes) {
        if !done {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = record.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Handles one message; returns whether it succeeded. Never logs the message's content.
async fn handle_one<E: Display>(
    record: &SqsMessage,
    deadline: Timestamp,
    handler: &impl AsyncFn(QueueMessage, Timestamp) -> Result<(), E>,
    memory: &Semaphore,
) -> bool {
    let message_id = record.message_id.as_deref().unwrap_or_default();
    let (message, permit) = match decode(record.body.as_deref().unwrap_or_default(), memory, deadline).await {
        Ok(Some(decoded)) => decoded,
        Ok(None) => {
            tracing::warn!(
                message_id,
                "a queue message waited for the memory that others use; SQS will deliver it again"
            );
            return false;
        }
        Err(error) => {
            tracing::error!(message_id, %error, "unrecognised queue message; SQS will move it to the dead-letter queue");
            count(Metric::Failed);
            return false;
        }
    };
    let handled = handler(message, deadline).await;
    drop(permit);
    if let Err(error) = handled {
        tracing::error!(message_id, %error, "handling a queue message failed; SQS will deliver it again");
        return false;
    }
    true
}

/// Decodes a message once there is memory for its events. `None` if there is none until shortly before `deadline`.
async fn decode<'m>(
    body: &str,
    memory: &'m Semaphore,
    deadline: Timestamp,
) -> Result<Option<(QueueMessage, SemaphorePermit<'m>)>, StoreError> {
    let body = QueuedBody::read(body)?;
    let Some(permit) = acquire(memory, body.json_bytes, deadline).await else { return Ok(None) };
    let message = body.decode()?;
    let QueueMessage::V1(QueuedWork::Stored(pks)) = &message else { return Ok(Some((message, permit))) };
    // The handler reads these events from the store. Released first: waiting while holding could wait for ever.
    let bytes = pks.len() * MAX_EVENT_BYTES;
    drop(permit);
    Ok(acquire(memory, bytes, deadline).await.map(|permit| (message, permit)))
}

/// Waits for memory for so many bytes of JSON, at most for all there is.
async fn acquire(memory: &Semaphore, bytes: usize, deadline: Timestamp) -> Option<SemaphorePermit<'_>> {
    let permits = u32::try_from(bytes.min(MAX_JSON_BYTES).div_ceil(KIB)).ok()?;
    let patience = SystemClock.now().duration_until(deadline) - MARGIN;
    tokio::time::timeout(patience.try_into().unwrap_or_default(), memory.acquire_many(permits)).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::codec::to_queued;

    fn record(id: &str, body: &str) -> SqsMessage {
        let mut record = SqsMessage::default();
        record.message_id = Some(id.to_owned());
        record.body = Some(body.to_owned());
        record
    }

    #[tokio::test]
    async fn only_what_failed_is_reported() {
        let good = to_queued(&QueueMessage::new(QueuedWork::Events(Vec::new()))).unwrap();
        let refused = to_queued(&QueueMessage::new(QueuedWork::Stored(Vec::new()))).unwrap();
        let mut event = SqsEvent::default();
        event.records =
            vec![record("good", &good), record("poison", "{}"), record("refused", &refused), record("again", &good)];
        let handler = async |message: QueueMessage, _: Timestamp| match message.into_work() {
            QueuedWork::Events(_) => Ok(()),
            _ => Err("refused"),
        };
        let answer = batch(event, Timestamp::MAX, &handler).await;
        let failed: Vec<_> =
            answer.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
        assert_eq!(failed, ["poison", "refused"]);
    }

    /// Handles the messages; returns the number that failed, and the most bytes that were in memory at a time.
    async fn most_at_once(
        bodies: &[String],
        weigh: impl Fn(&QueueMessage) -> usize,
        deadline: Timestamp,
    ) -> (usize, usize) {
        let mut event = SqsEvent::default();
        event.records = bodies.iter().map(|body| record("id", body)).collect();
        let (now, most) = (Cell::new(0), Cell::new(0));
        let handler = async |message: QueueMessage, _: Timestamp| {
            let bytes = weigh(&message);
            now.set(now.get() + bytes);
            most.set(most.get().max(now.get()));
            tokio::task::yield_now().await;
            now.set(now.get() - bytes);
            Ok::<_, &str>(())
        };
        let answer = batch(event, deadline, &handler).await;
        (answer.batch_item_failures.len(), most.get())
    }

    #[tokio::test]
    async fn messages_that_are_large_when_decoded_take_turns() {
        let ones = vec![1; 100_000];
        let event = domain::testing::event("login").context(serde_json::json!({ "ones": ones })).shared();
        let size = event.to_json().len();
        let message = QueueMessage::new(QueuedWork::Events(vec![event; 16]));
        let body = to_queued(&message).unwrap();
        assert!(body.len() < 64 * 1024, "{}", body.len());
        let weigh = |message: &QueueMessage| match message {
            QueueMessage::V1(QueuedWork::Events(events)) => events.len() * size,
            QueueMessage::V1(_) => 0,
        };
        let (failed, most) = most_at_once(&vec![body; 10], weigh, Timestamp::MAX).await;
        assert_eq!(failed, 0);
        assert!(most > size && most <= MAX_JSON_BYTES, "{most}");
    }

    #[tokio::test]
    async fn messages_whose_events_are_read_from_the_store_take_turns() {
        let pks = vec!["018650dd-2c93-7f1e-8afe-ad5af90bf680".parse().unwrap(); 20];
        let body = to_queued(&QueueMessage::new(QueuedWork::Stored(pks))).unwrap();
        let (failed, most) = most_at_once(&vec![body; 10], |_| 1, Timestamp::MAX).await;
        assert_eq!((failed, most), (0, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_decoded_before_the_end_goes_back() {
        let body = to_queued(&QueueMessage::new(QueuedWork::Events(Vec::new()))).unwrap();
        let over = SystemClock.now();
        let memory = Semaphore::new(0);
        let handler = async |_: QueueMessage, _: Timestamp| Ok::<_, &str>(());
        assert!(!handle_one(&record("id", &body), over, &handler, &memory).await);
    }
}
