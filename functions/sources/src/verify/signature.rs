//! Signatures whose form the source describes: what is signed, by which function, and where the signature is.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::Timestamp;
use domain::ports::SecretText;
use domain::rules_document::{HmacHash, SignatureEncoding, SignatureScheme, SignedPart};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::{RawRequest, Refusal, check_time, one_header};

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// The most signatures of a header that are tried. During a change of secrets, senders write two.
const MAX_SIGNATURES: usize = 10;

/// The keyed hash (RFC 2104) of the parts, one after the other.
pub(super) fn hmac(hash: HmacHash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    macro_rules! keyed {
        ($hash:ty) => {{
            // An HMAC takes keys of any length, so this cannot fail.
            let Ok(mut mac) = Hmac::<$hash>::new_from_slice(key) else { return Vec::new() };
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().to_vec()
        }};
    }
    match hash {
        HmacHash::Sha1 => keyed!(Sha1),
        HmacHash::Sha256 => keyed!(Sha256),
        HmacHash::Sha512 => keyed!(Sha512),
    }
}

/// Checks signatures that the receiver can compute itself.
pub(super) fn verify_hmac(
    scheme: &SignatureScheme,
    hash: HmacHash,
    secrets: &[SecretText],
    request: RawRequest<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let given = signatures(scheme, request)?;
    let timestamp = timestamp(scheme, request, now)?;
    let signed = signed(scheme, request, timestamp.unwrap_or_default())?;
    let mut same = 0_u8;
    for secret in secrets.iter().filter(|secret| !secret.0.is_empty()) {
        let expected = hmac(hash, secret.0.as_bytes(), &signed);
        for one in &given {
            same |= one.ct_eq(&expected).unwrap_u8();
        }
    }
    if same == 1 { Ok(()) } else { Err(Refusal::Signature) }
}

/// Checks signatures by the sender's ed25519 keys.
pub(super) fn verify_ed25519(
    scheme: &SignatureScheme,
    keys: &[SecretText],
    request: RawRequest<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let given = signatures(scheme, request)?;
    let timestamp = timestamp(scheme, request, now)?;
    let signed = signed(scheme, request, timestamp.unwrap_or_default())?.concat();
    let keys: Vec<_> = keys.iter().filter_map(|key| public_key(key.0.trim())).collect();
    if keys.is_empty() {
        return Err(Refusal::Key);
    }
    let fits =
        |key: &Vec<u8>| given.iter().any(|one| UnparsedPublicKey::new(&ED25519, key).verify(&signed, one).is_ok());
    if keys.iter().any(fits) { Ok(()) } else { Err(Refusal::Signature) }
}

/// The 32 bytes of an ed25519 public key, in hex or base64.
pub(super) fn public_key(text: &str) -> Option<Vec<u8>> {
    let is_key = |bytes: &Vec<u8>| bytes.len() == 32;
    decode(SignatureEncoding::Hex, text)
        .filter(is_key)
        .or_else(|| decode(SignatureEncoding::Base64, text).filter(is_key))
}

/// The signatures in the header, decoded.
fn signatures(scheme: &SignatureScheme, request: RawRequest<'_>) -> Result<Vec<Vec<u8>>, Refusal> {
    let elements = one_header(request.headers, &scheme.header)?.split(',').map(str::trim);
    let found = elements.filter_map(|element| decode(scheme.encoding, element.strip_prefix(scheme.prefix.as_str())?));
    let found: Vec<_> = found.filter(|bytes| !bytes.is_empty()).take(MAX_SIGNATURES).collect();
    if found.is_empty() { Err(Refusal::NoSignature(scheme.header.clone())) } else { Ok(found) }
}

/// The timestamp as it is written, if it is within the tolerance; `None` if the sender signs none.
fn timestamp<'r>(
    scheme: &SignatureScheme,
    request: RawRequest<'r>,
    now: Timestamp,
) -> Result<Option<&'r str>, Refusal> {
    let Some(place) = &scheme.timestamp else { return Ok(None) };
    let mut elements = one_header(request.headers, &place.header)?.split(',').map(str::trim);
    let text = elements.find_map(|element| element.strip_prefix(place.prefix.as_str()));
    let text = text.ok_or_else(|| Refusal::NoTimestamp(place.header.clone()))?;
    check_time(text, &place.header, place.tolerance, now)?;
    Ok(Some(text))
}

fn signed<'r>(
    scheme: &'r SignatureScheme,
    request: RawRequest<'r>,
    timestamp: &'r str,
) -> Result<Vec<&'r [u8]>, Refusal> {
    let part = |part: &'r SignedPart| {
        Ok(match part {
            SignedPart::Text(text) => text.as_bytes(),
            SignedPart::Body => request.body,
            SignedPart::Timestamp => timestamp.as_bytes(),
            SignedPart::Id => one_header(request.headers, scheme.id_header.as_deref().unwrap_or_default())?.as_bytes(),
            SignedPart::Url => request.url.ok_or(Refusal::Url)?.as_bytes(),
        })
    };
    scheme.signed.iter().map(part).collect()
}

/// The bytes of a signature; `None` if it is written otherwise.
pub(super) fn decode(encoding: SignatureEncoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        SignatureEncoding::Hex => {
            let digits = text.as_bytes();
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
            digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(byte).collect())?
        }
        SignatureEncoding::Base64 => STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok(),
    }
}
