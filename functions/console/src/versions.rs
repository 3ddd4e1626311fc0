//! `/v1/config/versions`: all versions of the rules document, with who applied them and when.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::ports::{Active, StoreError};
use serde::{Deserialize, Serialize};

use crate::list::{self, List};
use crate::{Console, RulesSource, config};

/// The most versions on a page: listing a version reads its whole document.
const MAX_PAGE_SIZE: usize = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionListParameters {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// One version in the list.
#[derive(Serialize)]
pub(crate) struct VersionEntry {
    version: u64,
    /// `None` for the built-in document.
    #[serde(with = "domain::time::micros_option")]
    at: Option<Timestamp>,
    by: String,
}

impl From<&Active> for VersionEntry {
    fn from(active: &Active) -> Self {
        let at = Some(active.at).filter(|_| active.version > 0);
        Self { version: active.version, at, by: active.by.clone() }
    }
}

/// Lists the versions, newest first, down to the built-in document. A rules file has only its active version.
pub(crate) async fn list(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(part): Query<VersionListParameters>,
) -> Result<Json<List<VersionEntry>>, Problem> {
    let limit = list::limit(part.limit)?.min(MAX_PAGE_SIZE);
    let RulesSource::Stored(documents) = &console.rules else {
        let current = console.configuration.current().await?;
        return Ok(Json(List::new(vec![current.as_ref().into()], None::<u64>)));
    };
    // Versions are consecutive, so all below the newest exist.
    let newest = documents.newest().await?.map_or(0, |newest| newest.version);
    let mut left = part.cursor.map_or(newest + 1, |cursor| cursor.min(newest + 1));
    let mut versions = Vec::new();
    while left > 0 && versions.len() < limit {
        left -= 1;
        versions.extend(find(&console, left).await?.as_ref().map(VersionEntry::from));
    }
    Ok(Json(List::new(versions, Some(left).filter(|left| *left > 0))))
}

/// Gets the document of a version as it was written.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(version): Path<u64>,
) -> Result<Response, Problem> {
    let found = find(&console, version).await?;
    let found = found.ok_or_else(|| Problem::not_found("this version of the rules document does not exist"))?;
    Ok(config::document_response(&found))
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
