//! Fixtures for the tests of the transports: channels, notifications, secrets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use channels::{ChannelPorts, Channels, LocalMailer, MailboxFolder};
use domain::delivery::{AttemptOutcome, DeliveryId, Failure};
use domain::notification::inbox::InboxItem;
use domain::notification::{Notification, summary};
use domain::person::Person;
use domain::ports::{Channel, Clock, Inbox, NoExpressions, Page, SecretError, SecretText, Secrets, StoreError};
use domain::rules_document::{PlainOrSecret, RulesDocument, SecretRef, Severity, Transport, TransportKind};
use domain::{Event, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const NOW: &str = "2023-02-15T15:33:00Z";

pub(crate) struct World {
    pub(crate) channels: Channels,
    pub(crate) document: RulesDocument,
    pub(crate) inbox: Arc<RecordingInbox>,
    pub(crate) folder: TempDir,
}

impl World {
    /// One that may reach this machine, and knows these secrets.
    pub(crate) fn with(secrets: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = secrets.iter().map(|(name, text)| (format!("env:{name}"), (*text).to_owned())).collect();
        let secrets: Arc<dyn Secrets> = Arc::new(KnownSecrets(secrets));
        let clock: Arc<dyn Clock> = Arc::new(StoppedClock);
        let mailer = LocalMailer::new(
            MailboxFolder::new(folder.path().join("mailbox"), Arc::clone(&clock)),
            Arc::clone(&secrets),
        );
        let inbox = Arc::new(RecordingInbox::default());
        let parts = ChannelPorts {
            mailer: Arc::new(mailer),
            inbox: Arc::clone(&inbox) as Arc<dyn Inbox>,
            secrets,
            clock,
            expressions: Arc::new(NoExpressions),
        };
        let document =
            RulesDocument { allow_networks: vec!["127.0.0.0/8".parse().unwrap()], ..RulesDocument::built_in() };
        Self { channels: Channels::new(parts).unwrap(), document, inbox, folder }
    }

    pub(crate) async fn send(&self, notification: &Notification, kind: TransportKind) -> AttemptOutcome {
        let transport = Transport::named(&notification.transport, kind);
        self.channels.send(notification, &transport, &self.document).await.outcome
    }

    pub(crate) async fn fail(&self, notification: &Notification, kind: TransportKind) -> Failure {
        match self.send(notification, kind).await {
            AttemptOutcome::Failed(failure) => failure,
            delivered @ AttemptOutcome::Delivered { .. } => panic!("{delivered:?}"),
        }
    }

    /// Every finished file of the mailbox, by name.
    pub(crate) fn mailbox(&self) -> Vec<(String, String)> {
        let Ok(files) = std::fs::read_dir(self.folder.path().join("mailbox")) else { return Vec::new() };
        let mut mails: Vec<_> = files
            .map(|file| file.unwrap())
            .map(|file| (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap()))
            .collect();
        mails.sort();
        mails
    }
}

pub(crate) fn webhook(url: impl Into<String>) -> TransportKind {
    let content_type = Transport::DEFAULT_CONTENT_TYPE.to_owned();
    TransportKind::Webhook { url: PlainOrSecret::parse(&url.into()), secrets: Vec::new(), content_type }
}

pub(crate) fn signed(url: impl Into<String>, secrets: &[&str]) -> TransportKind {
    let secrets = secrets.iter().map(|name| SecretRef::Env((*name).to_owned())).collect();
    let content_type = Transport::DEFAULT_CONTENT_TYPE.to_owned();
    TransportKind::Webhook { url: PlainOrSecret::parse(&url.into()), secrets, content_type }
}

pub(crate) fn slack(url: impl Into<String>) -> TransportKind {
    TransportKind::WebhookSlack { url: PlainOrSecret::parse(&url.into()) }
}

pub(crate) fn email() -> TransportKind {
    TransportKind::Email { subject_prefix: Transport::DEFAULT_SUBJECT_PREFIX.to_owned() }
}

/// The documented failed login.
pub(crate) fn login_failed() -> Value {
    json!({
        "pk": "018655ab-7777-8000-8000-2779b173eb2a",
        "user": { "pk": 2, "email": "", "username": "AnonymousUser" },
        "action": "login_failed",
        "app": "authentik.events.signals",
        "context": {
            "stage": {
                "pk": "7e88f4a991c442c1a1335d80f0827d7f",
                "app": "authentik_stages_password",
                "name": "default-authentication-password",
                "model_name": "passwordstage"
            },
            "password": "********************",
            "username": "akadmin",
            "http_request": {
                "args": { "query": "next=%2F" },
                "path": "/api/v3/flows/executor/default-authentication-flow/",
                "method": "POST"
            }
        },
        "client_ip": "::1",
        "created": "2023-02-15T15:32:55.319608Z",
        "expires": "2024-02-15T15:32:55.314581Z",
        "brand": {}
    })
}

/// The notification of the event to akadmin.
pub(crate) fn notification(event: Value) -> Notification {
    let event: Event = serde_json::from_value(event).unwrap();
    Notification {
        delivery: DeliveryId::for_recipient(event.pk, "brute-force", "ops", "akadmin"),
        rule: "brute-force".to_owned(),
        transport: "ops".to_owned(),
        severity: Severity::Alert,
        body: summary(&event),
        recipient: Person::new("akadmin", "root@example.org"),
        event: Arc::new(event),
        link: None,
        created: "2023-02-15T15:32:56Z".parse().unwrap(),
        digest: None,
    }
}

/// The same event with something changed.
pub(crate) fn changed(pointer: &str, value: Value) -> Notification {
    let mut event = login_failed();
    *event.pointer_mut(pointer).unwrap() = value;
    notification(event)
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }
}

struct KnownSecrets(HashMap<String, String>);

#[async_trait]
impl Secrets for KnownSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let reference = reference.to_string();
        match self.0.get(&reference) {
            Some(text) => Ok(SecretText(text.clone())),
            None => Err(SecretError { reference, detail: "the store said hunter2".to_owned() }),
        }
    }
}

/// An inbox that keeps its items; fails while `broken`.
#[derive(Default)]
pub(crate) struct RecordingInbox {
    pub(crate) items: Mutex<Vec<InboxItem>>,
    pub(crate) broken: Mutex<bool>,
}

#[async_trait]
impl Inbox for RecordingInbox {
    async fn put(&self, item: &InboxItem) -> Result<(), StoreError> {
        if *self.broken.lock().unwrap() {
            return Err(StoreError::store("the disk is full"));
        }
        self.items.lock().unwrap().push(item.clone());
        Ok(())
    }

    async fn list(
        &self,
        _: &str,
        _: Option<bool>,
        _: Option<&str>,
        _: usize,
        _: Timestamp,
    ) -> Result<Page<InboxItem, String>, StoreError> {
        unreachable!("a transport reads no inbox")
    }

    async fn mark(&self, _: &str, _: &str, _: bool) -> Result<Option<InboxItem>, StoreError> {
        unreachable!("a transport marks nothing")
    }

    async fn mark_all_seen(&self, _: &str) -> Result<usize, StoreError> {
        unreachable!("a transport marks nothing")
    }
}
