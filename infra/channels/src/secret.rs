//! Resolves the secrets that the rules document refers to.
//! An error names the reference only, never the secret store's message.

use domain::delivery::Failure;
use domain::ports::Secrets;
use domain::rules_document::{PlainOrSecret, SecretRef};

use crate::redact::Redactor;

/// Resolves a secret, byte for byte.
pub(crate) async fn resolve(reference: &SecretRef, secrets: &dyn Secrets) -> Result<String, Failure> {
    match secrets.resolve(reference).await {
        Ok(secret) => Ok(secret.0),
        Err(_) => Err(Failure::Misconfigured(format!(
            "the secret {reference} cannot be read; check that it exists and that Nuncio may read it"
        ))),
    }
}

/// The value of a setting.
pub(crate) struct Resolved {
    text: String,
    /// Whether the text must not be shown.
    secret: bool,
}

impl Resolved {
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), secret: false }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Removes the text from responses, if it is a secret.
    pub(crate) fn redactor(&self) -> Redactor {
        if self.secret { Redactor::from_url(&self.text) } else { Redactor::default() }
    }
}

/// The value of a setting: its text, or the secret that it refers to.
pub(crate) async fn text(text: &PlainOrSecret, secrets: &dyn Secrets) -> Result<Resolved, Failure> {
    match text {
        PlainOrSecret::Plain(text) => Ok(Resolved::plain(text)),
        // Trimmed: files and consoles often append a line break, which no URL contains.
        PlainOrSecret::Secret(reference) => {
            Ok(Resolved { text: resolve(reference, secrets).await?.trim().to_owned(), secret: true })
        }
    }
}
