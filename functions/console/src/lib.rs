//! The API to read events and to operate Nuncio: events, notifications, deliveries, transports, the rules document.
//! Also serves the web console, whose sources are in `web/`.
//!
//! One file per subject. Refuses to decide about events or deliveries: it shows what the store holds, and passes the
//! operators' requests on to the ledger, the queue and the documents.
#![doc = include_str!("../README.md")]

mod assets;
mod blocking;
mod config;
mod csv;
mod deliveries;
mod delivery_summary;
mod detections;
mod diff;
mod dry_run;
mod event_filters;
mod events;
mod export;
mod history;
mod holds;
mod jobs;
mod list;
mod live;
mod notifications;
mod payload;
mod redeliver;
mod rule_list;
mod search;
mod session;
mod sign_in_help;
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
use domain::ports::{Clock, Configuration, Documents, Entropy, Expressions, InboxUpdates, Renderer, Stores};

/// The source of the rules document.
#[derive(Clone)]
pub enum RulesSource {
    /// A file that the operator edits. It cannot be replaced over HTTP.
    File,
    /// The store. The document can be replaced over HTTP.
    Stored(Arc<dyn Documents>),
}

/// The ports of the API, and the state of its router.
#[derive(Clone)]
pub struct Console {
    /// The ports of the store.
    pub stores: Stores,
    /// Live updates of the inboxes.
    pub inbox_updates: Arc<dyn InboxUpdates>,
    /// The active rules document.
    pub configuration: Arc<dyn Configuration>,
    /// The source of the rules document.
    pub rules: RulesSource,
    /// Sends transport tests and renders the messages of dry runs.
    pub channel: Arc<dyn Renderer>,
    /// Evaluates the expressions of rules.
    pub expressions: Arc<dyn Expressions>,
    /// Decides what has expired, and dates new jobs and holds.
    pub clock: Arc<dyn Clock>,
    /// Random bits for the ids of new jobs, holds, silences and test events.
    pub entropy: Arc<dyn Entropy>,
    /// Checks the callers' tokens and sessions.
    pub authenticator: Authenticator,
    /// The command that creates a token for this server, as the sign-in page shows it.
    pub token_command: String,
}

impl FromRef<Console> for Authenticator {
    fn from_ref(console: &Console) -> Self {
        console.authenticator.clone()
    }
}

/// The routes of the API and the console. The caller adds [`api::with_middleware`] to the complete router.
pub fn router(console: Console) -> Router {
    Router::new()
        .route("/v1/events", get(events::list))
        .route("/v1/events/volume", get(volume::show))
        .route("/v1/events/top", get(top::show))
        .route("/v1/events/export", get(export::show))
        .route("/v1/events/diff", post(diff::compute))
        .route("/v1/events/{pk}", get(events::show))
        .route("/v1/events/{pk}/trace", get(trace::show))
        .route("/v1/notifications", get(notifications::list))
        .route("/v1/notifications/live", get(live::show))
        .route("/v1/notifications/{pk}", patch(notifications::mark))
        .route("/v1/notifications/mark_all_seen", post(notifications::mark_all_seen))
        .route("/v1/deliveries", get(deliveries::list))
        .route("/v1/deliveries/summary", get(delivery_summary::show))
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
        .route("/v1/detections", get(detections::list))
        .route("/v1/detections/{name}/groups", get(detections::groups))
        .route("/v1/transports", get(transports::list))
        .route("/v1/transports/{name}/enable", post(transports::enable))
        .route("/v1/transports/{name}/test", post(transport_test::test))
        .route("/v1/rules/dry-run", post(dry_run::run))
        .route("/v1/config", get(config::show).put(config::replace))
        .route("/v1/config/check", post(config::check))
        .route("/v1/config/versions", get(versions::list))
        .route("/v1/config/versions/{version}", get(versions::show))
        .route("/v1/rules", get(rule_list::list))
        .route("/v1/session/help", get(sign_in_help::show))
        .route("/v1/session", get(session::show).post(session::begin).delete(session::end))
        .merge(assets::routes())
        .with_state(console)
}
