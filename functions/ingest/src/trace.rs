//! The trace of a request: taken over from its `traceparent` or, behind AWS, its `X-Amzn-Trace-Id`; else a new one.
//!
//! A header that cannot be read is as if it were not there, as W3C Trace Context asks: a broken tracer must
//! not cost an event. The answer carries the trace's id, as does every event that names no trace of its own.

use domain::ports::Entropy;
use domain::trace::TraceParent;
use http::{HeaderMap, HeaderName};

/// W3C Trace Context's header.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

pub(crate) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> TraceParent {
    let random = entropy.bits();
    // Several lines of one header are no trace at all.
    let only = |name| {
        let mut lines = headers.get_all(name).iter();
        lines.next().filter(|_| lines.next().is_none()).and_then(|line| line.to_str().ok())
    };
    let callers = only(TRACEPARENT).and_then(|text| text.parse().ok());
    let callers = callers.or_else(|| only(XRAY).and_then(TraceParent::from_xray));
    callers.map_or_else(|| TraceParent::new(random), |trace: TraceParent| trace.child(random))
}
