//! Signs webhooks by Standard Webhooks 1.0.0, both schemes; the secret's prefix says which.
//! Owns how a secret is read: `whsec_` and base64 are the bytes of a shared key, `whsk_` and base64 an ed25519 private key
//! (its seed, or seed and public key); a text without prefix is the shared key itself, byte for byte. Refuses to guess
//! base64 where nothing says so, and to sign with half of a key.

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

/// Padding is often lost on a secret's way through forms and shells.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key, ready to sign.
pub(crate) enum Key {
    /// HMAC-SHA256, `v1`.
    Shared(Box<Hmac<Sha256>>),
    /// ed25519, `v1a`.
    Private(Ed25519KeyPair),
}

/// Why a text is no key. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoKey {
    #[error("it is empty")]
    Empty,
    #[error("what follows its prefix is not base64")]
    NotBase64,
    #[error("what follows whsk_ is no ed25519 private key: 32 bytes, or 64 with the public key behind")]
    NotPrivate,
    #[error("it begins with a version of signatures; the secret itself begins with whsec_ or whsk_")]
    Versioned,
    #[error("it is a public key, for the receiver; the private key begins with whsk_")]
    Public,
}

impl Key {
    /// # Errors
    /// When the text is empty, or not what its prefix says.
    pub(crate) fn read(secret: &str) -> Result<Self, NoKey> {
        // Files and consoles like to add a line break. It can be no part of base64, but it may be part of a text.
        let text = secret.trim();
        if text.is_empty() {
            return Err(NoKey::Empty);
        }
        // As lists of signatures and some senders' settings pages write it.
        if VERSIONS.iter().filter_map(|version| text.strip_prefix(version)).any(has_prefix) {
            return Err(NoKey::Versioned);
        }
        let secret = if has_prefix(text) { text } else { secret };
        let decoded = |encoded: &str| match LENIENT.decode(encoded) {
            Ok(bytes) if bytes.is_empty() => Err(NoKey::Empty),
            Ok(bytes) => Ok(bytes),
            Err(_) => Err(NoKey::NotBase64),
        };
        if secret.starts_with(PUBLIC) {
            return Err(NoKey::Public);
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

/// Why a text cannot sign webhooks; `None` if it can. Says nothing of the text.
pub fn unusable_signing_secret(text: &str) -> Option<String> {
    Key::read(text).err().map(|why| why.to_string())
}

fn shared(bytes: &[u8]) -> Result<Key, NoKey> {
    if bytes.is_empty() {
        return Err(NoKey::Empty);
    }
    Hmac::new_from_slice(bytes).map(|mac| Key::Shared(Box::new(mac))).map_err(|_| NoKey::Empty)
}

fn private(bytes: &[u8]) -> Result<Key, NoKey> {
    let pair = match bytes.split_at_checked(SEED_BYTES) {
        Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
        Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
        None => return Err(NoKey::NotPrivate),
    };
    pair.map(Key::Private).map_err(|_| NoKey::NotPrivate)
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
        Key::read(secret).unwrap()
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
        assert_eq!(Key::read(&whole(&[7; 32])).err(), Some(NoKey::NotPrivate));
    }

    #[test]
    fn what_is_no_secret() {
        let encoded = |prefix: &str, length| format!("{prefix}{}", STANDARD.encode(vec![7; length]));
        for (text, why) in [
            (String::new(), NoKey::Empty),
            (" \n".to_owned(), NoKey::Empty),
            (format!("v1,{SHARED}YQ=="), NoKey::Versioned),
            (format!("v1a,{PRIVATE}{SEED}\n"), NoKey::Versioned),
            (format!("v1,{PUBLIC}YQ=="), NoKey::Versioned),
            (SHARED.to_owned(), NoKey::Empty),
            (PRIVATE.to_owned(), NoKey::Empty),
            (format!("{SHARED}not base64!"), NoKey::NotBase64),
            (format!("{PRIVATE}not base64!"), NoKey::NotBase64),
            (encoded(PRIVATE, 31), NoKey::NotPrivate),
            (encoded(PRIVATE, 33), NoKey::NotPrivate),
            (encoded(PRIVATE, 65), NoKey::NotPrivate),
            (encoded(PUBLIC, 32), NoKey::Public),
        ] {
            assert_eq!(Key::read(&text).err(), Some(why), "{text}");
        }
    }
}
