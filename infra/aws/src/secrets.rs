//! Secrets: SSM parameters, Secrets Manager secrets, environment variables; held for five minutes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::document::SecretRef;
use domain::ports::{self, SecretError, SecretText};
use host::EnvironmentSecrets;
use tokio::time::Instant;

use crate::describe::code;

/// For how long a secret is held: rotation is seen after as long.
const HELD: Duration = Duration::from_mins(5);

/// Where secrets are kept on AWS.
pub struct Secrets {
    ssm: aws_sdk_ssm::Client,
    manager: aws_sdk_secretsmanager::Client,
    environment: EnvironmentSecrets,
    held: Mutex<HashMap<SecretRef, (Instant, SecretText)>>,
}

impl Secrets {
    /// Through these clients, and of this environment.
    pub fn new(
        ssm: aws_sdk_ssm::Client,
        manager: aws_sdk_secretsmanager::Client,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { ssm, manager, environment: EnvironmentSecrets::new(environment), held: Mutex::default() }
    }

    async fn fetch(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let refuse = |detail: &str| SecretError { reference: reference.to_string(), detail: detail.to_owned() };
        let text = match reference {
            SecretRef::Env(_) => return ports::Secrets::resolve(&self.environment, reference).await,
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

#[async_trait]
impl ports::Secrets for Secrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let held = |text: Option<SecretText>| {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            match text {
                Some(text) => held.insert(reference.clone(), (Instant::now(), text)),
                None => held.get(reference).filter(|(at, _)| at.elapsed() < HELD).cloned(),
            }
        };
        if let Some((_, text)) = held(None) {
            return Ok(text);
        }
        let text = self.fetch(reference).await?;
        held(Some(text.clone()));
        Ok(text)
    }
}
