//! Admission: validates, masks and stamps what a caller posted, which makes it an event.
//!
//! Owns the way from a [`Draft`] to an [`AdmittedEvent`]. Refuses to store anything or to know who posted it.

pub mod diff;
mod draft;
mod log_accepted;
pub mod mask;
pub mod origin;

pub use draft::{AdmissionContext, AdmittedEvent, Draft, REMEMBERED, Rejection, RejectionKind};
