//! One module per section of the file, and modules for values that occur in several sections.
//!
//! Each module reads its part of the tree, reports all faults in it and returns what it could read.

pub(crate) mod addresses;
pub(crate) mod bindings;
pub(crate) mod cloudevents;
pub(crate) mod detections;
pub(crate) mod email;
pub(crate) mod expressions;
mod field_paths;
pub(crate) mod groups;
mod pattern_warnings;
pub(crate) mod patterns;
pub(crate) mod policies;
pub(crate) mod redact;
pub(crate) mod retention;
pub(crate) mod rules;
mod secrets;
pub(crate) mod silences;
pub(crate) mod sources;
pub(crate) mod storm_control;
pub(crate) mod transports;
