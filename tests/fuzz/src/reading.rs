//! The reading API over a store that holds the corpus.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use domain::ports::{NoExpressions, Stores};

use crate::world::{Still, TOKEN};
use crate::{Posted, corpus};

/// The reading routes over the stored events.
pub struct Reading {
    router: Router,
}

impl Default for Reading {
    fn default() -> Self {
        let still = Arc::new(Still::default());
        let folder = tempfile::tempdir().expect("a folder").keep();
        let stores = Stores::from_single(embedded::Store::open(&folder).expect("a store"));
        let authenticator = api::Authenticator::new(still.clone(), still.clone());
        let ingest = ingest::router(ingest::Ingest {
            acceptance: api::Acceptance {
                intake: Arc::clone(&stores.intake),
                configuration: still.clone(),
                clock: still.clone(),
                entropy: still.clone(),
                origins: Arc::new(()),
            },
            authenticator: authenticator.clone(),
            memory: api::MemoryBudget::new(256 << 20),
        });
        for event in corpus() {
            let (status, _, body) = crate::answer(&ingest, Posted::json(event).request());
            assert_eq!(status.as_u16(), 202, "{body:?}");
        }
        let console = console::Console {
            stores: stores.clone(),
            inbox_updates: Arc::new(()),
            configuration: still.clone(),
            rules: console::RulesSource::Stored(Arc::clone(&stores.documents)),
            channel: still.clone(),
            expressions: Arc::new(NoExpressions),
            clock: still.clone(),
            entropy: still,
            authenticator,
            token_command: String::new(),
        };
        Self { router: api::with_middleware(console::router(console)) }
    }
}

impl Reading {
    /// The status and the body of a `GET`, if that is a target.
    pub fn get(&self, target: &str) -> Option<(u16, Vec<u8>)> {
        let bearer = format!("Bearer {TOKEN}");
        let request = Request::get(target).header(AUTHORIZATION, bearer).body(Body::empty()).ok()?;
        let (status, _, body) = crate::answer(&self.router, request);
        Some((status.as_u16(), body.to_vec()))
    }
}
