//! How often wrong tokens were shown, and by whom.
//!
//! Owns who has to wait, in bounded memory, for this process alone: on AWS each instance of a function
//! counts for itself. A token that has opened the door before is never held up, so that nobody can lock
//! out others who come by the same proxy.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use domain::token::TokenHash;

/// So many failures in a row are a mistake; more are an attempt.
const MOST: u32 = 20;
/// How long a row lasts.
const ROW_SECONDS: i64 = 60;
/// More addresses or tokens than this and it begins anew.
const REMEMBERED: usize = 10_000;

/// The rows of failures under way.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Book>);

#[derive(Default)]
struct Book {
    rows: HashMap<IpAddr, Row>,
    welcome: HashSet<TokenHash>,
}

struct Row {
    ends: Timestamp,
    failures: u32,
}

impl Failures {
    /// For how many seconds this client's token is not even looked at.
    pub(crate) fn wait(&self, client: IpAddr, token: &TokenHash, now: Timestamp) -> Option<i64> {
        let book = self.book();
        let row = book.rows.get(&client).filter(|row| row.failures >= MOST && row.ends > now)?;
        (!book.welcome.contains(token)).then(|| (row.ends.as_second() - now.as_second()).max(1))
    }

    /// A token that is good.
    pub(crate) fn admitted(&self, token: TokenHash) {
        let mut book = self.book();
        if book.welcome.len() >= REMEMBERED && !book.welcome.contains(&token) {
            book.welcome.clear();
        }
        book.welcome.insert(token);
    }

    /// A token that is not, or not any more.
    pub(crate) fn failed(&self, client: IpAddr, token: &TokenHash, now: Timestamp) {
        let mut book = self.book();
        book.welcome.remove(token);
        if book.rows.len() >= REMEMBERED {
            book.rows.retain(|_, row| row.ends > now);
        }
        if book.rows.len() >= REMEMBERED {
            book.rows.clear();
        }
        let ends = domain::time::later(now, jiff::SignedDuration::from_secs(ROW_SECONDS));
        let row = book.rows.entry(client).or_insert(Row { ends, failures: 0 });
        if row.ends <= now {
            *row = Row { ends, failures: 0 };
        }
        row.failures += 1;
    }

    fn book(&self) -> MutexGuard<'_, Book> {
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

    fn guesses(failures: &Failures, client: IpAddr, now: Timestamp) -> u32 {
        let guess = TokenHash::of("guess");
        (0..1000).take_while(|_| failures.wait(client, &guess, now).is_none()).fold(0, |count, _| {
            failures.failed(client, &guess, now);
            count + 1
        })
    }

    #[test]
    fn twenty_a_minute_and_address() {
        let failures = Failures::default();
        assert_eq!(guesses(&failures, ANN, at(0)), 20);
        assert_eq!(failures.wait(ANN, &TokenHash::of("another"), at(1)), Some(59));
        assert_eq!(guesses(&failures, BOB, at(1)), 20, "others are not held up");
        assert_eq!(guesses(&failures, ANN, at(59)), 0);
        assert_eq!(guesses(&failures, ANN, at(60)), 20);
    }

    #[test]
    fn a_token_that_was_good_stays_welcome_until_it_is_not() {
        let failures = Failures::default();
        let (good, other) = (TokenHash::of("good"), TokenHash::of("other"));
        failures.admitted(good);
        guesses(&failures, ANN, at(0));
        assert_eq!(failures.wait(ANN, &good, at(1)), None);
        assert!(failures.wait(ANN, &other, at(1)).is_some());
        failures.failed(ANN, &good, at(1));
        assert!(failures.wait(ANN, &good, at(1)).is_some());
    }

    #[test]
    fn memory_is_bounded() {
        let failures = Failures::default();
        for number in 0..30_000_u32 {
            failures.failed(IpAddr::V4(number.into()), &TokenHash([0; 32]), at(0));
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_be_bytes());
            failures.admitted(TokenHash(hash));
        }
        let book = failures.book();
        assert!(book.rows.len() <= REMEMBERED && book.welcome.len() <= REMEMBERED);
    }
}
