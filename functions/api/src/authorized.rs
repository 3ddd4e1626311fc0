//! The extractor by which a handler requires a scope.
//!
//! A handler that takes an [`Authorized`] cannot run, and cannot be called from other code, unless the
//! [`Authenticator`](crate::Authenticator) has accepted the request's credentials: only the authenticator makes these
//! values. Owns the link between a scope in the type system and a [`Scope`] of the domain. Refuses to look at
//! credentials: that is the authenticator's part.

use std::marker::PhantomData;

use domain::access::token::{Scope, Token};

/// A scope that a route can require, as a type.
pub trait RequiredScope: Send + Sync + 'static {
    /// The scope that the caller's token must allow.
    const SCOPE: Scope;
}

/// The scopes as types, for [`Authorized`].
pub mod scope {
    use super::{RequiredScope, Scope};

    /// The caller may post events.
    #[derive(Debug)]
    pub enum Ingest {}

    /// The caller may read events, notifications and deliveries.
    #[derive(Debug)]
    pub enum Read {}

    /// The caller may change everything.
    #[derive(Debug)]
    pub enum Admin {}

    impl RequiredScope for Ingest {
        const SCOPE: Scope = Scope::Ingest;
    }

    impl RequiredScope for Read {
        const SCOPE: Scope = Scope::Read;
    }

    impl RequiredScope for Admin {
        const SCOPE: Scope = Scope::Admin;
    }
}

/// Proof that the caller's token, or the token of the caller's session, allows the scope `R`.
///
/// Put it first among a handler's parameters: axum extracts them in order, so callers without the scope learn nothing
/// about their parameters, and their body is not read.
///
/// ```
/// use api::{Authenticator, Authorized, scope};
/// use axum::{Router, routing::get};
///
/// async fn whoami(caller: Authorized<scope::Read>) -> String {
///     caller.into_token().id
/// }
///
/// fn routes(authenticator: Authenticator) -> Router {
///     Router::new().route("/v1/whoami", get(whoami)).with_state(authenticator)
/// }
/// ```
#[derive(Debug)]
pub struct Authorized<R> {
    token: Token,
    scope: PhantomData<R>,
}

impl<R> Authorized<R> {
    /// Only for the authenticator, which has checked that `token` allows `R`.
    pub(crate) fn checked(token: Token) -> Self {
        Self { token, scope: PhantomData }
    }

    /// The token that allows it.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The token that allows it, by value.
    pub fn into_token(self) -> Token {
        self.token
    }
}
