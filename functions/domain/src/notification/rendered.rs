//! What a receiver would get, to be looked at before anything is sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inbox::InboxItem;

/// A notification in its transport's form, secrets and signatures left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum RenderedMessage {
    /// The HTTP request of a webhook, without its URL, which may be a secret.
    Request {
        /// By name. Those that name a secret are masked.
        headers: BTreeMap<String, String>,
        /// Sent as compact JSON.
        body: Value,
    },
    /// An e-mail; its HTML part is left out.
    Mail {
        /// The sender's name and address, such as `Nuncio <nuncio@example.org>`.
        from: String,
        /// The recipient's name and address, such as `ann <ann@example.org>`.
        to: String,
        /// The subject line, which begins with the transport's prefix.
        subject: String,
        /// The plain-text part of the mail.
        text: String,
    },
    /// An item of the recipient's inbox.
    Inbox(InboxItem),
}
