//! The trace of a request: taken over from its `traceparent` or, behind AWS, from an `X-Amzn-Trace-Id` that is recorded.
//!
//! A header that cannot be read is as if it were not there, as W3C Trace Context asks: a broken tracer must
//! not cost an event. An unrecorded X-Ray trace leads nowhere, and AWS puts one on every request. What comes without
//! a trace needs none kept: an event's pk gives it one.

use domain::ports::Entropy;
use domain::trace::TraceParent;
use http::{HeaderMap, HeaderName};

/// W3C Trace Context's header.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The caller's trace, in a span of our own.
pub(crate) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> Option<TraceParent> {
    // Several lines of one header are no trace at all.
    let only = |name| {
        let mut lines = headers.get_all(name).iter();
        lines.next().filter(|_| lines.next().is_none()).and_then(|line| line.to_str().ok())
    };
    let xray = || only(XRAY).and_then(TraceParent::from_xray).filter(|trace| trace.is_sampled());
    let callers: Option<TraceParent> = only(TRACEPARENT).and_then(|text| text.parse().ok()).or_else(xray);
    callers.map(|trace| trace.child(entropy.bits()))
}
