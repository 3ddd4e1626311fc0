//! Signs webhooks by Standard Webhooks 1.0.0, with both schemes; the secret's prefix selects one. Owns the parsing of
//! secrets. `whsec_` and base64 is a shared key; `whsk_` and base64 is an ed25519 private key (its seed, or seed and
//! public key). A text without a prefix is the shared key itself, byte for byte. Refuses to guess base64 where no
//! prefix says so, and keys that are incomplete.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SHARED: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";
const VERSIONS: [&str; 2] = ["v1,", "v1a,"];
const SEED_BYTES: usize = 32;

/// Accepts base64 without padding, which is often lost when secrets pass through forms and shells.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that signs webhook requests, parsed from one secret of the transport.
pub(crate) enum Key {
    /// HMAC-SHA256; the signatures begin with `v1,`.
    Shared(Box<Hmac<Sha256>>),
    /// ed25519; the signatures begin with `v1a,`.
    Private(Ed25519KeyPair),
}

/// Why a text is not a key. Contains no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("it is empty; store the text that the receiver gave you")]
    Empty,
    #[error("the text after the secret's prefix is not base64; store the secret exactly as it was issued")]
    NotBase64,
    #[error("the text after whsk_ is not an ed25519 private key: 32 bytes, or 64 with the public key at the end")]
    NotPrivateKey,
    #[error(
        "it begins with a signature version (\"v1,\"); remove that, so that the secret begins with whsec_ or whsk_"
    )]
    VersionPrefix,
    #[error("it is the public key, which belongs to the receiver; store the private key, which begins with whsk_")]
    Public,
}

impl Key {
    /// Parses a secret.
    ///
    /// # Errors
    /// When the text is empty, or does not match its prefix.
    pub(crate) fn parse(secret: &str) -> Result<Self, KeyError> {
        // Files and consoles often append a line break. Base64 cannot contain one, but a plain text may.
        let text = secret.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        // Signature headers and some senders' settings pages write the version before the secret.
        if VERSIONS.iter().filter_map(|version| text.strip_prefix(version)).any(has_prefix) {
            return Err(KeyError::VersionPrefix);
        }
        let secret = if has_prefix(text) { text } else { secret };
        let decoded = |encoded: &str| match LENIENT.decode(encoded) {
            Ok(bytes) if bytes.is_empty() => Err(KeyError::Empty),
            Ok(bytes) => Ok(bytes),
            Err(_) => Err(KeyError::NotBase64),
        };
        if secret.starts_with(PUBLIC) {
            return Err(KeyError::Public);
        }
        if let Some(encoded) = secret.strip_prefix(PRIVATE) {
            return private(&decoded(encoded)?);
        }
        match secret.strip_prefix(SHARED) {
            Some(encoded) => shared(&decoded(encoded)?),
            None => shared(secret.as_bytes()),
        }
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let content = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        match self {
            Self::Shared(mac) => {
                format!("v1,{}", STANDARD.encode(mac.clone().chain_update(content).finalize().into_bytes()))
            }
            Self::Private(pair) => format!("v1a,{}", STANDARD.encode(pair.sign(&content))),
        }
    }
}

fn has_prefix(text: &str) -> bool {
    [SHARED, PRIVATE, PUBLIC].iter().any(|prefix| text.starts_with(prefix))
}

/// Why a text cannot sign webhooks; `None` if it can. The reason contains no part of the text.
pub fn unusable_signing_secret(text: &str) -> Option<String> {
    Key::parse(text).err().map(|why| why.to_string())
}

fn shared(bytes: &[u8]) -> Result<Key, KeyError> {
    if bytes.is_empty() {
        return Err(KeyError::Empty);
    }
    Hmac::new_from_slice(bytes).map(|mac| Key::Shared(Box::new(mac))).map_err(|_| KeyError::Empty)
}

fn private(bytes: &[u8]) -> Result<Key, KeyError> {
    let pair = match bytes.split_at_checked(SEED_BYTES) {
        Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
        Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
        None => return Err(KeyError::NotPrivateKey),
    };
    pair.map(Key::Private).map_err(|_| KeyError::NotPrivateKey)
}

/// The `webhook-signature` header: one signature for each key, separated by spaces.
pub(crate) fn signatures(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, timestamp, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples that the reference libraries publish in their tests.
    const ENCODED: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SEED: &str = "VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const ASYMMETRIC: &str =
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==";

    fn key(secret: &str) -> Key {
        Key::parse(secret).unwrap()
    }

    #[test]
    fn the_published_examples() {
        let keys = [key(&format!("{SHARED}{ENCODED}")), key(&format!("{PRIVATE}{SEED}"))];
        assert_eq!(signatures(&keys, ID, 1_614_265_330, BODY), format!("{SIGNATURE} {ASYMMETRIC}"));
    }

    #[test]
    fn every_secret_signs_during_a_rotation() {
        let keys = [key(&format!("{SHARED}{ENCODED}")), key("the old one")];
        let both = signatures(&keys, ID, 1_614_265_330, BODY);
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!(new, SIGNATURE);
        assert_eq!(old, signatures(&keys[1..], ID, 1_614_265_330, BODY));
    }

    #[test]
    fn the_prefix_decides_how_a_secret_is_read() {
        let signed = |secret: &str| signatures(&[key(secret)], ID, 1, BODY);
        assert_ne!(signed(ENCODED), signed(&format!("{SHARED}{ENCODED}")));
        assert_eq!(signed("a"), signed(&format!("{SHARED}YQ==")));
        assert_eq!(signed("a"), signed(&format!("{SHARED}YQ")));
        assert_eq!(signed("a"), signed(&format!("{SHARED}YQ==\n")), "base64 has no line break");
        assert_eq!(signed("a\n"), signed(&format!("{SHARED}YQo=")), "a text is its bytes, the last one too");
        assert_eq!(signed(" a"), signed(&format!("{SHARED}IGE=")));
        assert_eq!(signed("v1,a"), signed(&format!("{SHARED}djEsYQ==")), "only a prefix behind it makes it a version");
    }

    #[test]
    fn a_private_key_may_carry_its_public_half_but_no_other() {
        let seed = STANDARD.decode(SEED).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref();
        let whole = |half: &[u8]| format!("{PRIVATE}{}", STANDARD.encode([&seed, half].concat()));
        assert_eq!(signatures(&[key(&whole(public))], ID, 1_614_265_330, BODY), ASYMMETRIC);
        assert_eq!(Key::parse(&whole(&[7; 32])).err(), Some(KeyError::NotPrivateKey));
    }

    #[test]
    fn what_is_no_secret() {
        let encoded = |prefix: &str, length| format!("{prefix}{}", STANDARD.encode(vec![7; length]));
        for (text, why) in [
            (String::new(), KeyError::Empty),
            (" \n".to_owned(), KeyError::Empty),
            (format!("v1,{SHARED}YQ=="), KeyError::VersionPrefix),
            (format!("v1a,{PRIVATE}{SEED}\n"), KeyError::VersionPrefix),
            (format!("v1,{PUBLIC}YQ=="), KeyError::VersionPrefix),
            (SHARED.to_owned(), KeyError::Empty),
            (PRIVATE.to_owned(), KeyError::Empty),
            (format!("{SHARED}not base64!"), KeyError::NotBase64),
            (format!("{PRIVATE}not base64!"), KeyError::NotBase64),
            (encoded(PRIVATE, 31), KeyError::NotPrivateKey),
            (encoded(PRIVATE, 33), KeyError::NotPrivateKey),
            (encoded(PRIVATE, 65), KeyError::NotPrivateKey),
            (encoded(PUBLIC, 32), KeyError::Public),
        ] {
            assert_eq!(Key::parse(&text).err(), Some(why), "{text}");
        }
    }
}
