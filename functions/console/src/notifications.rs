//! `/v1/notifications`: the notifications in a user's inbox.

use api::{Authorized, Path, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::access::token::{Scope, Token};
use domain::notification::inbox::InboxItem;
use domain::person::is_same_name;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::list::{self, List};

/// Longer than any pk of a notification.
const MAX_CURSOR_BYTES: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxParameters {
    username: Option<String>,
    seen: Option<bool>,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxOwner {
    pub(crate) username: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenChange {
    seen: bool,
}

#[derive(Serialize)]
pub(crate) struct MarkedCount {
    marked: usize,
}

/// Lists an inbox, newest first.
pub(crate) async fn list(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(filters): Query<InboxParameters>,
) -> Result<Json<List<InboxItem>>, Problem> {
    let username = owner(caller.token(), filters.username)?;
    let limit = list::limit(filters.limit)?;
    if filters.cursor.as_ref().is_some_and(|cursor| cursor.len() > MAX_CURSOR_BYTES) {
        return Err(Problem::bad_request("cursor must be the \"next\" of the previous page"));
    }
    let page = console
        .stores
        .inbox
        .list(&username, filters.seen, filters.cursor.as_deref(), limit, console.clock.now())
        .await?;
    Ok(Json(List::new(page.results, page.next)))
}

/// Marks a notification as seen or unseen.
pub(crate) async fn mark(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    Path(pk): Path<String>,
    Query(inbox): Query<InboxOwner>,
    api::Json(change): api::Json<SeenChange>,
) -> Result<Json<InboxItem>, Problem> {
    let username = owner(caller.token(), inbox.username)?;
    let item = console.stores.inbox.mark(&username, &pk, change.seen).await?;
    item.map(Json).ok_or_else(|| Problem::not_found("no notification has this pk in this inbox"))
}

/// Marks all notifications of an inbox as seen. Returns how many were unseen.
pub(crate) async fn mark_all_seen(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(inbox): Query<InboxOwner>,
) -> Result<Json<MarkedCount>, Problem> {
    let username = owner(caller.token(), inbox.username)?;
    Ok(Json(MarkedCount { marked: console.stores.inbox.mark_all_seen(&username).await? }))
}

/// The user whose inbox the request is about: the requested one, or the token's own. A token with a user may open other
/// inboxes only with scope admin.
pub(crate) fn owner(token: &Token, requested: Option<String>) -> Result<String, Problem> {
    match (requested.filter(|name| !name.is_empty()), &token.username) {
        (None, Some(own)) => Ok(own.clone()),
        (None, None) => Err(Problem::bad_request("this token has no user; name the user in ?username=")),
        (Some(requested), Some(own)) if !is_same_name(&requested, own) && !token.scopes.contains(&Scope::Admin) => {
            Err(Problem::forbidden("this token allows only the inbox of its own user"))
        }
        (Some(requested), _) => Ok(requested),
    }
}
