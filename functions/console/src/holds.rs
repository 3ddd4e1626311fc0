//! `/v1/holds`: what is kept whatever its retention, by whom and why.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::event::EventPk;
use domain::retention::hold::{Hold, HoldFilter};
use domain::retention::job::{Job, Task};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::list::{self, List};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Active,
    Ended,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    state: Option<Standing>,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    filter: HoldFilter,
    reason: String,
}

/// A hold as it is shown.
#[derive(Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    hold: Hold,
    state: Standing,
}

impl From<Hold> for View {
    fn from(hold: Hold) -> Self {
        Self { state: if hold.ended.is_some() { Standing::Ended } else { Standing::Active }, hold }
    }
}

/// Newest first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<Filters>,
) -> Result<Json<List<View>>, Problem> {
    let limit = list::limit(filters.limit)?;
    let mut views: Vec<View> = console.holds.all().await?.into_iter().map(View::from).collect();
    views.retain(|view| filters.state.is_none_or(|state| view.state == state));
    Ok(Json(List::newest(views, filters.cursor.as_deref(), limit, |view| &view.hold.id)))
}

/// Puts one there; it is in force for all that is stored once its job is done.
pub(crate) async fn create(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    api::Json(new): api::Json<New>,
) -> Result<(StatusCode, Json<View>), Problem> {
    if new.filter.is_empty() || new.reason.trim().is_empty() {
        return Err(Problem::unprocessable(
            "say what is held, by one field of \"filter\" at least, and why, in \"reason\"",
        ));
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
    tracing::info!(hold = hold.id, by = hold.by, job = hold.job, "a hold was put there");
    Ok((StatusCode::CREATED, Json(hold.into())))
}

/// Ends one; a job gives what it held its own expiry again. It stays listed.
pub(crate) async fn end(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    let found = console.holds.all().await?.into_iter().find(|hold| hold.id == id);
    let hold = found.ok_or_else(|| Problem::not_found("no hold has this id"))?;
    if hold.ended.is_some() {
        return Ok(Json(hold.into()));
    }
    let by = caller.into_token().bearer();
    let job = job(&console, &by).await?;
    let ended = Some(domain::time::to_micros(console.clock.now()));
    let hold = Hold { ended, ended_by: Some(by), job: job.id.clone(), ..hold };
    put(&console, &hold, &job).await?;
    tracing::info!(hold = hold.id, by = hold.ended_by, job = hold.job, "a hold was ended");
    Ok(Json(hold.into()))
}

/// The job that brings the holds into force as they are when it starts.
async fn job(console: &Console, by: &str) -> Result<Job, Problem> {
    let retention = console.configuration.current().await?.document.retention.clone();
    let now = console.clock.now();
    let job = Job::new(Task::Hold { retention }, false, by.to_owned(), now, console.entropy.bits());
    Ok(Job { starts: domain::time::later(job.created, console.holds.known_within()), ..job })
}

/// The hold first: a job that starts finds it.
async fn put(console: &Console, hold: &Hold, job: &Job) -> Result<(), Problem> {
    console.holds.put(hold).await?;
    if console.jobs.replace(job).await? { Ok(()) } else { Err(Problem::conflict("another job has this id; ask again")) }
}
