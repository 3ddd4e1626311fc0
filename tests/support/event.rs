//! Builds events, each with a pk of its own.

pub use domain::testing::EventBuilder;

/// An event with this action that happened at 2100-01-01 and is kept for a year, with a random pk and no other data.
///
/// It lies in the future so that no store's physical deletion, which goes by the real clock, removes it.
pub fn event(action: &str) -> EventBuilder {
    domain::testing::event(action).random(crate::random_bits())
}
