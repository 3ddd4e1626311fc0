//! One log line for each accepted event, for whoever forwards the log.

/// `events` as JSON, masked. The line's field `event` holds it; the log's writer embeds it as it is.
pub(crate) fn accepted(events: &[String]) {
    for event in events {
        tracing::info!(target: "nuncio::event", event = event.as_str(), "event accepted");
    }
}
