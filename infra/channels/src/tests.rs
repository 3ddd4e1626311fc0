//! Tests that need the crate's internals: short timeouts, rebinding host names, reserved headers, redaction.

mod rebinding;
mod timeouts;

use ::http::{HeaderMap, HeaderValue};
use domain::delivery::Failure;

use super::*;
use crate::guard::NameResolver;
use crate::http::{PostRequest, Timeouts};
use crate::redact::Redactor;
use crate::secret::Resolved;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> domain::Timestamp {
        domain::Timestamp::UNIX_EPOCH
    }
}

fn http(names: Arc<dyn NameResolver>, timeouts: Timeouts) -> Http {
    Http::new(Arc::new(Epoch), names, timeouts).unwrap()
}

async fn post(http: &Http, url: &str, allow: &str) -> Result<AttemptOutcome, Failure> {
    let (url, allow) = (Resolved::plain(url), [allow.parse().unwrap()]);
    http.post(PostRequest {
        url: &url,
        redactor: &Redactor::default(),
        headers: HeaderMap::new(),
        body: b"{}".to_vec(),
        allow: &allow,
        ca: None,
    })
    .await
}

#[tokio::test]
async fn headers_that_frame_a_request_cannot_be_set() {
    let http = http(Arc::new(SystemResolver), Timeouts::default());
    let url = Resolved::plain("https://example.org/");
    for name in [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-connection",
    ] {
        let headers = HeaderMap::from_iter([(::http::HeaderName::from_static(name), HeaderValue::from_static("7"))]);
        let failure = http
            .post(PostRequest {
                url: &url,
                redactor: &Redactor::default(),
                headers,
                body: Vec::new(),
                allow: &[],
                ca: None,
            })
            .await
            .unwrap_err();
        assert!(matches!(&failure, Failure::Misconfigured(text) if text.contains(name)), "{failure:?}");
    }
}
