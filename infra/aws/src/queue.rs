//! SQS, from the side that fills it.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use domain::message::Message;
use domain::ports::{self, StoreError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
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

    /// Sends messages that are encoded already.
    pub(crate) async fn send_encoded(&self, bodies: Vec<String>, delay_seconds: i32) -> Result<(), StoreError> {
        let batches: Vec<_> = batches(bodies).into_iter().map(|batch| self.send_batch(batch, delay_seconds)).collect();
        stream::iter(batches).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn send_batch(&self, bodies: Vec<String>, delay_seconds: i32) -> Result<(), StoreError> {
        let entries = bodies.into_iter().enumerate().map(|(index, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body)
                .delay_seconds(delay_seconds)
                .build()
        });
        let mut entries: Vec<_> = entries.collect::<Result<_, _>>().map_err(StoreError::queue)?;
        for wait in WAITS.iter().map(Some).chain([None]) {
            let request = self.client.send_message_batch().queue_url(&*self.url).set_entries(Some(entries.clone()));
            let answer = request.send().await.map_err(|error| StoreError::queue(describe(&error)))?;
            let failed = answer.failed();
            let Some(first) = failed.first() else {
                return Ok(());
            };
            match wait {
                Some(wait) if failed.iter().all(|entry| !entry.sender_fault()) => {
                    entries.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
                    tokio::time::sleep(*wait).await;
                }
                _ => {
                    return Err(StoreError::queue(format_args!(
                        "{} of a batch's messages: {}",
                        failed.len(),
                        first.code()
                    )));
                }
            }
        }
        Ok(())
    }
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
    async fn send(&self, messages: &[Message], delay: SignedDuration) -> Result<(), StoreError> {
        let bodies = messages.iter().map(to_queued).collect::<Result<_, _>>()?;
        // Rounded up: a message must not come out before its delay has passed.
        let seconds = delay.as_secs() + i64::from(delay.subsec_nanos() > 0);
        self.send_encoded(bodies, i32::try_from(seconds.clamp(0, LONGEST_DELAY)).unwrap_or(0)).await
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
