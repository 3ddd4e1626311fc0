//! `GET /v1/notifications/live`: word of each change to an inbox, as server-sent events.
//!
//! Says that there is something new, not what: who listens reads the inbox again, by the one way there is. Owns how
//! often it says so, and that nobody goes on listening with a token that no longer opens.

use std::convert::Infallible;
use std::time::Duration;

use api::{Authorized, Problem, Query, scope};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use domain::ports::InboxChanges;
use futures_util::stream;
use http::{HeaderMap, StatusCode};

use crate::Console;
use crate::notifications::{Whose, owner};

/// How long changes are gathered before they are told of together.
const GATHERED: Duration = Duration::from_millis(250);

/// How often something is said at least, so that both sides find out when the other is gone; the token is looked at
/// again then.
const AT_LEAST: Duration = Duration::from_secs(15);

/// For as long as the client listens.
pub(crate) async fn show(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    headers: HeaderMap,
    Query(whose): Query<Whose>,
) -> Result<Response, Problem> {
    let username = owner(caller.token(), whose.username)?;
    let Some(changes) = console.news.of(&username) else {
        // A client of server-sent events takes this as "do not come again" (HTML Living Standard, section 9.2.3).
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let following = Following { console, headers, changes };
    let stream = Sse::new(stream::unfold(following, Following::say));
    // nginx, which may stand before this for TLS, would otherwise keep what is said until there is more.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

struct Following {
    console: Console,
    headers: HeaderMap,
    changes: Box<dyn InboxChanges>,
}

impl Following {
    /// The next thing to say; none when there is no more.
    async fn say(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let said = match tokio::time::timeout(AT_LEAST, self.changes.next()).await {
            Ok(true) => {
                tokio::time::sleep(GATHERED).await;
                Event::default().event("inbox").data("changed")
            }
            Ok(false) => return None,
            Err(_) => Event::default().comment("nothing new"),
        };
        self.console.authenticator.authorize::<scope::Read>(&self.headers).await.ok()?;
        Some((Ok(said), self))
    }
}
