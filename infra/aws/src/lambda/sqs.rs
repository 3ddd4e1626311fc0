//! The SQS trigger. Each message succeeds or fails alone: the response names the failed ones
//! (`ReportBatchItemFailures`), and SQS delivers them again until it moves them to the dead-letter queue.

use std::fmt::Display;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use domain::message::QueueMessage;
use futures_util::future::join_all;
use lambda_runtime::{LambdaEvent, service_fn};

use super::{RuntimeError, count_cold_start, deadline};
use crate::codec::from_queued;

/// Runs `handler` concurrently for the messages of each batch. Its second argument is the time at which Lambda will end
/// the invocation.
///
/// # Errors
/// When the runtime fails.
pub async fn sqs<E: Display>(
    handler: impl AsyncFn(QueueMessage, Timestamp) -> Result<(), E>,
) -> Result<(), RuntimeError> {
    count_cold_start();
    let handler = &handler;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, lambda_runtime::Error>(batch(event.payload, deadline(&event.context), handler).await)
    }))
    .await
    .map_err(RuntimeError)
}

async fn batch<E: Display>(
    event: SqsEvent,
    deadline: Timestamp,
    handler: &impl AsyncFn(QueueMessage, Timestamp) -> Result<(), E>,
) -> SqsBatchResponse {
    let outcomes = join_all(event.records.iter().map(|record| handle_one(record, deadline, handler))).await;
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
) -> bool {
    let message_id = record.message_id.as_deref().unwrap_or_default();
    match from_queued(record.body.as_deref().unwrap_or_default()) {
        Ok(message) => match handler(message, deadline).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(message_id, %error, "handling a queue message failed; SQS will deliver it again");
                false
            }
        },
        Err(error) => {
            tracing::error!(message_id, %error, "unrecognised queue message; SQS will move it to the dead-letter queue");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::to_queued;
    use domain::message::QueuedWork;

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
}
