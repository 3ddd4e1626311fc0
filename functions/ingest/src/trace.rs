//! Reads the trace of a request from `traceparent` or, on AWS, from `X-Amzn-Trace-Id`.
//!
//! An unreadable header is ignored, as W3C Trace Context requires: a faulty tracer must not make an event fail. An
//! X-Ray trace that is not sampled is ignored, too, because AWS adds one to every request and it leads nowhere. An
//! event without a trace gets one that is derived from its pk, which need not be stored.

use domain::ports::Entropy;
use domain::trace::TraceParent;
use http::{HeaderMap, HeaderName};

/// The header of W3C Trace Context.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The caller's trace with a new span id; `None` if the request has no valid trace.
pub(crate) fn from_headers(headers: &HeaderMap, entropy: &dyn Entropy) -> Option<TraceParent> {
    // A header that occurs several times is invalid.
    let only = |name| {
        let mut lines = headers.get_all(name).iter();
        lines.next().filter(|_| lines.next().is_none()).and_then(|line| line.to_str().ok())
    };
    let xray = || only(XRAY).and_then(TraceParent::from_xray).filter(|trace| trace.is_sampled());
    let callers: Option<TraceParent> = only(TRACEPARENT).and_then(|text| text.parse().ok()).or_else(xray);
    callers.map(|trace| trace.child(entropy.bits()))
}
