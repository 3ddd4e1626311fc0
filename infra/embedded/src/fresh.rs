//! Events that were accepted a moment ago, held for the consumer in the same process, which then need
//! not read them back. Owns no promise: what is not held is read from the file.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Event, EventPk};

/// As JSON. In memory they take a few times as much.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What is held.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    consumed: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    events: HashMap<EventPk, (Arc<Event>, usize)>,
    bytes: usize,
}

impl Fresh {
    /// Says that this process takes jobs; before, nothing is held.
    pub(crate) fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
    }

    /// Holds an event of so many bytes, if there is room.
    pub(crate) fn hold(&self, event: &Arc<Event>, bytes: usize) {
        if !self.consumed.load(Ordering::Relaxed) {
            return;
        }
        let mut held = self.held();
        if held.bytes + bytes <= MOST_BYTES && held.events.insert(event.pk, (Arc::clone(event), bytes)).is_none() {
            held.bytes += bytes;
        }
    }

    /// Gives up an event; none if it is not held.
    pub(crate) fn release(&self, pk: EventPk) -> Option<Arc<Event>> {
        let mut held = self.held();
        let (event, bytes) = held.events.remove(&pk)?;
        held.bytes -= bytes;
        Some(event)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
