//! The ports of a world in which time does not advance.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::Timestamp;
use domain::access::token::{Scope, Token, TokenHash};
use domain::delivery::Failure;
use domain::event::{Event, EventPk};
use domain::notification::Notification;
use domain::notification::rendered::RenderedMessage;
use domain::ports::{
    ActiveRules, Channel, Clock, Configuration, Entropy, Intake, Renderer, SendReport, StoreError, Tokens,
};
use domain::rules_document::{RulesDocument, Transport};

pub(crate) const TOKEN: &str = "known-to-the-targets-only";

/// The instant at which everything happens.
pub fn now() -> Timestamp {
    Timestamp::constant(1_700_000_000, 0)
}

/// An intake that keeps the accepted events until they are read.
pub(crate) struct Still {
    active: Arc<ActiveRules>,
    taken: Mutex<Vec<Arc<Event>>>,
    names: Mutex<HashMap<[u8; 32], EventPk>>,
    drawn: AtomicU64,
}

impl Default for Still {
    fn default() -> Self {
        let document = crate::document();
        let active =
            Arc::new(ActiveRules { version: 1, document, source: String::new(), at: now(), by: String::new() });
        Self { active, taken: Mutex::default(), names: Mutex::default(), drawn: AtomicU64::new(0) }
    }
}

impl Still {
    pub(crate) fn forget(&self) {
        self.taken();
        self.names.lock().expect("one thread").clear();
        self.drawn.store(0, Ordering::Relaxed);
    }

    pub(crate) fn taken(&self) -> Vec<Arc<Event>> {
        std::mem::take(&mut *self.taken.lock().expect("one thread"))
    }
}

#[async_trait]
impl Intake for Still {
    async fn accept(&self, events: &[domain::event::SerializedEvent]) -> Result<(), StoreError> {
        self.taken.lock().expect("one thread").extend(events.iter().map(|one| Arc::clone(one.event())));
        Ok(())
    }

    async fn remember(
        &self,
        names: &[([u8; 32], EventPk)],
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Vec<EventPk>, StoreError> {
        let mut known = self.names.lock().expect("one thread");
        Ok(names.iter().map(|(name, pk)| *known.entry(*name).or_insert(*pk)).collect())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Tokens for Still {
    async fn put(&self, _: &Token) -> Result<(), StoreError> {
        Ok(())
    }

    async fn find(&self, _: &TokenHash) -> Result<Option<Token>, StoreError> {
        let scopes = vec![Scope::Ingest, Scope::Read];
        Ok(Some(Token::new(TOKEN, scopes, Some("akadmin".to_owned()), String::new(), now(), None)))
    }

    async fn list(&self) -> Result<Vec<Token>, StoreError> {
        Ok(Vec::new())
    }

    async fn revoke(&self, _: &str, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn used(&self, _: &TokenHash, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Configuration for Still {
    async fn current(&self) -> Result<Arc<ActiveRules>, StoreError> {
        Ok(self.active.clone())
    }
}

#[async_trait]
impl Channel for Still {
    async fn send(&self, _: &Notification, _: &Transport, _: &RulesDocument) -> SendReport {
        unreachable!("no target sends anything")
    }
}

#[async_trait]
impl Renderer for Still {
    async fn render(&self, _: &Notification, _: &Transport, _: &RulesDocument) -> Result<RenderedMessage, Failure> {
        unreachable!("no target asks for payloads")
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl Entropy for Still {
    /// Another number each time, the same ones after [`Still::forget`].
    fn bits(&self) -> u128 {
        const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        u128::from(self.drawn.fetch_add(1, Ordering::Relaxed) + 1).wrapping_mul(ODD)
    }
}
