//! SQS, from the side that fills it.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{BatchResultErrorEntry, QueueAttributeName, SendMessageBatchRequestEntry};
use domain::message::QueueMessage;
use domain::ports::{self, StoreError};
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use std::sync::Arc;

use crate::codec::to_queued;
use crate::describe::describe;

/// The most entries a batch takes.
const MOST_ENTRIES: usize = 10;
/// The most bytes a batch takes, where a queue keeps the limit that was SQS's own until 2025.
const MOST_BYTES: usize = 256 * 1024;
/// The longest delay SQS knows.
const LONGEST_DELAY: i64 = 15 * 60;
/// How many batches are under way at once.
const AT_ONCE: usize = 8;
/// Waits before the entries that failed are sent again.
const WAITS: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

/// The work queue.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    client: Client,
    url: Arc<str>,
}

/// What became of a message.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// It is in the queue.
    Queued,
    /// It is not.
    Refused(StoreError),
    /// It may be: no answer came.
    Unknown(StoreError),
}

impl Sent {
    pub(crate) fn into_error(self) -> Option<StoreError> {
        match self {
            Self::Queued => None,
            Self::Refused(error) | Self::Unknown(error) => Some(error),
        }
    }
}

impl WorkQueue {
    /// The queue at that URL.
    pub fn new(client: Client, url: &str) -> Self {
        Self { client, url: url.into() }
    }

    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        let asked = QueueAttributeName::QueueArn;
        let request = self.client.get_queue_attributes().queue_url(&*self.url).attribute_names(asked);
        request.send().await.map(drop).map_err(|error| StoreError::queue(describe(&error)))
    }

    /// Sends messages that are encoded already; says of each, in order, what became of it.
    pub(crate) async fn send_each(&self, bodies: Vec<String>, delay_seconds: i32) -> Vec<Sent> {
        let batches: Vec<_> = batches(bodies).into_iter().map(|batch| self.send_batch(batch, delay_seconds)).collect();
        let sent: Vec<Vec<Sent>> = stream::iter(batches).buffered(AT_ONCE).collect().await;
        sent.concat()
    }

    async fn send_batch(&self, bodies: Vec<String>, delay_seconds: i32) -> Vec<Sent> {
        let mut sent = vec![Sent::Queued; bodies.len()];
        if let Err((failure, left)) = self.try_batch(bodies, delay_seconds).await {
            for index in left {
                if let Some(place) = sent.get_mut(index) {
                    *place = failure.clone();
                }
            }
        }
        sent
    }

    /// An error says what became of those that are not known to be queued, and which they are.
    async fn try_batch(&self, bodies: Vec<String>, delay_seconds: i32) -> Result<(), (Sent, Vec<usize>)> {
        let mut left: Vec<usize> = (0..bodies.len()).collect();
        let entries = bodies.into_iter().enumerate().map(|(index, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body)
                .delay_seconds(delay_seconds)
                .build()
        });
        let entries: Result<Vec<_>, _> = entries.collect();
        let mut entries = entries.map_err(|error| (Sent::Refused(StoreError::queue(error)), left.clone()))?;
        for wait in WAITS.iter().map(Some).chain([None]) {
            let request = self.client.send_message_batch().queue_url(&*self.url).set_entries(Some(entries.clone()));
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if was_refused(&error) => {
                    return Err((Sent::Refused(StoreError::queue(describe(&error))), left));
                }
                Err(error) => return Err((Sent::Unknown(StoreError::queue(describe(&error))), left)),
            };
            let failed = answer.failed();
            let Some(first) = failed.first() else {
                return Ok(());
            };
            match wait {
                Some(wait) if failed.iter().all(|entry| !entry.sender_fault()) => {
                    entries.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
                    left = numbers(failed);
                    tokio::time::sleep(*wait).await;
                }
                _ => {
                    let what = format_args!("{} of a batch's messages: {}", failed.len(), first.code());
                    return Err((Sent::Refused(StoreError::queue(what)), numbers(failed)));
                }
            }
        }
        Ok(())
    }
}

/// Whether the queue itself said no. Where no answer came, it may have the messages all the same.
fn was_refused(error: &SdkError<SendMessageBatchError>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(context) => context.raw().status().as_u16() < 500,
        _ => false,
    }
}

/// The places of the entries, which are their ids.
fn numbers(failed: &[BatchResultErrorEntry]) -> Vec<usize> {
    failed.iter().filter_map(|entry| entry.id().parse().ok()).collect()
}

/// Splits into what one request takes each.
fn batches(bodies: Vec<String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        bytes += body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_ENTRIES && bytes <= MOST_BYTES => batch.push(body),
            _ => {
                bytes = body.len();
                batches.push(vec![body]);
            }
        }
    }
    batches
}

#[async_trait]
impl ports::WorkQueue for WorkQueue {
    async fn send(&self, messages: &[QueueMessage], delay: SignedDuration) -> Result<(), StoreError> {
        let bodies = messages.iter().map(to_queued).collect::<Result<_, _>>()?;
        // Rounded up: a message must not come out before its delay has passed.
        let seconds = delay.as_secs() + i64::from(delay.subsec_nanos() > 0);
        let sent = self.send_each(bodies, i32::try_from(seconds.clamp(0, LONGEST_DELAY)).unwrap_or(0)).await;
        sent.into_iter().find_map(Sent::into_error).map_or(Ok(()), Err)
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
