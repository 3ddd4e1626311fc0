//! The system's vocabulary, and the decisions that need no I/O.
//!
//! Nothing here does I/O, reads a clock, generates random numbers or reads the environment: time, randomness and
//! settings are arguments. The traits in [`ports`] describe the outside world; the crates under `infra/` implement
//! them.
//!
//! Each module depends only on modules above it in this table, so that it can be read on its own:
//!
//! | module | owns |
//! |---|---|
//! | [`time`], [`text`], [`json`], [`metric`], [`trace`], [`mail_address`] | formats: instants, texts, JSON from callers, metric names, trace ids, addresses |
//! | [`access`] | tokens, their scopes, browser sessions |
//! | [`person`] | a person, and when two records mean the same one |
//! | [`event`] | an event and its parts |
//! | [`rules_document`] | the checked rules document: rules, policies, transports, retention, silences |
//! | [`loop_guard`] | which events must not notify anyone, because notifying caused them |
//! | [`admission`] | from what a caller posted to an event: validated, masked, stamped |
//! | [`message`] | what travels through the queue |
//! | [`recipients`] | who is notified, and at which addresses |
//! | [`delivery`] | the ledger entry of one notification to one recipient: attempts, outcomes, retries, endpoints |
//! | [`suppression`] | throttles and digests |
//! | [`detection`] | patterns across several events: groups, their members, and when a detection fires |
//! | [`notification`] | what a recipient reads: notifications, inbox items, rendered messages |
//! | [`expression`] | what Python bodies are shown, and what is kept of running them |
//! | [`query`] | questions about what is stored: filters, search, counts |
//! | [`retention`] | jobs over all stored events, holds, erasure, the archive |
//! | [`ports`] | the outside world, as traits that the crates under `infra/` implement |
#![doc = include_str!("../README.md")]

pub mod access;
pub mod admission;
pub mod delivery;
pub mod detection;
pub mod event;
pub mod expression;
mod id;
pub mod json;
pub mod loop_guard;
pub mod mail_address;
pub mod message;
pub mod metric;
pub mod notification;
pub mod person;
pub mod ports;
pub mod query;
pub mod recipients;
pub mod retention;
pub mod rules_document;
pub mod source;
pub mod suppression;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod time;
pub mod trace;

pub use event::{Event, EventPk};
pub use jiff::Timestamp;
