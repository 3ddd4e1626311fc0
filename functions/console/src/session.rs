//! `/v1/session`: signing a browser in by a token, and out.

use api::{Problem, begin_session, end_session, foreign, is_same_origin};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::token::{Scope, Token};
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
    let text = shown.token.trim();
    let token = console.door.admit_token(&headers, text, Scope::Read).await?;
    Ok(([(SET_COOKIE, begin_session(&headers, text))], Json(Session::from(token))).into_response())
}

/// Signs out. The token itself stays good; `nuncio token revoke` ends that.
pub(crate) async fn end(headers: HeaderMap) -> Response {
    (StatusCode::NO_CONTENT, [(SET_COOKIE, end_session(&headers))]).into_response()
}
