//! Events that were accepted a moment ago, held for the consumer in the same process, which then need
//! not read them back. Owns no promise: what is not held is read from the file.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Event, EventPk};

/// As many as take this much memory, unless the process that takes the jobs says otherwise.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What is held.
#[derive(Debug)]
pub(crate) struct Fresh {
    consumed: AtomicBool,
    most: AtomicUsize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    events: HashMap<EventPk, (Arc<Event>, usize)>,
    bytes: usize,
}

impl Default for Fresh {
    fn default() -> Self {
        Self { consumed: AtomicBool::default(), most: AtomicUsize::new(MOST_BYTES), held: Mutex::default() }
    }
}

impl Fresh {
    /// Says that this process takes jobs; before, nothing is held.
    pub(crate) fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
    }

    /// Holds events in this much memory, in bytes.
    pub(crate) fn limit(&self, bytes: usize) {
        self.most.store(bytes, Ordering::Relaxed);
    }

    /// Holds an event that takes so many bytes of memory, if there is room.
    pub(crate) fn hold(&self, event: &Arc<Event>, bytes: usize) {
        if !self.consumed.load(Ordering::Relaxed) {
            return;
        }
        let mut held = self.held();
        if held.bytes + bytes <= self.most.load(Ordering::Relaxed)
            && held.events.insert(event.pk, (Arc::clone(event), bytes)).is_none()
        {
            held.bytes += bytes;
        }
    }

    /// Gives up an event, with the memory that it takes; none if it is not held.
    pub(crate) fn release(&self, pk: EventPk) -> Option<(Arc<Event>, usize)> {
        let mut held = self.held();
        let (event, bytes) = held.events.remove(&pk)?;
        held.bytes -= bytes;
        Some((event, bytes))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
