//! The parts that all HTTP APIs of Nuncio share.
//!
//! Owns the one mapping from errors to responses ([`Problem`]), authentication ([`Authenticator`]) and authorisation
//! ([`Authorized`]), the bounded reading of bodies ([`read_body`], [`MemoryBudget`]), extractors that reject with a
//! [`Problem`], the middleware that every response passes ([`with_middleware()`]), and the description of the API
//! (`openapi.json`). Refuses to implement any route: they are only described here.
#![doc = include_str!("../README.md")]

mod acceptance;
mod authenticator;
mod authorized;
mod body;
mod client;
mod extract;
mod failure_log;
mod memory;
mod middleware;
mod openapi;
mod parameters;
mod problem;
mod session;

pub use acceptance::{Acceptance, EventOutcome};
pub use authenticator::Authenticator;
pub use authorized::{Authorized, RequiredScope, scope};
pub use body::{BufferedBody, read_body, read_body_within};
pub use extract::{Json, MAX_JSON_BYTES, Path, Query};
pub use memory::{MemoryBudget, MemoryReservation, RemainingWait};
pub use middleware::{unknown_path, with_middleware};
pub use problem::{Problem, RETRY_AFTER_SECONDS};
pub use session::{cross_origin, is_same_origin};
