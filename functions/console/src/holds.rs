//! `/v1/holds`: holds keep the events that match a filter beyond their retention.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::event::EventPk;
use domain::retention::hold::{Hold, HoldFilter};
use domain::retention::job::{Job, JobTask};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::list::{self, List};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum HoldState {
    Active,
    Ended,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldListParameters {
    state: Option<HoldState>,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    filter: HoldFilter,
    reason: String,
}

/// A hold with its state.
#[derive(Serialize)]
pub(crate) struct HoldView {
    #[serde(flatten)]
    hold: Hold,
    state: HoldState,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self { state: if hold.ended.is_some() { HoldState::Ended } else { HoldState::Active }, hold }
    }
}

/// Lists holds, newest first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<HoldListParameters>,
) -> Result<Json<List<HoldView>>, Problem> {
    let limit = list::limit(filters.limit)?;
    let mut views: Vec<HoldView> = console.stores.holds.all().await?.into_iter().map(HoldView::from).collect();
    views.retain(|view| filters.state.is_none_or(|state| view.state == state));
    Ok(Json(List::newest(views, filters.cursor.as_deref(), limit, |view| &view.hold.id)))
}

/// Creates a hold. It takes effect at once for new events, and for stored ones when its job is done.
pub(crate) async fn create(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    api::Json(new): api::Json<NewHold>,
) -> Result<(StatusCode, Json<HoldView>), Problem> {
    if new.filter.is_empty() || new.reason.trim().is_empty() {
        return Err(Problem::unprocessable("\"filter\" needs at least one field, and \"reason\" must not be empty"));
    }
    let by = caller.into_token().bearer();
    let now = console.clock.now();
    let job = job(&console, &by).await?;
    let hold = Hold {
        id: EventPk::unnamed(now, console.entropy.bits()).to_string(),
        filter: new.filter,
        reason: new.reason,
        by,
        created: domain::time::to_micros(now),
        ended: None,
        ended_by: None,
        job: job.id.clone(),
    };
    put(&console, &hold, &job).await?;
    tracing::info!(hold = hold.id, by = hold.by, job = hold.job, "hold created");
    Ok((StatusCode::CREATED, Json(hold.into())))
}

/// Ends a hold, which stays listed. A job restores the expiries of the events that it held.
pub(crate) async fn end(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<HoldView>, Problem> {
    let found = console.stores.holds.all().await?.into_iter().find(|hold| hold.id == id);
    let hold = found.ok_or_else(|| Problem::not_found("no hold has this id"))?;
    if hold.ended.is_some() {
        return Ok(Json(hold.into()));
    }
    let by = caller.into_token().bearer();
    let job = job(&console, &by).await?;
    let ended = Some(domain::time::to_micros(console.clock.now()));
    let hold = Hold { ended, ended_by: Some(by), job: job.id.clone(), ..hold };
    put(&console, &hold, &job).await?;
    tracing::info!(hold = hold.id, by = hold.ended_by, job = hold.job, "hold ended");
    Ok(Json(hold.into()))
}

/// A job that applies the holds, as they are when it starts, to the stored events.
async fn job(console: &Console, by: &str) -> Result<Job, Problem> {
    let retention = console.configuration.current().await?.document.retention.clone();
    let now = console.clock.now();
    let job = Job::new(JobTask::Hold { retention }, false, by.to_owned(), now, console.entropy.bits());
    Ok(Job { starts: domain::time::later(job.created, console.stores.holds.known_within()), ..job })
}

/// Stores the hold before the job, so that the job finds it.
async fn put(console: &Console, hold: &Hold, job: &Job) -> Result<(), Problem> {
    console.stores.holds.put(hold).await?;
    if console.stores.jobs.replace(job).await? {
        Ok(())
    } else {
        Err(Problem::conflict("another job has this id; try again"))
    }
}
