//! Limits the attempts of each transport: how many run at a time (`concurrency`) and how many begin per second
//! (`per_second`). A receiver that hangs delays only its own deliveries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::rules_document::{Transport, TransportLimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Concurrent attempts of a transport that sets no `concurrency`.
const DEFAULT_CONCURRENCY: u16 = 64;

/// How long an attempt waits for a permit. A fast receiver takes thousands of deliveries in this time. A delivery that
/// would wait longer is deferred, so that it does not hold up the message in which it came.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// The furthest time for which a deferred delivery is given a place. The rate may change, or other deliveries may be
/// given up, before a later one.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// The limiters of all transports, by name.
#[derive(Default)]
pub(crate) struct TransportLimiters {
    limiters: Mutex<HashMap<String, Arc<TransportLimiter>>>,
}

/// The limits of one transport: how many attempts run at once, and how many begin per second.
struct TransportLimiter {
    limit: TransportLimit,
    permits: Arc<Semaphore>,
    pacer: Mutex<Pacer>,
}

/// The transport is at its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitReached {
    /// When its rate has a free place, if no other dispatcher takes it. `None` if running attempts hold all permits, or
    /// if that is more than a minute away.
    pub(crate) retry_after: Option<Duration>,
}

/// Spaces the attempts of a transport with `per_second` evenly.
#[derive(Default)]
struct Pacer {
    /// When the next attempt may begin; `None` before the first one.
    next: Option<Instant>,
    /// The first place that no deferred delivery has been given yet. Each one gets a place of its own. If all were
    /// given the same one, they would come back together, most would be deferred again, and the receiver would be idle
    /// in between.
    next_deferred: Option<Instant>,
}

impl TransportLimiters {
    /// Waits up to 2 s until the transport may begin an attempt. The attempt holds the permit until it ends.
    ///
    /// # Errors
    /// If the transport stays at its limit for that time.
    pub(crate) async fn acquire(&self, transport: &Transport) -> Result<OwnedSemaphorePermit, LimitReached> {
        let limiter = self.limiter(transport);
        let now = Instant::now();
        let deadline = now + ACQUIRE_TIMEOUT;
        let start = limiter.reserve(now, deadline).map_err(|at| LimitReached { retry_after: at.map(|at| at - now) })?;
        if start > now {
            sleep_until(start).await;
        }
        let permit = timeout_at(deadline.max(start), Arc::clone(&limiter.permits).acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or(LimitReached { retry_after: None })
    }

    /// The transport's limiter; a new one if the rules document has changed the limit.
    fn limiter(&self, transport: &Transport) -> Arc<TransportLimiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        match limiters.get(&transport.name) {
            Some(limiter) if limiter.limit == transport.limit => Arc::clone(limiter),
            _ => {
                let limiter = Arc::new(TransportLimiter::new(transport.limit));
                limiters.insert(transport.name.clone(), Arc::clone(&limiter));
                limiter
            }
        }
    }
}

impl TransportLimiter {
    fn new(limit: TransportLimit) -> Self {
        let permits = usize::from(limit.concurrency.unwrap_or(DEFAULT_CONCURRENCY));
        Self { limit, permits: Arc::new(Semaphore::new(permits)), pacer: Mutex::default() }
    }

    /// Reserves the next start that the rate allows.
    ///
    /// # Errors
    /// If that start would be after `deadline`: when to try again, or `None` if that is more than a minute away.
    fn reserve(&self, now: Instant, deadline: Instant) -> Result<Instant, Option<Instant>> {
        let Some(per_second) = self.limit.per_second else { return Ok(now) };
        let interval = Duration::from_secs(1) / u32::from(per_second.max(1));
        let mut pacer = self.pacer.lock().unwrap_or_else(PoisonError::into_inner);
        let start = pacer.next.map_or(now, |next| next.max(now));
        if start <= deadline {
            pacer.next = Some(start + interval);
            return Ok(start);
        }
        let retry_at = pacer.next_deferred.map_or(start, |next| next.max(start));
        if retry_at > now + MAX_RETRY_AFTER {
            return Err(None);
        }
        pacer.next_deferred = Some(retry_at + interval);
        Err(Some(retry_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::rules_document::TransportKind;

    fn transport(name: &str, concurrency: Option<u16>, per_second: Option<u16>) -> Transport {
        Transport { limit: TransportLimit { concurrency, per_second }, ..Transport::named(name, TransportKind::Local) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_at_its_concurrency_limit_defers_and_others_do_not() {
        let limiters = TransportLimiters::default();
        let cases = [(transport("stuck", None, None), DEFAULT_CONCURRENCY), (transport("small", Some(3), None), 3)];
        for (stuck, permits) in cases {
            let mut acquired = Vec::new();
            for _ in 0..permits {
                acquired.push(limiters.acquire(&stuck).await.unwrap());
            }
            assert_eq!(limiters.acquire(&stuck).await.unwrap_err(), LimitReached { retry_after: None });
            assert!(limiters.acquire(&transport("other", None, None)).await.is_ok());
            acquired.pop();
            assert!(limiters.acquire(&stuck).await.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_evenly_spaced_and_those_beyond_the_timeout_are_deferred() {
        let (limiters, slow) = (TransportLimiters::default(), transport("slow", None, Some(5)));
        let began = Instant::now();
        let starts = futures_util::future::join_all((0..20).map(|_| async {
            let permit = limiters.acquire(&slow).await;
            permit.is_ok().then(|| began.elapsed().as_millis())
        }))
        .await;
        let starts: Vec<_> = starts.into_iter().flatten().collect();
        assert_eq!(starts, (0..=10).map(|place| place * 200).collect::<Vec<_>>());
        let wider = transport("slow", None, None);
        assert!(limiters.acquire(&wider).await.is_ok(), "a changed limit takes effect at once");
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_take_little_longer_than_their_rate_asks_for() {
        for (recipients, per_second) in [(500_u32, 40_u16), (50, 1), (2000, 1000)] {
            let (limiters, limited) = (TransportLimiters::default(), transport("limited", None, Some(per_second)));
            let began = Instant::now();
            let one = async || {
                let mut deferrals = 0;
                loop {
                    match limiters.acquire(&limited).await {
                        Ok(_) => return (began.elapsed(), deferrals),
                        Err(reached) => tokio::time::sleep(reached.retry_after.unwrap()).await,
                    }
                    deferrals += 1;
                }
            };
            let mut starts = futures_util::future::join_all((0..recipients).map(|_| one())).await;
            starts.sort_unstable();
            let interval = Duration::from_secs(1) / u32::from(per_second);
            for (place, (at, deferrals)) in (0..).zip(&starts) {
                assert!(*at >= interval * place, "no faster than the rate: {place} at {at:?}");
                assert!(
                    *at <= interval * (place + 1) + Duration::from_millis(50),
                    "nor much slower: {place} at {at:?}"
                );
                assert!(*deferrals <= 2, "{place} was deferred {deferrals} times");
            }
        }
    }
}
