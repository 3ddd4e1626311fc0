//! The reading and operating API: events, notifications, deliveries, transports, the rules document;
//! and the web console on top of it, whose sources are in `web/`.
//!
//! One file a subject. Decides nothing about events or deliveries itself: it shows what the store
//! holds and passes an operator's wish on to the ledger, the queue or the documents.
#![doc = include_str!("../README.md")]

mod assets;
mod beside;
mod config;
mod csv;
mod deliveries;
mod diff;
mod dry_run;
mod events;
mod export;
mod filters;
mod holds;
mod jobs;
mod list;
mod live;
mod notifications;
mod payload;
mod redeliver;
mod rule_list;
mod scan;
mod session;
mod silences;
mod top;
mod trace;
mod transport_test;
mod transports;
mod versions;
mod volume;

pub use payload::Payload;

use std::sync::Arc;

use api::Authenticator;
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{delete, get, patch, post};
use domain::ports::{
    Clock, Configuration, Documents, Endpoints, Entropy, EventLog, Expressions, Holds, Inbox, InboxNews, Jobs, Ledger,
    Renderer, Silences, Stores, Volume, WorkQueue,
};

/// Where the rules document comes from.
#[derive(Clone)]
pub enum RulesSource {
    /// A file beside the process, which the operator edits; it cannot be replaced over HTTP.
    File,
    /// The store.
    Stored(Arc<dyn Documents>),
}

/// What the API needs of the world.
#[derive(Clone)]
pub struct Console {
    /// The events.
    pub log: Arc<dyn EventLog>,
    /// How many there were.
    pub volume: Arc<dyn Volume>,
    /// The deliveries.
    pub ledger: Arc<dyn Ledger>,
    /// Where redelivered ones go.
    pub queue: Arc<dyn WorkQueue>,
    /// What is known of the endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// The inboxes.
    pub inbox: Arc<dyn Inbox>,
    /// Word of changes to them.
    pub news: Arc<dyn InboxNews>,
    /// What operators silenced.
    pub silences: Arc<dyn Silences>,
    /// What is kept whatever its retention.
    pub holds: Arc<dyn Holds>,
    /// What operators asked for.
    pub jobs: Arc<dyn Jobs>,
    /// The rules document in force.
    pub configuration: Arc<dyn Configuration>,
    /// Where it comes from.
    pub rules: RulesSource,
    /// For testing a transport, and for showing what rules that are tried would send.
    pub channel: Arc<dyn Renderer>,
    /// For explaining and trying rules that are expressions.
    pub expressions: Arc<dyn Expressions>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For the pk of a test's event.
    pub entropy: Arc<dyn Entropy>,
    /// Checks the callers' tokens and sessions.
    pub authenticator: Authenticator,
}

/// What a [`Console`] needs besides the store; the fields are those of the console.
#[expect(missing_docs, reason = "the fields of Console are documented")]
pub struct Services {
    pub news: Arc<dyn InboxNews>,
    pub configuration: Arc<dyn Configuration>,
    pub rules: RulesSource,
    pub channel: Arc<dyn Renderer>,
    pub expressions: Arc<dyn Expressions>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub authenticator: Authenticator,
}

impl Console {
    /// Takes the store's ports from `stores`.
    pub fn new(stores: &Stores, services: Services) -> Self {
        let Stores { log, volume, ledger, queue, endpoints, inbox, silences, holds, jobs, .. } = stores.clone();
        let Services { news, configuration, rules, channel, expressions, clock, entropy, authenticator } = services;
        Self {
            log,
            volume,
            ledger,
            queue,
            endpoints,
            inbox,
            news,
            silences,
            holds,
            jobs,
            configuration,
            rules,
            channel,
            expressions,
            clock,
            entropy,
            authenticator,
        }
    }
}

impl FromRef<Console> for Authenticator {
    fn from_ref(console: &Console) -> Self {
        console.authenticator.clone()
    }
}

/// The routes. Whoever serves them calls [`api::with_middleware`] on the whole.
pub fn router(console: Console) -> Router {
    Router::new()
        .route("/v1/events", get(events::list))
        .route("/v1/events/volume", get(volume::show))
        .route("/v1/events/top", get(top::show))
        .route("/v1/events/export", get(export::show))
        .route("/v1/events/diff", post(diff::make))
        .route("/v1/events/{pk}", get(events::show))
        .route("/v1/events/{pk}/trace", get(trace::show))
        .route("/v1/notifications", get(notifications::list))
        .route("/v1/notifications/live", get(live::show))
        .route("/v1/notifications/{pk}", patch(notifications::mark))
        .route("/v1/notifications/mark_all_seen", post(notifications::mark_all_seen))
        .route("/v1/deliveries", get(deliveries::list))
        .route("/v1/deliveries/redeliver", post(redeliver::many))
        .route("/v1/deliveries/{id}", get(deliveries::show))
        .route("/v1/deliveries/{id}/redeliver", post(redeliver::one))
        .route("/v1/silences", get(silences::list).post(silences::create))
        .route("/v1/silences/preview", post(silences::preview))
        .route("/v1/silences/{id}", delete(silences::end))
        .route("/v1/jobs", get(jobs::list).post(jobs::create))
        .route("/v1/jobs/{id}", get(jobs::show))
        .route("/v1/holds", get(holds::list).post(holds::create))
        .route("/v1/holds/{id}", delete(holds::end))
        .route("/v1/transports", get(transports::list))
        .route("/v1/transports/{name}/enable", post(transports::enable))
        .route("/v1/transports/{name}/test", post(transport_test::test))
        .route("/v1/rules/dry-run", post(dry_run::run))
        .route("/v1/config", get(config::show).put(config::replace))
        .route("/v1/config/check", post(config::check))
        .route("/v1/config/versions", get(versions::list))
        .route("/v1/config/versions/{version}", get(versions::show))
        .route("/v1/rules", get(rule_list::list))
        .route("/v1/session", get(session::show).post(session::begin).delete(session::end))
        .merge(assets::routes())
        .with_state(console)
}
