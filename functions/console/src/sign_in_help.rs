//! `GET /v1/session/help`: how to get a token for this server. Needs no token.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::Console;

/// What the sign-in page says.
#[derive(Serialize)]
pub(crate) struct SignInHelp {
    /// A command that names this server's store. It works only for those who may read that store.
    command: String,
}

/// Shows the command, to anybody.
pub(crate) async fn show(State(console): State<Console>) -> Json<SignInHelp> {
    Json(SignInHelp { command: console.token_command })
}
