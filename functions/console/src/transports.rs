//! `/v1/transports`: the transports with the states of their endpoints, and enabling one.
//!
//! Shows neither URLs nor secrets: the URL of a chat webhook is its password.

use std::collections::BTreeMap;

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::endpoint::{Endpoint, EndpointState};
use domain::ports::StoreError;
use domain::rules_document::{Transport, TransportLimit};
use serde::Serialize;

use crate::Console;
use crate::list::List;

/// How often a change is attempted when a dispatcher changes the state at the same time.
const MAX_TRIES: usize = 3;

/// A transport with the state of its endpoint.
#[derive(Serialize)]
pub(crate) struct TransportView {
    name: String,
    mode: &'static str,
    send_once: bool,
    limit: TransportLimit,
    /// `ready`; `paused`: nothing is sent before `until`; `disabled`: nothing is sent until it is enabled.
    state: &'static str,
    #[serde(with = "domain::time::micros_option")]
    since: Option<Timestamp>,
    #[serde(with = "domain::time::micros_option")]
    until: Option<Timestamp>,
    why: Option<String>,
}

impl TransportView {
    fn from_transport(transport: &Transport, state: &EndpointState) -> Self {
        let (state, since, until, why) = match state {
            EndpointState::Ready => ("ready", None, None, None),
            EndpointState::Paused(pause) => ("paused", Some(pause.since), Some(pause.until), Some(pause.why.clone())),
            EndpointState::Disabled { since, why } => ("disabled", Some(*since), None, Some(why.clone())),
        };
        let Transport { name, send_once, kind, limit, ca: _, mappings: _ } = transport;
        Self { name: name.clone(), mode: kind.mode(), send_once: *send_once, limit: *limit, state, since, until, why }
    }
}

/// Lists all transports by name.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
) -> Result<Json<List<TransportView>>, Problem> {
    let active = console.configuration.current().await?;
    let all = console.stores.endpoints.all().await?;
    let known: BTreeMap<&str, &Endpoint> = all.iter().map(|endpoint| (endpoint.transport.as_str(), endpoint)).collect();
    let view = |transport: &Transport| {
        TransportView::from_transport(
            transport,
            EndpointState::for_transport(known.get(transport.name.as_str()).copied(), transport),
        )
    };
    Ok(Json(List::new(active.document.transports.values().map(view).collect(), None::<String>)))
}

/// Enables a paused or disabled transport.
pub(crate) async fn enable(
    _: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(name): Path<String>,
) -> Result<Json<TransportView>, Problem> {
    let active = console.configuration.current().await?;
    let transport = find(&active.document.transports, &name)?;
    make_ready(&console, transport).await?;
    Ok(Json(TransportView::from_transport(transport, &EndpointState::Ready)))
}

/// The transport with this name, or 404.
pub(crate) fn find<'t>(transports: &'t BTreeMap<String, Transport>, name: &str) -> Result<&'t Transport, Problem> {
    transports.get(name).ok_or_else(|| Problem::not_found("no transport of this name is configured"))
}

/// Stores that the transport's endpoint is ready, unless it is already.
pub(crate) async fn make_ready(console: &Console, transport: &Transport) -> Result<(), StoreError> {
    for _ in 0..MAX_TRIES {
        let all = console.stores.endpoints.all().await?;
        let known = all.iter().find(|endpoint| endpoint.transport == transport.name);
        if *EndpointState::for_transport(known, transport) == EndpointState::Ready
            || console.stores.endpoints.replace(&Endpoint::next(known, transport, EndpointState::Ready)).await?
        {
            return Ok(());
        }
    }
    Err(StoreError::store("the state of the transport keeps changing; try again"))
}
