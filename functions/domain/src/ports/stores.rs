//! All ports of one store, as composition roots and tests pass them on.

use std::sync::Arc;

use super::{
    DeadLetters, DetectionGroups, Documents, Endpoints, Erasure, EventExpiry, EventLog, Holds, Inbox, Intake, Jobs,
    Ledger, Sessions, Silences, Suppression, Tokens, Volume, WorkQueue,
};

/// The ports of one store. A function takes those that it uses. Clones share the store.
#[derive(Clone)]
pub struct Stores {
    /// Stores and queues new events.
    pub intake: Arc<dyn Intake>,
    /// Reads the stored events; `intake` writes them.
    pub log: Arc<dyn EventLog>,
    /// Counts of events by hour and action.
    pub volume: Arc<dyn Volume>,
    /// The work queue, as seen by senders.
    pub queue: Arc<dyn WorkQueue>,
    /// The messages that the work queue has given up on.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The ledger, which has one entry for each delivery.
    pub ledger: Arc<dyn Ledger>,
    /// The state of storm control.
    pub suppression: Arc<dyn Suppression>,
    /// The groups of detections.
    pub groups: Arc<dyn DetectionGroups>,
    /// The silences that operators posted.
    pub silences: Arc<dyn Silences>,
    /// The states of the endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// The inboxes of all users.
    pub inbox: Arc<dyn Inbox>,
    /// The operators' jobs over all stored events, such as erasures.
    pub jobs: Arc<dyn Jobs>,
    /// The expiry of events.
    pub keeping: Arc<dyn EventExpiry>,
    /// Deletes records before they expire.
    pub erasure: Arc<dyn Erasure>,
    /// The holds on events.
    pub holds: Arc<dyn Holds>,
    /// The API tokens, by the hash of their text.
    pub tokens: Arc<dyn Tokens>,
    /// The console's browser sessions, by the hash of their secret.
    pub sessions: Arc<dyn Sessions>,
    /// The rules documents of all versions.
    pub documents: Arc<dyn Documents>,
}

impl Stores {
    /// The ports of a store that implements all of them itself.
    pub fn from_single<S>(store: S) -> Self
    where
        S: Intake + EventLog + Volume + WorkQueue + DeadLetters + Ledger + Suppression + Silences + Endpoints,
        S: DetectionGroups,
        S: Inbox + Jobs + EventExpiry + Erasure + Holds + Tokens + Sessions + Documents + 'static,
    {
        let store = Arc::new(store);
        Self {
            intake: store.clone(),
            log: store.clone(),
            volume: store.clone(),
            queue: store.clone(),
            dead_letters: store.clone(),
            ledger: store.clone(),
            suppression: store.clone(),
            groups: store.clone(),
            silences: store.clone(),
            endpoints: store.clone(),
            inbox: store.clone(),
            jobs: store.clone(),
            keeping: store.clone(),
            erasure: store.clone(),
            holds: store.clone(),
            tokens: store.clone(),
            sessions: store.clone(),
            documents: store,
        }
    }
}
