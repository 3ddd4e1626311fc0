//! The optional index of events by user, address or action: for each event and indexed value one small item, whose key
//! has a hash of the value, the month and the event's shard. It has the event's time to live and nothing else.
//!
//! Off by default, because each item costs a write unit, as much as the event. An index has the events that were stored
//! while it was on, so the table stores since when: older events are searched as without it. The time is an hour ahead
//! of the change, because functions with the earlier settings may still store events meanwhile.
//!
//! An entry is in the event's shard, so that a user who causes all events does not fill one partition.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::token::TokenHash;
use domain::event::{ActionPattern, Event};
use domain::person::fold;
use domain::ports::{Clock as _, StoreError};
use domain::query::EventQuery;
use domain::{Timestamp, time};
use host::SystemClock;
use sha2::{Digest as _, Sha256};

use super::item::{Item, number};
use super::shards::DEPLOYED_WITHIN;
use super::{Table, keys, update};

/// A field of events that can be indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexedField {
    /// `user.username` and `context.username`, as [people](domain::person) are compared.
    User,
    /// The IP address, where IPv4 in the notation of IPv6 is IPv4.
    ClientIp,
    /// The action, as it is spelt.
    Action,
}

impl IndexedField {
    /// All fields, those first whose values usually have the fewest events.
    pub const ALL: [Self; 3] = [Self::User, Self::ClientIp, Self::Action];

    /// The field's name in settings and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ClientIp => "client_ip",
            Self::Action => "action",
        }
    }

    /// What the partitions of its entries begin with.
    fn letter(self) -> char {
        match self {
            Self::User => 'U',
            Self::ClientIp => 'A',
            Self::Action => 'O',
        }
    }

    /// The event's values, without duplicates.
    fn values(self, event: &Event) -> Vec<String> {
        match self {
            Self::User => {
                let names = [event.user_str("username"), event.context_str("username")];
                let mut names: Vec<_> = names.into_iter().flatten().map(fold).filter(|name| !name.is_empty()).collect();
                names.dedup();
                names
            }
            Self::ClientIp => event.client_ip.iter().map(|address| address.to_canonical().to_string()).collect(),
            Self::Action => vec![event.action.as_str().to_owned()],
        }
    }

    /// The only value that an event may have that matches the query; `None` if several may.
    fn wanted(self, query: &EventQuery) -> Option<String> {
        match self {
            Self::User => query.username.as_deref().map(fold),
            Self::ClientIp => Some(query.client_ip?.only()?.to_canonical().to_string()),
            Self::Action => match query.action.as_ref()? {
                ActionPattern::Exact(action) => Some(action.as_str().to_owned()),
                ActionPattern::Prefix(_) => None,
            },
        }
    }
}

/// The entries that have one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexedValue {
    /// The field's letter, and a hash of the value.
    start: String,
}

impl IndexedValue {
    fn new(field: IndexedField, value: &str) -> Self {
        let mut hash = TokenHash(Sha256::digest(value).into()).to_hex();
        hash.truncate(32);
        Self { start: format!("{}#{hash}", field.letter()) }
    }

    /// The partition of the entries of a month (`yyyymm`) and shard.
    pub(super) fn partition(&self, month: &str, shard: u16) -> String {
        format!("{}#{month}#{shard}", self.start)
    }
}

/// The month (`yyyymm`) of a day (`yyyymmdd`).
pub(super) fn month(day: &str) -> &str {
    day.get(..6).unwrap_or(day)
}

/// Partition and sort key of each entry of an event, which is in this shard of its day.
pub(crate) fn entries(event: &Event, shard: u16, fields: &[IndexedField]) -> Vec<(String, String)> {
    let day = keys::day(event.pk.instant());
    let values = fields.iter().flat_map(|field| field.values(event).into_iter().map(|value| (*field, value)));
    let partition =
        |(field, value): (IndexedField, String)| IndexedValue::new(field, &value).partition(month(&day), shard);
    values.map(|value| (partition(value), event.pk.to_string())).collect()
}

/// Which indexes the table has.
#[derive(Debug, Default)]
pub(crate) struct EventIndexes {
    /// The indexes that are on, with the time from which on they have every event.
    since: BTreeMap<IndexedField, Timestamp>,
    /// The fields that may have entries: those whose index is on, or was.
    pub(crate) written: Vec<IndexedField>,
}

impl EventIndexes {
    /// The entries with which the query is answered best, and since when they have every event; `None` if no index helps.
    pub(super) fn find(&self, query: &EventQuery) -> Option<(IndexedValue, Timestamp)> {
        let found = |(field, since): (&IndexedField, &Timestamp)| {
            Some((IndexedValue::new(*field, &field.wanted(query)?), *since))
        };
        self.since.iter().find_map(found)
    }
}

impl Table {
    /// The fields whose index is on.
    pub(crate) fn indexed(&self) -> &[IndexedField] {
        &self.indexed
    }

    /// The table's indexes, read once per process. Stores a change of the settings.
    pub(crate) async fn indexes(&self) -> Result<&EventIndexes, StoreError> {
        self.indexes.get_or_try_init(|| self.stored_indexes(SystemClock.now())).await
    }

    async fn stored_indexes(&self, now: Timestamp) -> Result<EventIndexes, StoreError> {
        let item = self.get(keys::indexes()).await?.unwrap_or_default();
        let mut indexes = EventIndexes::default();
        for field in IndexedField::ALL {
            let (is_on, stored) = (self.indexed.contains(&field), since(&item, field));
            let since = match (is_on, stored) {
                (true, Some(since)) if since > 0 => since,
                (true, _) => time::later(now, DEPLOYED_WITHIN).as_second(),
                (false, Some(_)) => OFF,
                (false, None) => continue,
            };
            if stored != Some(since) {
                let request = self.update(keys::indexes()).update_expression("SET #field = :since");
                let request = request.expression_attribute_names("#field", field.name());
                update(request.expression_attribute_values(":since", number(since))).await?;
            }
            indexes.written.push(field);
            if is_on {
                indexes.since.insert(field, Timestamp::from_second(since).unwrap_or(Timestamp::MAX));
            }
        }
        Ok(indexes)
    }
}

/// What is stored of an index that was on, and may still have entries.
const OFF: i64 = 0;

/// Since when the index has every event, in seconds since the epoch: [`OFF`] if it is off, `None` if it was never on.
fn since(item: &Item, field: IndexedField) -> Option<i64> {
    match item.get(field.name()) {
        Some(AttributeValue::N(digits)) => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::testing::event;
    use serde_json::json;

    #[test]
    fn an_event_has_an_entry_for_each_value() {
        let event = event("login")
            .created("2026-01-31T23:59:59Z".parse().unwrap())
            .user(json!({ "username": "Ann" }))
            .context(json!({ "username": " bob " }))
            .client_ip("::ffff:192.0.2.7")
            .build();
        let entries = entries(&event, 3, &IndexedField::ALL);
        let starts: Vec<_> = entries.iter().map(|(partition, _)| &partition[..2]).collect();
        assert_eq!(starts, ["U#", "U#", "A#", "O#"]);
        assert!(
            entries.iter().all(|(partition, key)| partition.ends_with("#202601#3") && *key == event.pk.to_string())
        );
        let query = EventQuery {
            username: Some("ANN".to_owned()),
            client_ip: Some("192.0.2.7".parse().unwrap()),
            action: Some(ActionPattern::parse("login").unwrap()),
            ..EventQuery::default()
        };
        for (field, entry) in [(IndexedField::User, 0), (IndexedField::ClientIp, 2), (IndexedField::Action, 3)] {
            let value = IndexedValue::new(field, &field.wanted(&query).unwrap());
            assert_eq!(value.partition("202601", 3), entries[entry].0);
        }
    }

    #[test]
    fn a_filter_for_several_values_needs_another_way() {
        let query = EventQuery {
            client_ip: Some("192.0.2.0/24".parse().unwrap()),
            action: Some(ActionPattern::parse("login*").unwrap()),
            ..EventQuery::default()
        };
        let since = IndexedField::ALL.map(|field| (field, Timestamp::UNIX_EPOCH)).into();
        assert_eq!(EventIndexes { since, written: Vec::new() }.find(&query), None);
    }
}
