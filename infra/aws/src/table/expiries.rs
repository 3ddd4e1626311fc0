//! The times at which events leave the table, and the markers by which the archiver finds expired events.
//!
//! An event's key contains the time at which it happened, not its expiry. An index by expiry would cost a second write
//! unit per event, and a scan would read the whole table. Therefore storing an event, or changing its expiry, first
//! writes an *expiry marker*: "some events that happened in hour A expire in hour B". A process writes the marker of a
//! pair of hours once. The archiver queries the markers whose hour B is over, reads the events of hour A only, and
//! deletes the marker. So a run's cost depends on how much has expired. A marker also stores how far it was read.
//!
//! Archived events are not deleted one by one, which would cost as much as writing them. DynamoDB's time to live
//! deletes them, [`GRACE`] after their expiry. The archiver may be late by that much.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::StoreError;
use domain::{EventPk, Timestamp, time};
use jiff::SignedDuration;

use super::item::{Item, keys, number, string, text};
use super::keys::{EXPIRIES, SK};
use super::{Table, update};
use crate::describe::describe;

/// How long after its expiry DynamoDB may delete an archived event: the time there is to repair a failing archiver.
pub const GRACE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How long after its end an hour is settled, so that no event is stored in it any more: longer than storing takes, and
/// than clocks differ.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// How much longer a marker is kept than its events, in seconds.
const SPARE_SECONDS: i64 = 2 * 86_400;

const HOUR_SECONDS: i64 = 3600;

/// The attributes of a marker that say where reading its events continues.
const SHARD: &str = "shard";
const AFTER: &str = "after";

/// Whether events are archived before they are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archiving {
    On,
    Off,
}

impl Archiving {
    /// The time to live, in seconds since the epoch, of an event that is stored or given a new expiry at `now`. An
    /// event that has expired already counts as expiring now: nobody reads the markers of past hours again.
    pub(crate) fn ttl(self, expires: Timestamp, now: Timestamp) -> i64 {
        match self {
            Self::On => time::ttl_seconds(expires.max(now)) + GRACE.as_secs(),
            Self::Off => time::ttl_seconds(expires),
        }
    }
}

/// "Some events that happened in one hour expire in another." An hour is its first second since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExpiryMarker {
    expiring: i64,
    happened: i64,
}

impl ExpiryMarker {
    /// The marker of an event with that time to live.
    pub(crate) fn for_event(pk: EventPk, ttl: i64) -> Self {
        let hour = |seconds: i64| seconds.div_euclid(HOUR_SECONDS) * HOUR_SECONDS;
        Self { expiring: hour(ttl - GRACE.as_secs()), happened: hour(pk.instant().as_second()) }
    }

    /// The sort key: both hours in 12 digits each, enough for times beyond the year 9999.
    pub(crate) fn key(self) -> String {
        format!("{:012}#{:012}", self.expiring, self.happened)
    }

    /// The marker's own time to live, in seconds since the epoch.
    pub(crate) fn until(self) -> i64 {
        self.expiring + HOUR_SECONDS + GRACE.as_secs() + SPARE_SECONDS
    }

    /// The start of the hour in which the events expire.
    pub(crate) fn since(self) -> Timestamp {
        Timestamp::from_second(self.expiring).unwrap_or(Timestamp::MAX)
    }

    /// The start of the hour in which the events happened.
    pub(crate) fn happened(self) -> Timestamp {
        Timestamp::from_second(self.happened).unwrap_or(Timestamp::MAX)
    }

    /// The range of the events' ids: from the first (inclusive) to the second (exclusive).
    pub(crate) fn ids(self) -> (String, String) {
        let first = |at: Timestamp| EventPk::first_at(at).to_string();
        (first(self.happened()), first(time::later(self.happened(), SignedDuration::from_secs(HOUR_SECONDS))))
    }

    /// The range of the events' times to live (both inclusive), in seconds since the epoch.
    pub(crate) fn ttls(self) -> (i64, i64) {
        let first = self.expiring + GRACE.as_secs();
        (first, first + HOUR_SECONDS - 1)
    }

    fn parse(key: &str) -> Option<Self> {
        let (expiring, happened) = key.split_once('#')?;
        Some(Self { expiring: expiring.parse().ok()?, happened: happened.parse().ok()? })
    }
}

/// A marker of a settled hour, and how far its events were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueMarker {
    pub(crate) marker: ExpiryMarker,
    pub(crate) shard: u16,
    /// The id of the last event read in that shard; `None` if none was read yet.
    pub(crate) after: Option<String>,
}

impl DueMarker {
    /// The position as text, for [`Table::advance_marker`].
    pub(crate) fn position(&self) -> String {
        format!("{}@{}@{}", self.marker.key(), self.shard, self.after.as_deref().unwrap_or_default())
    }

    fn read(item: &Item) -> Option<Self> {
        let marker = ExpiryMarker::parse(string(item, SK).ok()?)?;
        let shard = match item.get(SHARD) {
            Some(AttributeValue::N(digits)) => digits.parse().ok()?,
            _ => 0,
        };
        let after = string(item, AFTER).ok().filter(|after| !after.is_empty()).map(str::to_owned);
        Some(Self { marker, shard, after })
    }
}

impl Table {
    /// Up to `limit` markers of settled hours, oldest first; and whether these are all.
    pub(crate) async fn due_markers(&self, now: Timestamp, limit: i32) -> Result<(Vec<DueMarker>, bool), StoreError> {
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
        let read = |item: &Item| {
            let due = DueMarker::read(item);
            if due.is_none() {
                let marker = string(item, SK).unwrap_or_default();
                tracing::error!(
                    marker,
                    "an expiry marker cannot be read; the events that it stands for are not archived"
                );
            }
            due
        };
        Ok((items.iter().filter_map(read).collect(), answer.last_evaluated_key.is_none()))
    }

    /// Stores how far a marker's events have been archived. A text without a position means that all have been, and
    /// deletes the marker.
    pub(crate) async fn advance_marker(&self, position: &str) -> Result<(), StoreError> {
        let mut parts = position.split('@');
        let marker = parts.next().unwrap_or_default();
        let key = (EXPIRIES.to_owned(), marker.to_owned());
        let (Some(shard), Some(after)) = (parts.next(), parts.next()) else {
            let delete = self.client().delete_item().table_name(self.name()).set_key(Some(keys(key)));
            return delete.send().await.map(drop).map_err(|error| StoreError::store(describe(&error)));
        };
        let request = self
            .update(key)
            .update_expression("SET #shard = :shard, #after = :after")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#shard", SHARD)
            .expression_attribute_names("#after", AFTER)
            .expression_attribute_values(":shard", number(shard))
            .expression_attribute_values(":after", text(after));
        // Refused if another archiver has deleted the marker.
        update(request).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::retention::hold::HOLD_EXPIRY;

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
            let ttl = Archiving::On.ttl(expires, now);
            let marker = ExpiryMarker::for_event(pk, ttl);
            let (ids, ttls) = (marker.ids(), marker.ttls());
            assert!(ids.0 <= pk.to_string() && pk.to_string() < ids.1, "{ids:?}");
            assert!((ttls.0..=ttls.1).contains(&ttl), "{ttls:?}");
            assert!(ttl >= expires.as_second() + GRACE.as_secs(), "the archiver comes first");
            assert!(marker.until() > ttl);
            // A time to live is whole seconds, rounded up.
            assert!(marker.since() < expires.max(now) + SignedDuration::from_secs(1) || expires == HOLD_EXPIRY);
            assert_eq!(ExpiryMarker::parse(&marker.key()), Some(marker));
        }
    }

    #[test]
    fn markers_sort_by_when_events_leave() {
        let pk = EventPk::unnamed(at("2026-01-02T03:04:05Z"), 0);
        let key =
            |expires: &str| ExpiryMarker::for_event(pk, Archiving::On.ttl(at(expires), Timestamp::UNIX_EPOCH)).key();
        assert!(key("1970-01-01T01:00:00Z") < key("2026-01-01T00:00:00Z"));
        assert!(key("2026-01-01T00:00:00Z") < key("9999-01-01T00:00:00Z"));
    }

    #[test]
    fn without_an_archive_an_event_leaves_when_it_expires() {
        let (expires, now) = (at("2026-01-02T03:04:05.5Z"), at("2026-01-03T00:00:00Z"));
        assert_eq!(Archiving::Off.ttl(expires, now), time::ttl_seconds(expires));
    }
}
