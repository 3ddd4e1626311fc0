//! Admission: what a caller posted is validated, masked and stamped, and becomes an event.
//!
//! Owns the way from a [`Draft`] to an [`Admitted`] event. Refuses to store anything or to know who posted it.

pub mod diff;
mod draft;
mod log_accepted;
pub mod mask;
pub mod origin;

pub use draft::{Admission, Admitted, Draft, Kind, REMEMBERED, Rejection};
