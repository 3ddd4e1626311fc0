//! Signs webhooks by Standard Webhooks 1.0.0, symmetric scheme.
//! Owns how a secret is read: `whsec_` and base64, as the specification serialises it, are the key's bytes; a text
//! without that prefix is the key itself, byte for byte. Refuses to guess base64 where nothing says so.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// Padding is often lost on a secret's way through forms and shells.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key, ready to sign.
pub(crate) struct Key(Hmac<Sha256>);

impl Key {
    /// None where the text is empty, or has the prefix but no base64 after it.
    pub(crate) fn read(secret: &str) -> Option<Self> {
        let bytes = match secret.strip_prefix(PREFIX) {
            Some(encoded) => LENIENT.decode(encoded).ok()?,
            None => secret.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return None;
        }
        Hmac::new_from_slice(&bytes).ok().map(Self)
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The `webhook-signature` header: one signature for each key, separated by spaces.
pub(crate) fn signatures(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, timestamp, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the reference libraries publish in their tests.
    const ENCODED: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key(secret: &str) -> Key {
        Key::read(secret).unwrap()
    }

    #[test]
    fn the_published_example() {
        let key = key(&format!("{PREFIX}{ENCODED}"));
        assert_eq!(signatures(&[key], ID, 1_614_265_330, BODY), SIGNATURE);
    }

    #[test]
    fn every_secret_signs_during_a_rotation() {
        let keys = [key(&format!("{PREFIX}{ENCODED}")), key("the old one")];
        let both = signatures(&keys, ID, 1_614_265_330, BODY);
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!(new, SIGNATURE);
        assert_eq!(old, signatures(&keys[1..], ID, 1_614_265_330, BODY));
    }

    #[test]
    fn the_prefix_decides_how_a_secret_is_read() {
        let signed = |secret: &str| signatures(&[key(secret)], ID, 1, BODY);
        assert_ne!(signed(ENCODED), signed(&format!("{PREFIX}{ENCODED}")));
        assert_eq!(signed("a"), signed(&format!("{PREFIX}YQ==")));
        assert_eq!(signed("a"), signed(&format!("{PREFIX}YQ")));
    }

    #[test]
    fn what_is_no_secret() {
        for text in [String::new(), PREFIX.to_owned(), format!("{PREFIX}not base64!")] {
            assert!(Key::read(&text).is_none(), "{text}");
        }
    }
}
