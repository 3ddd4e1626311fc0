//! The dead-letter queue, from the side that empties it.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use domain::ports::{self, StoreError};

use crate::describe::describe;
use crate::queue::{Sent, WorkQueue};

/// The most messages that one request gives out.
const BATCH: i32 = 10;

/// Asked for less, SQS looks only at some of its servers, and may miss what is there.
const WAIT_SECONDS: i32 = 1;

/// What the work queue gave up on.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    /// None where there is no such queue.
    url: Option<String>,
    queue: WorkQueue,
}

impl DeadLetters {
    /// The queue at that URL, and the one that its messages came from.
    pub fn new(client: Client, url: Option<String>, queue: WorkQueue) -> Self {
        Self { client, url, queue }
    }

    async fn receive(&self, url: &str) -> Result<Vec<Message>, StoreError> {
        let request = self.client.receive_message().queue_url(url);
        let request = request.max_number_of_messages(BATCH).wait_time_seconds(WAIT_SECONDS);
        let answer = request.send().await.map_err(|error| StoreError::queue(describe(&error)))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Deletes what is in the work queue again. What stays comes back twice, which is harmless.
    async fn delete(&self, url: &str, given_back: Vec<Message>) -> Result<(), StoreError> {
        let entries = given_back.into_iter().enumerate().map(|(place, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(place.to_string());
            entry.set_receipt_handle(message.receipt_handle).build().map_err(StoreError::queue)
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() {
            return Ok(());
        }
        let request = self.client.delete_message_batch().queue_url(url).set_entries(Some(entries));
        request.send().await.map(drop).map_err(|error| StoreError::queue(describe(&error)))
    }
}

#[async_trait]
impl ports::DeadLetters for DeadLetters {
    async fn give_back(&self, limit: usize) -> Result<usize, StoreError> {
        let Some(url) = &self.url else { return Ok(0) };
        let mut count = 0;
        while count < limit {
            let messages = self.receive(url).await?;
            if messages.is_empty() {
                break;
            }
            let bodies = messages.iter().map(|message| message.body.clone().unwrap_or_default()).collect();
            let sent = self.queue.send_each(bodies, 0).await;
            let queued = messages.into_iter().zip(&sent).filter(|(_, sent)| matches!(sent, Sent::Queued));
            let queued: Vec<_> = queued.map(|(message, _)| message).collect();
            count += queued.len();
            self.delete(url, queued).await?;
            if let Some(error) = sent.into_iter().find_map(Sent::into_error) {
                return Err(error);
            }
        }
        Ok(count)
    }
}
