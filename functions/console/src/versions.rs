//! `/v1/config/versions`: every rules document that was ever in force, who put it there, and when.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::ports::{Active, StoreError};
use serde::{Deserialize, Serialize};

use crate::list::{self, List};
use crate::{Console, RulesSource, config};

/// Each is read whole to be listed, so a page holds at most so many.
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// One version of the list.
#[derive(Serialize)]
pub(crate) struct Entry {
    version: u64,
    /// Absent for the built-in document, which was always there.
    #[serde(with = "domain::time::micros_option")]
    at: Option<Timestamp>,
    by: String,
}

impl From<&Active> for Entry {
    fn from(active: &Active) -> Self {
        let at = Some(active.at).filter(|_| active.version > 0);
        Self { version: active.version, at, by: active.by.clone() }
    }
}

/// Newest first, down to the built-in one. A rules file has no history here: only what is in force.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(part): Query<Part>,
) -> Result<Json<List<Entry>>, Problem> {
    let limit = list::limit(part.limit)?.min(MOST);
    let RulesSource::Stored(documents) = &console.rules else {
        let current = console.configuration.current().await?;
        return Ok(Json(List::new(vec![current.as_ref().into()], None::<u64>)));
    };
    // Versions grow by one, so all below the newest are there.
    let newest = documents.newest().await?.map_or(0, |newest| newest.version);
    let mut left = part.cursor.map_or(newest + 1, |cursor| cursor.min(newest + 1));
    let mut versions = Vec::new();
    while left > 0 && versions.len() < limit {
        left -= 1;
        versions.extend(find(&console, left).await?.as_ref().map(Entry::from));
    }
    Ok(Json(List::new(versions, Some(left).filter(|left| *left > 0))))
}

/// A version's document, as it was written.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(version): Path<u64>,
) -> Result<Response, Problem> {
    let found = find(&console, version).await?;
    let found = found.ok_or_else(|| Problem::not_found("the rules document never had this version"))?;
    Ok(config::written(&found))
}

async fn find(console: &Console, version: u64) -> Result<Option<Active>, StoreError> {
    match &console.rules {
        RulesSource::Stored(_) if version == 0 => Ok(Some(Active::built_in(rulesfile::BUILT_IN))),
        RulesSource::Stored(documents) => documents.get(version).await,
        RulesSource::File => {
            let current = console.configuration.current().await?;
            Ok(Some(current.as_ref().clone()).filter(|current| current.version == version))
        }
    }
}
