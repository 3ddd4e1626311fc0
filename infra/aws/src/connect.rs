//! From settings to adapters. Only `main.rs` files and tests come here.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use crate::mailer::PATIENCE_SECONDS;
use crate::settings::Settings;
use crate::{
    Archive, Configuration, DeadLetters, Documents, Endpoints, Erasure, EventLog, HeldSecrets, HeldSilences, Holds,
    Inbox, Intake, Jobs, Keeping, Ledger, Mailer, RememberedTokens, Secrets, Sessions, Silences, Suppression, Table,
    Tokens, Volume, WorkQueue,
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one try of a request may take; the SDK makes up to three.
const TRY: Duration = Duration::from_secs(6);
/// How long all tries may take: less than the 20 seconds of an attempt at delivery.
const ALL_TRIES: Duration = Duration::from_secs(PATIENCE_SECONDS);

/// The tokens in a stack's table, for the operator who has no token yet: read and written with the AWS credentials that
/// the SDK finds in its environment, without a cache. Needs nothing else of the stack.
pub async fn tokens_of_table(table: &str) -> Tokens {
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts()).load().await;
    // Tokens lie in one partition: the number of shards does not matter to them.
    Tokens::new(Table::new(aws_sdk_dynamodb::Client::new(&sdk), table, 1))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY)
        .operation_timeout(ALL_TRIES)
        .build()
}

/// Makes the adapters a function needs; a client is built only for what is asked for.
#[derive(Debug)]
pub struct Adapters {
    sdk: SdkConfig,
    settings: Settings,
    table: OnceLock<Table>,
}

impl Adapters {
    /// With the credentials, region and endpoint the SDK finds in its environment.
    pub async fn connect(settings: Settings) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts());
        Self::over(loader.load().await, settings)
    }

    /// With this configuration of the SDK.
    pub fn over(sdk: SdkConfig, settings: Settings) -> Self {
        Self { sdk, settings, table: OnceLock::new() }
    }

    /// What it was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The table; all adapters share its client.
    pub fn table(&self) -> Table {
        let make = || {
            let client = aws_sdk_dynamodb::Client::new(&self.sdk);
            let table = Table::new(client, &self.settings.table, self.settings.shards);
            if self.settings.archive_bucket.is_some() { table.archived() } else { table }
        };
        self.table.get_or_init(make).clone()
    }

    /// Where events come in.
    pub fn intake(&self) -> Intake {
        Intake::new(self.table(), self.work_queue())
    }

    /// The stored events.
    pub fn event_log(&self) -> EventLog {
        EventLog::new(self.table())
    }

    /// The ledger of deliveries.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.table())
    }

    /// The silences, as last written.
    pub fn silences(&self) -> Silences {
        Silences::new(self.table())
    }

    /// The silences, asked for every 10 seconds.
    pub fn held_silences(&self) -> HeldSilences<Silences> {
        HeldSilences::new(self.silences())
    }

    /// What operators asked for.
    pub fn jobs(&self) -> Jobs {
        Jobs::new(self.table())
    }

    /// How long events are kept.
    pub fn keeping(&self) -> Keeping {
        Keeping::new(self.table())
    }

    /// Where events are archived, if they are.
    pub fn archive(&self) -> Option<Archive> {
        let bucket = self.settings.archive_bucket.as_ref()?;
        Some(Archive::new(aws_sdk_s3::Client::new(&self.sdk), bucket))
    }

    /// Deletion whatever the expiry.
    pub fn erasure(&self) -> Erasure {
        Erasure::new(self.table())
    }

    /// What is kept whatever its retention.
    pub fn holds(&self) -> Holds {
        Holds::new(self.table())
    }

    /// How many events there were.
    pub fn volume(&self) -> Volume {
        Volume::new(self.table())
    }

    /// What storm control remembers.
    pub fn suppression(&self) -> Suppression {
        Suppression::new(self.table())
    }

    /// What is known of the endpoints.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints::new(self.table())
    }

    /// Everybody's inbox.
    pub fn inbox(&self) -> Inbox {
        Inbox::new(self.table())
    }

    /// The tokens, remembered for 30 seconds.
    pub fn tokens(&self) -> RememberedTokens<Tokens> {
        RememberedTokens::new(Tokens::new(self.table()))
    }

    /// The sessions of browsers.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.table())
    }

    /// The stored rules documents.
    pub fn documents(&self) -> Documents {
        Documents::new(self.table())
    }

    /// The rules document in force, asked for every 30 seconds.
    pub fn configuration(&self) -> Configuration<Documents> {
        Configuration::new(self.documents(), self.settings.mail_from.clone())
    }

    /// The rules document in force, asked for every time.
    pub fn unheld_configuration(&self) -> Configuration<Documents> {
        Configuration::unheld(self.documents(), self.settings.mail_from.clone())
    }

    /// The queue.
    pub fn work_queue(&self) -> WorkQueue {
        WorkQueue::new(aws_sdk_sqs::Client::new(&self.sdk), &self.settings.queue_url)
    }

    /// What the queue has given up on.
    pub fn dead_letters(&self) -> DeadLetters {
        let client = aws_sdk_sqs::Client::new(&self.sdk);
        DeadLetters::new(client, self.settings.dead_letters_url.clone(), self.work_queue())
    }

    /// Mail.
    pub fn mailer(&self) -> Mailer {
        Mailer::new(aws_sdk_ses::Client::new(&self.sdk))
    }

    /// Secrets, held for five minutes; those of the kind `env:` are looked up in `environment`.
    pub fn secrets(&self, environment: BTreeMap<String, String>) -> HeldSecrets<Secrets> {
        let manager = aws_sdk_secretsmanager::Client::new(&self.sdk);
        HeldSecrets::new(Secrets::new(aws_sdk_ssm::Client::new(&self.sdk), manager, environment))
    }
}
