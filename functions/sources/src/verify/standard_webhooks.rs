//! Standard Webhooks 1.0.0: three headers, which Svix also names `svix-…`; `v1` is an HMAC-SHA256, `v1a` ed25519.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use domain::Timestamp;
use domain::ports::SecretText;
use domain::rules_document::{HmacHash, Period, SignatureEncoding};
use http::HeaderMap;
use subtle::ConstantTimeEq as _;

use super::signature::{decode, hmac};
use super::{RawRequest, Refusal, check_time, one_header};

/// The most signatures of a header that are tried.
const MAX_SIGNATURES: usize = 10;

/// A key of the sender.
enum SenderKey {
    /// The shared key of `v1`.
    Shared(Vec<u8>),
    /// The public key of `v1a`.
    Public(Vec<u8>),
}

pub(super) fn verify(
    tolerance: Period,
    secrets: &[SecretText],
    request: RawRequest<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let id = header(request.headers, "id")?;
    let timestamp = header(request.headers, "timestamp")?;
    let signatures = header(request.headers, "signature")?;
    check_time(timestamp, "webhook-timestamp", tolerance, now)?;
    let keys: Vec<_> = secrets.iter().filter_map(|secret| key(secret.0.trim())).collect();
    if keys.is_empty() {
        return Err(Refusal::Key);
    }
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", request.body];
    let mut same = 0_u8;
    for one in signatures.split(' ').take(MAX_SIGNATURES) {
        let Some((version, encoded)) = one.split_once(',') else { continue };
        let Some(given) = decode(SignatureEncoding::Base64, encoded) else { continue };
        for key in &keys {
            same |= match key {
                SenderKey::Shared(key) if version == "v1" => {
                    hmac(HmacHash::Sha256, key, &signed).ct_eq(&given).unwrap_u8()
                }
                SenderKey::Public(key) if version == "v1a" => {
                    u8::from(UnparsedPublicKey::new(&ED25519, key).verify(&signed.concat(), &given).is_ok())
                }
                _ => 0,
            };
        }
    }
    if same == 1 { Ok(()) } else { Err(Refusal::Signature) }
}

/// One of the three headers, by either name.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Refusal> {
    let names = ["webhook", "svix"].map(|start| format!("{start}-{name}"));
    let [webhook, svix] = &names;
    if headers.contains_key(webhook) { one_header(headers, webhook) } else { one_header(headers, svix) }
        .map_err(|_| Refusal::Header(webhook.clone()))
}

/// A secret as senders show it: `whsec_` and base64, `whpk_` and base64, or base64 alone, as Svix stores it.
fn key(text: &str) -> Option<SenderKey> {
    let decoded = |encoded| decode(SignatureEncoding::Base64, encoded).filter(|bytes| !bytes.is_empty());
    match text.strip_prefix("whpk_") {
        Some(encoded) => decoded(encoded).filter(|bytes| bytes.len() == 32).map(SenderKey::Public),
        None => decoded(text.strip_prefix("whsec_").unwrap_or(text)).map(SenderKey::Shared),
    }
}
