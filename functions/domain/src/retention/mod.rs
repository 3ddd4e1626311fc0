//! How long stored events are kept: jobs over all of them, holds, erasure of one person, the archive.
//!
//! Owns the decisions; the periods themselves are settings of the rules document. Refuses to read or to delete
//! anything.

pub mod archive;
pub mod erasure;
pub mod hold;
pub mod job;
mod restamp;

pub use restamp::{ExpiryChange, RECEIVED_WITHIN, received_apart};
