//! The trace that an event belongs to, so that what a caller did can be followed to what a receiver was told.
//!
//! Owns the form that traces travel in: the `traceparent` of [W3C Trace Context][1], which is also CloudEvents'
//! extension of that name, and AWS X-Ray's `Root`. Records no spans: whoever collects those does it around Nuncio.
//!
//! [1]: https://www.w3.org/TR/trace-context/#traceparent-header

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A trace, and one span in it. As text `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceParent {
    trace: u128,
    span: u64,
    sampled: bool,
}

/// The text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent; one looks like 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
pub struct TraceParentError;

impl TraceParent {
    /// A trace of this id, and a span in it that follows from the id. It is not sampled.
    pub fn from_id(id: u128) -> Self {
        Self { trace: id, span: span(id), sampled: false }
    }

    /// Another span of the same trace, made of chance.
    pub fn child(self, random: u128) -> Self {
        Self { span: span(random), ..self }
    }

    /// The trace of an `X-Amzn-Trace-Id` header, `Root=1-<8 hex digits>-<24 hex digits>;Parent=…;Sampled=1`.
    pub fn from_xray(header: &str) -> Option<Self> {
        let part = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        let (time, rest) = part("Root")?.strip_prefix("1-")?.split_once('-')?;
        let trace = hex(&[time, rest].concat(), 32).filter(|trace| *trace != 0 && time.len() == 8)?;
        let parent = part("Parent").and_then(|parent| hex(parent, 16)).unwrap_or(trace);
        Some(Self { trace, span: span(parent), sampled: part("Sampled") == Some("1") })
    }

    /// Whether the caller records it.
    pub fn is_sampled(self) -> bool {
        self.sampled
    }

    /// The trace's id: 32 lower-case hex digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// The low half of a number, but never the span id that is forbidden.
fn span(number: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "half of it is enough")]
    let low = number as u64;
    low.max(1)
}

/// Exactly so many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let fits = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    fits.then(|| u128::from_str_radix(text, 16).ok())?
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    /// A later version may append parts, which are left out here.
    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let mut parts = text.split('-');
        let mut next = |digits| hex(parts.next()?, digits);
        let read = || Some((next(2)?, next(32)?, next(16)?, next(2)?));
        let (version, trace, span, flags) = { read }().ok_or(TraceParentError)?;
        let has_more = parts.next().is_some();
        if version == 0xff || (version == 0 && has_more) || trace == 0 || span == 0 {
            return Err(TraceParentError);
        }
        let span = u64::try_from(span).map_err(|_| TraceParentError)?;
        Ok(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl TryFrom<String> for TraceParent {
    type Error = TraceParentError;

    fn try_from(text: String) -> Result<Self, TraceParentError> {
        text.parse()
    }
}

impl From<TraceParent> for String {
    fn from(trace: TraceParent) -> Self {
        trace.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_as_the_standard_says() {
        let trace: TraceParent = TEXT.parse().unwrap();
        assert_eq!(trace.to_string(), TEXT);
        assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        let later = format!("cc{}-what-comes", &TEXT[2..]);
        assert_eq!(later.parse(), Ok(trace));
        for bad in [
            "",
            "00",
            &TEXT[..54],
            &format!("{TEXT}-more"),
            &TEXT.to_uppercase(),
            &format!("ff{}", &TEXT[2..]),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(TraceParentError), "{bad}");
        }
    }

    #[test]
    fn an_xray_header_is_read() {
        let read = |header| TraceParent::from_xray(header).map(|trace| trace.to_string());
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let parent = format!("{root};Parent=53995c3f42cd8ad8;Sampled=1");
        assert_eq!(read(&parent).unwrap(), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01");
        assert_eq!(read(root).unwrap(), "00-5759e988bd862e3fe1be46a994272793-e1be46a994272793-00");
        for bad in ["", "Root=", "Root=1-5759e988", "Root=2-5759e988-bd862e3fe1be46a994272793", "Self=1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_made_can_be_read() {
        for random in [0, 1, u128::MAX, 1 << 64, 0xb7ad_6b71_6920_3331] {
            let made = TraceParent::from_id(7 << 64 | random);
            assert_eq!(made.to_string().parse(), Ok(made));
            let child = made.child(random << 1);
            assert_eq!(child.trace_id(), made.trace_id());
            assert_eq!(child.to_string().parse(), Ok(child));
        }
    }
}
