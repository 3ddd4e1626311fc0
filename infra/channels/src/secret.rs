//! Resolves what the rules document only refers to.
//! Owns how a missing secret is reported: by its reference, never with what the store said about it.

use domain::delivery::Failure;
use domain::ports::Secrets;
use domain::rules_document::{SecretRef, Text};

use crate::hidden::Hidden;

/// The secret itself, byte for byte.
pub(crate) async fn resolve(reference: &SecretRef, secrets: &dyn Secrets) -> Result<String, Failure> {
    match secrets.resolve(reference).await {
        Ok(secret) => Ok(secret.0),
        Err(_) => Err(Failure::Misconfigured(format!(
            "the secret {reference} cannot be read; check that it exists and that Nuncio may read it"
        ))),
    }
}

/// A setting's text, as it is used.
pub(crate) struct Resolved {
    text: String,
    secret: bool,
}

impl Resolved {
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), secret: false }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What must not be shown of it.
    pub(crate) fn hidden(&self) -> Hidden {
        if self.secret { Hidden::in_url(&self.text) } else { Hidden::default() }
    }
}

/// The setting as it is written, or the secret it refers to.
pub(crate) async fn text(text: &Text, secrets: &dyn Secrets) -> Result<Resolved, Failure> {
    match text {
        Text::Plain(text) => Ok(Resolved::plain(text)),
        // Files and consoles like to add a line break, which is part of no URL.
        Text::Secret(reference) => {
            Ok(Resolved { text: resolve(reference, secrets).await?.trim().to_owned(), secret: true })
        }
    }
}
