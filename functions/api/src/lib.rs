//! The HTTP manners that every Nuncio API shares.
//!
//! Owns the one mapping from faults to answers ([`Problem`]), the check of tokens ([`Door`]), the
//! bounded reading of bodies ([`read_body`], [`Memory`]), extractors that answer in kind, what every answer
//! carries ([`finish()`]), and the API's description (`openapi.json`). Refuses to know what any single
//! route does: that is only described here.
#![doc = include_str!("../README.md")]

mod body;
mod client;
mod door;
mod extract;
mod failures;
mod finish;
mod memory;
mod openapi;
mod problem;
mod session;

pub use body::{Received, read_body, receive};
pub use door::Door;
pub use extract::{Json, MAX_JSON_BYTES, Path, Query};
pub use finish::finish;
pub use memory::{Memory, Reservation};
pub use problem::{Problem, RETRY_AFTER_SECONDS};
pub use session::{foreign, is_same_origin};
