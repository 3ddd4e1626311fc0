//! The trace id in log lines about an event or a delivery; it leads to the request that sent the event.

use domain::event::Event;

/// The trace id of the event, 32 hexadecimal digits; `None` if the event has expired.
pub(crate) fn id(event: Option<&Event>) -> Option<String> {
    event.map(|event| event.trace().trace_id())
}
