//! The adapters for AWS as a world, on the emulator: a table and a queue of its own for each contract,
//! the table as `template.yaml` describes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws::{Adapters, Settings};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection, TimeToLiveSpecification,
};
use domain::message::Message;
use domain::ports::WorkQueue as _;
use jiff::SignedDuration;
use serde_json::Value;
use support::emulator::Emulator;

use crate::world::{WorkSource, World};

/// A table and queues of one's own.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) sdk: SdkConfig,
    pub(crate) settings: Settings,
}

pub(crate) async fn world() -> World {
    over(place().await)
}

pub(crate) async fn place() -> Place {
    let emulator = Emulator::shared();
    let sdk = emulator.sdk().await;
    let name = format!("contract-{}", support::unique("world"));
    create_table(&sdk, &emulator.template()["Resources"]["Table"]["Properties"], &name).await;
    let queue = aws_sdk_sqs::Client::new(&sdk);
    let [queue_url, dead_letters_url] = [name.clone(), format!("{name}-dead")]
        .map(async |name| queue.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap());
    let settings = Settings {
        table: name,
        queue_url: queue_url.await,
        dead_letters_url: Some(dead_letters_url.await),
        shards: 4,
        mail_from: None,
        log: String::new(),
        metrics: None,
        geoip: None,
        asn: None,
    };
    Place { sdk, settings }
}

/// The adapters there.
pub(crate) fn over(place: Place) -> World {
    let client = aws_sdk_sqs::Client::new(&place.sdk);
    let (url, dead_letters) = (place.settings.queue_url.clone(), place.settings.dead_letters_url.clone());
    let adapters = Adapters::over(place.sdk, place.settings);
    World {
        intake: Arc::new(adapters.intake()),
        log: Arc::new(adapters.event_log()),
        volume: Arc::new(adapters.volume()),
        queue: Arc::new(adapters.work_queue()),
        dead_letters: Arc::new(adapters.dead_letters()),
        ledger: Arc::new(adapters.ledger()),
        suppression: Arc::new(adapters.suppression()),
        silences: Arc::new(adapters.silences()),
        endpoints: Arc::new(adapters.endpoints()),
        inbox: Arc::new(adapters.inbox()),
        jobs: Arc::new(adapters.jobs()),
        keeping: Arc::new(adapters.keeping()),
        erasure: Arc::new(adapters.erasure()),
        holds: Arc::new(adapters.holds()),
        tokens: Arc::new(adapters.tokens()),
        documents: Arc::new(adapters.documents()),
        work: Arc::new(Queue { client, url, dead_letters: dead_letters.unwrap() }),
        keep: Box::new(()),
    }
}

/// Makes a table with the template's keys, index and time to live.
async fn create_table(sdk: &SdkConfig, properties: &Value, name: &str) {
    let client = aws_sdk_dynamodb::Client::new(sdk);
    let attributes = each(&properties["AttributeDefinitions"]).map(|one| {
        AttributeDefinition::builder()
            .attribute_name(text(&one["AttributeName"]))
            .attribute_type(text(&one["AttributeType"]).into())
            .build()
            .unwrap()
    });
    let indexes = each(&properties["GlobalSecondaryIndexes"]).map(|index| {
        let projection = text(&index["Projection"]["ProjectionType"]).into();
        GlobalSecondaryIndex::builder()
            .index_name(text(&index["IndexName"]))
            .set_key_schema(Some(keys(&index["KeySchema"])))
            .projection(Projection::builder().projection_type(projection).build())
            .build()
            .unwrap()
    });
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect()))
        .set_key_schema(Some(keys(&properties["KeySchema"])))
        .set_global_secondary_indexes(Some(indexes.collect()))
        .send()
        .await
        .unwrap();
    let ttl = &properties["TimeToLiveSpecification"];
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name(text(&ttl["AttributeName"]))
        .enabled(ttl["Enabled"].as_bool().unwrap());
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl.build().unwrap())
        .send()
        .await
        .unwrap();
}

fn keys(schema: &Value) -> Vec<KeySchemaElement> {
    let key = |one: &Value| {
        let kind = text(&one["KeyType"]).into();
        KeySchemaElement::builder().attribute_name(text(&one["AttributeName"])).key_type(kind).build().unwrap()
    };
    each(schema).map(key).collect()
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().expect("the template has this list").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the template has this text")
}

struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    dead_letters: String,
}

#[async_trait]
impl WorkSource for Queue {
    async fn receive(&self, patience: Duration) -> Vec<Message> {
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

    async fn give_up(&self, message: &Message) {
        let dead_letters = aws::WorkQueue::new(self.client.clone(), &self.dead_letters);
        dead_letters.send(std::slice::from_ref(message), SignedDuration::ZERO).await.unwrap();
    }
}
