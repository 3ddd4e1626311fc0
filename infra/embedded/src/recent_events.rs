//! A cache of the events that were accepted last, so that a consumer in the same process need not read them back.
//! Owns no promise: an event that is not cached is read from the file.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Event, EventPk};

/// The cache's default size in bytes; see [`crate::Store::limit_recent_events`].
const DEFAULT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The cache. It stays empty until [`enable`](Self::enable) is called: a process that takes no messages never reads it.
#[derive(Debug)]
pub(crate) struct RecentEvents {
    enabled: AtomicBool,
    max_bytes: AtomicUsize,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    events: HashMap<EventPk, (Arc<Event>, usize)>,
    bytes: usize,
}

impl Default for RecentEvents {
    fn default() -> Self {
        Self { enabled: AtomicBool::default(), max_bytes: AtomicUsize::new(DEFAULT_MAX_BYTES), cache: Mutex::default() }
    }
}

impl RecentEvents {
    /// Starts caching, once this process takes messages from the queue.
    pub(crate) fn enable(&self) {
        self.enabled.store(true, Ordering::Relaxed);
    }

    /// Limits the cache to this many bytes of memory.
    pub(crate) fn limit(&self, bytes: usize) {
        self.max_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Caches an event that takes `bytes` of memory, unless the cache is disabled or full.
    pub(crate) fn insert(&self, event: &Arc<Event>, bytes: usize) {
        if !self.enabled.load(Ordering::Relaxed) {
            return;
        }
        let mut cache = self.cache();
        if cache.bytes + bytes <= self.max_bytes.load(Ordering::Relaxed)
            && cache.events.insert(event.pk, (Arc::clone(event), bytes)).is_none()
        {
            cache.bytes += bytes;
        }
    }

    /// Removes an event and returns it with the bytes that it takes in memory; `None` if it is not cached.
    pub(crate) fn remove(&self, pk: EventPk) -> Option<(Arc<Event>, usize)> {
        let mut cache = self.cache();
        let (event, bytes) = cache.events.remove(&pk)?;
        cache.bytes -= bytes;
        Some((event, bytes))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
