//! Stops Nuncio from telling people about what telling people caused.
//!
//! An event that a policy or a delivery produced carries where it came from in its context. If that
//! policy is bound to any rule, or if it was a delivery, the event is kept but notifies nobody.

use crate::document::RulesDocument;
use crate::event::Event;

/// `context` key naming the policy that produced the event (authentik's name for it).
pub const POLICY_KEY: &str = "policy_uuid";
/// `context` key naming the delivery that produced the event.
pub const DELIVERY_KEY: &str = "nuncio_delivery";

/// Why an event may not notify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Looping {
    /// A policy that some rule is bound to produced it.
    #[error("produced by the policy {0:?}, which a rule is bound to")]
    BoundPolicy(String),
    /// A delivery produced it.
    #[error("produced by a delivery")]
    Delivery,
}

/// Whether notifying of this event could loop.
pub fn check(event: &Event, document: &RulesDocument) -> Option<Looping> {
    if event.context.contains_key(DELIVERY_KEY) {
        return Some(Looping::Delivery);
    }
    let policy = event.context_str(POLICY_KEY)?;
    document.is_bound(policy).then(|| Looping::BoundPolicy(policy.to_owned()))
}
