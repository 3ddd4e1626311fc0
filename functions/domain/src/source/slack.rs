//! Slack's Events API: `X-Slack-Signature`, `X-Slack-Request-Timestamp`, and the challenge of a new URL.
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use serde_json::json;

use super::{Interpretation, InterpretedEvent, SourceRequest, TOLERANCE, Unmappable};
use crate::rules_document::{
    HmacHash, SecretRef, SignatureEncoding, SignatureScheme, SignedPart, TimestampLocation, Verification,
};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    let text = |text: &str| SignedPart::Text(text.to_owned());
    let timestamp = TimestampLocation {
        header: "x-slack-request-timestamp".to_owned(),
        prefix: String::new(),
        tolerance: TOLERANCE,
    };
    let signature = SignatureScheme {
        header: "x-slack-signature".to_owned(),
        prefix: "v0=".to_owned(),
        encoding: SignatureEncoding::Hex,
        signed: vec![text("v0:"), SignedPart::Timestamp, text(":"), SignedPart::Body],
        timestamp: Some(timestamp),
        id_header: None,
    };
    Verification::Hmac { hash: HmacHash::Sha256, signature, secrets }
}

/// `slack.<type of the inner event>`, named by `event_id`; or the answer to the challenge.
pub(super) fn interpret(request: &SourceRequest) -> Result<Interpretation, Unmappable> {
    if request.text(&["type"]) == Some("url_verification") {
        return Ok(Interpretation::Handshake(json!({ "challenge": request.required(&["challenge"])? })));
    }
    let action = format!("slack.{}", request.text(&["event", "type"]).map_or_else(|| request.required(&["type"]), Ok)?);
    let event = InterpretedEvent::of(&action, request.object()?.clone())?
        .named(request.text(&["event_id"]))
        .by(request.text(&["event", "user"]))
        .at(request.payload.get("event_time"));
    Ok(Interpretation::Events(vec![event]))
}
