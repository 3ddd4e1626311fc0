//! Secrets: SSM parameters, Secrets Manager secrets, environment variables.
//!
//! Owns how long a secret is cached: see [`CachedSecrets`]. Errors contain a service's error code only, not its
//! message.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{self, SecretError, SecretText};
use domain::rules_document::SecretRef;
use host::EnvironmentSecrets;
use tokio::time::Instant;

use crate::cached::Cached;
use crate::describe::code;

/// Resolves secrets, reading them every time.
pub struct AwsSecrets {
    ssm: aws_sdk_ssm::Client,
    manager: aws_sdk_secretsmanager::Client,
    environment: EnvironmentSecrets,
}

impl AwsSecrets {
    /// Uses these clients; `environment` has the values of secrets of the kind `env:`.
    pub fn new(
        ssm: aws_sdk_ssm::Client,
        manager: aws_sdk_secretsmanager::Client,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { ssm, manager, environment: EnvironmentSecrets::new(environment) }
    }
}

#[async_trait]
impl ports::Secrets for AwsSecrets {
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

/// How long a secret is cached. A rotated secret is in use after this time at the latest.
const TTL: Duration = Duration::from_mins(5);
/// How long the last value of a secret is used while the secret cannot be read.
const STALE_TTL: Duration = Duration::from_hours(1);
/// How long after a failure the secret is read again.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The last attempt to read one secret.
#[derive(Clone)]
struct Lookup {
    result: Result<SecretText, SecretError>,
    /// The last value that could be read, and when.
    last_read: Option<(Instant, SecretText)>,
}

impl Lookup {
    /// The secret; if the attempt failed, its last value unless that is too old.
    fn into_result(self) -> Result<SecretText, SecretError> {
        let recent = self.last_read.filter(|(at, _)| at.elapsed() < STALE_TTL);
        self.result.or_else(|error| recent.map(|(_, text)| text).ok_or(error))
    }
}

/// Secrets, cached for five minutes, and for up to an hour while they cannot be read. Of concurrent callers that want
/// the same secret, one reads it, and all get the result.
pub struct CachedSecrets<S> {
    secrets: S,
    caches: Mutex<HashMap<SecretRef, Arc<Cached<Lookup>>>>,
}

impl<S> CachedSecrets<S> {
    /// A cache in front of `secrets`.
    pub fn new(secrets: S) -> Self {
        Self { secrets, caches: Mutex::default() }
    }
}

#[async_trait]
impl<S: ports::Secrets> ports::Secrets for CachedSecrets<S> {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let cache = {
            let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(caches.entry(reference.clone()).or_default())
        };
        let refresh = async |old: Option<Lookup>| {
            Ok::<_, Infallible>(match self.secrets.resolve(reference).await {
                Ok(text) => {
                    let last_read = Some((Instant::now(), text.clone()));
                    (Lookup { result: Ok(text), last_read }, TTL)
                }
                Err(error) => {
                    tracing::warn!(%error, "a secret cannot be read; its last value is used for up to an hour");
                    (Lookup { result: Err(error), last_read: old.and_then(|old| old.last_read) }, RETRY_AFTER_FAILURE)
                }
            })
        };
        let Ok(lookup) = cache.get_or_refresh(refresh).await;
        lookup.into_result()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ports::Secrets as _;

    /// Returns a given text, and counts the calls.
    #[derive(Default)]
    struct CountingSecrets {
        text: Mutex<Option<&'static str>>,
        calls: Mutex<usize>,
    }

    #[async_trait]
    impl ports::Secrets for CountingSecrets {
        async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
            *self.calls.lock().unwrap() += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
            let text = *self.text.lock().unwrap();
            let refused = || SecretError { reference: reference.to_string(), detail: "ThrottlingException".to_owned() };
            text.map(|text| SecretText(text.to_owned())).ok_or_else(refused)
        }
    }

    fn cached(text: &'static str) -> CachedSecrets<CountingSecrets> {
        CachedSecrets::new(CountingSecrets { text: Mutex::new(Some(text)), calls: Mutex::default() })
    }

    async fn read(secrets: &CachedSecrets<CountingSecrets>) -> Option<String> {
        secrets.resolve(&SecretRef::Ssm("/key".to_owned())).await.ok().map(|text| text.0)
    }

    fn set(secrets: &CachedSecrets<CountingSecrets>, text: Option<&'static str>) {
        *secrets.secrets.text.lock().unwrap() = text;
    }

    #[tokio::test(start_paused = true)]
    async fn a_rotated_secret_is_in_use_after_five_minutes() {
        let secrets = cached("old");
        assert_eq!(read(&secrets).await.unwrap(), "old");
        set(&secrets, Some("new"));
        tokio::time::advance(TTL / 2).await;
        assert_eq!(read(&secrets).await.unwrap(), "old");
        tokio::time::advance(TTL / 2).await;
        assert_eq!(read(&secrets).await.unwrap(), "new");
        assert_eq!(*secrets.secrets.calls.lock().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_secret_cannot_be_read_its_last_value_is_used_for_an_hour() {
        let secrets = cached("old");
        assert!(read(&secrets).await.is_some());
        set(&secrets, None);
        tokio::time::advance(TTL).await;
        assert_eq!(read(&secrets).await.unwrap(), "old");
        assert_eq!(read(&secrets).await.unwrap(), "old");
        assert_eq!(*secrets.secrets.calls.lock().unwrap(), 2, "it is not read again at once");
        tokio::time::advance(RETRY_AFTER_FAILURE).await;
        set(&secrets, Some("new"));
        assert_eq!(read(&secrets).await.unwrap(), "new");
        set(&secrets, None);
        tokio::time::advance(STALE_TTL).await;
        assert_eq!(read(&secrets).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_concurrent_callers_one_reads_for_all() {
        for text in [Some("text"), None] {
            let secrets = cached("text");
            set(&secrets, text);
            let all = futures_util::future::join_all((0..64).map(|_| read(&secrets))).await;
            assert!(all.iter().all(|read| read.as_deref() == text));
            assert_eq!(*secrets.secrets.calls.lock().unwrap(), 1);
        }
    }
}
