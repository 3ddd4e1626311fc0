//! Questions about what is stored: which events and which deliveries, what a search means, how many events there were.
//!
//! Owns the filters and whether they admit a record. Refuses to find records: that is the stores' work.

mod deliveries;
pub mod dimension;
mod events;
pub mod search;
pub mod volume;

pub use deliveries::DeliveryQuery;
pub use events::{EventQuery, Searched, app_admits};
