//! `/v1/session`: signing a browser in by a token, and out.

use api::{Problem, foreign, is_same_origin};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::access::token::{Scope, Token};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::Console;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    token: String,
}

/// Whose session it is, and what it allows.
#[derive(Serialize)]
pub(crate) struct Session {
    username: Option<String>,
    scopes: Vec<Scope>,
}

impl From<Token> for Session {
    fn from(token: Token) -> Self {
        Self { username: token.username, scopes: token.scopes }
    }
}

/// Whether one is signed in.
pub(crate) async fn show(State(console): State<Console>, headers: HeaderMap) -> Result<Json<Session>, Problem> {
    Ok(Json(console.door.admit(&headers, Scope::Read).await?.into()))
}

/// Signs in, from the console's own page only: nobody else shall choose whose session it is.
pub(crate) async fn begin(
    State(console): State<Console>,
    headers: HeaderMap,
    api::Json(shown): api::Json<Shown>,
) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(foreign());
    }
    let (token, cookie) = console.door.begin_session(&headers, shown.token.trim()).await?;
    Ok(([(SET_COOKIE, cookie)], Json(Session::from(token))).into_response())
}

/// Signs out: the session is over for everybody who has its cookie. The token stays good; `nuncio token revoke` ends that.
pub(crate) async fn end(State(console): State<Console>, headers: HeaderMap) -> Result<Response, Problem> {
    let cookie = console.door.end_session(&headers).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}
