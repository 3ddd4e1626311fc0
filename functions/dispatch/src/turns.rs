//! How many attempts one transport gets at a time, and how fast they follow each other, so that one that hangs holds
//! up only its own and none is asked for more than it takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::rules_document::{Limit, Transport};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Attempts by one transport at a time, unless it says otherwise.
const AT_A_TIME: u16 = 64;

/// How long an attempt waits for its turn. A fast receiver takes thousands in this time; who waits
/// longer is put off instead of holding up the message it came in.
const PATIENCE: Duration = Duration::from_secs(2);

/// Nobody is told to come again later than this: the rate may be changed meanwhile, and others may give up.
const FURTHEST_TOLD: Duration = Duration::from_mins(1);

/// The turns of all transports, by name.
#[derive(Default)]
pub(crate) struct Turns {
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

struct Gate {
    limit: Limit,
    places: Arc<Semaphore>,
    rate: Mutex<Rate>,
}

/// The transport is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy {
    /// By then its rate leaves room, if nobody else comes; `None` where other attempts do not end, or that is more than a
    /// minute away.
    pub(crate) come_again: Option<Duration>,
}

/// What `per_second` leaves room for.
#[derive(Default)]
struct Rate {
    /// When the next attempt may begin.
    next: Option<Instant>,
    /// Up to when those who were turned away have been told to come again. Without it all would come at once, most would be
    /// turned away again, and the receiver would be idle in between.
    told: Option<Instant>,
}

impl Turns {
    /// Waits for a turn.
    ///
    /// # Errors
    /// If the transport stays busy: after which time to come again, where its rate tells.
    pub(crate) async fn enter(&self, transport: &Transport) -> Result<OwnedSemaphorePermit, Busy> {
        let gate = self.gate(transport);
        let now = Instant::now();
        let patience = now + PATIENCE;
        let start = gate.start(now, patience).map_err(|again| Busy { come_again: again.map(|at| at - now) })?;
        if start > now {
            sleep_until(start).await;
        }
        let place = timeout_at(patience.max(start), Arc::clone(&gate.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Busy { come_again: None })
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
        Self { limit, places: Arc::new(Semaphore::new(places)), rate: Mutex::default() }
    }

    /// When an attempt may begin.
    ///
    /// # Errors
    /// If that is not before `patience`: when to come again, unless that is too far away to be told.
    fn start(&self, now: Instant, patience: Instant) -> Result<Instant, Option<Instant>> {
        let Some(per_second) = self.limit.per_second else { return Ok(now) };
        let interval = Duration::from_secs(1) / u32::from(per_second.max(1));
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let start = rate.next.map_or(now, |next| next.max(now));
        if start <= patience {
            rate.next = Some(start + interval);
            return Ok(start);
        }
        let again = rate.told.map_or(start, |told| told.max(start));
        if again > now + FURTHEST_TOLD {
            return Err(None);
        }
        rate.told = Some(again + interval);
        Err(Some(again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::rules_document::TransportKind;

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
            assert_eq!(turns.enter(&stuck).await.unwrap_err(), Busy { come_again: None });
            assert!(turns.enter(&transport("other", None, None)).await.is_ok());
            held.pop();
            assert!(turns.enter(&stuck).await.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_evenly_spaced_and_who_would_wait_too_long_is_turned_away() {
        let (turns, slow) = (Turns::default(), transport("slow", None, Some(5)));
        let began = Instant::now();
        let entered = futures_util::future::join_all((0..20).map(|_| async {
            let turn = turns.enter(&slow).await;
            turn.is_ok().then(|| began.elapsed().as_millis())
        }))
        .await;
        let at: Vec<_> = entered.into_iter().flatten().collect();
        assert_eq!(at, (0..=10).map(|place| place * 200).collect::<Vec<_>>());
        let wider = transport("slow", None, None);
        assert!(turns.enter(&wider).await.is_ok(), "a changed limit holds at once");
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_take_little_longer_than_their_rate_asks_for() {
        for (recipients, per_second) in [(500_u32, 40_u16), (50, 1), (2000, 1000)] {
            let (turns, limited) = (Turns::default(), transport("limited", None, Some(per_second)));
            let began = Instant::now();
            let one = async || {
                let mut turned_away = 0;
                loop {
                    match turns.enter(&limited).await {
                        Ok(_) => return (began.elapsed(), turned_away),
                        Err(busy) => tokio::time::sleep(busy.come_again.unwrap()).await,
                    }
                    turned_away += 1;
                }
            };
            let mut starts = futures_util::future::join_all((0..recipients).map(|_| one())).await;
            starts.sort_unstable();
            let interval = Duration::from_secs(1) / u32::from(per_second);
            for (place, (at, turned_away)) in (0..).zip(&starts) {
                assert!(*at >= interval * place, "no faster than the rate: {place} at {at:?}");
                assert!(
                    *at <= interval * (place + 1) + Duration::from_millis(50),
                    "nor much slower: {place} at {at:?}"
                );
                assert!(*turned_away <= 2, "{place} was turned away {turned_away} times");
            }
        }
    }
}
