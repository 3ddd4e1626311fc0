//! `/v1/notifications`: somebody's inbox.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::access::token::{Scope, Token};
use domain::notification::inbox::InboxItem;
use domain::person::is_same_name;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::list::{self, List};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    username: Option<String>,
    seen: Option<bool>,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    pub(crate) username: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    seen: bool,
}

#[derive(Serialize)]
pub(crate) struct Marked {
    marked: usize,
}

/// Newest first.
pub(crate) async fn list(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<Filters>,
) -> Result<Json<List<InboxItem>>, Problem> {
    let username = owner(caller.token(), filters.username)?;
    let limit = list::limit(filters.limit)?;
    let page =
        console.inbox.list(&username, filters.seen, filters.cursor.as_deref(), limit, console.clock.now()).await?;
    Ok(Json(List::new(page.results, page.next)))
}

/// Marks one as seen or unseen.
pub(crate) async fn mark(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(pk): Path<String>,
    Query(whose): Query<Whose>,
    api::Json(change): api::Json<Change>,
) -> Result<Json<InboxItem>, Problem> {
    let username = owner(caller.token(), whose.username)?;
    let item = console.inbox.mark(&username, &pk, change.seen).await?;
    item.map(Json).ok_or_else(|| Problem::not_found("no notification has this pk in this inbox"))
}

/// Marks all of an inbox as seen.
pub(crate) async fn mark_all_seen(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(whose): Query<Whose>,
) -> Result<Json<Marked>, Problem> {
    let username = owner(caller.token(), whose.username)?;
    Ok(Json(Marked { marked: console.inbox.mark_all_seen(&username).await? }))
}

/// A token that belongs to somebody opens that inbox; one of an administrator, or of nobody, any.
pub(crate) fn owner(token: &Token, asked: Option<String>) -> Result<String, Problem> {
    match (asked.filter(|name| !name.is_empty()), &token.username) {
        (None, Some(own)) => Ok(own.clone()),
        (None, None) => Err(Problem::bad_request("this token belongs to nobody; say whose inbox with ?username=")),
        (Some(asked), Some(own)) if !is_same_name(&asked, own) && !token.scopes.contains(&Scope::Admin) => {
            Err(Problem::forbidden("this token opens only its own user's inbox"))
        }
        (Some(asked), _) => Ok(asked),
    }
}
