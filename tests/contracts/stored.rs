//! This version reads and continues the data of an earlier release: `tests/corpus/stored` holds a data folder and a
//! table as release 0.1.0 left them, with deliveries in every state, an open digest, a full throttle, silences, holds,
//! jobs, tokens, two versions of the rules document, and messages that still wait in the queue.
//!
//! The files were written by the released program and are never edited. A later release adds a folder beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::token::TokenHash;
use domain::delivery::{Delivery, DeliveryState, SuppressionCause};
use domain::message::QueuedWork;
use domain::query::{DeliveryQuery, EventQuery};
use domain::rules_document::SilenceState;
use domain::{EventPk, Timestamp};
use embedded::Store;
use jiff::SignedDuration;
use serde_json::Value;
use support::event;

use crate::dispatchers::Dispatchers;
use crate::world::World;
use crate::{aws_world, embedded_world};

/// The hour in which both were written.
const WRITTEN: &str = "2026-11-30T11:00:00Z";

fn corpus(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/stored/0.1.0").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(corpus(file)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_of_the_first_release_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let packed = std::fs::read(corpus("folder/nuncio.db.zst")).unwrap();
    std::fs::write(folder.path().join("nuncio.db"), zstd::decode_all(&packed[..]).unwrap()).unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.release_leases().await.unwrap();
    let world = embedded_world::over(store, folder);
    is_continued(&world, "token-of-the-tests").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_the_first_release_is_continued() {
    let place = aws_world::place().await;
    let client = aws_sdk_dynamodb::Client::new(&place.sdk);
    let items: Vec<_> = read("table.ndjson").lines().map(item).collect();
    for some in items.chunks(25) {
        let put = |item: &BTreeMap<String, AttributeValue>| {
            let item = Some(item.clone().into_iter().collect());
            WriteRequest::builder().put_request(PutRequest::builder().set_item(item).build().unwrap()).build()
        };
        let requests = some.iter().map(put).collect();
        let written = client.batch_write_item().request_items(&place.settings.table, requests).send().await.unwrap();
        assert!(written.unprocessed_items.unwrap_or_default().is_empty());
    }
    let queue = aws_sdk_sqs::Client::new(&place.sdk);
    for message in read("messages.txt").lines() {
        queue.send_message().queue_url(&place.settings.queue_url).message_body(message).send().await.unwrap();
    }
    is_continued(&aws_world::over(place), "token-of-a-colleague").await;
}

/// One line of the dump: attribute names to values as DynamoDB writes them in JSON.
fn item(line: &str) -> BTreeMap<String, AttributeValue> {
    let attributes: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(line).unwrap();
    let value = |value: BTreeMap<String, Value>| {
        let (kind, value) = value.into_iter().next().unwrap();
        let text = value.as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "S" => AttributeValue::S(text),
            "N" => AttributeValue::N(text),
            "B" => AttributeValue::B(Blob::new(STANDARD.decode(text).unwrap())),
            "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
            other => panic!("{other}"),
        }
    };
    attributes.into_iter().map(|(name, attribute)| (name, value(attribute))).collect()
}

async fn is_continued(world: &World, token: &str) {
    let now: Timestamp = WRITTEN.parse().unwrap();
    everything_is_read(world, token, now).await;
    deliveries_go_on(world, now).await;
}

async fn everything_is_read(world: &World, token: &str, now: Timestamp) {
    let page = world.log.list(&EventQuery { limit: 100, ..EventQuery::default() }, now).await.unwrap();
    let mut actions: BTreeMap<String, usize> = BTreeMap::new();
    for event in &page.results {
        *actions.entry(event.action.to_string()).or_default() += 1;
        assert_eq!(world.log.get(event.pk, now).await.unwrap().as_ref(), Some(event));
    }
    for (action, count) in [
        ("login", 2),
        ("login_failed", 4),
        ("deploy_ended", 3),
        ("custom_muted", 1),
        ("custom_keyed", 1),
        ("custom_old", 1),
    ] {
        assert_eq!(actions.get(action), Some(&count), "{action}: {actions:?}");
    }
    let masked = page.results.iter().find(|event| event.context.contains_key("password")).unwrap();
    assert_eq!(masked.context["password"], "*".repeat(20));
    let kept = world.keeping.list_received(None, 100, now).await.unwrap().results;
    assert_eq!(kept.len(), page.results.len());
    let named = page.results.iter().find(|event| event.id.as_deref() == Some("n-1")).unwrap();
    assert_eq!(named.pk.instant(), "2026-11-30T08:00:00Z".parse().unwrap());

    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for delivery in deliveries(world).await {
        *states.entry(format!("{:?}", delivery.state)).or_default() += 1;
        assert_eq!(world.ledger.get(delivery.id).await.unwrap().as_ref(), Some(&delivery));
    }
    assert_eq!(
        states.keys().map(String::as_str).collect::<Vec<_>>(),
        ["Dead", "Delivered", "Pending", "Retrying", "Suppressed"]
    );
    assert_eq!((states["Dead"], states["Suppressed"]), (4, 5), "{states:?}");

    for (person, items) in [("ann", 2), ("Bea Müller", 2), ("dora", 1), ("carl", 2)] {
        let inbox = world.inbox.list(person, None, None, 10, now).await.unwrap().results;
        assert_eq!(inbox.len(), items, "{person}");
        let seen = world.inbox.list(person, Some(true), None, 10, now).await.unwrap().results;
        assert_eq!(seen.len(), usize::from(person == "ann"), "{person}");
    }

    let silences = world.silences.all().await.unwrap();
    let active: Vec<_> = silences.iter().filter(|silence| silence.state_at(now) == SilenceState::Active).collect();
    assert_eq!((silences.len(), active.len(), active[0].reason.as_str()), (2, 1, "scanner"));
    let holds = world.holds.all().await.unwrap();
    assert_eq!((holds.len(), holds[0].reason.as_str()), (1, "case 7"));
    let jobs = world.jobs.all().await.unwrap();
    let kinds: BTreeSet<_> = jobs.iter().map(|job| job.task.kind()).collect();
    assert_eq!(kinds, BTreeSet::from(["erase", "hold", "restamp"]));
    let endpoints = world.endpoints.all().await.unwrap();
    assert_eq!(endpoints.iter().filter(|endpoint| endpoint.transport == "gone").count(), 1);

    let found = world.tokens.find(&TokenHash::from_text(token)).await.unwrap().unwrap();
    assert_eq!(found.revoked, None);
    let tokens = world.tokens.list().await.unwrap();
    assert_eq!((tokens.len(), tokens.iter().filter(|token| token.revoked.is_some()).count()), (3, 1));

    let newest = world.documents.newest().await.unwrap().unwrap();
    assert_eq!((newest.version, newest.document.rules.len()), (2, 6));
    let first = world.documents.get(1).await.unwrap().unwrap();
    assert_eq!(first.source, "retention: days=36500\n");
}

/// Open deliveries are closed once, closed ones stay closed, and storm control continues counting.
async fn deliveries_go_on(world: &World, now: Timestamp) {
    let document = world.documents.newest().await.unwrap().unwrap().document;
    let closed: BTreeMap<_, _> = deliveries(world)
        .await
        .into_iter()
        .filter(Delivery::is_closed)
        .map(|delivery| (delivery.id, delivery))
        .collect();
    let dispatchers = Dispatchers::of(world, document, now);
    loop {
        let messages = world.work.receive(Duration::ZERO).await;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            dispatchers.one_handles(message.into_work()).await;
        }
    }
    dispatch_due(world, &dispatchers, now).await;
    let open: Vec<_> = deliveries(world).await.into_iter().filter(|delivery| !delivery.is_closed()).collect();
    assert!(
        open.iter().all(|delivery| delivery.digest.is_some() || delivery.state == DeliveryState::Pending),
        "{open:?}"
    );

    // The throttle of the third failure from one address is still full; an address of its own is not.
    for (address, told) in [("192.0.2.9", false), ("192.0.2.10", true)] {
        let failure = event("login_failed").created(now).client_ip(address).shared();
        dispatchers.one_handles(QueuedWork::Events(vec![failure.clone()])).await;
        let entries = deliveries_of(world, failure.pk).await;
        let states: Vec<_> = entries.iter().map(|entry| entry.state).collect();
        assert_eq!(states, [if told { DeliveryState::Delivered } else { DeliveryState::Suppressed }], "{address}");
        assert_eq!(matches!(entries[0].suppressed, Some(SuppressionCause::Throttle { .. })), !told, "{address}");
    }

    // A week later the windows of the digests close.
    let later = dispatchers.clock.advance(SignedDuration::from_hours(8 * 24));
    dispatch_due(world, &dispatchers, later).await;
    let digests: Vec<_> = dispatchers.sent.all().into_iter().filter(|sent| sent.rule == "digested").collect();
    let counts: Vec<_> = digests.iter().map(|sent| sent.digest.as_ref().map_or(1, |digest| digest.count)).collect();
    assert_eq!((counts.iter().sum::<usize>(), counts.len()), (6, 4), "two sites by two transports: {counts:?}");
    let after = deliveries(world).await;
    let open: Vec<_> = after.iter().filter(|delivery| !delivery.is_closed()).collect();
    assert!(open.is_empty(), "{open:?}");
    for delivery in after {
        assert!(closed.get(&delivery.id).is_none_or(|before| *before == delivery), "{delivery:?}");
    }
    let sent = dispatchers.sent.all();
    let once: BTreeSet<_> = sent.iter().map(|sent| sent.delivery).collect();
    assert_eq!(once.len(), sent.len(), "nothing is sent twice");
    assert!(once.iter().all(|id| !closed.contains_key(id)), "nothing that was closed is sent again");
}

async fn dispatch_due(world: &World, dispatchers: &Dispatchers, now: Timestamp) {
    loop {
        let due = world.ledger.due(now, 100).await.unwrap();
        if due.is_empty() {
            return;
        }
        dispatchers.one_handles(QueuedWork::Deliveries(due.iter().map(|due| due.id).collect())).await;
    }
}

async fn deliveries(world: &World) -> Vec<Delivery> {
    world.ledger.list(&DeliveryQuery { limit: 500, ..DeliveryQuery::default() }).await.unwrap().results
}

async fn deliveries_of(world: &World, event: EventPk) -> Vec<Delivery> {
    let query = DeliveryQuery { event: Some(event), limit: 100, ..DeliveryQuery::default() };
    world.ledger.list(&query).await.unwrap().results
}
