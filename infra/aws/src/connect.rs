//! Builds the adapters from settings. Only `main.rs` files and tests use it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use domain::ports::Stores;

use crate::mailer::REQUEST_TIMEOUT_SECONDS;
use crate::settings::Settings;
use crate::{
    AwsSecrets, CachedConfiguration, CachedSecrets, CachedSilences, CachedTokens, DynamoDocuments, DynamoEndpoints,
    DynamoErasure, DynamoEventLog, DynamoGroups, DynamoHolds, DynamoInbox, DynamoIntake, DynamoJobs, DynamoKeeping,
    DynamoLedger, DynamoSessions, DynamoSilences, DynamoSuppression, DynamoTokens, DynamoVolume, S3Archive, SesMailer,
    SqsDeadLetters, SqsWorkQueue, Table,
};

/// The timeout of connecting.
const CONNECT: Duration = Duration::from_secs(3);
/// The timeout of one attempt of a request; the SDK makes up to three.
const ATTEMPT: Duration = Duration::from_secs(6);
/// The timeout of a request with all attempts: less than the 20 seconds that a delivery attempt may take.
const REQUEST: Duration = Duration::from_secs(REQUEST_TIMEOUT_SECONDS);

/// The tokens in a stack's table, for an operator who has no token yet. Uses the AWS credentials that the SDK finds in
/// its environment, and no cache. Needs no other part of the stack.
pub async fn tokens_in_table(table: &str) -> DynamoTokens {
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts()).load().await;
    // All tokens are in one partition: the number of shards does not matter.
    DynamoTokens::new(Table::new(aws_sdk_dynamodb::Client::new(&sdk), table, 1))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(REQUEST)
        .build()
}

/// Builds adapters on demand, so that a function only creates the clients that it needs.
#[derive(Debug)]
pub struct Adapters {
    sdk: SdkConfig,
    settings: Settings,
    table: OnceLock<Table>,
    queues: OnceLock<aws_sdk_sqs::Client>,
}

impl Adapters {
    /// Uses the credentials, region and endpoint that the SDK finds in its environment.
    pub async fn connect(settings: Settings) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts());
        Self::new(loader.load().await, settings)
    }

    /// Uses this configuration of the SDK.
    pub fn new(sdk: SdkConfig, settings: Settings) -> Self {
        Self { sdk, settings, table: OnceLock::new(), queues: OnceLock::new() }
    }

    /// The settings that the adapters are built from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The table. All adapters share its client.
    pub fn table(&self) -> Table {
        let make = || {
            let client = aws_sdk_dynamodb::Client::new(&self.sdk);
            let table = Table::new(client, &self.settings.table, self.settings.shards)
                .with_event_indexes(&self.settings.event_indexes);
            if self.settings.archive_bucket.is_some() { table.with_archiving() } else { table }
        };
        self.table.get_or_init(make).clone()
    }

    /// All ports of the store. Only tokens are cached.
    pub fn stores(&self) -> Stores {
        Stores {
            intake: Arc::new(self.intake()),
            log: Arc::new(self.event_log()),
            volume: Arc::new(self.volume()),
            queue: Arc::new(self.work_queue()),
            dead_letters: Arc::new(self.dead_letters()),
            ledger: Arc::new(self.ledger()),
            suppression: Arc::new(self.suppression()),
            groups: Arc::new(self.groups()),
            silences: Arc::new(self.silences()),
            endpoints: Arc::new(self.endpoints()),
            inbox: Arc::new(self.inbox()),
            jobs: Arc::new(self.jobs()),
            keeping: Arc::new(self.keeping()),
            erasure: Arc::new(self.erasure()),
            holds: Arc::new(self.holds()),
            tokens: Arc::new(self.tokens()),
            sessions: Arc::new(self.sessions()),
            documents: Arc::new(self.documents()),
        }
    }

    /// Stores and queues events.
    pub fn intake(&self) -> DynamoIntake {
        DynamoIntake::new(self.table(), self.work_queue())
    }

    /// Reads the events that the table stores.
    pub fn event_log(&self) -> DynamoEventLog {
        DynamoEventLog::new(self.table())
    }

    /// The ledger of deliveries.
    pub fn ledger(&self) -> DynamoLedger {
        DynamoLedger::new(self.table())
    }

    /// The silences, without a cache.
    pub fn silences(&self) -> DynamoSilences {
        DynamoSilences::new(self.table())
    }

    /// The silences, cached for 10 seconds.
    pub fn cached_silences(&self) -> CachedSilences<DynamoSilences> {
        CachedSilences::new(self.silences())
    }

    /// The operators' jobs, which the table stores.
    pub fn jobs(&self) -> DynamoJobs {
        DynamoJobs::new(self.table())
    }

    /// The expiry of events.
    pub fn keeping(&self) -> DynamoKeeping {
        DynamoKeeping::new(self.table())
    }

    /// The archive; `None` if the settings name no bucket.
    pub fn archive(&self) -> Option<S3Archive> {
        let bucket = self.settings.archive_bucket.as_ref()?;
        Some(S3Archive::new(aws_sdk_s3::Client::new(&self.sdk), bucket))
    }

    /// Deletes records before they expire.
    pub fn erasure(&self) -> DynamoErasure {
        DynamoErasure::new(self.table())
    }

    /// The holds on events, without a cache.
    pub fn holds(&self) -> DynamoHolds {
        DynamoHolds::new(self.table())
    }

    /// Counts of events by hour and action.
    pub fn volume(&self) -> DynamoVolume {
        DynamoVolume::new(self.table())
    }

    /// The state of storm control.
    pub fn suppression(&self) -> DynamoSuppression {
        DynamoSuppression::new(self.table())
    }

    /// The groups of detections.
    pub fn groups(&self) -> DynamoGroups {
        DynamoGroups::new(self.table())
    }

    /// The states of the endpoints.
    pub fn endpoints(&self) -> DynamoEndpoints {
        DynamoEndpoints::new(self.table())
    }

    /// The inboxes of all users.
    pub fn inbox(&self) -> DynamoInbox {
        DynamoInbox::new(self.table())
    }

    /// The tokens, cached for 30 seconds.
    pub fn tokens(&self) -> CachedTokens<DynamoTokens> {
        CachedTokens::new(DynamoTokens::new(self.table()))
    }

    /// The console's browser sessions, without a cache, so that a sign-out takes effect at once.
    pub fn sessions(&self) -> DynamoSessions {
        DynamoSessions::new(self.table())
    }

    /// The stored rules documents.
    pub fn documents(&self) -> DynamoDocuments {
        DynamoDocuments::new(self.table())
    }

    /// The rules document in force, cached for 30 seconds.
    pub fn configuration(&self) -> CachedConfiguration<DynamoDocuments> {
        CachedConfiguration::new(self.documents(), self.settings.mail_from.clone())
    }

    /// The rules document in force, read every time.
    pub fn uncached_configuration(&self) -> CachedConfiguration<DynamoDocuments> {
        CachedConfiguration::uncached(self.documents(), self.settings.mail_from.clone())
    }

    /// The client of both queues, which they share.
    fn queue_client(&self) -> aws_sdk_sqs::Client {
        self.queues.get_or_init(|| aws_sdk_sqs::Client::new(&self.sdk)).clone()
    }

    /// The queue from which workers receive new events and due deliveries.
    pub fn work_queue(&self) -> SqsWorkQueue {
        SqsWorkQueue::new(self.queue_client(), &self.settings.queue_url)
    }

    /// The queue of messages whose handling failed too often. Without a URL in the settings, none are moved back.
    pub fn dead_letters(&self) -> SqsDeadLetters {
        SqsDeadLetters::new(self.queue_client(), self.settings.dead_letters_url.clone(), self.work_queue())
    }

    /// Sends mail through SES.
    pub fn mailer(&self) -> SesMailer {
        SesMailer::new(aws_sdk_ses::Client::new(&self.sdk), self.settings.mail_configuration_set.clone())
    }

    /// Secrets, cached for five minutes. `environment` has the values of secrets of the kind `env:`.
    pub fn secrets(&self, environment: BTreeMap<String, String>) -> CachedSecrets<AwsSecrets> {
        let manager = aws_sdk_secretsmanager::Client::new(&self.sdk);
        CachedSecrets::new(AwsSecrets::new(aws_sdk_ssm::Client::new(&self.sdk), manager, environment))
    }
}
