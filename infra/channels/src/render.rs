//! Shows what would be sent, by the same steps as sending it, and hands over nothing.
//! Resolves no secret: neither the address nor the signature of a webhook is shown, and headers that name a secret
//! are masked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::admission::mask::Masker;
use domain::delivery::Failure;
use domain::event::Object;
use domain::notification::Notification;
use domain::notification::inbox::InboxItem;
use domain::notification::rendered::Rendered;
use domain::ports::Renderer;
use domain::rules_document::{RulesDocument, Transport, TransportKind};
use http::HeaderMap;
use serde_json::Value;

use crate::{Channels, email, mapping, slack, webhook};

#[async_trait]
impl Renderer for Channels {
    async fn render(
        &self,
        notification: &Notification,
        transport: &Transport,
        document: &RulesDocument,
    ) -> Result<Rendered, Failure> {
        let mapped = mapping::apply(self, notification, transport, document, &mut Vec::new()).await?;
        match &transport.kind {
            TransportKind::Local => Ok(Rendered::Inbox(InboxItem::of(&mapped.notification))),
            TransportKind::Email { subject_prefix } => email::render(&mapped.notification, subject_prefix, document),
            TransportKind::Webhook { content_type, .. } => {
                let (headers, body) = webhook::compose(mapped, content_type)?;
                Ok(request(&headers, body, document))
            }
            TransportKind::WebhookSlack { .. } => {
                let (headers, body) = slack::compose(mapped);
                Ok(request(&headers, body, document))
            }
        }
    }
}

fn request(headers: &HeaderMap, body: Value, document: &RulesDocument) -> Rendered {
    let text = |value: &http::HeaderValue| Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut shown: Object = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Masker::new(&document.redact).mask_object(&mut shown);
    let headers: BTreeMap<String, String> =
        shown.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    Rendered::Request { headers, body }
}
