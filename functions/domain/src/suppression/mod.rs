//! Storm control: what keeps a notification back, and what has to be remembered for it.
//!
//! Owns the decisions that need no more than what is remembered: a [`ThrottleLog`] says whom a throttle lets
//! through, a [`Silence`](crate::rules_document::Silence) when it stands, a [`DigestCarrier`] which delivery carries a digest. What is remembered lies in [`SuppressionRecord`]s of the store, each changed by conditional writes alone. Says
//! nothing about which mechanism comes first; that is the dispatcher's list.

mod digest_carrier;
mod record;
mod throttle_log;

pub use digest_carrier::DigestCarrier;
pub use record::{SuppressionKey, SuppressionRecord, SuppressionState};
pub use throttle_log::{ThrottleDecision, ThrottleDecisions, ThrottleLog};
