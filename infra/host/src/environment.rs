//! The process's environment variables, as a map, and secrets in them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ports::{SecretError, SecretText, Secrets};
use domain::rules_document::SecretRef;

/// All environment variables whose name and value are UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the environment's adapter")]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Resolves secrets that are environment variables (`env:NAME`). Refuses the other kinds.
#[derive(Clone, Default)]
pub struct EnvironmentSecrets {
    variables: BTreeMap<String, String>,
}

impl EnvironmentSecrets {
    /// Resolves from these variables.
    pub fn new(variables: BTreeMap<String, String>) -> Self {
        Self { variables }
    }
}

#[async_trait]
impl Secrets for EnvironmentSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretError> {
        let refuse = |detail: &str| SecretError { reference: reference.to_string(), detail: detail.to_owned() };
        match reference {
            SecretRef::Env(name) => match self.variables.get(name) {
                Some(text) if !text.is_empty() => Ok(SecretText(text.clone())),
                _ => Err(refuse("the environment variable is not set; set it and restart Nuncio")),
            },
            SecretRef::Ssm(_) | SecretRef::SecretsManager(_) => {
                Err(refuse("it is stored on AWS, but this process does not run there; use env:NAME"))
            }
        }
    }
}
