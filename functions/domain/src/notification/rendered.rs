//! What a receiver would get, to be looked at before anything is sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inbox::InboxItem;

/// A notification in its transport's form, secrets and signatures left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Rendered {
    /// An HTTP request.
    Request {
        /// By name. Those that name a secret are masked.
        headers: BTreeMap<String, String>,
        /// Sent as compact JSON.
        body: Value,
    },
    /// An e-mail.
    Mail {
        /// The sender.
        from: String,
        /// The recipient.
        to: String,
        /// The subject.
        subject: String,
        /// The plain-text part.
        text: String,
    },
    /// An item of the recipient's inbox.
    Inbox(InboxItem),
}
