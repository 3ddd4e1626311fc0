//! Event patterns: the form in which they are matched, and the matching.
//!
//! Owns what a pattern means; which patterns there are, and how they are written, is the document's.
//! Two fields of one object in a list pass together or not at all: see `admit`.

mod admit;
mod flat;
mod leaf;
mod shape;
mod view;
mod why;

pub(crate) use flat::Flat;
pub(crate) use leaf::Leaf;
pub(crate) use shape::Shape;
pub(crate) use view::{EVENT_KEYS, Slot};
pub(crate) use why::verdict;
