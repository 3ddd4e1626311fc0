//! The open connections: how many there may be, and which of them gives way to another.
//!
//! One that is in the middle of a request never does. Of the others, the one that has asked for nothing for longest does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How often somebody is looked for who can make room.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// All of them.
#[derive(Clone)]
pub(super) struct Connections {
    places: Arc<Semaphore>,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    last: u64,
    all: HashMap<u64, Connection>,
}

struct Connection {
    /// Since when it has asked for nothing; none while it is answered.
    idle: Option<Instant>,
    close: Arc<Notify>,
}

/// One connection, until its last clone is dropped.
#[derive(Clone)]
pub(super) struct Visit(Arc<Visitor>);

struct Visitor {
    id: u64,
    close: Arc<Notify>,
    open: Arc<Mutex<Open>>,
}

/// While it lives, its connection is in the middle of a request.
pub(super) struct Busy(Arc<Visitor>);

impl Connections {
    /// Room for so many.
    pub(super) fn up_to(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), open: Arc::default() }
    }

    /// Room for one more, if necessary that of another. None if there will never be any.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        loop {
            self.close_one();
            if let Ok(place) = tokio::time::timeout(LOOK, Arc::clone(&self.places).acquire_owned()).await {
                return place.ok();
            }
        }
    }

    /// A connection begins, and has asked for nothing yet.
    pub(super) fn begin(&self) -> Visit {
        let close = Arc::<Notify>::default();
        let mut open = lock(&self.open);
        open.last += 1;
        let id = open.last;
        open.all.insert(id, Connection { idle: Some(Instant::now()), close: Arc::clone(&close) });
        Visit(Arc::new(Visitor { id, close, open: Arc::clone(&self.open) }))
    }

    /// Closes the connection that has asked for nothing for longest, if there is one.
    pub(super) fn close_one(&self) {
        let open = lock(&self.open);
        if let Some((_, connection)) = open
            .all
            .values()
            .filter_map(|connection| Some((connection.idle?, connection)))
            .min_by_key(|(idle, _)| *idle)
        {
            connection.close.notify_one();
        }
    }
}

impl Visit {
    /// Resolves when the connection is to give way.
    pub(super) async fn closed(&self) {
        self.0.close.notified().await;
    }

    /// A request has come.
    pub(super) fn busy(&self) -> Busy {
        self.0.set_idle(None);
        Busy(Arc::clone(&self.0))
    }
}

impl Visitor {
    fn set_idle(&self, idle: Option<Instant>) {
        if let Some(connection) = lock(&self.open).all.get_mut(&self.id) {
            connection.idle = idle;
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set_idle(Some(Instant::now()));
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        lock(&self.open).all.remove(&self.id);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_one_that_has_been_idle_for_longest_gives_way_and_none_that_is_answered() {
        let connections = Connections::up_to(3);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(connections.place().await);
        }
        let visits = [connections.begin(), connections.begin(), connections.begin()];
        let first = visits[0].busy();
        let mut closed = Vec::new();
        for _ in 0..2 {
            connections.close_one();
            for (number, visit) in visits.iter().enumerate() {
                if !closed.contains(&number) && tokio::time::timeout(LOOK, visit.closed()).await.is_ok() {
                    closed.push(number);
                    visit.0.set_idle(None);
                }
            }
        }
        assert_eq!(closed, [1, 2]);
        connections.close_one();
        assert!(tokio::time::timeout(LOOK, visits[0].closed()).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(LOOK / 2, connections.place()).await.is_err(), "it was asked to end and has not");
        assert!(tokio::time::timeout(LOOK, visits[0].closed()).await.is_ok());
        held.pop();
        assert!(connections.place().await.is_some());
    }
}
