//! A table and a queue on the emulator, and the functions on their real adapters, each behind a recorder of its own.
//!
//! The functions run on the caller's thread, as they do in Lambda; the recorders and the webhook receiver run on the
//! threads of another runtime, so that the caller's processor time is that of the functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws::{Adapters, Settings};
use aws_config::SdkConfig;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use channels::Channels;
use dispatch::{DispatchPorts, Dispatcher};
use domain::access::token::{Scope, Token};
use domain::ports::{ActiveRules, Clock, Documents as _, NoExpressions, Stores, Tokens as _};
use host::{OsEntropy, SystemClock};
use ingest::Ingest;
use jiff::SignedDuration;
use retention::{JobRunner, Sweep};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tower::ServiceExt as _;

use super::recorder::Recorder;
use crate::emulator::Emulator;
use crate::simulation::DeployedSettings;
use crate::{Answer, Sink};

/// An error of a recording.
pub type Error = Box<dyn std::error::Error>;

const TOKEN: &str = "recording";

/// The actions of the rules of a recorded stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedAction {
    /// No rule matches.
    Unmatched,
    /// A webhook reports it.
    Webhook,
    /// It is put into the inbox of one user.
    Inbox,
    /// It is reported to a receiver that answers 503.
    DeadReceiver,
    /// It enters a group of its own, where there is a detection.
    Detected,
}

impl RecordedAction {
    fn name(self) -> &'static str {
        match self {
            Self::Unmatched => "authorize_application",
            Self::Webhook => "login_failed",
            Self::Inbox => "custom_inbox",
            Self::DeadReceiver => "custom_dead",
            Self::Detected => "custom_detected",
        }
    }
}

/// A table and queues as `template.yaml` has them, with rules in force.
pub struct RecordedStack {
    sdk: SdkConfig,
    settings: Settings,
    /// Runs the recorders.
    background: Handle,
    /// Receives the webhooks.
    pub sink: Sink,
}

/// One process of a function: adapters of its own, and the recorder behind them.
pub struct RecordedProcess {
    /// Counts what the adapters ask for.
    pub recorder: Recorder,
    /// Makes the ports of this process.
    pub adapters: Adapters,
}

impl RecordedStack {
    /// Creates the table, the queues and, if `archives`, a bucket. The rules have no detection.
    ///
    /// # Errors
    /// If the emulator refuses.
    pub async fn create(background: &Handle, archives: bool) -> Result<Self, Error> {
        Self::with_detections(background, archives, "").await
    }

    /// The same, with this section in the rules file.
    ///
    /// # Errors
    /// If the emulator refuses, or the rules file is not valid.
    pub async fn with_detections(background: &Handle, archives: bool, detections: &str) -> Result<Self, Error> {
        let sdk = background.spawn(async { Emulator::shared().sdk().await }).await?;
        let sink = background.spawn(Sink::start()).await?;
        sink.answer("/dead", (0..100).map(|_| Answer::status(503)));
        let name = crate::unique("recorded");
        crate::table::create(&sdk, &name).await;
        let queues = aws_sdk_sqs::Client::new(&sdk);
        let [queue, dead_letters] = [name.clone(), format!("{name}-dead")]
            .map(async |name| queues.create_queue().queue_name(name).send().await.map(|made| made.queue_url));
        let mut variables: BTreeMap<String, String> = [
            (aws::settings::TABLE, name.clone()),
            (aws::settings::QUEUE_URL, queue.await?.ok_or("a queue has a URL")?),
            (aws::settings::DEAD_LETTERS_URL, dead_letters.await?.ok_or("a queue has a URL")?),
            (aws::settings::SHARDS, DeployedSettings::of_template().shards.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if archives {
            aws_sdk_s3::Client::new(&sdk).create_bucket().bucket(&name).send().await?;
            variables.insert(aws::settings::ARCHIVE_BUCKET.to_owned(), name);
        }
        let stack = Self { sdk, settings: Settings::read(&variables)?, background: background.clone(), sink };
        stack.prepare(detections).await?;
        Ok(stack)
    }

    async fn prepare(&self, detections: &str) -> Result<(), Error> {
        let rule = |action: RecordedAction, transport: &str| {
            let name = action.name();
            (
                format!("  {name}: {{ event_matcher: {{ action: {name} }} }}\n"),
                format!("  {name}: {{ group: ops, transports: [{transport}], policies: [{name}] }}\n"),
            )
        };
        let (policies, rules): (Vec<_>, Vec<_>) = [
            rule(RecordedAction::Webhook, "hook"),
            rule(RecordedAction::Inbox, "inbox"),
            rule(RecordedAction::DeadReceiver, "dead"),
        ]
        .into_iter()
        .unzip();
        let source = format!(
            "groups: {{ ops: [{{ username: ann, email: ann@example.org }}] }}\n\
             transports:\n  hook: {{ mode: webhook, url: \"{}\" }}\n  dead: {{ mode: webhook, url: \"{}\" }}\n  \
             inbox: {{ mode: local }}\n\
             policies:\n{}{detections}rules:\n{}allow_networks: [127.0.0.0/8]\nretention: {}\n",
            self.sink.url("/hook"),
            self.sink.url("/dead"),
            policies.concat(),
            rules.concat(),
            // What is archived has expired.
            if self.settings.archive_bucket.is_some() { "hours=1" } else { "days=365" },
        );
        let document = rulesfile::read(&source).map_err(|faults| format!("{faults:?}"))?;
        let now = SystemClock.now();
        let active = ActiveRules { version: 1, document, source, at: now, by: "recording".to_owned() };
        let adapters = self.unrecorded();
        adapters.documents().save(&active).await?;
        let scopes = vec![Scope::Ingest, Scope::Read];
        adapters.tokens().put(&Token::new(TOKEN, scopes, Some("ann".to_owned()), String::new(), now, None)).await?;
        Ok(())
    }

    /// Adapters whose requests are not counted, to prepare what is recorded.
    pub fn unrecorded(&self) -> Adapters {
        Adapters::new(self.sdk.clone(), self.settings.clone())
    }

    /// Starts a process of a function.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn process(&self) -> Result<RecordedProcess, Error> {
        let (recorder, url) = self.background.spawn(Recorder::start()).await??;
        let sdk = self.sdk.clone().into_builder().endpoint_url(url).build();
        Ok(RecordedProcess { recorder, adapters: Adapters::new(sdk, self.settings.clone()) })
    }

    /// The bodies of the messages in the queue, which it then no longer has.
    ///
    /// # Errors
    /// If the queue cannot be read.
    pub async fn take_messages(&self) -> Result<Vec<String>, Error> {
        let client = aws_sdk_sqs::Client::new(&self.sdk);
        let mut bodies = Vec::new();
        loop {
            let request = client.receive_message().queue_url(&self.settings.queue_url).max_number_of_messages(10);
            let messages = request.send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(bodies);
            }
            for message in messages {
                let delete = client.delete_message().queue_url(&self.settings.queue_url);
                delete.receipt_handle(message.receipt_handle.unwrap_or_default()).send().await?;
                bodies.extend(message.body);
            }
        }
    }
}

impl RecordedProcess {
    /// The router of `ingest`.
    pub fn ingest(&self) -> Router {
        api::with_middleware(ingest::router(Ingest {
            acceptance: api::Acceptance {
                intake: Arc::new(self.adapters.intake()),
                configuration: Arc::new(self.adapters.configuration()),
                clock: Arc::new(SystemClock),
                entropy: Arc::new(OsEntropy),
                origins: Arc::new(()),
            },
            authenticator: api::Authenticator::new(Arc::new(self.adapters.tokens()), Arc::new(SystemClock)),
            memory: api::MemoryBudget::new(256 << 20),
        }))
    }

    /// The dispatcher of `dispatch`, at this clock.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn dispatcher(&self, clock: Arc<dyn Clock>) -> Result<Dispatcher, Error> {
        let stores = Stores { silences: Arc::new(self.adapters.cached_silences()), ..self.adapters.stores() };
        let (configuration, channel) = (Arc::new(self.adapters.configuration()), Arc::new(self.channels()?));
        let entropy = Arc::new(OsEntropy);
        Ok(Dispatcher::new(DispatchPorts::new(
            &stores,
            Arc::new(NoExpressions),
            configuration,
            channel,
            clock,
            entropy,
        )))
    }

    /// The sweep of `retention`, at this clock.
    pub fn sweep(&self, clock: &Arc<dyn Clock>) -> Sweep {
        let archive = self.adapters.archive().map(|archive| Arc::new(archive) as _);
        Sweep::new(&self.adapters.stores(), archive, Arc::clone(clock), SignedDuration::ZERO)
            .with_jobs(self.runner(clock))
    }

    /// The runner of operators' jobs, at this clock.
    pub fn runner(&self, clock: &Arc<dyn Clock>) -> JobRunner {
        let archive = self.adapters.archive().map(|archive| Arc::new(archive) as _);
        let configuration = Arc::new(self.adapters.configuration());
        JobRunner::new(&self.adapters.stores(), archive, None, configuration, Arc::clone(clock))
    }

    /// The router of `console`.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn console(&self) -> Result<Router, Error> {
        let stores = self.adapters.stores();
        let console = console::Console {
            stores: stores.clone(),
            inbox_updates: Arc::new(()),
            configuration: Arc::new(self.adapters.uncached_configuration()),
            rules: console::RulesSource::Stored(Arc::clone(&stores.documents)),
            channel: Arc::new(self.channels()?),
            expressions: Arc::new(NoExpressions),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            authenticator: api::Authenticator::new(Arc::clone(&stores.tokens), Arc::new(SystemClock)),
            token_command: String::new(),
        };
        Ok(api::with_middleware(console::router(console)))
    }

    fn channels(&self) -> Result<Channels, Error> {
        Ok(Channels::new(channels::ChannelPorts {
            mailer: Arc::new(self.adapters.mailer()),
            inbox: Arc::new(self.adapters.inbox()),
            secrets: Arc::new(self.adapters.secrets(BTreeMap::new())),
            clock: Arc::new(SystemClock),
            expressions: Arc::new(NoExpressions),
        })?)
    }
}

/// Posts events to `ingest`.
///
/// # Errors
/// If the response is not 202.
pub async fn post(router: &Router, events: &[Value]) -> Result<(), Error> {
    let request = Request::post("/v1/events").header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    let response = router.clone().oneshot(request.body(Body::from(serde_json::to_vec(events)?))?).await?;
    if response.status() == 202 {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&to_bytes(response.into_body(), usize::MAX).await?).into())
}

/// Gets a page from `console`, and returns the number of its results.
///
/// # Errors
/// If the response is not 200.
pub async fn get(router: &Router, path: &str) -> Result<usize, Error> {
    let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}")).body(Body::empty())?;
    let response = router.clone().oneshot(request).await?;
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await?;
    if status != 200 {
        return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
    }
    let page: Value = serde_json::from_slice(&body)?;
    Ok(page["results"].as_array().map_or(0, Vec::len))
}

/// An event of about 900 bytes as a caller posts it. What differs from one to another differs as it does in life.
pub fn posted_event(number: usize, action: RecordedAction) -> Value {
    let noise = |salt: usize| format!("{:016x}{number:016x}", (number + 1).wrapping_mul(salt));
    json!({
        "user": { "pk": number, "email": format!("user{number}@example.org"), "username": format!("user{number}") },
        "action": action.name(),
        "app": "authentik.events.signals",
        "client_ip": format!("192.0.2.{}", number % 256),
        "context": {
            "geo": { "lat": 42.0, "city": "placeholder", "long": 42.0, "country": "DE", "continent": "EU" },
            "asn": { "asn": 6805, "as_org": "Telefonica Germany", "network": "5.4.0.0/14" },
            "flow": noise(0x9e37_79b9_7f4a_7c15),
            "scopes": "ak_proxy profile openid email",
            "http_request": {
                "args": { "query": noise(0x2545_f491_4f6c_dd1d) },
                "path": "/api/v3/flows/executor/default-authentication-flow/",
                "method": "GET"
            },
            "authorized_application": {
                "pk": noise(0xd6e8_feb8_6659_fd93),
                "app": "authentik_core",
                "name": "Alertmanager",
                "model_name": "application"
            }
        },
        "brand": {
            "pk": "10800be643d44842ab9d97cb5f898ce9",
            "app": "authentik_brands",
            "name": "Default brand",
            "model_name": "brand"
        }
    })
}
