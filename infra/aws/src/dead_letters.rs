//! The dead-letter queue: moves its messages back to the work queue.

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use domain::ports::{self, StoreError};

use crate::describe::describe;
use crate::queue::{SendResult, SqsWorkQueue};

/// The most messages in one receive request.
const BATCH: i32 = 10;

/// Long polling: without a wait, SQS queries only some of its servers and may miss messages.
const WAIT_SECONDS: i32 = 1;

/// The dead-letter queue on SQS.
#[derive(Clone, Debug)]
pub struct SqsDeadLetters {
    client: Client,
    /// `None` if there is no dead-letter queue.
    url: Option<String>,
    queue: SqsWorkQueue,
}

impl SqsDeadLetters {
    /// The dead-letter queue at `url`, and the work queue that its messages came from.
    pub fn new(client: Client, url: Option<String>, queue: SqsWorkQueue) -> Self {
        Self { client, url, queue }
    }

    async fn receive(&self, url: &str) -> Result<Vec<Message>, StoreError> {
        let request = self.client.receive_message().queue_url(url);
        let request = request.max_number_of_messages(BATCH).wait_time_seconds(WAIT_SECONDS);
        let answer = request.send().await.map_err(|error| StoreError::queue(describe(&error)))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Deletes messages that are in the work queue again. If one stays, it is moved twice, which is harmless.
    async fn delete(&self, url: &str, moved: Vec<Message>) -> Result<(), StoreError> {
        let entries = moved.into_iter().enumerate().map(|(index, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
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
impl ports::DeadLetters for SqsDeadLetters {
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
            let queued = messages.into_iter().zip(&sent).filter(|(_, sent)| matches!(sent, SendResult::Queued));
            let queued: Vec<_> = queued.map(|(message, _)| message).collect();
            count += queued.len();
            self.delete(url, queued).await?;
            if let Some(error) = sent.into_iter().find_map(SendResult::into_error) {
                return Err(error);
            }
        }
        Ok(count)
    }
}
