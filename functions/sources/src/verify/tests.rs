//! Vectors that senders and standards publish, and requests that differ from a signed one.

use domain::rules_document::{HmacHash, SecretRef, SignatureEncoding, SignatureScheme, SignedPart, SourcePreset};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
    };
    pairs.iter().map(pair).collect()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn check(verification: &Verification, secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let request = RawRequest { headers, url: None, query: "", body };
    verify(verification, &[SecretText(secret.to_owned())], request, now())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

fn reference() -> Vec<SecretRef> {
    vec![SecretRef::Env("KEY".to_owned())]
}

/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation>
#[test]
fn githubs_example_is_verified() {
    let github = domain::source::verification(SourcePreset::Github, reference());
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let key = ["It's a Secret", "to Everybody"].join(" ");
    let signed = headers(&[("x-hub-signature-256", signature)]);
    assert_eq!(check(&github, &key, &signed, b"Hello, World!"), Ok(()));
    assert_eq!(check(&github, &key, &signed, b"Hello, World?"), Err(Refusal::Signature));
    let upper = headers(&[("x-hub-signature-256", &format!("sha256={}", signature[7..].to_uppercase()))]);
    assert_eq!(check(&github, &key, &upper, b"Hello, World!"), Ok(()));
    let missing = Refusal::Header("x-hub-signature-256".to_owned());
    assert_eq!(check(&github, &key, &headers(&[]), b"Hello, World!"), Err(missing));
    for form in ["", "sha256=", "sha1=757107ea", "sha256=zz", "757107ea0eb2"] {
        let none = Refusal::NoSignature("x-hub-signature-256".to_owned());
        assert_eq!(check(&github, &key, &headers(&[("x-hub-signature-256", form)]), b""), Err(none), "{form}");
    }
}

/// RFC 2202 and RFC 4231, test case 2.
#[test]
fn the_hashes_are_those_of_the_standards() {
    let mac = |hash| hex(&signature::hmac(hash, b"Jefe", &[b"what do ya want ", b"for nothing?"]));
    assert_eq!(mac(HmacHash::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_eq!(mac(HmacHash::Sha256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert!(mac(HmacHash::Sha512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"));
}

/// RFC 8032, section 7.1, test 3.
#[test]
fn an_ed25519_signature_of_the_standard_is_verified() {
    let key = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    let signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                     18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
    let scheme = SignatureScheme {
        header: "x-sig".to_owned(),
        prefix: String::new(),
        encoding: SignatureEncoding::Hex,
        signed: vec![SignedPart::Body],
        timestamp: None,
        id_header: None,
    };
    let verification = Verification::Ed25519 { signature: scheme, keys: reference() };
    let signed = headers(&[("x-sig", signature)]);
    assert_eq!(check(&verification, key, &signed, &[0xaf, 0x82]), Ok(()));
    assert_eq!(check(&verification, key, &signed, &[0xaf, 0x83]), Err(Refusal::Signature));
    assert_eq!(check(&verification, "not a key", &signed, &[0xaf, 0x82]), Err(Refusal::Key));
}

#[test]
fn an_empty_secret_proves_nothing() {
    let empty = headers(&[("x-gitlab-token", ""), ("authorization", "Basic YW5uOg=="), ("webhook-id", "m")]);
    let gitlab = domain::source::verification(SourcePreset::Gitlab, reference());
    assert_eq!(check(&gitlab, "", &empty, b""), Err(Refusal::Token));
    let github = domain::source::verification(SourcePreset::Github, reference());
    // What an empty key gives.
    let mac = signature::hmac(HmacHash::Sha256, b"", &[b"x"]);
    let mac = hex(&mac);
    let signed = headers(&[("x-hub-signature-256", &format!("sha256={mac}"))]);
    assert_eq!(check(&github, "", &signed, b"x"), Err(Refusal::Signature));
}

#[test]
fn a_timestamp_is_accepted_up_to_the_tolerance_on_both_sides() {
    let stripe = domain::source::verification(SourcePreset::Stripe, reference());
    for (seconds, is_accepted) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
        let timestamp = (now().as_second() + seconds).to_string();
        let mac = signature::hmac(HmacHash::Sha256, b"key", &[timestamp.as_bytes(), b".", b"{}"]);
        let mac = hex(&mac);
        let signed = headers(&[("stripe-signature", &format!("t={timestamp},v1={mac}"))]);
        assert_eq!(check(&stripe, "key", &signed, b"{}").is_ok(), is_accepted, "{seconds}");
    }
    for timestamp in ["", "-1", "1.7e9", "1700000000 ", "99999999999999999999"] {
        let signed = headers(&[("stripe-signature", &format!("t={timestamp}x,v1=00"))]);
        assert!(check(&stripe, "key", &signed, b"{}").is_err(), "{timestamp}");
    }
}

proptest! {
    #[test]
    fn no_header_makes_the_verification_panic_or_succeed(
        value in "[ -~]{0,80}", body in prop::collection::vec(any::<u8>(), 0..40), query in "[ -~]{0,40}",
    ) {
        let names = ["x-hub-signature-256", "stripe-signature", "x-slack-signature", "x-slack-request-timestamp",
            "webhook-id", "webhook-timestamp", "webhook-signature", "authorization", "x-gitlab-token",
            "sentry-hook-signature", "x-pagerduty-signature"];
        let headers = headers(&names.map(|name| (name, value.as_str())));
        for preset in SourcePreset::ALL {
            let verification = domain::source::verification(preset, reference());
            let request = RawRequest { headers: &headers, url: None, query: &query, body: &body };
            let secret = SecretText("a key that no request has".repeat(4));
            prop_assert!(verify(&verification, &[secret], request, now()).is_err());
        }
    }

    #[test]
    fn a_changed_body_or_signature_is_refused(body in prop::collection::vec(any::<u8>(), 1..60), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let pagerduty = domain::source::verification(SourcePreset::Pagerduty, reference());
        let mac = signature::hmac(HmacHash::Sha256, b"key", &[&body]);
        let text = |mac: &[u8]| format!("v1={}", hex(mac));
        let signed = headers(&[("x-pagerduty-signature", &text(&mac))]);
        prop_assert_eq!(check(&pagerduty, "key", &signed, &body), Ok(()));
        let mut changed = body.clone();
        *at.get_mut(&mut changed) ^= flip;
        prop_assert_eq!(check(&pagerduty, "key", &signed, &changed), Err(Refusal::Signature));
        let mut other = mac;
        *at.get_mut(&mut other) ^= flip;
        let forged = headers(&[("x-pagerduty-signature", &text(&other))]);
        prop_assert_eq!(check(&pagerduty, "key", &forged, &body), Err(Refusal::Signature));
    }
}
