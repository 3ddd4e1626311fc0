//! Headers of `POST /v1/events` around one small body: the caller's trace, and the names of events.

#![no_main]

use std::sync::LazyLock;

use domain::trace::TraceParent;
use fuzz::{Posted, Posting};
use libfuzzer_sys::{Corpus, fuzz_target};

static POSTING: LazyLock<Posting> = LazyLock::new(Posting::default);

fuzz_target!(|input: &[u8]| -> Corpus {
    let lines = [b"content-type: application/json\n", input, b"\n\n{\"action\":\"login\"}"].concat();
    let Some(posted) = Posted::read(&lines) else { return Corpus::Reject };
    for value in posted.headers.values().filter_map(|value| value.to_str().ok()) {
        for trace in [value.parse().ok(), TraceParent::from_xray(value)].into_iter().flatten() {
            assert_eq!(trace.to_string().parse(), Ok(trace), "a trace is read as it is written");
        }
    }
    let answer = POSTING.first(&posted);
    let mut traces = posted.headers.get_all("traceparent").iter();
    if let (Some(callers), None) = (traces.next(), traces.next())
        && let Some(callers) = callers.to_str().ok().and_then(|text| text.parse::<TraceParent>().ok())
        // An event may name its own.
        && !posted.headers.contains_key("ce-traceparent")
    {
        let id = answer.trace.map(TraceParent::trace_id);
        assert_eq!(id, Some(callers.trace_id()), "a caller's trace is taken over");
    }
    if posted.headers.contains_key("idempotency-key") {
        assert_eq!(POSTING.post(&posted).pks(), answer.pks(), "what has a name is one event");
    }
    Corpus::Keep
});
