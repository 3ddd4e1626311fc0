//! The trace that a log line about an event or a delivery names, so that it leads to the request that began it.

use domain::event::Event;

/// The trace's id; none where the event is gone, or belongs to no trace.
pub(crate) fn id(event: Option<&Event>) -> Option<String> {
    event.and_then(|event| event.traceparent).map(domain::trace::TraceParent::trace_id)
}
