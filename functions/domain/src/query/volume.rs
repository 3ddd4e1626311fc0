//! The number of events over time, by action.
//!
//! Owns how events are grouped into buckets, and which ranges may be queried. Stores keep counts for whole hours of
//! UTC, by the time in the event's pk. They outlive the events, because they contain no data of any event. For shorter
//! buckets, the events are read. Refuses to count: the stores do.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{Action, EventPk};
use crate::time::later;

/// How long a store keeps the counts of an hour, at least: ten years.
pub const KEPT: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// The most buckets in one response.
pub const MOST_BUCKETS: i64 = 1000;

/// The length of an hour, the unit in which stores count.
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The length of a minute, the shortest bucket.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The events of one action in one hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HourCount {
    /// When the hour begins.
    pub hour: Timestamp,
    /// The action that all counted events have.
    pub action: Action,
    /// The number of events in that hour.
    pub count: u64,
}

/// The beginning of the hour in which the event of this pk is counted.
pub fn hour_of(pk: EventPk) -> Timestamp {
    start(pk.instant(), HOUR)
}

/// The length of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Bucket {
    /// One minute, the shortest bucket.
    #[serde(rename = "1m")]
    Minute,
    /// Five minutes, from the full hour.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// One hour of UTC, the unit in which stores count.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// A quarter of a day: six hours, from midnight UTC.
    #[serde(rename = "6h")]
    SixHours,
    /// One day of UTC.
    #[serde(rename = "1d")]
    Day,
}

impl Bucket {
    fn length(self) -> SignedDuration {
        match self {
            Self::Minute => MINUTE,
            Self::FiveMinutes => MINUTE * 5,
            Self::Hour => HOUR,
            Self::SixHours => HOUR * 6,
            Self::Day => HOUR * 24,
        }
    }

    /// The precision of a range's ends: the hours that stores count, or minutes for buckets that are shorter.
    fn precision(self) -> SignedDuration {
        if self.is_whole_hours() { HOUR } else { MINUTE }
    }

    /// Whether the stores' hourly counts are enough to count these buckets.
    pub fn is_whole_hours(self) -> bool {
        self.length() >= HOUR
    }

    /// The range that is shown if the caller sets no `since`: an hour of minutes, six hours of five minutes, a day of
    /// hours, a week of quarter days, 30 days of days.
    fn window(self) -> SignedDuration {
        SignedDuration::from_hours(match self {
            Self::Minute => 1,
            Self::FiveMinutes => 6,
            Self::Hour => 24,
            Self::SixHours => 7 * 24,
            Self::Day => 30 * 24,
        })
    }
}

/// A time range that is counted by bucket. Its ends are whole hours, or whole minutes for shorter buckets, so that its
/// first and last bucket may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketRange {
    /// The beginning of the range.
    pub since: Timestamp,
    /// The end of the range.
    pub until: Timestamp,
    bucket: Bucket,
}

/// The range has more than [`MOST_BUCKETS`] buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("since and until are {0} buckets apart, and at most {MOST_BUCKETS} can be asked for; choose a longer bucket")]
pub struct TooManyBuckets(i64);

impl BucketRange {
    /// The range from `since` to `until`, extended to whole hours, or to whole minutes for shorter buckets. Without
    /// `until`, the range ends with the bucket of `now`; without `since`, it has the bucket's usual length.
    ///
    /// # Errors
    /// If there are more than [`MOST_BUCKETS`].
    pub fn new(
        bucket: Bucket,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, TooManyBuckets> {
        let length = bucket.length();
        let first = since.map_or_else(
            || start(later(until.unwrap_or(now), -bucket.window()), length),
            |since| start(since, bucket.precision()),
        );
        let last = until.map_or_else(|| later(start(now, length), length), |until| end(until, bucket.precision()));
        let (since, until) = (first, last);
        let buckets = (end(until, length).as_second() - start(since, length).as_second()) / length.as_secs();
        if buckets > MOST_BUCKETS { Err(TooManyBuckets(buckets)) } else { Ok(Self { since, until, bucket }) }
    }

    /// The beginning of the bucket in which the event of this pk is counted.
    pub fn bucket_of(&self, pk: EventPk) -> Timestamp {
        start(pk.instant(), self.bucket.length())
    }

    /// Sums the hours by bucket; ignores hours outside the range.
    pub fn gather(&self, hours: impl IntoIterator<Item = HourCount>) -> BTreeMap<(Timestamp, Action), u64> {
        let mut buckets: BTreeMap<(Timestamp, Action), u64> = BTreeMap::new();
        for HourCount { hour, action, count } in hours {
            if self.since <= hour && hour < self.until {
                *buckets.entry((start(hour, self.bucket.length()), action)).or_default() += count;
            }
        }
        buckets
    }
}

impl BucketCount {
    /// The counts, ordered by time and action.
    pub fn ordered(buckets: BTreeMap<(Timestamp, Action), u64>) -> Vec<Self> {
        buckets.into_iter().map(|((time, action), count)| Self { time, action, count }).collect()
    }
}

/// The events of one action in one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BucketCount {
    /// When the bucket begins.
    #[serde(with = "crate::time::micros")]
    pub time: Timestamp,
    /// The action that all counted events have.
    pub action: Action,
    /// The number of events; never 0.
    pub count: u64,
}

/// The beginning of the period that contains the instant; periods are counted from the epoch.
fn start(instant: Timestamp, length: SignedDuration) -> Timestamp {
    let seconds = length.as_secs();
    // `as_microsecond` is exact; before the epoch, an instant's whole seconds would be rounded towards it.
    let periods = instant.as_microsecond().div_euclid(seconds * 1_000_000);
    Timestamp::from_second(periods * seconds).unwrap_or(Timestamp::MIN)
}

/// The end of the period that ends at the instant or contains it.
fn end(instant: Timestamp, length: SignedDuration) -> Timestamp {
    let begun = start(instant, length);
    if begun == instant { begun } else { later(begun, length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_have_whole_hours_or_minutes() {
        let now = at("2026-03-04T05:06:07Z");
        for (bucket, since, until, expected) in [
            (Bucket::Hour, None, None, ("2026-03-03T05:00:00Z", "2026-03-04T06:00:00Z")),
            (Bucket::SixHours, None, None, ("2026-02-25T00:00:00Z", "2026-03-04T06:00:00Z")),
            (Bucket::Day, None, None, ("2026-02-02T00:00:00Z", "2026-03-05T00:00:00Z")),
            (
                Bucket::Day,
                Some("2026-03-01T23:00:00Z"),
                Some("2026-03-03T00:00:00Z"),
                ("2026-03-01T23:00:00Z", "2026-03-03T00:00:00Z"),
            ),
            (
                Bucket::SixHours,
                Some("2026-03-01T04:05:06Z"),
                Some("2026-03-03T07:00:00.5Z"),
                ("2026-03-01T04:00:00Z", "2026-03-03T08:00:00Z"),
            ),
            (
                Bucket::FiveMinutes,
                Some("2026-03-04T04:58:59Z"),
                Some("2026-03-04T05:06:07Z"),
                ("2026-03-04T04:58:00Z", "2026-03-04T05:07:00Z"),
            ),
            (Bucket::Minute, None, None, ("2026-03-04T04:06:00Z", "2026-03-04T05:07:00Z")),
            (
                Bucket::Hour,
                Some("1969-12-31T23:59:59.5Z"),
                Some("1970-01-01T00:00:00Z"),
                ("1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"),
            ),
        ] {
            let span = BucketRange::new(bucket, since.map(at), until.map(at), now).unwrap();
            assert_eq!((span.since, span.until), (at(expected.0), at(expected.1)), "{bucket:?} {since:?} {until:?}");
        }
    }

    #[test]
    fn a_span_is_bounded() {
        let now = at("2026-03-04T05:00:00Z");
        let hours = |hours: i64| Some(later(now, SignedDuration::from_hours(-hours)));
        assert!(BucketRange::new(Bucket::Hour, hours(MOST_BUCKETS), Some(now), now).is_ok());
        assert_eq!(BucketRange::new(Bucket::Hour, hours(MOST_BUCKETS + 1), Some(now), now), Err(TooManyBuckets(1001)));
        assert!(BucketRange::new(Bucket::Day, hours(MOST_BUCKETS + 1), Some(now), now).is_ok());
        assert_eq!(BucketRange::new(Bucket::Minute, hours(17), Some(now), now), Err(TooManyBuckets(1020)));
        let backwards = BucketRange::new(Bucket::Hour, Some(now), hours(5), now).unwrap();
        assert!(backwards.gather([count("2026-03-04T03:00:00Z", "login", 1)]).is_empty());
    }

    fn count(hour: &str, action: &str, count: u64) -> HourCount {
        HourCount { hour: at(hour), action: Action::parse(action).unwrap(), count }
    }

    #[test]
    fn hours_are_gathered() {
        let now = at("2026-03-04T23:00:00Z");
        let span = BucketRange::new(Bucket::SixHours, Some(at("2026-03-04T00:00:00Z")), None, now).unwrap();
        let hours = [
            count("2026-03-03T23:00:00Z", "login", 100),
            count("2026-03-04T00:00:00Z", "login", 1),
            count("2026-03-04T05:00:00Z", "login", 2),
            count("2026-03-04T06:00:00Z", "login", 4),
            count("2026-03-04T05:00:00Z", "logout", 8),
        ];
        let found = BucketCount::ordered(span.gather(hours));
        let shown: Vec<_> = found.iter().map(|one| (one.time.to_string(), one.action.as_str(), one.count)).collect();
        assert_eq!(
            shown,
            [
                ("2026-03-04T00:00:00Z".to_owned(), "login", 3),
                ("2026-03-04T00:00:00Z".to_owned(), "logout", 8),
                ("2026-03-04T06:00:00Z".to_owned(), "login", 4),
            ]
        );
    }
}
