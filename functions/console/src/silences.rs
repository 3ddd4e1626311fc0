//! `/v1/silences`: silences suppress notifications for a time. Lists, creates, ends and previews them.

use std::sync::Arc;

use api::{Authorized, Path, Problem, Query, read_body, scope};
use axum::Json;
use axum::extract::{Request, State};
use domain::Timestamp;
use domain::event::EventPk;
use domain::query::EventQuery;
use domain::rules_document::RulesDocument;
use domain::rules_document::{Silence, SilenceState};
use http::StatusCode;
use http::request::Parts;
use jiff::SignedDuration;
use rules::silence_preview::{SilencePreview, SilencedReport};
use rulesfile::Fault;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Console;
use crate::blocking::run_blocking_if;
use crate::history::History;
use crate::list::{self, List};

const MAX_BYTES: usize = 64 * 1024;
/// The time range of a preview without `since`.
const DEFAULT_RANGE: SignedDuration = SignedDuration::from_hours(7 * 24);
const DEFAULT_EVENTS: u64 = 10_000;
const MAX_EVENTS: u64 = 100_000;
const PAGE_SIZE: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SilenceListParameters {
    state: Option<SilenceState>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A silence with its state and source.
#[derive(Serialize)]
pub(crate) struct SilenceView {
    #[serde(flatten)]
    silence: Silence,
    state: SilenceState,
    source: SilenceSource,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum SilenceSource {
    /// The silence is part of the rules document, and the API cannot end it.
    File,
    /// The silence was created with `POST /v1/silences`.
    Api,
}

/// Lists silences, the one that ends last first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<SilenceListParameters>,
) -> Result<Json<List<SilenceView>>, Problem> {
    let (limit, now) = (list::limit(filters.limit)?, console.clock.now());
    let active = console.configuration.current().await?;
    let posted = console.stores.silences.all().await?;
    let view = |silence: Silence, source| SilenceView { state: silence.state_at(now), silence, source };
    let in_file = active.document.silences.iter().cloned().map(|silence| view(silence, SilenceSource::File));
    let mut views: Vec<SilenceView> =
        in_file.chain(posted.into_iter().map(|silence| view(silence, SilenceSource::Api))).collect();
    views.sort_by(|one, other| (other.silence.ends, &other.silence.id).cmp(&(one.silence.ends, &one.silence.id)));
    if let Some(cursor) = &filters.cursor {
        let seen = views.iter().position(|view| view.silence.id == *cursor);
        let seen = seen.ok_or_else(|| Problem::bad_request("cursor must be the \"next\" of the previous page"))?;
        views.drain(..=seen);
    }
    views.retain(|view| view.silence.expires() > now && filters.state.is_none_or(|state| view.state == state));
    Ok(Json(List::first(views, limit, |view| &view.silence.id)))
}

/// Creates a silence. Its author is the token's user.
pub(crate) async fn create(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    request: Request,
) -> Result<(StatusCode, Json<SilenceView>), Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let bytes = read_body(&headers, body, MAX_BYTES).await?;
    let active = console.configuration.current().await?;
    let now = console.clock.now();
    let silence = rulesfile::read_silence(&bytes, rule_names(&active.document), now)
        .map_err(|faults| invalid_silence(&faults))?;
    let id = format!("{:016x}", console.entropy.bits() >> 64);
    let silence = Silence { id, by: caller.into_token().bearer(), ..silence };
    if silence.ends <= now {
        return Err(Problem::unprocessable("this silence has already ended; \"ends\" must be in the future"));
    }
    console.stores.silences.put(&silence).await?;
    tracing::info!(silence = silence.id, by = silence.by, ends = %silence.ends, "silence created");
    Ok((StatusCode::CREATED, Json(SilenceView { state: silence.state_at(now), silence, source: SilenceSource::Api })))
}

/// Ends a silence now. It stays listed for 90 days.
pub(crate) async fn end(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<SilenceView>, Problem> {
    let active = console.configuration.current().await?;
    if active.document.silences.iter().any(|silence| silence.id == id) {
        return Err(Problem::conflict("this silence is part of the rules document; remove it there"));
    }
    let silence =
        console.stores.silences.get(&id).await?.ok_or_else(|| Problem::not_found("no silence has this id"))?;
    let now = console.clock.now();
    let ended = silence.clone().ended(now);
    if ended != silence {
        console.stores.silences.put(&ended).await?;
        tracing::info!(silence = id, by = caller.into_token().bearer(), "silence ended");
    }
    Ok(Json(SilenceView { state: ended.state_at(now), silence: ended, source: SilenceSource::Api }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewParameters {
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
    cursor: Option<EventPk>,
    limit: Option<u64>,
}

/// The report on one part of the log.
#[derive(Serialize)]
pub(crate) struct PreviewResult {
    report: SilencedReport,
    next: Option<EventPk>,
}

/// Reports what the silence in the body would have suppressed if it had always been active.
pub(crate) async fn preview(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(part): Query<PreviewParameters>,
    request: Request,
) -> Result<Json<PreviewResult>, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let limit = part.limit.unwrap_or(DEFAULT_EVENTS);
    if !(1..=MAX_EVENTS).contains(&limit) {
        return Err(Problem::bad_request("limit must be a whole number from 1 to 100000"));
    }
    let bytes = read_body(&headers, body, MAX_BYTES).await?;
    let active = console.configuration.current().await?;
    let silence = rulesfile::read_silence_preview(&bytes, rule_names(&active.document))
        .map_err(|faults| invalid_silence(&faults))?;
    let mut preview = SilencePreview::new(active.document.clone(), silence);
    let since = part.since.unwrap_or_else(|| domain::time::later(console.clock.now(), -DEFAULT_RANGE));
    let query = EventQuery { since: Some(since), until: part.until, before: part.cursor, ..EventQuery::default() };
    let mut history = History::new(&console, query);
    let mut tried = 0;
    while tried < limit {
        let page_size = usize::try_from(limit - tried).unwrap_or(PAGE_SIZE).min(PAGE_SIZE);
        let Some(events) = history.next_page(page_size).await? else { break };
        tried += events.len() as u64;
        let expressions = Arc::clone(&console.expressions);
        preview = run_blocking_if(preview.has_expressions(), move || {
            for event in &events {
                preview.add_event(event, &*expressions);
            }
            preview
        })
        .await;
    }
    Ok(Json(PreviewResult { report: preview.finish(), next: history.cursor() }))
}

fn rule_names(document: &RulesDocument) -> impl Iterator<Item = &str> {
    document.rules.iter().map(|rule| rule.name.as_str())
}

fn invalid_silence(faults: &[Fault]) -> Problem {
    Problem::unprocessable("the silence has faults").with("faults", json!(faults))
}
