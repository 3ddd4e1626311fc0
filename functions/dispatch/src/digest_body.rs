//! Adds the collected events to the notification of a digest whose window has closed.

use std::sync::Arc;

use domain::delivery::Delivery;
use domain::event::EventPk;
use domain::notification::{DigestSummary, Notification};
use domain::ports::StoreError;

use crate::DispatchPorts;

/// How many of the first events a digest shows, and how many of the last.
const SAMPLES_PER_END: usize = 5;

/// Closes the delivery's digest window and returns the notification with the collected events. Returns the
/// notification unchanged if the delivery carries no digest, or if its own event is the only one collected.
pub(crate) async fn add_collected_events(
    ports: &DispatchPorts,
    delivery: &Delivery,
    notification: Notification,
    public_url: Option<&str>,
) -> Result<Notification, StoreError> {
    let Some(span) = delivery.digest else { return Ok(notification) };
    let mut events = ports.suppression.close(delivery.id, delivery.expires).await?;
    events.push(delivery.event());
    events.sort_unstable();
    events.dedup();
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(notification) };
    if events.len() == 1 {
        return Ok(notification);
    }
    let (first, last, count) = (first.instant(), last.instant(), events.len());
    let now = ports.clock.now();
    let mut samples = Vec::with_capacity(2 * SAMPLES_PER_END);
    for pk in sampled(&events) {
        // An expired event counts, but it can no longer be shown.
        samples.extend(ports.log.get(*pk, now).await?.map(Arc::new));
    }
    Ok(notification.digesting(DigestSummary { count, first, last, samples }, span.closes, public_url))
}

/// The first and the last events, each once also when the two ranges would overlap.
fn sampled(events: &[EventPk]) -> impl Iterator<Item = &EventPk> {
    let end = events.len().saturating_sub(SAMPLES_PER_END).max(SAMPLES_PER_END.min(events.len()));
    events.iter().take(SAMPLES_PER_END).chain(&events[end..])
}
