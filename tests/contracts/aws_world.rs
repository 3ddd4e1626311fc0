//! The adapters for AWS as a world, on the emulator: a table and a queue of its own for each contract,
//! the table as `template.yaml` describes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws::{Adapters, IndexedField, Settings};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::message::QueueMessage;
use domain::ports::{EventLog, EventPage, PurgeScope, StoreError, Stores, WorkQueue as _};
use domain::query::EventQuery;
use domain::{Event, EventPk, Timestamp};
use jiff::SignedDuration;
use support::emulator::Emulator;

use crate::world::{WorkSource, World};

/// The adapters on a table and queues of their own.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) sdk: SdkConfig,
    pub(crate) settings: Settings,
}

pub(crate) async fn world() -> World {
    over(place().await)
}

/// One that archives.
pub(crate) async fn archiving() -> World {
    over(archiving_place().await)
}

/// One whose events are indexed by every field.
pub(crate) async fn indexed() -> World {
    over(indexed_place().await)
}

/// A place of one whose events are indexed by every field.
pub(crate) async fn indexed_place() -> Place {
    let place = place().await;
    Place { settings: Settings { event_indexes: IndexedField::ALL.to_vec(), ..place.settings }, ..place }
}

/// A place of one that archives.
pub(crate) async fn archiving_place() -> Place {
    let place = place().await;
    let bucket = place.settings.table.clone();
    aws_sdk_s3::Client::new(&place.sdk).create_bucket().bucket(&bucket).send().await.unwrap();
    Place { settings: Settings { archive_bucket: Some(bucket), ..place.settings }, ..place }
}

/// One whose table has little throughput.
pub(crate) async fn throttled() -> World {
    over(Place { sdk: support::flaky::sdk().await, ..place().await })
}

pub(crate) async fn place() -> Place {
    let sdk = Emulator::shared().sdk().await;
    let name = format!("contract-{}", support::unique("world"));
    support::table::create(&sdk, &name).await;
    let queue = aws_sdk_sqs::Client::new(&sdk);
    let [queue_url, dead_letters_url] = [name.clone(), format!("{name}-dead")]
        .map(async |name| queue.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap());
    let settings = Settings {
        table: name,
        queue_url: queue_url.await,
        dead_letters_url: Some(dead_letters_url.await),
        shards: 4,
        mail_from: None,
        mail_configuration_set: None,
        log: String::new(),
        metrics: None,
        geoip: None,
        asn: None,
        archive_bucket: None,
        event_indexes: Vec::new(),
    };
    Place { sdk, settings }
}

/// The adapters there.
pub(crate) fn over(place: Place) -> World {
    let client = aws_sdk_sqs::Client::new(&place.sdk);
    let (url, dead_letters) = (place.settings.queue_url.clone(), place.settings.dead_letters_url.clone());
    let (tables, table) = (aws_sdk_dynamodb::Client::new(&place.sdk), place.settings.table.clone());
    let adapters = Adapters::new(place.sdk, place.settings);
    let stores = adapters.stores();
    let log = Arc::new(TimeToLive { log: Arc::clone(&stores.log), client: tables, table });
    World {
        stores: Stores { log, ..stores },
        archive: adapters.archive().map(|archive| Arc::new(archive) as _),
        work: Arc::new(Queue { client, url, dead_letters: dead_letters.unwrap() }),
        keep: Box::new(()),
    }
}

/// The event log of a table whose expired items are deleted as DynamoDB deletes them: by their time to live. The emulator
/// does that by the real time only.
struct TimeToLive {
    log: Arc<dyn EventLog>,
    client: aws_sdk_dynamodb::Client,
    table: String,
}

#[async_trait]
impl EventLog for TimeToLive {
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError> {
        self.log.get(pk, now).await
    }

    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError> {
        self.log.list(query, now).await
    }

    async fn purge(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        assert_eq!(self.log.purge(what, now, limit).await, Ok(0), "the adapter leaves it to DynamoDB");
        let scan = self.client.scan().table_name(&self.table).projection_expression("pk, sk");
        let scan = scan.filter_expression("#ttl <= :now").expression_attribute_names("#ttl", "ttl");
        let now = AttributeValue::N(now.as_second().to_string());
        let pages = scan.expression_attribute_values(":now", now).into_paginator().items().send();
        let mut items = pages.try_collect().await.unwrap();
        // A sweep that archives asks for this at times that are longer ago for an event than the archive may be late.
        items.retain(|item| what == PurgeScope::All || !item["pk"].as_s().unwrap().starts_with("E#"));
        items.truncate(limit);
        for item in &items {
            let request = self.client.delete_item().table_name(&self.table);
            request.set_key(Some(item.clone())).send().await.unwrap();
        }
        Ok(items.len())
    }
}

struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    dead_letters: String,
}

#[async_trait]
impl WorkSource for Queue {
    async fn receive(&self, patience: Duration) -> Vec<QueueMessage> {
        let began = Instant::now();
        loop {
            let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let came = request.send().await.unwrap().messages.unwrap_or_default();
            for message in &came {
                let handle = message.receipt_handle().unwrap();
                self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await.unwrap();
            }
            if !came.is_empty() || began.elapsed() >= patience {
                return came.iter().map(|message| aws::from_queued(message.body().unwrap()).unwrap()).collect();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn give_up(&self, message: &QueueMessage) {
        let dead_letters = aws::SqsWorkQueue::new(self.client.clone(), &self.dead_letters);
        dead_letters.send(std::slice::from_ref(message), SignedDuration::ZERO).await.unwrap();
    }
}
