//! Verifies a request: whether the sender of the source made it.
//!
//! Works on the raw bytes, before anything is parsed, and compares in constant time. Every secret is tried. The reason
//! of a refusal is for the operator; the caller learns none.

mod signature;
mod standard_webhooks;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::ports::SecretText;
use domain::rules_document::{Period, Verification};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

/// A request as it arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawRequest<'r> {
    /// The headers.
    pub(crate) headers: &'r HeaderMap,
    /// The URL that the sender posts to; `None` if the server does not know its own.
    pub(crate) url: Option<&'r str>,
    /// The text after the URL's `?`, percent-encoded.
    pub(crate) query: &'r str,
    /// The body.
    pub(crate) body: &'r [u8],
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A header is missing, occurs twice, or is not text.
    #[error("the header {0} is missing, or occurs more than once")]
    Header(String),
    /// The URL has no such parameter, or has it twice.
    #[error("the URL's parameter {0} is missing, or occurs more than once")]
    Parameter(String),
    /// The header has no signature in the form that the source expects.
    #[error("the header {0} has no signature of the form that the source expects")]
    NoSignature(String),
    /// No secret gives one of the signatures.
    #[error("no secret of the source gives this signature")]
    Signature,
    /// The token, or the user's password, is another.
    #[error("the token or password is not one of the source")]
    Token,
    /// The timestamp is no number of seconds.
    #[error("the header {0} has no timestamp in seconds")]
    NoTimestamp(String),
    /// The request was signed too long ago, or in the future.
    #[error("the timestamp is {seconds} s {side}; the tolerance is {tolerance} s")]
    Timestamp {
        /// How far the timestamp is from now, in seconds.
        seconds: u64,
        /// `ago` or `ahead`.
        side: &'static str,
        /// How far it may be, in seconds.
        tolerance: i64,
    },
    /// The signature covers the URL, and the server does not know its own.
    #[error("the signature covers the URL; set public_url, so that Nuncio knows it")]
    Url,
    /// None of the secrets is a key.
    #[error("no secret of the source is a key of the form that the source expects")]
    Key,
}

/// Checks the request against every secret.
///
/// # Errors
/// If the request does not prove that the source's sender made it.
pub(crate) fn verify(
    verification: &Verification,
    secrets: &[SecretText],
    request: RawRequest<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    match verification {
        Verification::Hmac { hash, signature, .. } => signature::verify_hmac(signature, *hash, secrets, request, now),
        Verification::Ed25519 { signature, .. } => signature::verify_ed25519(signature, secrets, request, now),
        Verification::StandardWebhooks { tolerance, .. } => {
            standard_webhooks::verify(*tolerance, secrets, request, now)
        }
        Verification::Basic { user, .. } => {
            let given = one_header(request.headers, AUTHORIZATION.as_str())?;
            let (scheme, encoded) = given.split_once(' ').unwrap_or((given, ""));
            if !scheme.eq_ignore_ascii_case("basic") {
                return Err(Refusal::Token);
            }
            let given = STANDARD.decode(encoded.trim()).map_err(|_| Refusal::Token)?;
            same_as_one(&given, secrets.iter().map(|secret| format!("{user}:{}", secret.0)))
        }
        Verification::Header { header, prefix, .. } => {
            let given = one_header(request.headers, header)?;
            // The scheme of an Authorization header has no case (RFC 9110, section 11.1).
            let (start, token) = given.split_at_checked(prefix.len()).ok_or(Refusal::Token)?;
            if !start.eq_ignore_ascii_case(prefix) {
                return Err(Refusal::Token);
            }
            same_as_one(token.as_bytes(), secrets.iter().map(|secret| secret.0.clone()))
        }
        Verification::Query { parameter, .. } => {
            let mut values = form_urlencoded::parse(request.query.as_bytes()).filter(|(name, _)| name == parameter);
            let (Some((_, given)), None) = (values.next(), values.next()) else {
                return Err(Refusal::Parameter(parameter.clone()));
            };
            same_as_one(given.as_bytes(), secrets.iter().map(|secret| secret.0.clone()))
        }
    }
}

/// Compares with every secret, so that the time does not say which one is close. An empty secret equals nothing.
fn same_as_one(given: &[u8], secrets: impl Iterator<Item = String>) -> Result<(), Refusal> {
    let same = secrets
        .filter(|secret| !secret.is_empty())
        .fold(0_u8, |same, secret| same | given.ct_eq(secret.as_bytes()).unwrap_u8());
    if same == 1 { Ok(()) } else { Err(Refusal::Token) }
}

/// The text of a header that must occur once.
fn one_header<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Refusal> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next().and_then(|line| line.to_str().ok()), lines.next()) {
        (Some(line), None) => Ok(line),
        _ => Err(Refusal::Header(name.to_owned())),
    }
}

/// Checks a timestamp in seconds since 1970 against the tolerance.
fn check_time(text: &str, header: &str, tolerance: Period, now: Timestamp) -> Result<(), Refusal> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_number).ok_or_else(|| Refusal::NoTimestamp(header.to_owned()))?;
    let apart = now.as_second().saturating_sub(seconds);
    let tolerance = tolerance.duration().as_secs();
    if i64::try_from(apart.unsigned_abs()).unwrap_or(i64::MAX) <= tolerance {
        return Ok(());
    }
    let side = if apart > 0 { "ago" } else { "ahead" };
    Err(Refusal::Timestamp { seconds: apart.unsigned_abs(), side, tolerance })
}
