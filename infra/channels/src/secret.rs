//! Resolves what the rules document only refers to.
//! Owns how a missing secret is reported: by its reference, never with what the store said about it.

use domain::delivery::Failure;
use domain::document::{SecretRef, Text};
use domain::ports::Secrets;

/// The secret itself, without white space around it, which files and consoles like to add.
pub(crate) async fn resolve(reference: &SecretRef, secrets: &dyn Secrets) -> Result<String, Failure> {
    match secrets.resolve(reference).await {
        Ok(secret) => Ok(secret.0.trim().to_owned()),
        Err(_) => Err(Failure::Misconfigured(format!(
            "the secret {reference} cannot be read; check that it exists and that Nuncio may read it"
        ))),
    }
}

/// The setting as it is written, or the secret it refers to.
pub(crate) async fn text(text: &Text, secrets: &dyn Secrets) -> Result<String, Failure> {
    match text {
        Text::Plain(text) => Ok(text.clone()),
        Text::Secret(reference) => resolve(reference, secrets).await,
    }
}
