//! `/v1/session`: signs a browser in with a token, and out.

use api::{Authorized, Problem, cross_origin, is_same_origin, scope};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::access::token::Scope;
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::Console;

/// The body of a request to sign in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    token: String,
}

/// The signed-in user and the scopes of the token.
#[derive(Serialize)]
pub(crate) struct SessionView {
    username: Option<String>,
    scopes: Vec<Scope>,
}

impl From<Authorized<scope::Read>> for SessionView {
    fn from(caller: Authorized<scope::Read>) -> Self {
        let token = caller.into_token();
        Self { username: token.username, scopes: token.scopes }
    }
}

/// The caller's session. The console asks for it to find out whether it must show the sign-in page.
pub(crate) async fn show(caller: Authorized<scope::Read>) -> Json<SessionView> {
    Json(caller.into())
}

/// Signs in, from the console's own page only: another site must not choose whose session a browser has.
pub(crate) async fn begin(
    State(console): State<Console>,
    headers: HeaderMap,
    api::Json(body): api::Json<SignIn>,
) -> Result<Response, Problem> {
    if !is_same_origin(&headers) {
        return Err(cross_origin());
    }
    let (caller, cookie) = console.authenticator.begin_session(&headers, body.token.trim()).await?;
    Ok(([(SET_COOKIE, cookie)], Json(SessionView::from(caller))).into_response())
}

/// Signs out: the session ends for everybody who has its cookie. The token stays valid until `nuncio token revoke`.
pub(crate) async fn end(State(console): State<Console>, headers: HeaderMap) -> Result<Response, Problem> {
    let cookie = console.authenticator.end_session(&headers).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}
