//! The trace that a log line about an event or a delivery names, so that it leads to the request that began it.

use domain::event::Event;

/// The trace's id; none where the event is gone.
pub(crate) fn id(event: Option<&Event>) -> Option<String> {
    event.map(|event| event.trace().trace_id())
}
