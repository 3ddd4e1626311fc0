//! Storm control: the state and the decisions of throttles and digests.
//!
//! Owns the decisions that depend on stored state alone: a [`ThrottleLog`] decides which events a throttle lets pass,
//! and a [`DigestCarrier`] names the delivery that carries a digest. Their state is stored as [`SuppressionRecord`]s,
//! which change only by conditional writes. [`Silence`](crate::rules_document::Silence) decides for itself when it
//! applies. Refuses to order the mechanisms: the dispatcher does.

mod digest_carrier;
mod record;
mod throttle_log;

pub use digest_carrier::DigestCarrier;
pub use record::{SuppressionKey, SuppressionRecord, SuppressionState};
pub use throttle_log::{ThrottleDecision, ThrottleDecisions, ThrottleLog};
