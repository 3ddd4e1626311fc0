//! `/v1/transports`: which there are, whether their endpoints are well, and letting deliveries through again.
//!
//! Shows no URL and no secret: a chat webhook's URL is its password.

use std::collections::BTreeMap;

use api::{Authorized, Path, Problem, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::endpoint::{Endpoint, Standing};
use domain::ports::StoreError;
use domain::rules_document::{Limit, Transport};
use serde::Serialize;

use crate::Console;
use crate::list::List;

/// How often a change is tried that a dispatcher's comes in between of.
const TRIES: usize = 3;

/// A transport as it is shown.
#[derive(Serialize)]
pub(crate) struct View {
    name: String,
    mode: &'static str,
    send_once: bool,
    limit: Limit,
    /// `ready`, `paused`: not before `until`, `disabled`: not until it is enabled.
    state: &'static str,
    #[serde(with = "domain::time::micros_option")]
    since: Option<Timestamp>,
    #[serde(with = "domain::time::micros_option")]
    until: Option<Timestamp>,
    why: Option<String>,
}

impl View {
    fn of(transport: &Transport, standing: &Standing) -> Self {
        let (state, since, until, why) = match standing {
            Standing::Ready => ("ready", None, None, None),
            Standing::Paused(pause) => ("paused", Some(pause.since), Some(pause.until), Some(pause.why.clone())),
            Standing::Disabled { since, why } => ("disabled", Some(*since), None, Some(why.clone())),
        };
        let Transport { name, send_once, kind, limit, ca: _, mappings: _ } = transport;
        Self { name: name.clone(), mode: kind.mode(), send_once: *send_once, limit: *limit, state, since, until, why }
    }
}

/// All of them, by name.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
) -> Result<Json<List<View>>, Problem> {
    let active = console.configuration.current().await?;
    let all = console.endpoints.all().await?;
    let known: BTreeMap<&str, &Endpoint> = all.iter().map(|endpoint| (endpoint.transport.as_str(), endpoint)).collect();
    let view = |transport: &Transport| {
        View::of(transport, Standing::of(known.get(transport.name.as_str()).copied(), transport))
    };
    Ok(Json(List::new(active.document.transports.values().map(view).collect(), None::<String>)))
}

/// Lets deliveries through again, whatever was found out before.
pub(crate) async fn enable(
    _: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(name): Path<String>,
) -> Result<Json<View>, Problem> {
    let active = console.configuration.current().await?;
    let transport = find(&active.document.transports, &name)?;
    make_ready(&console, transport).await?;
    Ok(Json(View::of(transport, &Standing::Ready)))
}

/// The transport of that name.
pub(crate) fn find<'t>(transports: &'t BTreeMap<String, Transport>, name: &str) -> Result<&'t Transport, Problem> {
    transports.get(name).ok_or_else(|| Problem::not_found("no transport of this name is configured"))
}

/// Writes down that the transport's endpoint is well, unless nothing else is known.
pub(crate) async fn make_ready(console: &Console, transport: &Transport) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let all = console.endpoints.all().await?;
        let known = all.iter().find(|endpoint| endpoint.transport == transport.name);
        if *Standing::of(known, transport) == Standing::Ready
            || console.endpoints.replace(&Endpoint::next(known, transport, Standing::Ready)).await?
        {
            return Ok(());
        }
    }
    Err(StoreError::store("the transport's state changes all the time; try again"))
}
