//! Storm control: what keeps a notification back, and what has to be remembered for it.
//!
//! Owns the decisions that need no more than what is remembered: a [`Tally`] says whom a throttle lets
//! through, a [`Silence`](crate::rules_document::Silence) when it stands, a [`Window`] which delivery carries a digest. What is remembered lies in [`Lane`]s of the store, each changed by conditional writes alone. Says
//! nothing about which mechanism comes first; that is the dispatcher's list.

mod lane;
mod tally;
mod window;

pub use lane::{Lane, LaneId, LaneState};
pub use tally::{Judged, Tally, Verdict};
pub use window::Window;
