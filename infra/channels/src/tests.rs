//! What needs the crate's inside: shortened patience, names that lead elsewhere, what is set and what is hidden.

mod patience;
mod rebinding;

use ::http::{HeaderMap, HeaderValue};
use domain::delivery::Failure;
use domain::document::{SecretRef, Text};
use domain::ports::{SecretError, SecretText};

use super::*;
use crate::guard::Names;
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

async fn post(http: &Http, url: &str, allow: &str) -> Result<Outcome, Failure> {
    let (url, allow) = (Resolved::plain(url), [allow.parse().unwrap()]);
    http.post(Post { url: &url, headers: HeaderMap::new(), body: b"{}".to_vec(), allow: &allow, ca: None }).await
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
        let failure = http.post(Post { url: &url, headers, body: Vec::new(), allow: &[], ca: None }).await.unwrap_err();
        assert!(matches!(&failure, Failure::Misconfigured(text) if text.contains(name)), "{failure:?}");
    }
}

#[tokio::test]
async fn an_answer_repeats_no_secret() {
    struct Url;
    #[async_trait]
    impl Secrets for Url {
        async fn resolve(&self, _: &SecretRef) -> Result<SecretText, SecretError> {
            Ok(SecretText("https://hooks.example.org/services/T0001234/abcdefgh?key=0123456789".to_owned()))
        }
    }
    let url = secret::text(&Text::parse("env:HOOK"), &Url).await.unwrap();
    for (said, shown) in [
        ("no route for POST /services/T0001234/abcdefgh?key=0123456789", "no route for POST ********************"),
        ("unknown hook abcdefgh", "unknown hook ********************"),
        ("the key 0123456789 is wrong", "the key ******************** is wrong"),
        ("no such channel", "no such channel"),
    ] {
        assert_eq!(url.hidden_in(said.to_owned()), shown);
        assert_eq!(Resolved::plain(url.text()).hidden_in(said.to_owned()), said);
    }
}
