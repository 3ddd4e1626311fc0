//! The adapters for AWS as a world, on the emulator: a table and a queue of its own for each contract,
//! the table as `template.yaml` describes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws::{Adapters, Settings};
use aws_config::SdkConfig;
use domain::message::QueueMessage;
use domain::ports::WorkQueue as _;
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
    let place = place().await;
    let bucket = place.settings.table.clone();
    aws_sdk_s3::Client::new(&place.sdk).create_bucket().bucket(&bucket).send().await.unwrap();
    over(Place { settings: Settings { archive_bucket: Some(bucket), ..place.settings }, ..place })
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
    };
    Place { sdk, settings }
}

/// The adapters there.
pub(crate) fn over(place: Place) -> World {
    let client = aws_sdk_sqs::Client::new(&place.sdk);
    let (url, dead_letters) = (place.settings.queue_url.clone(), place.settings.dead_letters_url.clone());
    let adapters = Adapters::new(place.sdk, place.settings);
    World {
        stores: adapters.stores(),
        archive: adapters.archive().map(|archive| Arc::new(archive) as _),
        work: Arc::new(Queue { client, url, dead_letters: dead_letters.unwrap() }),
        keep: Box::new(()),
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
