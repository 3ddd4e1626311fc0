//! Determines the format of a request from its headers.
//!
//! Refuses an unknown content type instead of guessing.

use api::Problem;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The accepted formats of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A native event, or a JSON array of them.
    Native,
    /// One native event per line (NDJSON).
    Lines,
    /// One CloudEvent in structured mode: attributes and data in one JSON object.
    Structured,
    /// A JSON array of CloudEvents.
    Batched,
    /// One CloudEvent in binary mode: attributes in the headers, data in the body.
    Binary,
}

/// The prefix of headers that carry CloudEvents attributes.
pub(crate) const CE_PREFIX: &str = "ce-";

impl Format {
    /// # Errors
    /// If the content type is not supported, or its charset is not UTF-8.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let content_type = content_type(headers);
        let format = match essence(content_type).to_ascii_lowercase().as_str() {
            "application/cloudevents+json" => Self::Structured,
            "application/cloudevents-batch+json" => Self::Batched,
            // In binary mode, the content type describes the data, not the format of the event.
            _ if headers.keys().any(|name| name.as_str().starts_with(CE_PREFIX)) => return Ok(Self::Binary),
            "application/json" => Self::Native,
            "application/x-ndjson" => Self::Lines,
            _ => return Err(unsupported()),
        };
        if is_utf8(content_type) { Ok(format) } else { Err(unsupported()) }
    }
}

/// The value of `Content-Type`; empty if it is missing or not text.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The content type without its parameters: `application/json`.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_utf8(content_type: &str) -> bool {
    content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || {
            let value = value.trim().trim_matches('"');
            ["utf-8", "utf8", "us-ascii"].iter().any(|charset| value.eq_ignore_ascii_case(charset))
        }
    })
}

fn unsupported() -> Problem {
    Problem::unsupported_media_type(
        "Content-Type must be application/json, application/x-ndjson, application/cloudevents+json or \
         application/cloudevents-batch+json, in UTF-8; with ce-* headers any type is data",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(lines: &[(&'static str, &str)]) -> Option<Format> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        Format::from_headers(&headers).ok()
    }

    #[test]
    fn by_content_type() {
        for (content_type, expected) in [
            ("application/json", Some(Format::Native)),
            ("Application/JSON ; charset=\"UTF-8\"", Some(Format::Native)),
            ("application/json; charset=iso-8859-1", None),
            ("application/x-ndjson; charset=utf-8", Some(Format::Lines)),
            ("application/cloudevents+json", Some(Format::Structured)),
            ("application/cloudevents-batch+json", Some(Format::Batched)),
            ("application/vnd.x+json", None),
            ("text/plain", None),
            ("", None),
        ] {
            assert_eq!(format(&[("content-type", content_type)]), expected, "{content_type}");
        }
        assert_eq!(format(&[]), None);
    }

    #[test]
    fn attributes_in_headers_make_it_binary_unless_the_type_says_cloudevents() {
        assert_eq!(format(&[("ce-id", "1")]), Some(Format::Binary));
        assert_eq!(format(&[("ce-specversion", "1.0"), ("content-type", "application/json")]), Some(Format::Binary));
        assert_eq!(format(&[("ce-id", "1"), ("content-type", "text/xml; charset=latin1")]), Some(Format::Binary));
        assert_eq!(
            format(&[("ce-id", "1"), ("content-type", "application/cloudevents+json")]),
            Some(Format::Structured)
        );
    }
}
