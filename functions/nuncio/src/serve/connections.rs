//! The open connections: limits their number, and closes idle ones for new ones.
//!
//! When the limit is reached, the connection that has been idle for longest is closed. A connection that is handling a
//! request is never closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How often another idle connection is closed while a new one waits.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The open connections. Clones share them.
#[derive(Clone)]
pub(super) struct Connections {
    permits: Arc<Semaphore>,
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Default)]
struct OpenConnections {
    last_id: u64,
    by_id: HashMap<u64, Connection>,
}

struct Connection {
    /// Since when the connection is idle; `None` while it handles a request.
    idle_since: Option<Instant>,
    close: Arc<Notify>,
}

/// A handle of one connection. Dropping its last clone removes the connection.
#[derive(Clone)]
pub(super) struct ConnectionHandle(Arc<RegisteredConnection>);

struct RegisteredConnection {
    id: u64,
    close: Arc<Notify>,
    open: Arc<Mutex<OpenConnections>>,
}

/// Marks its connection as handling a request, until it is dropped.
pub(super) struct BusyGuard(Arc<RegisteredConnection>);

impl Connections {
    /// Allows up to `limit` connections.
    pub(super) fn up_to(limit: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(limit)), open: Arc::default() }
    }

    /// A permit for one more connection; if there is none, closes idle connections until there is. `None` only if the
    /// semaphore is closed, which never happens.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        loop {
            self.close_idle();
            let permit = Arc::clone(&self.permits).acquire_owned();
            if let Ok(permit) = tokio::time::timeout(RETRY_INTERVAL, permit).await {
                return permit.ok();
            }
        }
    }

    /// Registers a new connection, which is idle.
    pub(super) fn register(&self) -> ConnectionHandle {
        let close = Arc::<Notify>::default();
        let mut open = lock(&self.open);
        open.last_id += 1;
        let id = open.last_id;
        open.by_id.insert(id, Connection { idle_since: Some(Instant::now()), close: Arc::clone(&close) });
        ConnectionHandle(Arc::new(RegisteredConnection { id, close, open: Arc::clone(&self.open) }))
    }

    /// Closes the connection that has been idle for longest, if there is one.
    pub(super) fn close_idle(&self) {
        let open = lock(&self.open);
        if let Some((_, connection)) = open
            .by_id
            .values()
            .filter_map(|connection| Some((connection.idle_since?, connection)))
            .min_by_key(|(since, _)| *since)
        {
            connection.close.notify_one();
        }
    }
}

impl ConnectionHandle {
    /// Resolves when the connection must be closed.
    pub(super) async fn closed(&self) {
        self.0.close.notified().await;
    }

    /// Marks the connection as handling a request.
    pub(super) fn busy(&self) -> BusyGuard {
        self.0.set_idle(None);
        BusyGuard(Arc::clone(&self.0))
    }
}

impl RegisteredConnection {
    fn set_idle(&self, since: Option<Instant>) {
        if let Some(connection) = lock(&self.open).by_id.get_mut(&self.id) {
            connection.idle_since = since;
        }
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.set_idle(Some(Instant::now()));
    }
}

impl Drop for RegisteredConnection {
    fn drop(&mut self) {
        lock(&self.open).by_id.remove(&self.id);
    }
}

fn lock(open: &Mutex<OpenConnections>) -> MutexGuard<'_, OpenConnections> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_has_been_idle_for_longest_is_closed_and_no_busy_one() {
        let connections = Connections::up_to(3);
        let mut permits = Vec::new();
        for _ in 0..3 {
            permits.push(connections.permit().await);
        }
        let handles = [connections.register(), connections.register(), connections.register()];
        let first = handles[0].busy();
        let mut closed = Vec::new();
        for _ in 0..2 {
            connections.close_idle();
            for (number, handle) in handles.iter().enumerate() {
                if !closed.contains(&number) && tokio::time::timeout(RETRY_INTERVAL, handle.closed()).await.is_ok() {
                    closed.push(number);
                    handle.0.set_idle(None);
                }
            }
        }
        assert_eq!(closed, [1, 2]);
        connections.close_idle();
        assert!(tokio::time::timeout(RETRY_INTERVAL, handles[0].closed()).await.is_err());
        drop(first);
        assert!(
            tokio::time::timeout(RETRY_INTERVAL / 2, connections.permit()).await.is_err(),
            "it was told to close and has not yet"
        );
        assert!(tokio::time::timeout(RETRY_INTERVAL, handles[0].closed()).await.is_ok());
        permits.pop();
        assert!(connections.permit().await.is_some());
    }
}
