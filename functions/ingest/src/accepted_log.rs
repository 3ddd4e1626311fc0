//! Writes one log line per accepted event, for systems that read events from the log.

/// Logs the events, given as masked JSON. The field `event` holds the JSON; the log writer embeds it unescaped.
pub(crate) fn log_accepted(events: &[String]) {
    for event in events {
        tracing::info!(target: "nuncio::event", event = event.as_str(), "event accepted");
    }
}
