//! A store or queue that fails: 503, and posting again is safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use domain::ports::{Intake, StoreError};
use domain::{EventPk, Timestamp};
use embedded::Store;
use http::Request;

use crate::world::{JSON, world_with};

/// An intake that fails a given number of times, then passes calls on to the store.
struct Flaky {
    store: Store,
    failures: AtomicU8,
}

impl Flaky {
    fn step(&self) -> Result<(), StoreError> {
        let failed = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if failed { Err(StoreError::queue("the cable of rack 7")) } else { Ok(()) }
    }
}

#[async_trait]
impl Intake for Flaky {
    async fn accept(&self, events: &[domain::event::SerializedEvent]) -> Result<(), StoreError> {
        self.step()?;
        self.store.accept(events).await
    }
    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError> {
        self.step()?;
        self.store.remember(names, now, until).await
    }
    async fn ready(&self) -> Result<(), StoreError> {
        self.step()?;
        self.store.ready().await
    }
}

fn flaky(failures: u8) -> impl FnOnce(Store) -> Arc<dyn Intake> {
    move |store| Arc::new(Flaky { store, failures: AtomicU8::new(failures) })
}

#[tokio::test]
async fn the_caller_is_asked_to_come_again_and_is_then_served() {
    for body in [r#"{"action":"login"}"#, r#"{"action":"login","id":"7","app":"shop"}"#] {
        let world = world_with(flaky(1)).await;
        let answer = world.post(JSON, body).await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (503, "5"));
        assert!(answer.detail().ends_with("you can safely post the same request again"), "{}", answer.detail());
        assert!(!answer.body.to_string().contains("rack 7"));
        world.assert_nothing_stored().await;

        assert_eq!(world.post(JSON, body).await.status, 202);
        world.only().await;
    }
}

#[tokio::test]
async fn it_is_not_healthy() {
    let world = world_with(flaky(1)).await;
    let health = || Request::get("/healthz").body(Body::empty()).unwrap();
    let answer = world.answer(health()).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (503, "application/problem+json"));
    assert_eq!(world.answer(health()).await.status, 200);
}

/// Takes a write, but cannot store events.
struct Damaged(Store, AtomicU8);

#[async_trait]
impl Intake for Damaged {
    async fn accept(&self, events: &[domain::event::SerializedEvent]) -> Result<(), StoreError> {
        let failed = self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if failed { Err(StoreError::Corrupt("page 7".to_owned())) } else { self.0.accept(events).await }
    }
    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError> {
        self.0.remember(names, now, until).await
    }
    async fn ready(&self) -> Result<(), StoreError> {
        self.0.ready().await
    }
}

#[tokio::test]
async fn it_is_not_healthy_while_the_last_events_were_not_accepted() {
    let world = world_with(|store| Arc::new(Damaged(store, AtomicU8::new(1)))).await;
    let health = async || world.answer(Request::get("/healthz").body(Body::empty()).unwrap()).await;
    assert_eq!(health().await.status, 200);
    assert_eq!(world.post(JSON, r#"{"action":"login"}"#).await.status, 500);
    let unhealthy = health().await;
    assert_eq!((unhealthy.status, unhealthy.headers.contains_key("retry-after")), (503, true));
    assert!(!unhealthy.body.to_string().contains("page 7"));
    assert_eq!(world.post(JSON, r#"{"action":"Nope"}"#).await.status, 422);
    assert_eq!(health().await.status, 503, "what is refused for its own sake says nothing");
    assert_eq!(world.post(JSON, r#"{"action":"login"}"#).await.status, 202);
    assert_eq!(health().await.status, 200);
}
