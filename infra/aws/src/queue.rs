//! The work queue on SQS: sends messages. (Lambda receives them: see `lambda/sqs`.)

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{BatchResultErrorEntry, QueueAttributeName, SendMessageBatchRequestEntry};
use domain::Timestamp;
use domain::message::QueueMessage;
use domain::ports::{self, Backlog, StoreError};
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use std::sync::Arc;

use crate::codec::to_queued;
use crate::describe::describe;

/// The most entries in one batch.
const MAX_ENTRIES: usize = 10;
/// The most bytes in one batch: the limit of SQS until 2025, which a queue may still have.
const MAX_BYTES: usize = 256 * 1024;
/// The longest delay that SQS supports, in seconds.
const MAX_DELAY: i64 = 15 * 60;
/// How long a message waits for its evaluation, as far as [`backlog`](ports::WorkQueue::backlog) is concerned.
const LONGEST_IN_QUEUE: SignedDuration = SignedDuration::from_mins(15);
/// The most batches sent concurrently.
const CONCURRENCY: usize = 8;
/// Delays before failed entries are sent again.
const RETRY_DELAYS: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

/// The work queue on SQS.
#[derive(Clone, Debug)]
pub struct SqsWorkQueue {
    client: Client,
    url: Arc<str>,
}

/// The result of sending a message.
#[derive(Debug, Clone)]
pub(crate) enum SendResult {
    /// It is in the queue.
    Queued,
    /// It is not in the queue.
    Refused(StoreError),
    /// It may be in the queue: no response came.
    Unknown(StoreError),
}

impl SendResult {
    pub(crate) fn into_error(self) -> Option<StoreError> {
        match self {
            Self::Queued => None,
            Self::Refused(error) | Self::Unknown(error) => Some(error),
        }
    }
}

impl SqsWorkQueue {
    /// The queue at that URL.
    pub fn new(client: Client, url: &str) -> Self {
        Self { client, url: url.into() }
    }

    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        let asked = QueueAttributeName::QueueArn;
        let request = self.client.get_queue_attributes().queue_url(&*self.url).attribute_names(asked);
        request.send().await.map(drop).map_err(|error| StoreError::queue(describe(&error)))
    }

    /// Sends encoded messages, and returns the result of each, in order.
    pub(crate) async fn send_each(&self, bodies: Vec<String>, delay_seconds: i32) -> Vec<SendResult> {
        let batches: Vec<_> = batches(bodies).into_iter().map(|batch| self.send_batch(batch, delay_seconds)).collect();
        let sent: Vec<Vec<SendResult>> = stream::iter(batches).buffered(CONCURRENCY).collect().await;
        sent.concat()
    }

    async fn send_batch(&self, bodies: Vec<String>, delay_seconds: i32) -> Vec<SendResult> {
        let mut sent = vec![SendResult::Queued; bodies.len()];
        if let Err((failure, left)) = self.try_batch(bodies, delay_seconds).await {
            for index in left {
                if let Some(result) = sent.get_mut(index) {
                    *result = failure.clone();
                }
            }
        }
        sent
    }

    /// Sends a batch, retrying failed entries. An error is the result of the entries that may not be queued, with their
    /// indexes.
    async fn try_batch(&self, bodies: Vec<String>, delay_seconds: i32) -> Result<(), (SendResult, Vec<usize>)> {
        let mut left: Vec<usize> = (0..bodies.len()).collect();
        let entries = bodies.into_iter().enumerate().map(|(index, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body)
                .delay_seconds(delay_seconds)
                .build()
        });
        let entries: Result<Vec<_>, _> = entries.collect();
        let mut entries = entries.map_err(|error| (SendResult::Refused(StoreError::queue(error)), left.clone()))?;
        for wait in RETRY_DELAYS.iter().map(Some).chain([None]) {
            let request = self.client.send_message_batch().queue_url(&*self.url).set_entries(Some(entries.clone()));
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if was_refused(&error) => {
                    return Err((SendResult::Refused(StoreError::queue(describe(&error))), left));
                }
                Err(error) => return Err((SendResult::Unknown(StoreError::queue(describe(&error))), left)),
            };
            let failed = answer.failed();
            let Some(first) = failed.first() else {
                return Ok(());
            };
            match wait {
                Some(wait) if failed.iter().all(|entry| !entry.sender_fault()) => {
                    entries.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
                    left = indexes(failed);
                    tokio::time::sleep(*wait).await;
                }
                _ => {
                    let what = format_args!("{} of a batch's messages: {}", failed.len(), first.code());
                    return Err((SendResult::Refused(StoreError::queue(what)), indexes(failed)));
                }
            }
        }
        Ok(())
    }
}

/// Whether SQS has refused the request. Without a response, it may have accepted the messages.
fn was_refused(error: &SdkError<SendMessageBatchError>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(context) => context.raw().status().as_u16() < 500,
        _ => false,
    }
}

/// The indexes of failed entries: their ids.
fn indexes(failed: &[BatchResultErrorEntry]) -> Vec<usize> {
    failed.iter().filter_map(|entry| entry.id().parse().ok()).collect()
}

/// Splits message bodies into batches within SQS's limits.
fn batches(bodies: Vec<String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        bytes += body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_ENTRIES && bytes <= MAX_BYTES => batch.push(body),
            _ => {
                bytes = body.len();
                batches.push(vec![body]);
            }
        }
    }
    batches
}

#[async_trait]
impl ports::WorkQueue for SqsWorkQueue {
    async fn send(&self, messages: &[QueueMessage], delay: SignedDuration) -> Result<(), StoreError> {
        let bodies = messages.iter().map(to_queued).collect::<Result<_, _>>()?;
        // Rounded up: a message must not arrive before its delay has passed.
        let seconds = delay.as_secs() + i64::from(delay.subsec_nanos() > 0);
        let sent = self.send_each(bodies, i32::try_from(seconds.clamp(0, MAX_DELAY)).unwrap_or(0)).await;
        sent.into_iter().find_map(SendResult::into_error).map_or(Ok(()), Err)
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let counted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self.client.get_queue_attributes().queue_url(&*self.url);
        let request = request.set_attribute_names(Some(counted.to_vec()));
        let answer = request.send().await.map_err(|error| StoreError::queue(describe(&error)))?;
        let attributes = answer.attributes.unwrap_or_default();
        let events = counted.iter().filter_map(|name| attributes.get(name)?.parse::<u64>().ok()).sum();
        // SQS does not say how old its messages are. One that fails comes again after six minutes.
        let oldest = (events > 0).then(|| domain::time::later(now, -LONGEST_IN_QUEUE));
        Ok(Backlog { events, oldest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_keeps_both_limits() {
        let sizes = |bodies: Vec<usize>| -> Vec<usize> {
            batches(bodies.into_iter().map(|size| "x".repeat(size)).collect()).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(vec![1; 23]), [10, 10, 3]);
        assert_eq!(sizes(vec![64 * 1024; 5]), [4, 1]);
        assert_eq!(sizes(vec![300 * 1024, 1, 256 * 1024]), [1, 1, 1]);
        assert!(sizes(vec![]).is_empty());
    }
}
