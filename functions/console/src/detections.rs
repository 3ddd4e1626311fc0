//! `/v1/detections`: the detections of the rules document with their state, and the groups of one.

use std::collections::HashMap;

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::detection::{self, DetectionId, FiringState, GroupRecord, GroupState, detection_id, group_paths};
use domain::event::{Action, ActionPattern};
use domain::query::EventQuery;
use domain::rules_document::{Detection, DetectionKind, Policy};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Console;
use crate::history::scan;
use crate::list;

/// How far back firings are counted.
const COUNTED: SignedDuration = SignedDuration::from_hours(24);

#[derive(Serialize)]
pub(crate) struct DetectionList {
    results: Vec<DetectionView>,
    next: Option<String>,
    /// How many accepted events have not been evaluated yet.
    pending: u64,
    /// Firings before this time were not examined; `None` if the last 24 hours were, and `last_fired` is exact.
    searched_from: Option<String>,
}

#[derive(Serialize)]
struct DetectionView {
    name: String,
    kind: &'static str,
    /// How many groups are open.
    groups: u64,
    #[serde(with = "domain::time::micros_option")]
    last_fired: Option<Timestamp>,
    fired_24h: u64,
    /// Whether a `first_seen` detection only learns.
    learning: bool,
}

#[derive(Deserialize)]
pub(crate) struct ListParameters {
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
pub(crate) struct GroupParameters {
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(crate) struct GroupList {
    results: Vec<GroupView>,
    next: Option<String>,
    /// How many groups were examined; the results are the fullest of these.
    searched: u64,
}

#[derive(Serialize)]
struct GroupView {
    /// The values of `by`, and of `value` for `first_seen`, by path.
    by: Map<String, Value>,
    /// The members or distinct values in the newest window, or the steps that have an event.
    count: u32,
    /// When the group's newest event happened; for `absent`, since when none came.
    #[serde(with = "domain::time::micros_option")]
    newest: Option<Timestamp>,
    /// When the absence of events is reported; null for every other kind, and after it was.
    #[serde(with = "domain::time::micros_option")]
    due: Option<Timestamp>,
}

/// The firings of each detection that were found.
#[derive(Default)]
struct Firings {
    by_name: HashMap<String, (Timestamp, u64)>,
    /// Where the search ended, unless it found all.
    searched_from: Option<Timestamp>,
}

/// Lists the detections by name.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<ListParameters>,
) -> Result<Json<DetectionList>, Problem> {
    let limit = list::limit(parameters.limit)?;
    let now = console.clock.now();
    let active = console.configuration.current().await?;
    let after = |detection: &&Detection| parameters.cursor.as_ref().is_none_or(|cursor| detection.name > *cursor);
    let mut detections: Vec<&Detection> = active.document.detections().filter(after).take(limit + 1).collect();
    let next = (detections.len() > limit).then(|| detections[limit - 1].name.clone());
    detections.truncate(limit);
    let firings = if detections.is_empty() { Firings::default() } else { firings(&console, now).await? };
    let mut results = Vec::with_capacity(detections.len());
    for detection in detections {
        let id = detection_id(detection);
        let (last_fired, fired_24h) =
            firings.by_name.get(&detection.name).map_or((None, 0), |(last, count)| (Some(*last), *count));
        results.push(DetectionView {
            name: detection.name.clone(),
            kind: detection.kind.as_str(),
            groups: console.stores.groups.count(id, now).await?,
            last_fired,
            fired_24h,
            learning: is_learning(&console, detection, id, now).await?,
        });
    }
    let pending = console.stores.queue.backlog(now).await?.events;
    let searched_from = firings.searched_from.map(domain::time::format);
    Ok(Json(DetectionList { results, next, pending, searched_from }))
}

/// Lists the fullest groups of a detection.
pub(crate) async fn groups(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(name): Path<String>,
    Query(parameters): Query<GroupParameters>,
) -> Result<Json<GroupList>, Problem> {
    let limit = list::limit(parameters.limit)?;
    let active = console.configuration.current().await?;
    let Some(Policy::Detection(detection)) = active.document.policies.get(&name).map(AsRef::as_ref) else {
        return Err(Problem::not_found("no detection of this name is configured"));
    };
    let now = console.clock.now();
    let found = console.stores.groups.fullest(detection_id(detection), now, limit).await?;
    let with_events = found.groups.iter().filter(|(_, record)| !matches!(record.state, GroupState::Activated { .. }));
    let results = with_events.map(|(_, record)| GroupView::from_record(detection, record)).collect();
    Ok(Json(GroupList { results, next: None, searched: found.searched }))
}

impl GroupView {
    fn from_record(detection: &Detection, record: &GroupRecord) -> Self {
        let values = group_paths(detection).zip(&record.values);
        let by = values.map(|(path, value)| (path.as_str().to_owned(), value.clone())).collect();
        Self { by, count: record.count, newest: record.newest(), due: record.due }
    }
}

/// Whether a `first_seen` detection only learns at `now`. One that was never activated does.
async fn is_learning(
    console: &Console,
    detection: &Detection,
    id: DetectionId,
    now: Timestamp,
) -> Result<bool, Problem> {
    let DetectionKind::FirstSeen(settings) = &detection.kind else { return Ok(false) };
    let stored = console.stores.groups.get_all(&[detection::activation_group(id)]).await?.pop().flatten();
    Ok(match stored.map(|record| record.state) {
        Some(GroupState::Activated { since }) => now < domain::time::later(since, settings.learn),
        _ => true,
    })
}

/// Reads the detection events of the last 24 hours, newest first, as far as one request may.
async fn firings(console: &Console, now: Timestamp) -> Result<Firings, Problem> {
    let since = domain::time::later(now, -COUNTED);
    let action = Action::parse(detection::ACTION).map_err(|_| Problem::internal())?;
    let query = EventQuery {
        action: Some(ActionPattern::Exact(action)),
        app: Some(detection::APP.to_owned()),
        since: Some(since),
        ..EventQuery::default()
    };
    let mut by_name: HashMap<String, (Timestamp, u64)> = HashMap::new();
    let searched = scan(console, query, |event| {
        let is_firing = event.context_str("state") == Some(FiringState::Fired.as_str());
        if let Some(name) = event.detection().filter(|_| is_firing) {
            let (last, count) = by_name.entry(name.clone()).or_insert((event.created, 0));
            *last = (*last).max(event.created);
            *count += 1;
        }
    })
    .await?;
    Ok(Firings { by_name, searched_from: searched.from.filter(|from| *from > since) })
}
