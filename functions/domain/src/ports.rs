//! The outside world as the functions see it: stores, queue, transports, secrets, clock and randomness.
//!
//! Owns the traits and what each promises. Each trait has one contract suite, under `tests/contracts`, that every adapter
//! passes. Refuses to implement any of them.

mod archive;
mod groups;
mod inbox;
mod jobs;
mod queue;
mod reading;
mod stores;

pub use crate::admission::origin::OriginLookup;
pub use archive::{Archive, ArchiveFile, Erasure, Mailbox, WrittenMail};
pub use groups::{DetectionGroups, FullestGroups, GroupPage};
pub use inbox::{Inbox, InboxSubscription, InboxUpdates};
pub use jobs::{EventExpiry, ExpiredEvents, Holds, Jobs, ReceivedEvent, ReceivedPage};
pub use queue::{Backlog, DeadLetters, WorkQueue};
pub use reading::{EventLog, EventPage, PurgeScope, RollUp, Volume, VolumeCounts};
pub use stores::Stores;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::session::Session;
use crate::access::token::{Token, TokenHash};
use crate::delivery::endpoint::Endpoint;
use crate::delivery::{AttemptOutcome, Delivery, DeliveryId, Failure};
use crate::event::{EventPk, SerializedEvent};
use crate::expression::{Effects, Evaluation, ExpressionScope, PolicyCaller};
use crate::notification::Notification;
use crate::notification::rendered::RenderedMessage;
use crate::query::DeliveryQuery;
use crate::rules_document::{RulesDocument, SecretRef, Silence, Transport};
use crate::suppression::{SuppressionKey, SuppressionRecord};

/// A store or queue failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store or queue cannot be reached, is full, throttles, or rejects writes. A retry may succeed.
    #[error("{part} is unavailable: {detail}")]
    Unavailable {
        /// What is unavailable, as the error text names it: `store`, `queue`, `archive` or `mailbox`.
        part: &'static str,
        /// The adapter's error, for the operator. Callers never see it.
        detail: String,
    },
    /// A stored record cannot be decoded. A retry does not help.
    #[error("a stored record cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// The store is unavailable; `detail` is the adapter's error.
    pub fn store(detail: impl fmt::Display) -> Self {
        Self::Unavailable { part: "store", detail: detail.to_string() }
    }

    /// The queue is unavailable; `detail` is the adapter's error.
    pub fn queue(detail: impl fmt::Display) -> Self {
        Self::Unavailable { part: "queue", detail: detail.to_string() }
    }
}

/// Accepts new events: stores them, and queues them for evaluation.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Stores the events and queues them for evaluation: both, or an error. On return they are durable.
    ///
    /// An event whose pk is stored already, and has not expired, stays as it is: accepting it again is harmless and leads
    /// to no second delivery. The pks of `events` must be distinct. An event that an active [hold](Holds) covers expires
    /// at [`HOLD_EXPIRY`](crate::retention::hold::HOLD_EXPIRY).
    async fn accept(&self, events: &[SerializedEvent]) -> Result<(), StoreError>;

    /// For each pair of a name's hash and a proposed pk: the pk of the name's first arrival. Stores the proposed pk, until
    /// `until`, where no earlier arrival is remembered, and returns it.
    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError>;

    /// Succeeds if events could be accepted now; the health check.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// One page of a list, with the cursor `C` of the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, C> {
    /// The items, newest first.
    pub results: Vec<T>,
    /// The cursor to pass as `before` for the next page; `None` on the last page. A page with a cursor may hold fewer items
    /// than asked for, because its [bytes](crate::query::PageBudget) are bounded too.
    pub next: Option<C>,
}

/// The result of [`Ledger::open`] for one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum OpenOutcome {
    /// The entry was created.
    New,
    /// An entry of this id existed already; it is unchanged.
    Existing(Box<Delivery>),
    /// An entry of this id existed already and cannot be read; it is unchanged. Whether it was sent is not known.
    Unreadable,
}

/// A delivery whose next attempt is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueDelivery {
    /// When the attempt was due.
    pub at: Timestamp,
    /// The id of its ledger entry.
    pub id: DeliveryId,
}

/// The ledger of deliveries. Every write is conditional on the entry's revision.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Creates each entry (revision 0) unless its id exists. The results are in the order of `entries`.
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<OpenOutcome>, StoreError>;
    /// Replaces each entry if the stored revision is one less than its own. Returns, in the order of `entries`, whether
    /// it did. A missing entry is not created.
    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError>;
    /// The entry of this id; `None` if it does not exist.
    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError>;
    /// The existing entries among `ids`, in any order.
    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError>;
    /// Up to `limit` entries whose `due_at` has passed, the longest overdue first; then some whose `due_at` is further away
    /// than [any wait](Delivery::waits_until), because a wrong clock wrote it.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueDelivery>, StoreError>;
    /// A page of the entries that match the query, newest event first.
    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError>;
}

/// The state of throttles and digests. Every write is conditional on the record's revision.
#[async_trait]
pub trait Suppression: Send + Sync {
    /// The record as last written, even if it has expired; `None` if there is none.
    async fn get(&self, id: SuppressionKey) -> Result<Option<SuppressionRecord>, StoreError>;
    /// Replaces the record if the stored revision is one less than its own; with revision 0, creates it if there is none.
    /// Returns whether it did.
    async fn put(&self, id: SuppressionKey, record: &SuppressionRecord) -> Result<bool, StoreError>;
    /// Adds events to the digest that `carrier` will send; adding an event again changes nothing. `false` if the digest
    /// was closed before: then it may or may not include them.
    async fn collect(&self, carrier: DeliveryId, events: &[EventPk], expires: Timestamp) -> Result<bool, StoreError>;
    /// Closes the digest and returns the events it collected, in any order. Closing it again returns the same events.
    async fn close(&self, carrier: DeliveryId, expires: Timestamp) -> Result<Vec<EventPk>, StoreError>;
}

/// The silences that operators created through the API, without those of the rules document.
#[async_trait]
pub trait Silences: Send + Sync {
    /// Stores a silence and replaces any of the same id. It is deleted when it [expires](Silence::expires).
    async fn put(&self, silence: &Silence) -> Result<(), StoreError>;
    /// The silence of this id; `None` if it does not exist.
    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError>;
    /// All silences, also ended ones, in any order. May lag a change by up to 10 seconds.
    async fn all(&self) -> Result<Vec<Silence>, StoreError>;
}

/// The circuit breakers' records, shared by all dispatchers. An endpoint that never failed has no record.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// All records, in one request.
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError>;
    /// Replaces the transport's record if the stored revision is one less than its own; with revision 0, creates it if
    /// there is none. Returns whether it did. The write is durable.
    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError>;
}

/// The API tokens, by the hash of their text.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores a token and replaces any of the same hash.
    async fn put(&self, token: &Token) -> Result<(), StoreError>;
    /// The token of this hash, even if it has expired or was revoked; `None` if it does not exist.
    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError>;
    /// All tokens, oldest first.
    async fn list(&self) -> Result<Vec<Token>, StoreError>;
    /// Revokes the token of this public id; `false` if it does not exist.
    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// Records that the token of this hash was used; does nothing if it does not exist. Never undoes a revocation, not
    /// even one that happens at the same time.
    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError>;
}

/// The console's browser sessions, by the hash of their secret.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores a session until it expires.
    async fn begin(&self, session: &Session) -> Result<(), StoreError>;
    /// The session of this hash; `None` if it does not exist, has ended or has expired.
    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError>;
    /// Ends the session of this hash, at once and for every process; does nothing if it does not exist.
    async fn end(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError>;
}

/// A version of the rules document, as it was put into force. Serialised, it is the stores' record of the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActiveRules {
    /// Grows by one with each change; 0 is the built-in document. A record whose key has the version omits it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
    /// The parsed and checked document; `source` is its text.
    pub document: RulesDocument,
    /// The YAML that the document was read from.
    pub source: String,
    /// When this version came into force.
    #[serde(with = "crate::time::micros")]
    pub at: Timestamp,
    /// The user or token that saved this version.
    pub by: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(version: &u64) -> bool {
    *version == 0
}

impl ActiveRules {
    /// Version 0: the built-in document, whose YAML is `source`.
    pub fn built_in(source: &str) -> Self {
        Self {
            version: 0,
            document: RulesDocument::built_in(),
            source: source.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            by: "built in".to_owned(),
        }
    }
}

/// The result of [`Documents::save`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The version is stored and in force.
    Saved,
    /// Another version was saved in the meantime; nothing changed.
    Conflict,
}

/// The stored versions of the rules document.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The newest version; `None` if none was ever saved.
    async fn newest(&self) -> Result<Option<ActiveRules>, StoreError>;
    /// The newest version, if it is newer than `version`; `None` if it is not.
    async fn newest_after(&self, version: u64) -> Result<Option<ActiveRules>, StoreError> {
        Ok(self.newest().await?.filter(|newest| newest.version > version))
    }
    /// The given version; `None` if it does not exist.
    async fn get(&self, version: u64) -> Result<Option<ActiveRules>, StoreError>;
    /// Saves the document as `active.version`, if the newest stored version is the one before it.
    async fn save(&self, active: &ActiveRules) -> Result<SaveOutcome, StoreError>;
}

/// The rules document in force, whether it comes from a file or from the store.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// The document to use now. May lag a change by up to a minute.
    async fn current(&self) -> Result<Arc<ActiveRules>, StoreError>;
}

/// Runs the Python bodies of a rules document in a sandbox: bounded in time and memory, without I/O.
pub trait Expressions: Send + Sync {
    /// Runs a body. Blocks the calling thread for at most a tenth of a second, plus the time of the policies that the body
    /// calls. A failure of the sandbox is reported as an exception of the body.
    fn evaluate(&self, source: &str, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation;
}

/// An [`Expressions`] without a sandbox: every body raises `SandboxError`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExpressions;

impl Expressions for NoExpressions {
    fn evaluate(&self, _: &str, _: &ExpressionScope, _: &dyn PolicyCaller) -> Evaluation {
        Evaluation::raised("SandboxError", "expressions are not run here")
    }
}

/// The result of one attempt to send.
#[derive(Debug, Clone, PartialEq)]
pub struct SendReport {
    /// Whether the receiver accepted the message.
    pub outcome: AttemptOutcome,
    /// The events, log lines and exceptions of the transport's mappings, to be stored.
    pub effects: Vec<Effects>,
}

impl From<AttemptOutcome> for SendReport {
    fn from(outcome: AttemptOutcome) -> Self {
        Self { outcome, effects: Vec::new() }
    }
}

/// Sends notifications. One implementation handles every kind of transport.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Makes one attempt. Returns within 20 seconds, whatever the receiver does.
    async fn send(&self, notification: &Notification, transport: &Transport, document: &RulesDocument) -> SendReport;
}

/// A channel that can also render a message without sending it.
#[async_trait]
pub trait Renderer: Channel {
    /// The message that [`send`](Channel::send) would send, with mappings applied, without secrets and signatures. Sends
    /// and stores nothing.
    ///
    /// # Errors
    /// The failure that an attempt would have before anything is sent.
    async fn render(
        &self,
        notification: &Notification,
        transport: &Transport,
        document: &RulesDocument,
    ) -> Result<RenderedMessage, Failure>;
}

/// Hands finished mail (RFC 5322 bytes) to a mail system.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Makes one attempt, with the mail settings of `document`.
    async fn send(&self, from: &str, to: &str, mail: &[u8], document: &RulesDocument) -> AttemptOutcome;
}

/// A secret's text. `{:?}` prints the mask instead.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(crate::admission::mask::MASK)
    }
}

/// A secret could not be resolved. Names the reference, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret {reference} cannot be read: {detail}")]
pub struct SecretError {
    /// The reference, such as `env:SLACK_URL`.
    pub reference: String,
    /// The cause, for the operator.
    pub detail: String,
}

/// Resolves references to secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The text of the secret that the reference names.
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError>;
}

/// The wall clock, as a port so that tests can set the time.
pub trait Clock: Send + Sync {
    /// The current time. It can be earlier than a previous result, if the system's clock was set back.
    fn now(&self) -> Timestamp;
}

/// A source of randomness.
pub trait Entropy: Send + Sync {
    /// 128 random bits from a generator that is fit for secrets.
    fn bits(&self) -> u128;

    /// A random number in 0.0..=1.0, such as the jitter of a retry.
    fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "32 bits fit an f64 exactly")]
        let share = (self.bits() >> 96) as f64;
        share / f64::from(u32::MAX)
    }
}
