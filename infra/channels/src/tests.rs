//! What needs the crate's inside: shortened patience, names that lead elsewhere, what is set and what is hidden.

mod patience;
mod rebinding;

use ::http::{HeaderMap, HeaderValue};
use domain::delivery::Failure;

use super::*;
use crate::guard::Names;
use crate::hidden::Hidden;
use crate::http::{Post, Timeouts};
use crate::secret::Resolved;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> domain::Timestamp {
        domain::Timestamp::UNIX_EPOCH
    }
}

fn http(names: Arc<dyn Names>, timeouts: Timeouts) -> Http {
    Http::new(Arc::new(Epoch), names, timeouts).unwrap()
}

async fn post(http: &Http, url: &str, allow: &str) -> Result<AttemptOutcome, Failure> {
    let (url, allow) = (Resolved::plain(url), [allow.parse().unwrap()]);
    http.post(Post {
        url: &url,
        hidden: &Hidden::default(),
        headers: HeaderMap::new(),
        body: b"{}".to_vec(),
        allow: &allow,
        ca: None,
    })
    .await
}

#[tokio::test]
async fn what_frames_a_request_is_nobodys_to_set() {
    let http = http(Arc::new(SystemNames), Timeouts::default());
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
            .post(Post { url: &url, hidden: &Hidden::default(), headers, body: Vec::new(), allow: &[], ca: None })
            .await
            .unwrap_err();
        assert!(matches!(&failure, Failure::Misconfigured(text) if text.contains(name)), "{failure:?}");
    }
}
