//! What a digest's carrier tells of, once its window has closed.

use std::sync::Arc;

use domain::delivery::Delivery;
use domain::event::EventPk;
use domain::notification::{DigestSummary, Notification};
use domain::ports::StoreError;

use crate::Parts;

/// Events shown of the beginning, and as many of the end.
const SHOWN: usize = 5;

/// The notification with what was collected for it; as it is if that is its own event alone.
pub(crate) async fn fill(
    parts: &Parts,
    delivery: &Delivery,
    notification: Notification,
    public_url: Option<&str>,
) -> Result<Notification, StoreError> {
    let Some(span) = delivery.digest else { return Ok(notification) };
    let mut events = parts.suppression.close(delivery.id, delivery.expires).await?;
    events.push(delivery.event());
    events.sort_unstable();
    events.dedup();
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(notification) };
    if events.len() == 1 {
        return Ok(notification);
    }
    let (first, last, count) = (first.instant(), last.instant(), events.len());
    let now = parts.clock.now();
    let mut samples = Vec::with_capacity(2 * SHOWN);
    for pk in shown(&events) {
        // One that has expired is counted, but not shown.
        samples.extend(parts.log.get(*pk, now).await?.map(Arc::new));
    }
    Ok(notification.digesting(DigestSummary { count, first, last, samples }, span.closes, public_url))
}

fn shown(events: &[EventPk]) -> impl Iterator<Item = &EventPk> {
    let end = events.len().saturating_sub(SHOWN).max(SHOWN.min(events.len()));
    events.iter().take(SHOWN).chain(&events[end..])
}
