//! Decodes a CloudEvent in binary mode: attributes in `ce-*` headers, data in the body.
//!
//! Builds the same JSON as a structured CloudEvent, so that both modes have the same result. Header values are
//! unquoted, then percent-decoded once, as the HTTP binding specifies.

use std::borrow::Cow;

use api::Problem;
use domain::admission::Rejection;
use domain::event::Object;
use domain::json::{self, Finding, FindingKind, JsonError};
use domain::rules_document::RulesDocument;
use http::HeaderMap;
use serde_json::Value;

use super::data::{self, EventData};
use super::{Candidate, cloudevents, refused};
use crate::format::{CE_PREFIX, content_type};

pub(super) fn read(
    headers: &HeaderMap,
    body: &[u8],
    mut memory: usize,
    document: &RulesDocument,
) -> Result<Candidate, Problem> {
    let mut findings = Vec::new();
    let mut event = match attributes(headers, &mut findings) {
        Ok(event) => event,
        Err(rejection) => return Ok(Candidate { draft: Err(in_headers(rejection)), notes: Vec::new() }),
    };
    let content_type = content_type(headers);
    if !content_type.is_empty() {
        event.insert("datacontenttype".to_owned(), Value::String(content_type.to_owned()));
    }
    let mut in_data = Vec::new();
    match data::interpret(content_type, body, &mut memory, &mut in_data) {
        _ if body.is_empty() => {}
        Ok(EventData::Value(data)) => {
            event.insert("data".to_owned(), data);
        }
        Ok(EventData::Encoded(data)) => {
            event.insert("data_base64".to_owned(), Value::String(data));
        }
        Err(JsonError::Unacceptable { what, pointer, .. }) => {
            return Ok(Candidate::rejected(format!("/data{pointer}"), what));
        }
        Err(error @ JsonError::NotUtf8(_)) if json::is_json_by_grammar(body) => {
            return Ok(Candidate::rejected("/data", error.to_string()));
        }
        Err(error) => return Err(refused(error)),
    }
    findings.extend(in_data.into_iter().map(|found| Finding { pointer: format!("/data{}", found.pointer), ..found }));
    Ok(Candidate::new(Value::Object(event), findings, |event, remarks| {
        cloudevents::read(event, document, &mut memory, &mut remarks.findings).map_err(in_headers)
    }))
}

fn attributes(headers: &HeaderMap, findings: &mut Vec<Finding>) -> Result<Object, Rejection> {
    let mut event = Object::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(CE_PREFIX) else { continue };
        let pointer = domain::json::pointer_segment(name);
        if matches!(name, "data" | "data_base64") {
            return Err(Rejection::malformed(pointer, "send data in the body, not in a header"));
        }
        let unquoted = unquoted(value.as_bytes());
        let Ok(text) = percent_encoding::percent_decode(&unquoted).decode_utf8() else {
            return Err(Rejection::malformed(pointer, "not UTF-8 after percent-decoding"));
        };
        if text.contains('\0') {
            findings.push(Finding { pointer: pointer.clone(), kind: FindingKind::Nul });
        }
        if event.insert(name.to_owned(), Value::String(text.into_owned())).is_some() {
            findings.push(Finding { pointer, kind: FindingKind::DuplicateKey });
        }
    }
    Ok(event)
}

/// Removes the quotes and backslashes of a quoted string (RFC 9110, 5.6.4).
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return Cow::Borrowed(value);
    };
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    Cow::Owned(plain)
}

/// Words the fault in terms of the headers that the caller has sent.
fn in_headers(mut rejection: Rejection) -> Rejection {
    let attribute = cloudevents::in_cloudevent_terms(rejection.clone()).pointer;
    if let Some(name) = attribute.strip_prefix('/').filter(|name| !name.starts_with("data")) {
        rejection.detail =
            format!("header {CE_PREFIX}{name}: {}", cloudevents::in_cloudevent_terms(rejection.clone()).detail);
    }
    rejection
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::admission::Draft;
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    const LEAST: [(&str, &str); 4] =
        [("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "/shop"), ("ce-type", "com.example.paid")];

    fn read_with(more: &[(&str, &str)], body: &[u8]) -> Result<Draft, Rejection> {
        let mut headers = HeaderMap::new();
        for (name, value) in LEAST.iter().chain(more) {
            let name: HeaderName = name.parse().unwrap();
            if value.is_empty() {
                headers.remove(&name);
            } else {
                headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        read(&headers, body, usize::MAX, &RulesDocument::default()).unwrap().draft
    }

    fn context(more: &[(&str, &str)], body: &[u8]) -> Value {
        Value::Object(read_with(more, body).unwrap().context)
    }

    #[test]
    fn headers_are_unquoted_and_percent_decoded_once() {
        for (sent, meant) in
            [("Euro%20%E2%82%AC", "Euro €"), ("\"a \\\"b\\\" %41\"", "a \"b\" A"), ("100%", "100%"), ("%2541", "%41")]
        {
            assert_eq!(context(&[("ce-subject", sent)], b"")["subject"], meant);
        }
    }

    #[test]
    fn the_body_is_data_by_its_type() {
        for (content_type, body, key, value) in [
            ("application/json", &b"{\"a\":1}"[..], "a", json!(1)),
            ("application/vnd.x+json; charset=utf-8", b"[1]", "data", json!([1])),
            ("text/plain", b"hello", "data", json!("hello")),
            ("application/soap+xml", b"<a/>", "data", json!("<a/>")),
            ("text/plain", b"\xff", "data_base64", json!("/w==")),
            ("application/octet-stream", b"\x00\x01", "data_base64", json!("AAE=")),
            ("", b"hello", "data_base64", json!("aGVsbG8=")),
            ("", b"{\"a\":1}", "a", json!(1)),
            ("", b" [1] ", "data", json!([1])),
        ] {
            assert_eq!(context(&[("content-type", content_type)], body)[key], value, "{content_type}");
        }
        assert_eq!(context(&[("content-type", "text/plain")], b"")["datacontenttype"], "text/plain");
        assert_eq!(context(&[], b""), json!({ "type": "com.example.paid" }));
    }

    #[test]
    fn faults_name_the_header() {
        for (header, value, pointer) in [
            ("ce-specversion", "0.3", "/specversion"),
            ("ce-id", "", "/id"),
            ("ce-source", "", "/source"),
            ("ce-type", "", "/type"),
            ("ce-subject", "%FF", "/subject"),
        ] {
            let rejection = read_with(&[(header, value)], b"").unwrap_err();
            assert_eq!(rejection.pointer, pointer);
            assert!(rejection.detail.contains(header), "{}", rejection.detail);
        }
        assert_eq!(read_with(&[("ce-subject", "a%00")], b"").unwrap_err().pointer, "/subject");
        assert_eq!(read_with(&[("ce-data", "x")], b"").unwrap_err().pointer, "/data");
        let nul = read_with(&[("content-type", "application/json")], br#"{"a":["\u0000"]}"#).unwrap_err();
        assert_eq!(nul.pointer, "/data/a/0");
    }
}
