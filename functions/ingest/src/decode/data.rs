//! Interprets the data of a CloudEvent by its media type.
//!
//! Data arrives as bytes: as the body of a request in binary mode, or as `data_base64`. The same bytes of the same type
//! mean the same in both (CloudEvents 1.0.2, JSON Event Format, section 3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::json::{self, Finding, FindingKind, JsonError};
use serde_json::Value;

use crate::format::{Format, essence};

/// Data of a CloudEvent, as JSON represents it.
pub(super) enum EventData {
    /// The value of `data`: JSON, or a text.
    Value(Value),
    /// The value of `data_base64`: the bytes as Base64.
    Encoded(String),
}

/// Interprets data of this media type. Adds what is wrong with it to `findings`, with pointers within the data. JSON
/// uses at most `memory` bytes, which are subtracted.
///
/// # Errors
/// If the type is JSON and the data is not.
pub(super) fn interpret(
    content_type: &str,
    data: &[u8],
    memory: &mut usize,
    findings: &mut Vec<Finding>,
) -> Result<EventData, JsonError> {
    let essence = essence(content_type).to_ascii_lowercase();
    // Without a type the data is JSON (CloudEvents 1.0.2, "datacontenttype"), unless it evidently is not.
    let untyped = essence.is_empty() && json::is_json_by_grammar(data);
    if untyped || essence.ends_with("/json") || essence.ends_with("+json") {
        let parsed = json::parse_within(data, *memory)?;
        *memory = memory.saturating_sub(parsed.memory);
        findings.extend(parsed.findings);
        return Ok(EventData::Value(parsed.value));
    }
    // The specification represents text and XML as strings.
    let is_text = essence.starts_with("text/") || essence.ends_with("/xml") || essence.ends_with("+xml");
    match std::str::from_utf8(data) {
        Ok(text) if is_text => {
            if text.contains('\0') {
                findings.push(Finding { pointer: String::new(), kind: FindingKind::Nul });
            }
            Ok(EventData::Value(Value::String(text.to_owned())))
        }
        _ => Ok(EventData::Encoded(STANDARD.encode(data))),
    }
}

/// How much memory the JSON in `data_base64` of a request's CloudEvents takes in addition to the request itself. Text
/// that is escaped as JSON allows is not counted; [`interpret`] refuses what exceeds the count.
pub(crate) fn encoded_memory(format: Format, body: &[u8]) -> usize {
    const KEY: &[u8] = b"\"data_base64\"";
    if !matches!(format, Format::Structured | Format::Batched) {
        return 0;
    }
    let (mut memory, mut rest) = (0_usize, body);
    while let Some(at) = rest.windows(KEY.len()).position(|window| window == KEY) {
        rest = rest[at + KEY.len()..].trim_ascii_start();
        let text = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start).and_then(|value| value.strip_prefix(b"\""));
        let text = text.and_then(|text| text.split(|byte| *byte == b'"').next());
        if let Some(data) = text.and_then(|text| STANDARD.decode(text).ok()) {
            memory = memory.saturating_add(json::memory(&data));
        }
    }
    memory
}
