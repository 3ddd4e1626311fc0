//! The words of the system and the decisions that need no outside world.
//!
//! Nothing here does I/O, reads a clock, throws dice or looks at the environment: time, chance and
//! settings are arguments. The outside world is described by the traits in [`ports`], which the
//! crates under `infra/` implement.
//!
//! One event's way through these modules:
//!
//! 1. [`json`] reads what a caller posted; [`event::Draft`] is what it claims, checked.
//! 2. [`mask`] takes the secrets out; [`event::Draft::admit`] gives it a `pk` and an expiry; [`origin`] says
//!    where it came from.
//! 3. [`message`] carries it through the queue; the rules crate says which rules it matches.
//! 4. [`recipient`] decides who is notified, each [`person`] once; [`loop_guard`] stops events that Nuncio itself caused.
//! 5. [`expression`] is what Python bodies are shown, and what is kept of running them.
//! 6. [`suppression`] says what storm control keeps back, and why.
//! 7. [`delivery`] is one message to one person: its ledger entry, its attempts, and
//!    [`delivery::retry`], which decides what follows an attempt. [`endpoint`] says whether its
//!    transport may be tried at all; [`failure_event`] is what the log keeps of a failure for good.
//!
//! What an operator asks to be done over all that is stored is a [`job`]; what must
//! not go is under a [`hold`].

pub mod archive;
pub mod delivery;
pub mod diff;
pub mod dimension;
pub mod document;
pub mod endpoint;
pub mod erasure;
pub mod event;
pub mod expression;
pub mod failure_event;
pub mod hold;
pub mod inbox;
pub mod job;
pub mod json;
pub mod loop_guard;
pub mod mail_address;
pub mod mask;
pub mod message;
pub mod metric;
pub mod notification;
pub mod origin;
pub mod person;
pub mod ports;
pub mod recipient;
pub mod rendered;
pub mod retention;
pub mod search;
pub mod session;
mod summary;
pub mod suppression;
pub mod time;
pub mod token;
pub mod trace;
pub mod volume;

pub use event::{Event, EventPk};
pub use jiff::Timestamp;
