//! The ports of the work queue.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use crate::message::QueueMessage;

/// The producer's side of the work queue.
#[async_trait]
pub trait WorkQueue: Send + Sync {
    /// Queues each message. Workers receive it once `delay`, at most 15 minutes, has passed.
    async fn send(&self, messages: &[QueueMessage], delay: SignedDuration) -> Result<(), StoreError>;
    /// What has not been evaluated at `now`.
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError>;
}

/// The accepted events that have not been evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many there are. An estimate where the queue counts messages only; a queue may stop at 10,000 messages.
    pub events: u64,
    /// Everything that was received before has been evaluated; `None` if everything has.
    pub oldest: Option<Timestamp>,
}

/// The dead-letter queue: messages whose handling failed too often.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Returns messages to the work queue, about `limit` at most, and returns how many. A message may be delivered twice.
    async fn give_back(&self, limit: usize) -> Result<usize, StoreError>;
}
