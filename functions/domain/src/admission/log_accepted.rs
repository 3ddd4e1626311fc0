//! The log line of an accepted event.
//!
//! A macro, so that it expands to a `tracing` event of the calling crate: `domain` itself logs nothing. Log forwarders
//! rely on the target and the message, and the log's writer embeds the field `event` unquoted.

/// Logs an event that the store has accepted. Takes its masked JSON as `&str`. The calling crate must depend on
/// `tracing`.
#[macro_export]
macro_rules! log_accepted {
    ($json:expr) => {
        ::tracing::info!(target: "nuncio::event", event = $json, "event accepted")
    };
}
