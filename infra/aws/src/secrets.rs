//! Secrets: SSM parameters, Secrets Manager secrets, environment variables.
//!
//! Owns how long one is held: see [`HeldSecrets`]. No error repeats what a service said beyond its code.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{self, SecretError, SecretText};
use domain::rules_document::SecretRef;
use host::EnvironmentSecrets;
use tokio::time::Instant;

use crate::describe::code;

/// Where secrets are kept on AWS; asked anew each time.
pub struct Secrets {
    ssm: aws_sdk_ssm::Client,
    manager: aws_sdk_secretsmanager::Client,
    environment: EnvironmentSecrets,
}

impl Secrets {
    /// Through these clients, and of this environment.
    pub fn new(
        ssm: aws_sdk_ssm::Client,
        manager: aws_sdk_secretsmanager::Client,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { ssm, manager, environment: EnvironmentSecrets::new(environment) }
    }
}

#[async_trait]
impl ports::Secrets for Secrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let refuse = |detail: &str| SecretError { reference: reference.to_string(), detail: detail.to_owned() };
        let text = match reference {
            SecretRef::Env(_) => return self.environment.resolve(reference).await,
            SecretRef::Ssm(path) => {
                let answer = self.ssm.get_parameter().name(path).with_decryption(true).send().await;
                answer.map_err(|error| refuse(code(&error)))?.parameter.and_then(|parameter| parameter.value)
            }
            SecretRef::SecretsManager(name) => {
                let answer = self.manager.get_secret_value().secret_id(name).send().await;
                answer.map_err(|error| refuse(code(&error)))?.secret_string
            }
        };
        text.filter(|text| !text.is_empty())
            .map(SecretText)
            .ok_or_else(|| refuse("it has no text; store it as a string, not as binary"))
    }
}

/// For how long a secret is not asked for again: one that was rotated is in use after as long.
const FRESH: Duration = Duration::from_mins(5);
/// For how long it is used all the same while it cannot be had.
const KEPT: Duration = Duration::from_hours(1);
/// How long to wait after a failure before asking again.
const PAUSE: Duration = Duration::from_secs(10);

/// What is known of one secret.
#[derive(Default)]
struct Known {
    read: Option<(Instant, SecretText)>,
    failed: Option<(Instant, SecretError)>,
}

impl Known {
    fn within(&self, age: Duration) -> Option<SecretText> {
        self.read.as_ref().filter(|(at, _)| at.elapsed() < age).map(|(_, text)| text.clone())
    }

    fn just_failed(&self) -> Option<SecretError> {
        self.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE).map(|(_, error)| error.clone())
    }
}

/// One place for each reference; who holds its lock is the one that asks.
type Places = HashMap<SecretRef, Arc<tokio::sync::Mutex<Known>>>;

/// Secrets, each held for five minutes, and for up to an hour while it cannot be read again. Of many that want the
/// same secret at a time, one asks, and all have its answer.
pub struct HeldSecrets<S> {
    secrets: S,
    places: Mutex<Places>,
}

impl<S> HeldSecrets<S> {
    /// Before these.
    pub fn new(secrets: S) -> Self {
        Self { secrets, places: Mutex::default() }
    }
}

#[async_trait]
impl<S: ports::Secrets> ports::Secrets for HeldSecrets<S> {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let place = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(reference.clone()).or_default())
        };
        let mut known = place.lock().await;
        if let Some(text) = known.within(FRESH) {
            return Ok(text);
        }
        let error = match known.just_failed() {
            Some(error) => error,
            None => match self.secrets.resolve(reference).await {
                Ok(text) => {
                    *known = Known { read: Some((Instant::now(), text.clone())), failed: None };
                    return Ok(text);
                }
                Err(error) => {
                    tracing::warn!(%error, "a secret cannot be read; what was read before serves for up to an hour");
                    known.failed = Some((Instant::now(), error.clone()));
                    error
                }
            },
        };
        known.within(KEPT).ok_or(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ports::Secrets as _;

    /// Says what it is told to, and counts.
    #[derive(Default)]
    struct Store {
        text: Mutex<Option<&'static str>>,
        asked: Mutex<usize>,
    }

    #[async_trait]
    impl ports::Secrets for Store {
        async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
            *self.asked.lock().unwrap() += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
            let text = *self.text.lock().unwrap();
            let refused = || SecretError { reference: reference.to_string(), detail: "ThrottlingException".to_owned() };
            text.map(|text| SecretText(text.to_owned())).ok_or_else(refused)
        }
    }

    fn held(text: &'static str) -> HeldSecrets<Store> {
        HeldSecrets::new(Store { text: Mutex::new(Some(text)), asked: Mutex::default() })
    }

    async fn read(secrets: &HeldSecrets<Store>) -> Option<String> {
        secrets.resolve(&SecretRef::Ssm("/key".to_owned())).await.ok().map(|text| text.0)
    }

    fn set(secrets: &HeldSecrets<Store>, text: Option<&'static str>) {
        *secrets.secrets.text.lock().unwrap() = text;
    }

    #[tokio::test(start_paused = true)]
    async fn a_rotated_secret_is_in_use_after_five_minutes() {
        let secrets = held("old");
        assert_eq!(read(&secrets).await.unwrap(), "old");
        set(&secrets, Some("new"));
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(read(&secrets).await.unwrap(), "old");
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(read(&secrets).await.unwrap(), "new");
        assert_eq!(*secrets.secrets.asked.lock().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_cannot_be_read_the_old_one_serves_for_an_hour() {
        let secrets = held("old");
        assert!(read(&secrets).await.is_some());
        set(&secrets, None);
        tokio::time::advance(FRESH).await;
        assert_eq!(read(&secrets).await.unwrap(), "old");
        assert_eq!(read(&secrets).await.unwrap(), "old");
        assert_eq!(*secrets.secrets.asked.lock().unwrap(), 2, "it is not asked for again at once");
        tokio::time::advance(PAUSE).await;
        set(&secrets, Some("new"));
        assert_eq!(read(&secrets).await.unwrap(), "new");
        set(&secrets, None);
        tokio::time::advance(KEPT).await;
        assert_eq!(read(&secrets).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_asks_for_all() {
        for text in [Some("text"), None] {
            let secrets = held("text");
            set(&secrets, text);
            let all = futures_util::future::join_all((0..64).map(|_| read(&secrets))).await;
            assert!(all.iter().all(|read| read.as_deref() == text));
            assert_eq!(*secrets.secrets.asked.lock().unwrap(), 1);
        }
    }
}
