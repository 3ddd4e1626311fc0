//! Paces mail to the rate that SES grants the account.
//!
//! Several function instances share the account's rate, and none knows how many others run. Each one therefore starts
//! at the whole rate, halves its own when SES throttles it, and raises it again with each accepted mail: additive
//! increase and multiplicative decrease, as TCP controls congestion (RFC 5681, section 3.1).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest that a mail waits for its turn. Its delivery is retried later instead of holding up the queue message.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The lowest rate, in mails per second. It lets 20 instances share the sandbox's one mail per second.
const MIN_RATE: f64 = 0.05;

/// The rate of one function instance.
#[derive(Debug, Default)]
pub(crate) struct SendRate(Mutex<Option<Pace>>);

#[derive(Debug)]
struct Pace {
    /// The account's rate, in mails per second.
    max: f64,
    /// This instance's rate, in mails per second.
    current: f64,
    /// When the next mail may be sent.
    next: Instant,
    /// When SES last throttled this instance; one burst of refusals halves the rate once.
    throttled: Option<Instant>,
}

impl SendRate {
    /// Sets the account's rate, in mails per second. A rate that is not positive, as for an unlimited account, ends the
    /// pacing.
    pub(crate) fn set_max(&self, max: f64) {
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pace = (max > 0.0).then(|| match pace.take() {
            Some(known) => Pace { max, current: known.current.min(max), ..known },
            None => Pace { max, current: max, next: Instant::now(), throttled: None },
        });
    }

    /// Waits for this mail's turn. `false` if that is more than five seconds away: then the mail should be sent later.
    pub(crate) async fn wait(&self) -> bool {
        let Some(turn) = self.reserve(Instant::now()) else { return false };
        tokio::time::sleep_until(turn).await;
        true
    }

    fn reserve(&self, now: Instant) -> Option<Instant> {
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pace) = pace.as_mut() else { return Some(now) };
        let turn = pace.next.max(now);
        if turn > now + MAX_WAIT {
            return None;
        }
        pace.next = turn + Duration::from_secs_f64(1.0 / pace.current);
        Some(turn)
    }

    /// Raises the rate by one mail per second for each second's worth of accepted mails.
    pub(crate) fn accepted(&self) {
        if let Some(pace) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            pace.current = (pace.current + 1.0 / pace.current.max(1.0)).min(pace.max);
        }
    }

    /// Halves the rate, at most once a second.
    pub(crate) fn throttled(&self) {
        let now = Instant::now();
        if let Some(pace) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && pace.throttled.is_none_or(|last| now.duration_since(last) >= Duration::from_secs(1))
        {
            pace.current = (pace.current / 2.0).max(MIN_RATE);
            pace.throttled = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn mails_leave_at_the_accounts_rate() {
        let (rate, start) = (SendRate::default(), Instant::now());
        rate.set_max(14.0);
        for _ in 0..=28 {
            assert!(rate.wait().await);
        }
        let taken = start.elapsed();
        assert!(Duration::from_millis(1_990) < taken && taken < Duration::from_millis(2_100), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_far_away_is_refused_without_waiting() {
        let (rate, start) = (SendRate::default(), Instant::now());
        rate.set_max(1.0);
        let turns = futures_util::future::join_all((0..10).map(|_| rate.wait())).await;
        assert_eq!(turns.iter().filter(|turn| **turn).count(), 6, "now, and in each of the next five seconds");
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_known_rate_nothing_waits() {
        let (rate, start) = (SendRate::default(), Instant::now());
        for max in [None, Some(-1.0), Some(0.0)] {
            if let Some(max) = max {
                rate.set_max(max);
            }
            for _ in 0..100 {
                assert!(rate.wait().await);
            }
            rate.throttled();
            rate.accepted();
        }
        assert_eq!(start.elapsed().as_secs(), 0);
    }

    /// Many instances that share one account's rate: SES refuses what exceeds it. Nothing stops, and refusals stay few.
    #[tokio::test(start_paused = true)]
    async fn twenty_instances_share_the_rate_without_stopping() {
        const ACCOUNT: usize = 14;
        let instances: Vec<SendRate> = (0..20).map(|_| SendRate::default()).collect();
        for instance in &instances {
            instance.set_max(14.0);
        }
        let (mut sent, mut refused) = (vec![], 0);
        for second in 0..300 {
            let (now, mut left) = (Instant::now(), ACCOUNT);
            for instance in &instances {
                while instance.reserve(now).is_some_and(|turn| turn < now + Duration::from_secs(1)) {
                    if left > 0 {
                        left -= 1;
                        instance.accepted();
                    } else {
                        refused += usize::from(second >= 60);
                        instance.throttled();
                        break;
                    }
                }
            }
            sent.push(ACCOUNT - left);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let steady: usize = sent[60..].iter().sum();
        assert!(steady >= 240 * ACCOUNT * 8 / 10, "{steady} mails of {}", 240 * ACCOUNT);
        assert!(refused <= steady, "{refused} refused, {steady} sent");
    }
}
