//! When events leave the table, and where those lie that are to be archived first.
//!
//! Events lie by the time at which they happened, and expire by when they came and what they are: nothing in a key says
//! what has expired. An index would say it for a second write unit for each event, a scan for a look at the whole table.
//! So whoever stores an event, or gives it another expiry, leaves a *marker* first: in the hour of its expiry, some event
//! of that hour of happening goes. It is written once for such a pair of hours and process. The archiver asks for the
//! markers of hours that are over, reads the events of just those hours, and removes the marker: what one look costs
//! depends on what has expired, and a marker keeps how far it was read.
//!
//! What was archived is not deleted one by one, which would cost as much as writing it did: DynamoDB's time to live
//! takes it, [`GRACE`] after its expiry. Until then the archiver may be late.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::StoreError;
use domain::{EventPk, Timestamp, time};
use jiff::SignedDuration;

use super::Table;
use super::item::{Item, keys, number, string, text};
use super::keys::{EXPIRIES, SK};
use crate::describe::describe;

/// How much later than its expiry an archived event may be deleted: the time that there is to mend an archive.
pub const GRACE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long after its end an hour is settled: longer than storing takes and than clocks differ.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// How much longer a marker is kept than the events it stands for.
const SPARE_SECONDS: i64 = 2 * 86_400;

const HOUR_SECONDS: i64 = 3600;

/// Where the reading of a marker's events goes on.
const SHARD: &str = "shard";
const AFTER: &str = "after";

/// Whether events are archived before they leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    Archived,
    Unseen,
}

impl Leaving {
    /// The time to live of an event that is stored, or stamped anew, at `now`. One that has expired by then is filed with
    /// those of the present hour: the marker of an hour that is over is not looked for again.
    pub(crate) fn ttl(self, expires: Timestamp, now: Timestamp) -> i64 {
        match self {
            Self::Archived => time::ttl_seconds(expires.max(now)) + GRACE.as_secs(),
            Self::Unseen => time::ttl_seconds(expires),
        }
    }
}

/// Says that events of one hour leave in another. Hours are named by their first second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Marker {
    leaving: i64,
    happened: i64,
}

impl Marker {
    /// The marker of an event with that time to live.
    pub(crate) fn of(pk: EventPk, ttl: i64) -> Self {
        let hour = |seconds: i64| seconds.div_euclid(HOUR_SECONDS) * HOUR_SECONDS;
        Self { leaving: hour(ttl - GRACE.as_secs()), happened: hour(pk.instant().as_second()) }
    }

    /// Its sort key; 12 digits reach beyond the year 9999.
    pub(crate) fn key(self) -> String {
        format!("{:012}#{:012}", self.leaving, self.happened)
    }

    /// Until when it is kept.
    pub(crate) fn until(self) -> i64 {
        self.leaving + HOUR_SECONDS + GRACE.as_secs() + SPARE_SECONDS
    }

    /// The hour in which its events expire.
    pub(crate) fn since(self) -> Timestamp {
        Timestamp::from_second(self.leaving).unwrap_or(Timestamp::MAX)
    }

    /// An instant of the hour in which its events happened.
    pub(crate) fn happened(self) -> Timestamp {
        Timestamp::from_second(self.happened).unwrap_or(Timestamp::MAX)
    }

    /// The first of the ids that its events may have, and the first beyond them.
    pub(crate) fn ids(self) -> (String, String) {
        let first = |at: Timestamp| EventPk::first_at(at).to_string();
        (first(self.happened()), first(time::later(self.happened(), SignedDuration::from_secs(HOUR_SECONDS))))
    }

    /// The first and the last time to live that its events may have.
    pub(crate) fn ttls(self) -> (i64, i64) {
        let first = self.leaving + GRACE.as_secs();
        (first, first + HOUR_SECONDS - 1)
    }

    fn parse(key: &str) -> Option<Self> {
        let (leaving, happened) = key.split_once('#')?;
        Some(Self { leaving: leaving.parse().ok()?, happened: happened.parse().ok()? })
    }
}

/// A marker whose hour is settled, and how far its events were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) marker: Marker,
    pub(crate) shard: u16,
    /// The id of the last event read in that shard.
    pub(crate) after: Option<String>,
}

impl Due {
    /// As text, for whoever passes it on; [`Table::pass`] reads it.
    pub(crate) fn reached(&self) -> String {
        format!("{}@{}@{}", self.marker.key(), self.shard, self.after.as_deref().unwrap_or_default())
    }

    fn read(item: &Item) -> Option<Self> {
        let marker = Marker::parse(string(item, SK).ok()?)?;
        let shard = match item.get(SHARD) {
            Some(AttributeValue::N(digits)) => digits.parse().ok()?,
            _ => 0,
        };
        let after = string(item, AFTER).ok().filter(|after| !after.is_empty()).map(str::to_owned);
        Some(Self { marker, shard, after })
    }
}

impl Table {
    /// The first markers of hours that are settled, oldest first; and whether these are all.
    pub(crate) async fn due_markers(&self, now: Timestamp, limit: i32) -> Result<(Vec<Due>, bool), StoreError> {
        let settled = time::later(now, -SETTLED_AFTER).as_second() - HOUR_SECONDS;
        let answer = self
            .client()
            .query()
            .table_name(self.name())
            .key_condition_expression("pk = :pk AND sk < :below")
            .expression_attribute_values(":pk", text(EXPIRIES))
            .expression_attribute_values(":below", text(format!("{:012}", settled.max(-1) + 1)))
            .consistent_read(true)
            .limit(limit)
            .send()
            .await
            .map_err(|error| StoreError::store(describe(&error)))?;
        let items = answer.items.unwrap_or_default();
        let due = items.iter().map(Due::read).collect::<Option<_>>();
        let due = due.ok_or_else(|| StoreError::Corrupt("a marker of an expiry names no hours".to_owned()))?;
        Ok((due, answer.last_evaluated_key.is_none()))
    }

    /// Notes how far a marker's events are dealt with; without a place, all are, and the marker goes.
    pub(crate) async fn pass(&self, passed: &str) -> Result<(), StoreError> {
        let mut parts = passed.split('@');
        let key = parts.next().unwrap_or_default();
        let place = (EXPIRIES.to_owned(), key.to_owned());
        let (Some(shard), Some(after)) = (parts.next(), parts.next()) else {
            let delete = self.client().delete_item().table_name(self.name()).set_key(Some(keys(place)));
            return delete.send().await.map(drop).map_err(|error| StoreError::store(describe(&error)));
        };
        let update = self
            .update(place)
            .update_expression("SET #shard = :shard, #after = :after")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#shard", SHARD)
            .expression_attribute_names("#after", AFTER)
            .expression_attribute_values(":shard", number(shard))
            .expression_attribute_values(":after", text(after));
        match update.send().await {
            Ok(_) => Ok(()),
            // Another archiver is done with it.
            Err(SdkError::ServiceError(context)) if context.err().is_conditional_check_failed_exception() => Ok(()),
            Err(error) => Err(StoreError::store(describe(&error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::retention::hold::HELD;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_marker_finds_the_events_that_it_was_written_for() {
        let happened = at("2026-01-02T03:04:05Z");
        let pk = EventPk::unnamed(happened, u128::MAX);
        for (expires, now) in [
            ("2026-02-01T10:00:00Z", "2026-01-02T03:04:06Z"),
            ("2026-02-01T10:59:59.999999Z", "2026-01-02T03:04:06Z"),
            ("2025-02-01T10:00:00Z", "2026-01-02T03:59:59.999999Z"),
            ("9999-01-01T00:00:00Z", "2026-01-02T03:04:06Z"),
        ] {
            let (expires, now) = (at(expires), at(now));
            let ttl = Leaving::Archived.ttl(expires, now);
            let marker = Marker::of(pk, ttl);
            let (ids, ttls) = (marker.ids(), marker.ttls());
            assert!(ids.0 <= pk.to_string() && pk.to_string() < ids.1, "{ids:?}");
            assert!((ttls.0..=ttls.1).contains(&ttl), "{ttls:?}");
            assert!(ttl >= expires.as_second() + GRACE.as_secs(), "the archiver comes first");
            assert!(marker.until() > ttl);
            // A time to live is whole seconds, rounded up.
            assert!(marker.since() < expires.max(now) + SignedDuration::from_secs(1) || expires == HELD);
            assert_eq!(Marker::parse(&marker.key()), Some(marker));
        }
    }

    #[test]
    fn markers_sort_by_when_events_leave() {
        let pk = EventPk::unnamed(at("2026-01-02T03:04:05Z"), 0);
        let key = |expires: &str| Marker::of(pk, Leaving::Archived.ttl(at(expires), Timestamp::UNIX_EPOCH)).key();
        assert!(key("1970-01-01T01:00:00Z") < key("2026-01-01T00:00:00Z"));
        assert!(key("2026-01-01T00:00:00Z") < key("9999-01-01T00:00:00Z"));
    }

    #[test]
    fn without_an_archive_an_event_leaves_when_it_expires() {
        let (expires, now) = (at("2026-01-02T03:04:05.5Z"), at("2026-01-03T00:00:00Z"));
        assert_eq!(Leaving::Unseen.ttl(expires, now), time::ttl_seconds(expires));
    }
}
