//! Counts wrong tokens by client address, and blocks addresses that send too many.
//!
//! Keeps bounded memory, for this process only: on AWS each instance of a function counts for itself. A token that was
//! good before is exempt, so that one client cannot lock out others behind the same proxy. That a token was good is
//! also stored with it, about once an hour, and so survives the process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use domain::access::token::TokenHash;

/// Failures that an address may have in one window before it is blocked.
const MAX_FAILURES: u32 = 20;
/// How long a window lasts from its first failure, and so how long a block lasts at most.
const WINDOW_SECONDS: i64 = 60;
/// How old a token's stored last use may become before it is stored again.
const RECORD_INTERVAL: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
/// The most addresses and the most tokens remembered. When one of the maps is full, it is cleared.
const CAPACITY: usize = 10_000;

/// The failures of every address, and the tokens that were good.
#[derive(Default)]
pub(crate) struct FailureLog(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    windows: HashMap<IpAddr, FailureWindow>,
    /// The tokens that were good, each with the last use that is stored for it.
    trusted: HashMap<TokenHash, Timestamp>,
}

struct FailureWindow {
    ends: Timestamp,
    failures: u32,
}

impl FailureLog {
    /// In how many seconds this client may try again, or `None` when it is not blocked or this process has seen the
    /// token succeed. The caller must also exempt tokens whose stored record says that they were good.
    pub(crate) fn retry_after(&self, client: IpAddr, token: &TokenHash, now: Timestamp) -> Option<i64> {
        let entries = self.entries();
        let window = entries.windows.get(&client)?;
        let is_blocked = window.failures >= MAX_FAILURES && window.ends > now && !entries.trusted.contains_key(token);
        is_blocked.then(|| (window.ends.as_second() - now.as_second()).max(1))
    }

    /// Records that a token was accepted; `last_used` is the use that is stored for it. Returns whether the caller
    /// should store `now` as its last use.
    pub(crate) fn record_success(&self, token: TokenHash, last_used: Option<Timestamp>, now: Timestamp) -> bool {
        let mut entries = self.entries();
        // The record that the caller has read may be older than what this process has stored since.
        let last_used = last_used.max(entries.trusted.get(&token).copied());
        let is_due = last_used.is_none_or(|used| domain::time::later(used, RECORD_INTERVAL) <= now || used > now);
        if entries.trusted.len() >= CAPACITY && !entries.trusted.contains_key(&token) {
            entries.trusted.clear();
        }
        entries.trusted.insert(token, if is_due { now } else { last_used.unwrap_or(now) });
        is_due
    }

    /// Counts a token that was refused against its client. The token is no longer trusted.
    pub(crate) fn record_failure(&self, client: IpAddr, token: &TokenHash, now: Timestamp) {
        let mut entries = self.entries();
        entries.trusted.remove(token);
        if entries.windows.len() >= CAPACITY {
            entries.windows.retain(|_, window| window.ends > now);
        }
        if entries.windows.len() >= CAPACITY {
            entries.windows.clear();
        }
        let ends = domain::time::later(now, jiff::SignedDuration::from_secs(WINDOW_SECONDS));
        let window = entries.windows.entry(client).or_insert(FailureWindow { ends, failures: 0 });
        if window.ends <= now {
            *window = FailureWindow { ends, failures: 0 };
        }
        window.failures += 1;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const BOB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn guesses(log: &FailureLog, client: IpAddr, now: Timestamp) -> u32 {
        let guess = TokenHash::from_text("guess");
        (0..1000).take_while(|_| log.retry_after(client, &guess, now).is_none()).fold(0, |count, _| {
            log.record_failure(client, &guess, now);
            count + 1
        })
    }

    #[test]
    fn an_address_has_twenty_failures_a_minute() {
        let log = FailureLog::default();
        assert_eq!(guesses(&log, ANN, at(0)), 20);
        assert_eq!(log.retry_after(ANN, &TokenHash::from_text("another"), at(1)), Some(59));
        assert_eq!(guesses(&log, BOB, at(1)), 20, "other addresses are not blocked");
        assert_eq!(guesses(&log, ANN, at(59)), 0);
        assert_eq!(guesses(&log, ANN, at(60)), 20);
    }

    #[test]
    fn a_trusted_token_is_exempt_until_it_fails() {
        let log = FailureLog::default();
        let (good, other) = (TokenHash::from_text("good"), TokenHash::from_text("other"));
        log.record_success(good, None, at(0));
        guesses(&log, ANN, at(0));
        assert_eq!(log.retry_after(ANN, &good, at(1)), None);
        assert!(log.retry_after(ANN, &other, at(1)).is_some());
        log.record_failure(ANN, &good, at(1));
        assert!(log.retry_after(ANN, &good, at(1)).is_some());
    }

    #[test]
    fn a_use_is_stored_about_once_an_hour() {
        let log = FailureLog::default();
        let (one, other) = (TokenHash::from_text("one"), TokenHash::from_text("other"));
        assert!(log.record_success(one, None, at(10)), "the token was never used");
        assert!(!log.record_success(one, None, at(11)), "even if the caller has read an older record");
        assert!(!log.record_success(other, Some(at(0)), at(3599)));
        assert!(log.record_success(other, Some(at(0)), at(3600)));
        assert!(log.record_success(one, Some(at(10)), at(3610)));
        assert!(
            log.record_success(TokenHash::from_text("ahead"), Some(at(9999)), at(10)),
            "a wrong clock stored a future time"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let log = FailureLog::default();
        for number in 0..30_000_u32 {
            log.record_failure(IpAddr::V4(number.into()), &TokenHash([0; 32]), at(0));
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_be_bytes());
            log.record_success(TokenHash(hash), None, at(0));
        }
        let entries = log.entries();
        assert!(entries.windows.len() <= CAPACITY && entries.trusted.len() <= CAPACITY);
    }
}
