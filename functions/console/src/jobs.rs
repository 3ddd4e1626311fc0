//! `/v1/jobs`: jobs that operators start over all stored events, and their progress.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::retention::erasure::ErasureSubject;
use domain::retention::job::{self, Job, JobReport, JobTask};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::list::{self, List};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobListParameters {
    state: Option<job::JobState>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// The body of a request to start a job.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum NewJob {
    /// Sets the expiry of every stored event by the retention settings in force now.
    Restamp {
        /// Only count the events.
        #[serde(default)]
        dry_run: bool,
    },
    /// Erases the data of one person. The request must name the username, the email address or both.
    Erase {
        /// The username of the person.
        username: Option<String>,
        /// The email address of the person.
        email: Option<String>,
        /// Only count the events.
        #[serde(default)]
        dry_run: bool,
    },
}

/// A job with its progress.
#[derive(Serialize)]
pub(crate) struct JobView {
    id: String,
    #[serde(flatten)]
    task: JobTask,
    dry_run: bool,
    state: job::JobState,
    #[serde(flatten)]
    report: JobReport,
    why: Option<String>,
    by: String,
    #[serde(with = "domain::time::micros")]
    created: Timestamp,
    #[serde(with = "domain::time::micros")]
    updated: Timestamp,
    #[serde(with = "domain::time::micros_option")]
    ended: Option<Timestamp>,
    /// The time back to which events have been processed.
    #[serde(with = "domain::time::micros_option")]
    reached: Option<Timestamp>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            reached: job.reached(),
            id: job.id,
            task: job.task,
            dry_run: job.dry_run,
            state: job.state,
            report: job.report,
            why: job.why,
            by: job.by,
            created: job.created,
            updated: job.updated,
            ended: job.ended,
        }
    }
}

/// Lists jobs, newest first.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<JobListParameters>,
) -> Result<Json<List<JobView>>, Problem> {
    let limit = list::limit(filters.limit)?;
    let mut views: Vec<JobView> = console.stores.jobs.all().await?.into_iter().map(JobView::from).collect();
    views.retain(|view| filters.state.is_none_or(|state| view.state == state));
    Ok(Json(List::newest(views, filters.cursor.as_deref(), limit, |view| &view.id)))
}

/// Gets one job by its id; 404 if it does not exist or ended too long ago.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    let job = console.stores.jobs.get(&id).await?;
    job.map(|job| Json(job.into())).ok_or_else(|| Problem::not_found("no job has this id, or it ended too long ago"))
}

/// Starts a job. The retention function runs it, one part at a time.
pub(crate) async fn create(
    caller: Authorized<scope::Admin>,
    State(console): State<Console>,
    api::Json(new): api::Json<NewJob>,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let (task, dry_run) = match new {
        NewJob::Restamp { dry_run } => {
            let retention = console.configuration.current().await?.document.retention.clone();
            (JobTask::Restamp { retention }, dry_run)
        }
        NewJob::Erase { username, email, dry_run } => {
            let subject = ErasureSubject::new(username.as_deref(), email.as_deref());
            (JobTask::erase(subject.map_err(|error| Problem::unprocessable(error.to_string()))?), dry_run)
        }
    };
    let by = caller.into_token().bearer();
    let job = Job::new(task, dry_run, by, console.clock.now(), console.entropy.bits());
    if !console.stores.jobs.replace(&job).await? {
        return Err(Problem::conflict("another job has this id; try again"));
    }
    tracing::info!(job = job.id, kind = job.task.kind(), dry_run, by = job.by, "job created");
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}
