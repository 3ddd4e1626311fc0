//! How many attempts one transport gets at a time, and how fast they follow each other, so that one that hangs holds
//! up only its own and none is asked for more than it takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::document::{Limit, Transport};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Attempts by one transport at a time, unless it says otherwise.
const AT_A_TIME: u16 = 64;

/// How long an attempt waits for its turn. A fast receiver takes thousands in this time; who waits
/// longer is put off instead of holding up the message it came in.
const PATIENCE: Duration = Duration::from_secs(2);

/// The turns of all transports, by name.
#[derive(Default)]
pub(crate) struct Turns {
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

struct Gate {
    limit: Limit,
    places: Arc<Semaphore>,
    /// When the next attempt may begin.
    next: Mutex<Option<Instant>>,
}

impl Turns {
    /// Waits for a turn; none if the transport stays busy.
    pub(crate) async fn enter(&self, transport: &Transport) -> Option<OwnedSemaphorePermit> {
        let gate = self.gate(transport);
        let patience = Instant::now() + PATIENCE;
        let place = timeout_at(patience, Arc::clone(&gate.places).acquire_owned()).await.ok()?.ok()?;
        let now = Instant::now();
        let start = gate.start(now, patience)?;
        if start > now {
            sleep_until(start).await;
        }
        Some(place)
    }

    fn gate(&self, transport: &Transport) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        match gates.get(&transport.name) {
            Some(gate) if gate.limit == transport.limit => Arc::clone(gate),
            _ => {
                let gate = Arc::new(Gate::new(transport.limit));
                gates.insert(transport.name.clone(), Arc::clone(&gate));
                gate
            }
        }
    }
}

impl Gate {
    fn new(limit: Limit) -> Self {
        let places = usize::from(limit.concurrency.unwrap_or(AT_A_TIME));
        Self { limit, places: Arc::new(Semaphore::new(places)), next: Mutex::default() }
    }

    /// When an attempt may begin; none if that is not before `patience`.
    fn start(&self, now: Instant, patience: Instant) -> Option<Instant> {
        let Some(per_second) = self.limit.per_second else { return Some(now) };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let start = next.map_or(now, |next| next.max(now));
        if start > patience {
            return None;
        }
        *next = Some(start + Duration::from_secs(1) / u32::from(per_second.max(1)));
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::document::TransportKind;

    fn transport(name: &str, concurrency: Option<u16>, per_second: Option<u16>) -> Transport {
        Transport { limit: Limit { concurrency, per_second }, ..Transport::named(name, TransportKind::Local) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_transport_turns_away_and_others_do_not() {
        let turns = Turns::default();
        for (stuck, places) in [(transport("stuck", None, None), AT_A_TIME), (transport("small", Some(3), None), 3)] {
            let mut held = Vec::new();
            for _ in 0..places {
                held.push(turns.enter(&stuck).await.unwrap());
            }
            assert!(turns.enter(&stuck).await.is_none());
            assert!(turns.enter(&transport("other", None, None)).await.is_some());
            held.pop();
            assert!(turns.enter(&stuck).await.is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_evenly_spaced_and_who_would_wait_too_long_is_turned_away() {
        let (turns, slow) = (Turns::default(), transport("slow", None, Some(5)));
        let began = Instant::now();
        let entered = futures_util::future::join_all((0..20).map(|_| async {
            let turn = turns.enter(&slow).await;
            turn.is_some().then(|| began.elapsed().as_millis())
        }))
        .await;
        let at: Vec<_> = entered.into_iter().flatten().collect();
        assert_eq!(at, (0..=10).map(|place| place * 200).collect::<Vec<_>>());
        let wider = transport("slow", None, None);
        assert!(turns.enter(&wider).await.is_some(), "a changed limit holds at once");
    }
}
