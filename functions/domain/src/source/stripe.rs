//! Stripe: `Stripe-Signature: t=…,v1=…`, and the event object. <https://docs.stripe.com/webhooks/signature>

use super::{InterpretedEvent, SourceRequest, TOLERANCE, Unmappable};
use crate::rules_document::{
    HmacHash, SecretRef, SignatureEncoding, SignatureScheme, SignedPart, TimestampLocation, Verification,
};

const HEADER: &str = "stripe-signature";

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    let timestamp = TimestampLocation { header: HEADER.to_owned(), prefix: "t=".to_owned(), tolerance: TOLERANCE };
    let signature = SignatureScheme {
        header: HEADER.to_owned(),
        prefix: "v1=".to_owned(),
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Timestamp, SignedPart::Text(".".to_owned()), SignedPart::Body],
        timestamp: Some(timestamp),
        id_header: None,
    };
    Verification::Hmac { hash: HmacHash::Sha256, signature, secrets }
}

/// `stripe.<type>`, named by the event's id.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let action = format!("stripe.{}", request.required(&["type"])?);
    let event = InterpretedEvent::of(&action, request.object()?.clone())?;
    Ok(vec![event.named(request.text(&["id"])).at(request.payload.get("created"))])
}
