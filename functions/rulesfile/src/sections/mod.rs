//! One module for each section of the file, and one for the addresses in several of them.
//!
//! Each reads its part of the tree, reports every fault in it and returns what it could read.

pub(crate) mod addresses;
pub(crate) mod bindings;
pub(crate) mod cloudevents;
pub(crate) mod email;
pub(crate) mod expressions;
pub(crate) mod groups;
pub(crate) mod patterns;
pub(crate) mod policies;
pub(crate) mod redact;
pub(crate) mod retention;
pub(crate) mod rules;
mod secrets;
pub(crate) mod silences;
pub(crate) mod storm_control;
pub(crate) mod transports;
