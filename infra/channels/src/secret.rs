//! Resolves what the rules document only refers to.
//! Owns how a missing secret is reported: by its reference, never with what the store said about it.

use std::cmp::Reverse;

use domain::delivery::Failure;
use domain::document::{SecretRef, Text};
use domain::mask::MASK;
use domain::ports::Secrets;

/// A path shorter than this keeps no secret.
const SHORTEST_PATH: usize = 4;
/// Nor does a part of one that is shorter than this: it would be a common word.
const SHORTEST_PART: usize = 8;

/// The secret itself, without white space around it, which files and consoles like to add.
pub(crate) async fn resolve(reference: &SecretRef, secrets: &dyn Secrets) -> Result<String, Failure> {
    match secrets.resolve(reference).await {
        Ok(secret) => Ok(secret.0.trim().to_owned()),
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

    /// What a receiver said, without what it repeats of a secret: an error page likes to show the path.
    pub(crate) fn hidden_in(&self, answer: String) -> String {
        if !self.secret {
            return answer;
        }
        let behind_host = self.text.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find(['/', '?'])?..]));
        let Some(path) = behind_host else { return answer };
        let mut parts: Vec<&str> = path.split(['/', '?', '&', '=', '#']).collect();
        parts.retain(|part| part.len() >= SHORTEST_PART);
        if path.len() >= SHORTEST_PATH {
            parts.push(path);
        }
        parts.sort_by_key(|part| Reverse(part.len()));
        parts.iter().fold(answer, |answer, part| answer.replace(part, MASK))
    }
}

/// The setting as it is written, or the secret it refers to.
pub(crate) async fn text(text: &Text, secrets: &dyn Secrets) -> Result<Resolved, Failure> {
    match text {
        Text::Plain(text) => Ok(Resolved::plain(text)),
        Text::Secret(reference) => Ok(Resolved { text: resolve(reference, secrets).await?, secret: true }),
    }
}
