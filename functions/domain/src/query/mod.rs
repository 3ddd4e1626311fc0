//! Queries over stored data: filters for events and deliveries, searches, and counts of events.
//!
//! Owns the filters and whether they admit a record. Refuses to find records: that is the stores' work.

mod address_range;
mod deliveries;
pub mod dimension;
mod events;
mod page_budget;
pub mod search;
pub mod volume;

pub use address_range::{AddressRange, AddressRangeError};
pub use deliveries::DeliveryQuery;
pub use events::{EventQuery, Searched};
pub use page_budget::{PageBudget, escaped_len};
