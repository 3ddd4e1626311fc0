//! `GET /v1/notifications/live`: streams a message for each change to an inbox, as server-sent events.
//!
//! A message says that the inbox has changed, not how: clients reload it. Owns how often messages are sent, and that
//! the stream ends when the token is no longer valid.

use std::convert::Infallible;
use std::time::Duration;

use api::{Authorized, Problem, Query, scope};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use domain::ports::InboxSubscription;
use futures_util::stream;
use http::{HeaderMap, StatusCode};

use crate::Console;
use crate::notifications::{InboxOwner, owner};

/// How long changes are collected before one message reports them together.
const COLLECT_DURATION: Duration = Duration::from_millis(250);

/// The longest time without a message. Then a comment is sent, so that both sides notice a lost connection, and the
/// token is checked again.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// Streams until the client disconnects. 204 when this deployment has no live updates.
pub(crate) async fn show(
    caller: Authorized<scope::Read>,
    State(console): State<Console>,
    headers: HeaderMap,
    Query(inbox): Query<InboxOwner>,
) -> Result<Response, Problem> {
    let username = owner(caller.token(), inbox.username)?;
    let Some(changes) = console.inbox_updates.subscribe(&username) else {
        // 204 tells an EventSource not to reconnect (HTML Living Standard, section 9.2.3).
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let inbox_stream = InboxStream { console, headers, changes };
    let stream = Sse::new(stream::unfold(inbox_stream, InboxStream::next_message));
    // Otherwise nginx, as a TLS proxy, would buffer the messages.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

struct InboxStream {
    console: Console,
    headers: HeaderMap,
    changes: Box<dyn InboxSubscription>,
}

impl InboxStream {
    /// The next message. `None` ends the stream.
    async fn next_message(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let message = match tokio::time::timeout(HEARTBEAT_INTERVAL, self.changes.changed()).await {
            Ok(true) => {
                tokio::time::sleep(COLLECT_DURATION).await;
                Event::default().event("inbox").data("changed")
            }
            Ok(false) => return None,
            Err(_) => Event::default().comment("nothing new"),
        };
        self.console.authenticator.authorize::<scope::Read>(&self.headers).await.ok()?;
        Some((Ok(message), self))
    }
}
