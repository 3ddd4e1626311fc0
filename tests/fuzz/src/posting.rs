//! `POST /v1/events`, and the invariants of every response.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use domain::admission::mask::Masker;
use domain::event::Event;
use domain::trace::TraceParent;
use serde_json::Value;

use crate::world::{Still, TOKEN};

/// A request that can be sent repeatedly.
#[derive(Debug, Clone)]
pub struct Posted {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Posted {
    /// The lines before the first empty one are its headers and the rest is its body. What begins as JSON is that
    /// as a whole.
    pub fn read(input: &[u8]) -> Option<Self> {
        if matches!(input.first(), Some(b'{' | b'[')) {
            return Some(Self::json(input.to_vec()));
        }
        let mut headers = HeaderMap::new();
        let mut rest = input;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
        }
        headers.remove(AUTHORIZATION);
        Some(Self { headers, body: rest.to_vec() })
    }

    /// A native event.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { headers, body: body.into() }
    }

    /// As a sender compresses it. A compressed body that was changed at random is hardly ever one afterwards.
    pub fn compressed(mut self) -> Self {
        self.body = zstd::encode_all(self.body.as_slice(), 1).expect("compressed");
        self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        self
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let mut request = Request::post("/v1/events").body(Body::from(self.body.clone())).expect("a request");
        *request.headers_mut() = self.headers.clone();
        let bearer = format!("Bearer {TOKEN}").parse().expect("a value");
        request.headers_mut().insert(AUTHORIZATION, bearer);
        request
    }
}

/// The response, and the events that were stored.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub trace: Option<TraceParent>,
    pub stored: Vec<Arc<Event>>,
}

impl Answer {
    /// The pk of each accepted event, in the request's order.
    pub fn pks(&self) -> Vec<&str> {
        self.body["results"].as_array().into_iter().flatten().filter_map(|result| result["pk"].as_str()).collect()
    }
}

/// The ingest route over a recording intake.
pub struct Posting {
    router: Router,
    still: Arc<Still>,
    masker: Masker,
}

impl Default for Posting {
    fn default() -> Self {
        let still = Arc::new(Still::default());
        let router = ingest::router(ingest::Ingest {
            acceptance: api::Acceptance {
                intake: still.clone(),
                configuration: still.clone(),
                clock: still.clone(),
                entropy: still.clone(),
                origins: Arc::new(()),
            },
            authenticator: api::Authenticator::new(still.clone(), still.clone()),
            memory: api::MemoryBudget::new(256 << 20),
        });
        Self { router, still, masker: Masker::new(&crate::document().redact) }
    }
}

impl Posting {
    /// Posts it into a world in which nothing has been posted.
    pub fn first(&self, posted: &Posted) -> Answer {
        self.still.forget();
        self.post(posted)
    }

    /// Posts it.
    pub fn post(&self, posted: &Posted) -> Answer {
        let (status, headers, body) = crate::answer(&self.router, posted.request());
        let status = status.as_u16();
        assert!(matches!(status, 202 | 400 | 413 | 415 | 422), "{status}");
        let read = |text: &HeaderValue| text.to_str().ok().and_then(|text| text.parse().ok()).expect("a trace");
        let trace = headers.get("traceparent").map(read);
        let body = serde_json::from_slice(&body).expect("JSON");
        let answer = Answer { status, body, trace, stored: self.still.taken() };
        let accepted: BTreeSet<String> = answer.pks().into_iter().map(str::to_owned).collect();
        let stored: BTreeSet<String> = answer.stored.iter().map(|event| event.pk.to_string()).collect();
        assert_eq!(accepted, stored, "what is answered to be accepted is what is stored");
        assert_eq!(status == 202, !stored.is_empty(), "202 is for requests of which something is stored");
        if let ([event], Some([_])) = (&*answer.stored, answer.body["results"].as_array().map(Vec::as_slice)) {
            let id = answer.trace.map(TraceParent::trace_id);
            assert_eq!(id, Some(event.trace().trace_id()), "a lone event's trace is the answer's");
        }
        answer.stored.iter().for_each(|event| self.check(event));
        answer
    }

    fn check(&self, event: &Event) {
        let text = event.to_json();
        let read: Event = serde_json::from_str(&text).expect("what is stored can be read");
        assert_eq!(read.to_json(), text, "what is stored is read as it was");
        let mut masked = event.clone();
        for object in [&mut masked.user, &mut masked.context, &mut masked.brand] {
            self.masker.mask_object(object);
        }
        assert_eq!(&masked, event, "there is nothing left to mask");
    }
}
