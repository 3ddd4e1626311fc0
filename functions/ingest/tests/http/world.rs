//! The router on the embedded store, with a clock that does not advance.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use domain::access::token::{Scope, Token};
use domain::ports::{ActiveRules, Clock, Configuration, EventLog, Intake, StoreError, Tokens};
use domain::query::EventQuery;
use domain::rules_document::{CloudEventMapping, RulesDocument};
use domain::{Event, Timestamp};
use embedded::Store;
use http::{HeaderMap, Request};
use ingest::Ingest;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const NOW: &str = "2026-01-02T03:04:05.678901Z";
pub(crate) const JSON: &str = "application/json";
pub(crate) const NDJSON: &str = "application/x-ndjson";

pub(crate) struct World {
    pub(crate) ingest: Ingest,
    store: Store,
    router: Router,
    _folder: TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }
}

struct Document(Arc<ActiveRules>);

#[async_trait]
impl Configuration for Document {
    async fn current(&self) -> Result<Arc<ActiveRules>, StoreError> {
        Ok(self.0.clone())
    }
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) async fn world() -> World {
    world_with(|store| Arc::new(store)).await
}

/// A router whose `intake` may wrap that of the store.
pub(crate) async fn world_with(intake: impl FnOnce(Store) -> Arc<dyn Intake>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for (text, scope, expires) in
        [("poster", Scope::Ingest, None), ("reader", Scope::Read, None), ("expired", Scope::Ingest, Some(now()))]
    {
        store.put(&Token::new(text, vec![scope], None, String::new(), now(), expires)).await.unwrap();
    }
    let revoked = Token::new("revoked", vec![Scope::Ingest], None, String::new(), now(), None);
    store.put(&revoked).await.unwrap();
    assert!(store.revoke(&revoked.id, now()).await.unwrap());
    let mapping = CloudEventMapping { event_type: "com.github.*".to_owned(), action: "github.*".to_owned() };
    let document = RulesDocument { cloudevents: vec![mapping], ..RulesDocument::built_in() };
    let active = ActiveRules { version: 1, document, source: String::new(), at: now(), by: "test".to_owned() };
    let clock = Arc::new(Still);
    let ingest = Ingest {
        acceptance: api::Acceptance {
            intake: intake(store.clone()),
            configuration: Arc::new(Document(Arc::new(active))),
            clock: clock.clone(),
            entropy: Arc::new(host::OsEntropy),
            origins: Arc::new(()),
        },
        authenticator: api::Authenticator::new(Arc::new(store.clone()), clock),
        memory: api::MemoryBudget::new(256 << 20),
    };
    let router = api::with_middleware(ingest::router(ingest.clone()));
    World { ingest, store, router, _folder: folder }
}

impl World {
    pub(crate) async fn send(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post("/v1/events");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// With a good token and further headers.
    pub(crate) async fn post_with(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let headers = [&[("authorization", "Bearer poster")], headers].concat();
        self.send(&headers, body).await
    }

    pub(crate) async fn post(&self, content_type: &str, body: impl Into<Body>) -> Answer {
        self.post_with(&[("content-type", content_type)], body).await
    }

    pub(crate) async fn stored(&self) -> Vec<Event> {
        let query = EventQuery { limit: 2000, ..EventQuery::default() };
        EventLog::list(&self.store, &query, now()).await.unwrap().results
    }

    /// The one event that is stored.
    pub(crate) async fn only(&self) -> Event {
        let mut events = self.stored().await;
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    pub(crate) async fn assert_nothing_stored(&self) {
        assert_eq!(self.stored().await, []);
        assert_eq!(self.store.next_due().await.unwrap(), None, "something is queued");
    }

    pub(crate) async fn assert_queued(&self) {
        assert!(self.store.next_due().await.unwrap().is_some(), "nothing is queued");
    }
}

impl Answer {
    /// The status of each result.
    pub(crate) fn statuses(&self) -> Vec<&str> {
        let results = self.body["results"].as_array().unwrap_or_else(|| panic!("{}", self.body));
        results.iter().map(|result| result["status"].as_str().unwrap()).collect()
    }

    pub(crate) fn pk(&self, index: usize) -> &str {
        self.body["results"][index]["pk"].as_str().unwrap()
    }

    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap()
    }
}
