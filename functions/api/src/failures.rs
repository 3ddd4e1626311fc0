//! How often wrong tokens were shown, and by whom.
//!
//! Owns who has to wait, in bounded memory, for this process alone: on AWS each instance of a function
//! counts for itself. A token that was good before does not wait, so that nobody can lock out others who come by the
//! same proxy; that it was is stored with it, about once an hour, and so outlives the process.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;
use domain::access::token::TokenHash;

/// So many failures in a row are a mistake; more are an attempt.
const MOST: u32 = 20;
/// How long a row lasts.
const ROW_SECONDS: i64 = 60;
/// How old what is stored of a token's last use may be.
const NOTED_AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
/// More addresses or tokens than this and it begins anew.
const REMEMBERED: usize = 10_000;

/// The rows of failures under way.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Book>);

#[derive(Default)]
struct Book {
    rows: HashMap<IpAddr, Row>,
    /// The tokens that were good, with the time that is stored as their last use.
    trusted: HashMap<TokenHash, Timestamp>,
}

struct Row {
    ends: Timestamp,
    failures: u32,
}

impl Failures {
    /// For how many seconds this client's token has to wait, unless its record says that it was good before.
    pub(crate) fn wait(&self, client: IpAddr, token: &TokenHash, now: Timestamp) -> Option<i64> {
        let book = self.book();
        let row = book.rows.get(&client).filter(|row| row.failures >= MOST && row.ends > now)?;
        (!book.trusted.contains_key(token)).then(|| (row.ends.as_second() - now.as_second()).max(1))
    }

    /// A token that is good, whose last use is stored as `noted`. Whether its use now is to be stored.
    pub(crate) fn admitted(&self, token: TokenHash, noted: Option<Timestamp>, now: Timestamp) -> bool {
        let mut book = self.book();
        let noted = noted.max(book.trusted.get(&token).copied());
        let is_due = noted.is_none_or(|noted| domain::time::later(noted, NOTED_AGAIN) <= now || noted > now);
        if book.trusted.len() >= REMEMBERED && !book.trusted.contains_key(&token) {
            book.trusted.clear();
        }
        book.trusted.insert(token, if is_due { now } else { noted.unwrap_or(now) });
        is_due
    }

    /// A token that is not, or not any more.
    pub(crate) fn failed(&self, client: IpAddr, token: &TokenHash, now: Timestamp) {
        let mut book = self.book();
        book.trusted.remove(token);
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
    fn a_token_that_was_good_does_not_wait_until_it_is_not() {
        let failures = Failures::default();
        let (good, other) = (TokenHash::of("good"), TokenHash::of("other"));
        failures.admitted(good, None, at(0));
        guesses(&failures, ANN, at(0));
        assert_eq!(failures.wait(ANN, &good, at(1)), None);
        assert!(failures.wait(ANN, &other, at(1)).is_some());
        failures.failed(ANN, &good, at(1));
        assert!(failures.wait(ANN, &good, at(1)).is_some());
    }

    #[test]
    fn a_use_is_stored_about_once_an_hour() {
        let failures = Failures::default();
        let (one, other) = (TokenHash::of("one"), TokenHash::of("other"));
        assert!(failures.admitted(one, None, at(10)), "it was never used");
        assert!(!failures.admitted(one, None, at(11)), "though the record that was read may be older");
        assert!(!failures.admitted(other, Some(at(0)), at(3599)));
        assert!(failures.admitted(other, Some(at(0)), at(3600)));
        assert!(failures.admitted(one, Some(at(10)), at(3610)));
        assert!(failures.admitted(TokenHash::of("ahead"), Some(at(9999)), at(10)), "a clock was wrong");
    }

    #[test]
    fn memory_is_bounded() {
        let failures = Failures::default();
        for number in 0..30_000_u32 {
            failures.failed(IpAddr::V4(number.into()), &TokenHash([0; 32]), at(0));
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_be_bytes());
            failures.admitted(TokenHash(hash), None, at(0));
        }
        let book = failures.book();
        assert!(book.rows.len() <= REMEMBERED && book.trusted.len() <= REMEMBERED);
    }
}
