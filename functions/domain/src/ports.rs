//! What the functions need of the world. Each trait has one contract suite, under `tests/contracts`,
//! that every adapter passes.

mod archive;
mod inbox;
mod jobs;
mod reading;
mod stores;

pub use crate::admission::origin::Origins;
pub use archive::{Archive, Archived, Erasure, Mailbox, WrittenMail};
pub use inbox::{Inbox, InboxChanges, InboxNews};
pub use jobs::{Expired, Holds, Jobs, Keeping, Kept};
pub use reading::{EventLog, EventPage, Purge, Volume};
pub use stores::Stores;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::access::session::Session;
use crate::access::token::{Token, TokenHash};
use crate::delivery::endpoint::Endpoint;
use crate::delivery::{Delivery, DeliveryId, Failure, Outcome};
use crate::event::{Event, EventPk};
use crate::expression::{Effects, Evaluation, Policies, Scope};
use crate::message::Message;
use crate::notification::Notification;
use crate::notification::rendered::Rendered;
use crate::query::DeliveryQuery;
use crate::rules_document::{RulesDocument, SecretRef, Silence, Transport};
use crate::suppression::{Lane, LaneId};

/// A store or queue did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, throttles, or takes no writes. Trying again may help.
    #[error("{part} is unavailable: {detail}")]
    Unavailable {
        /// Which: `store` or `queue`.
        part: &'static str,
        /// For the operator.
        detail: String,
    },
    /// What it holds cannot be read.
    #[error("a stored record cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// The store cannot be used now.
    pub fn store(detail: impl fmt::Display) -> Self {
        Self::Unavailable { part: "store", detail: detail.to_string() }
    }

    /// The queue cannot be used now.
    pub fn queue(detail: impl fmt::Display) -> Self {
        Self::Unavailable { part: "queue", detail: detail.to_string() }
    }
}

/// Where events come in.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Stores the events and queues them for evaluation; both, or an error.
    ///
    /// A named event whose pk is stored already, and has not expired, is left as it is; accepting it
    /// again is harmless and leads to no second delivery. No two of `events` have the same pk. One that an active
    /// [hold](Holds) admits expires at [`HELD`](crate::retention::hold::HELD). On return they are durable.
    async fn accept(&self, events: &[Arc<Event>]) -> Result<(), StoreError>;

    /// For each (hash of a name, pk proposed): the pk remembered for that name, which is the proposed
    /// one unless the name was remembered before and `until` of that time has not passed.
    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError>;

    /// Whether events could be accepted now.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, C> {
    /// Newest first.
    pub results: Vec<T>,
    /// Where the next page goes on; none on the last one.
    pub next: Option<C>,
}

/// The queue, from the side that fills it.
#[async_trait]
pub trait WorkQueue: Send + Sync {
    /// Queues each message; it comes out after `delay` (at most 15 minutes) at the earliest.
    async fn send(&self, messages: &[Message], delay: SignedDuration) -> Result<(), StoreError>;
}

/// What the queue has given up on, because handling it failed again and again.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Gives messages back to the queue, about `limit` at most; how many. One may come out twice.
    async fn give_back(&self, limit: usize) -> Result<usize, StoreError>;
}

/// What `open` found.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// The entry is now there.
    New,
    /// There was one already; this is it.
    Existing(Box<Delivery>),
}

/// The ledger of deliveries. Every write is conditional.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Puts each entry (revision 0) unless one of its id is there; answers in order.
    async fn open(&self, entries: &[Delivery]) -> Result<Vec<Opened>, StoreError>;
    /// Puts each entry over the one of its id whose revision is smaller by one; answers in order
    /// whether it did. An entry that is missing or has another revision is left as it is.
    async fn replace(&self, entries: &[Delivery]) -> Result<Vec<bool>, StoreError>;
    /// The entry.
    async fn get(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError>;
    /// Those of the entries that are there, in any order.
    async fn get_all(&self, ids: &[DeliveryId]) -> Result<Vec<Delivery>, StoreError>;
    /// Up to `limit` entries whose `due_at` has come, the longest due first; then some that a clock that was wrong has put
    /// off for longer than [any wait](Delivery::waits_until).
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryId>, StoreError>;
    /// A page, newest event first.
    async fn list(&self, query: &DeliveryQuery) -> Result<Page<Delivery, DeliveryId>, StoreError>;
}

/// What storm control remembers. Every write is conditional.
#[async_trait]
pub trait Suppression: Send + Sync {
    /// The lane as last written, whether it has expired or not.
    async fn lane(&self, id: LaneId) -> Result<Option<Lane>, StoreError>;
    /// Puts the lane over the one whose revision is smaller by one, or, with revision 0, where there is none; says
    /// whether it did.
    async fn put_lane(&self, id: LaneId, lane: &Lane) -> Result<bool, StoreError>;
    /// Adds events to what a digest's carrier will tell of, each once however often it is added. False if it was
    /// closed before: then they may be in it or not.
    async fn collect(&self, carrier: DeliveryId, events: &[EventPk], expires: Timestamp) -> Result<bool, StoreError>;
    /// Closes it; says what was collected, in any order. Closing it again says the same.
    async fn close(&self, carrier: DeliveryId, expires: Timestamp) -> Result<Vec<EventPk>, StoreError>;
}

/// The silences that were posted; those of the rules document are not among them.
#[async_trait]
pub trait Silences: Send + Sync {
    /// Stores one, over any of the same id. It is forgotten when it [expires](Silence::expires).
    async fn put(&self, silence: &Silence) -> Result<(), StoreError>;
    /// The one of that id.
    async fn get(&self, id: &str) -> Result<Option<Silence>, StoreError>;
    /// All of them, ended ones too, in any order; may lag a change by up to 10 seconds.
    async fn all(&self) -> Result<Vec<Silence>, StoreError>;
}

/// What all dispatchers together know of the endpoints. One that never failed has no record.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// All of them, by the transport's name. One request, however many.
    async fn all(&self) -> Result<Vec<Endpoint>, StoreError>;
    /// Puts the record over the one of its transport whose revision is smaller by one, or, with revision 0, where
    /// there is none; whether it did. The write is durable.
    async fn replace(&self, endpoint: &Endpoint) -> Result<bool, StoreError>;
}

/// The tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores one, over any of the same hash.
    async fn put(&self, token: &Token) -> Result<(), StoreError>;
    /// The token of that hash, whatever its standing.
    async fn find(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError>;
    /// All of them, oldest first.
    async fn list(&self) -> Result<Vec<Token>, StoreError>;
    /// Revokes the one of that public name; false if there is none.
    async fn revoke(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// Notes that the token of that hash was used; nothing if there is none. Never undoes a revocation, whichever comes
    /// first.
    async fn used(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError>;
}

/// The sessions of browsers.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores one, until it expires.
    async fn begin(&self, session: &Session) -> Result<(), StoreError>;
    /// The session of that hash, if it is not over.
    async fn find(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError>;
    /// Ends the session of that hash, at once and for every process; nothing if there is none.
    async fn end(&self, hash: &TokenHash, now: Timestamp) -> Result<(), StoreError>;
}

/// A rules document as it is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Active {
    /// Grows by one with each change; 0 is the built-in document.
    pub version: u64,
    /// Checked.
    pub document: RulesDocument,
    /// The YAML it was read from.
    pub source: String,
    /// When it came into force.
    pub at: Timestamp,
    /// Who put it there.
    pub by: String,
}

impl Active {
    /// Version 0: the built-in document, written as `source`.
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

/// What became of saving a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is in force.
    Saved,
    /// Somebody else saved another since; nothing was changed.
    Conflict,
}

/// The stored rules documents.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The newest, if any was ever saved.
    async fn newest(&self) -> Result<Option<Active>, StoreError>;
    /// The one that was saved as that version.
    async fn get(&self, version: u64) -> Result<Option<Active>, StoreError>;
    /// Saves one as version `active.version`, if the newest is the one before it.
    async fn save(&self, active: &Active) -> Result<Saved, StoreError>;
}

/// The rules document in force, wherever it comes from.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// The one to use now; may lag a change by up to a minute.
    async fn current(&self) -> Result<Arc<Active>, StoreError>;
}

/// Runs the Python bodies of a rules document, within bounds of time and memory and without I/O of theirs.
pub trait Expressions: Send + Sync {
    /// Runs a body. Blocks the thread until it has ended, for a tenth of a second and not counting the
    /// policies that it calls. What goes wrong is an exception like those of the body itself.
    fn evaluate(&self, source: &str, scope: &Scope, policies: &dyn Policies) -> Evaluation;
}

/// Nobody to run expressions: each raises.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExpressions;

impl Expressions for NoExpressions {
    fn evaluate(&self, _: &str, _: &Scope, _: &dyn Policies) -> Evaluation {
        Evaluation::raised("SandboxError", "expressions are not run here")
    }
}

/// An attempt that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What became of it.
    pub outcome: Outcome,
    /// What the transport's mappings did on the way.
    pub effects: Vec<Effects>,
}

impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, effects: Vec::new() }
    }
}

/// The way out: one implementation knows every kind of transport.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Makes one attempt. It ends within 20 seconds, whatever the receiver does.
    async fn send(&self, notification: &Notification, transport: &Transport, document: &RulesDocument) -> Sent;
}

/// A channel that shows what it would hand over.
#[async_trait]
pub trait Renderer: Channel {
    /// The notification in the transport's form, mappings applied, secrets and signatures left out. Hands over and
    /// keeps nothing.
    ///
    /// # Errors
    /// Why an attempt would fail before anything is sent.
    async fn render(
        &self,
        notification: &Notification,
        transport: &Transport,
        document: &RulesDocument,
    ) -> Result<Rendered, Failure>;
}

/// Hands finished mail (RFC 5322 bytes) to a mail system.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Makes one attempt. `document` says how mail leaves.
    async fn send(&self, from: &str, to: &str, mail: &[u8], document: &RulesDocument) -> Outcome;
}

/// A secret's text. It is not shown by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(crate::admission::mask::MASK)
    }
}

/// A secret could not be had. Names the reference, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret {reference} cannot be read: {detail}")]
pub struct SecretError {
    /// Which.
    pub reference: String,
    /// Why.
    pub detail: String,
}

/// Where secrets are kept.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret's text.
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError>;
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Throws dice.
pub trait Entropy: Send + Sync {
    /// 128 random bits, fit for secrets.
    fn bits(&self) -> u128;

    /// Somewhere in 0.0..=1.0.
    fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "32 bits fit an f64 exactly")]
        let share = (self.bits() >> 96) as f64;
        share / f64::from(u32::MAX)
    }
}
