//! Values that are read from AWS and reused for a while.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// A value with an expiry.
#[derive(Debug, Clone)]
pub(crate) struct Expiring<T> {
    value: T,
    expires: Instant,
}

impl<T> Expiring<T> {
    /// The value, good for `ttl` from now on.
    pub(crate) fn new(value: T, ttl: Duration) -> Self {
        Self { value, expires: Instant::now() + ttl }
    }

    /// The value, or `None` once it has expired.
    pub(crate) fn get(&self) -> Option<&T> {
        (Instant::now() < self.expires).then_some(&self.value)
    }

    /// The value whether or not it has expired.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// The value whether or not it has expired, to be changed without a new expiry.
    pub(crate) fn value_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A cache of one value. While one caller refreshes it, the others wait for the same result instead of asking too.
#[derive(Debug)]
pub(crate) struct Cached<T>(Mutex<Option<Expiring<T>>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cached<T> {
    /// The cached value. If there is none or it has expired, `refresh` gets the expired one and returns another with
    /// its time to live.
    ///
    /// # Errors
    /// The error of `refresh`. Errors are not cached, and the expired value stays.
    pub(crate) async fn get_or_refresh<E>(
        &self,
        refresh: impl AsyncFnOnce(Option<T>) -> Result<(T, Duration), E>,
    ) -> Result<T, E> {
        let mut cached = self.0.lock().await;
        if let Some(value) = cached.as_ref().and_then(Expiring::get) {
            return Ok(value.clone());
        }
        let expired = cached.as_ref().map(|expiring| expiring.value().clone());
        let (value, ttl) = refresh(expired).await?;
        *cached = Some(Expiring::new(value.clone(), ttl));
        Ok(value)
    }

    /// Drops the value, so that the next caller refreshes it.
    pub(crate) async fn invalidate(&self) {
        *self.0.lock().await = None;
    }
}
