//! `/v1/silences`: what is kept back for a time, by whom and why; and what it would have kept back.

use std::sync::Arc;

use api::{Authorized, Path, Problem, Query, read_body, scope};
use axum::Json;
use axum::extract::{Request, State};
use domain::Timestamp;
use domain::event::EventPk;
use domain::query::EventQuery;
use domain::rules_document::RulesDocument;
use domain::rules_document::{Silence, Standing};
use http::StatusCode;
use http::request::Parts;
use jiff::SignedDuration;
use rules::silence_preview::{SilencePreview, SilencedReport};
use rulesfile::Fault;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Console;
use crate::beside::{LONGEST, beside};
use crate::list::{self, List};

const MAX_BYTES: usize = 64 * 1024;
/// How far back a preview looks unless told.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);
const PREVIEWED: u64 = 10_000;
const MOST_PREVIEWED: u64 = 100_000;
const PAGE: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    state: Option<Standing>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A silence as it is shown.
#[derive(Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    silence: Silence,
    state: Standing,
    source: Source,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    /// The rules document.
    File,
    /// `POST /v1/silences`.
    Api,
}

/// The one that ends last comes first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<Filters>,
) -> Result<Json<List<View>>, Problem> {
    let (limit, now) = (list::limit(filters.limit)?, console.clock.now());
    let active = console.configuration.current().await?;
    let posted = console.silences.all().await?;
    let view = |silence: Silence, source| View { state: silence.standing(now), silence, source };
    let in_file = active.document.silences.iter().cloned().map(|silence| view(silence, Source::File));
    let mut views: Vec<View> = in_file.chain(posted.into_iter().map(|silence| view(silence, Source::Api))).collect();
    views.sort_by(|one, other| (other.silence.ends, &other.silence.id).cmp(&(one.silence.ends, &one.silence.id)));
    if let Some(cursor) = &filters.cursor {
        let seen = views.iter().position(|view| view.silence.id == *cursor);
        let seen = seen.ok_or_else(|| Problem::bad_request("cursor must be the \"next\" of the page before"))?;
        views.drain(..=seen);
    }
    views.retain(|view| view.silence.expires() > now && filters.state.is_none_or(|state| view.state == state));
    Ok(Json(List::first(views, limit, |view| &view.silence.id)))
}

/// Puts one in force; its author is the token's user.
pub(crate) async fn create(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    request: Request,
) -> Result<(StatusCode, Json<View>), Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let bytes = read_body(&headers, body, MAX_BYTES).await?;
    let active = console.configuration.current().await?;
    let now = console.clock.now();
    let silence = rulesfile::read_silence(&bytes, names(&active.document), now).map_err(|faults| faulty(&faults))?;
    let id = format!("{:016x}", console.entropy.bits() >> 64);
    let silence = Silence { id, by: caller.into_token().bearer(), ..silence };
    if silence.ends <= now {
        return Err(Problem::unprocessable("this silence has ended already; let \"ends\" lie in the future"));
    }
    console.silences.put(&silence).await?;
    tracing::info!(silence = silence.id, by = silence.by, ends = %silence.ends, "a silence was put in force");
    Ok((StatusCode::CREATED, Json(View { state: silence.standing(now), silence, source: Source::Api })))
}

/// Ends one now; it stays listed for 90 days.
pub(crate) async fn end(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    let active = console.configuration.current().await?;
    if active.document.silences.iter().any(|silence| silence.id == id) {
        return Err(Problem::conflict("this silence stands in the rules document; remove it there"));
    }
    let silence = console.silences.get(&id).await?.ok_or_else(|| Problem::not_found("no silence has this id"))?;
    let now = console.clock.now();
    let ended = silence.clone().ended(now);
    if ended != silence {
        console.silences.put(&ended).await?;
        tracing::info!(silence = id, by = caller.into_token().bearer(), "a silence was ended");
    }
    Ok(Json(View { state: ended.standing(now), silence: ended, source: Source::Api }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
    cursor: Option<EventPk>,
    limit: Option<u64>,
}

/// One part of the history, newest first.
#[derive(Serialize)]
pub(crate) struct Previewed {
    report: SilencedReport,
    next: Option<EventPk>,
}

/// What the silence in the body would have kept back, had it been in force all the time.
pub(crate) async fn preview(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(part): Query<Part>,
    request: Request,
) -> Result<Json<Previewed>, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let limit = part.limit.unwrap_or(PREVIEWED);
    if !(1..=MOST_PREVIEWED).contains(&limit) {
        return Err(Problem::bad_request("limit must lie between 1 and 100000"));
    }
    let bytes = read_body(&headers, body, MAX_BYTES).await?;
    let active = console.configuration.current().await?;
    let silence = rulesfile::read_silence_preview(&bytes, names(&active.document)).map_err(|faults| faulty(&faults))?;
    let mut preview = SilencePreview::new(active.document.clone(), silence);
    let since = part.since.unwrap_or_else(|| domain::time::later(console.clock.now(), -LOOKED_BACK));
    let mut query = EventQuery { since: Some(since), until: part.until, ..EventQuery::default() };
    query.before = part.cursor;
    let mut tried = 0;
    let enough = domain::time::later(console.clock.now(), LONGEST);
    loop {
        query.limit = usize::try_from(limit - tried).unwrap_or(PAGE).min(PAGE);
        let page = console.log.list(&query, console.clock.now()).await?;
        tried += page.results.len() as u64;
        let (events, expressions) = (page.results, Arc::clone(&console.expressions));
        preview = beside(preview.has_expressions(), move || {
            for event in &events {
                preview.add_event(event, &*expressions);
            }
            preview
        })
        .await;
        query.before = page.next;
        if page.next.is_none() || tried >= limit || console.clock.now() >= enough {
            return Ok(Json(Previewed { report: preview.finish(), next: page.next }));
        }
    }
}

fn names(document: &RulesDocument) -> impl Iterator<Item = &str> {
    document.rules.iter().map(|rule| rule.name.as_str())
}

fn faulty(faults: &[Fault]) -> Problem {
    Problem::unprocessable("the silence has faults").with("faults", json!(faults))
}
