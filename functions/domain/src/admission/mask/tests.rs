use super::formats::{CLASSES, SHAPE, may_begin_shape, shapes};
use super::*;
use serde_json::json;

fn masked(value: Value) -> Value {
    masked_with(value, &RedactSettings::default())
}

fn masked_with(mut value: Value, redact: &RedactSettings) -> Value {
    Masker::new(redact).mask_object(value.as_object_mut().unwrap());
    value
}

#[test]
fn all_shapes_compile() {
    assert_eq!(shapes().len(), 19);
    assert_eq!(MASK.len(), 20);
    assert!(shapes().iter().all(|shape| shape.replacement.contains(MASK)));
    for literal in shapes().iter().flat_map(|shape| shape.literals) {
        let text = format!("{literal}{}", "x".repeat(40));
        assert!(may_begin_shape(text.as_bytes()[0], text.as_bytes()), "{literal}");
        assert!(CLASSES[usize::from(text.as_bytes()[0])] & SHAPE != 0, "{literal}");
    }
}

#[test]
fn by_key() {
    for key in [
        "password",
        "PASSWORD",
        "client_secret",
        "id_token",
        "X-Signature",
        "Set-Cookie",
        "credentials",
        "api_key",
        "apiKey",
        "X-API-Key",
        "private_key",
        "Authorization",
        "key",
        "ssh-key",
        "auth",
        "proxy_auth",
        "privateKey",
        "sshKey",
        "SSHKey",
        "x-auth",
        "user.pwd",
        "pin",
        "otp",
        "jwt",
        "mfa pin",
    ] {
        assert_eq!(masked(json!({ key: "x" })), json!({ key: MASK }), "{key}");
    }
    for key in [
        "passing",
        "password_change_date",
        "auth_method",
        "auth_method_args",
        "authorized_application",
        "keyboard",
        "monkey",
        "author",
        "username",
        "opinion",
        "spinning",
        "Keyed",
        "authority",
        "optional",
    ] {
        assert_eq!(masked(json!({ key: "x" })), json!({ key: "x" }), "{key}");
    }
}

#[test]
fn scalars_lists_and_objects() {
    assert_eq!(
        masked(
            json!({ "token": 42, "api_keys": ["a", ["b"], { "name": "c", "secret": true }], "secret": { "name": "stays" } })
        ),
        json!({ "token": MASK, "api_keys": [MASK, [MASK], { "name": "c", "secret": MASK }], "secret": { "name": "stays" } })
    );
}

#[test]
fn both_sides_of_a_change_by_its_field() {
    let diff =
        |value: Value| json!({ "diff": { "password": value, "name": { "previous_value": "a", "new_value": "b" } } });
    let changed = diff(json!({ "previous_value": "one", "new_value": ["two", { "note": "own key" }] }));
    let expected = diff(json!({ "previous_value": MASK, "new_value": [MASK, { "note": "own key" }] }));
    assert_eq!(masked(changed), expected);
    for value in ["previous_value", "new_value", "old", "new", "value"] {
        let below = json!({ "token": { value: "one", "note": "no change" } });
        assert_eq!(masked(below), json!({ "token": { value: MASK, "note": "no change" } }), "{value}");
    }
}

#[test]
fn the_operator_adds_and_excepts() {
    let redact =
        RedactSettings { keys: vec!["iban".to_owned(), "passing".to_owned()], except: vec!["Token_Count".to_owned()] };
    assert_eq!(
        masked_with(json!({ "IBAN_from": "x", "passing": "x", "token_count": 3, "token": 3 }), &redact),
        json!({ "IBAN_from": MASK, "passing": MASK, "token_count": 3, "token": MASK })
    );
}

/// Assembled here so that no credential-like text stands in the source.
fn credentials() -> Vec<String> {
    vec![
        ["AK", "IA", "IOSFODNN7EXAMPLE"].concat(),
        ["ey", "JhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxIn0", ".c2lnbmF0dXJl"].concat(),
        ["gh", "p_", &"a1B2".repeat(9)].concat(),
        ["github", "_pat_", &"a1B2".repeat(9)].concat(),
        ["xo", "xb-", "123456789012-abcdefabcdef"].concat(),
        ["sk", "_live_", &"a1B2".repeat(6)].concat(),
        ["-----BEGIN RSA PRIV", "ATE KEY-----\nMIIEow\n-----END RSA PRIV", "ATE KEY-----"].concat(),
        ["-----BEGIN PRIV", "ATE KEY-----\nMIIEow"].concat(),
    ]
}

#[test]
fn by_value_wherever_it_stands() {
    for credential in credentials() {
        assert_eq!(masked(json!({ "note": format!("({credential}") })), json!({ "note": format!("({MASK}") }));
        assert_eq!(masked(json!({ "note": credential })), json!({ "note": MASK }));
        assert_eq!(
            masked(json!({ "list": [{ "note": format!("a {credential}") }] })),
            json!({ "list": [{ "note": format!("a {MASK}") }] })
        );
        assert_eq!(masked(json!({ credential: 1 })), json!({ MASK: 1 }));
    }
    let url = format!("postgres://{}:{}@db.example.org/x?y=1", "root", "hunter2");
    assert_eq!(masked(json!({ "dsn": url })), json!({ "dsn": format!("postgres://{MASK}@db.example.org/x?y=1") }));
    assert_eq!(
        masked(json!({ "url": "https://example.org:8080/a@b:c@d" })),
        json!({ "url": "https://example.org:8080/a@b:c@d" })
    );
}

#[test]
fn by_value_behind_whatever_no_word_goes_on_with() {
    for credential in credentials() {
        for before in ["next=%2Fcallback%3Ftoken%3D", "session_", "Bearer ", "\"", "a.b:", "{", "é"] {
            let note = masked(json!({ "note": format!("{before}{credential}") }));
            assert_eq!(note, json!({ "note": format!("{before}{MASK}") }));
        }
        let twice = masked(json!({ "note": format!("{credential} {credential}") }));
        assert!(twice["note"].as_str().unwrap().starts_with(MASK), "{twice}");
        assert!(!twice.to_string().contains(&credential), "{twice}");
    }
    let key = ["AK", "IA", "IOSFODNN7EXAMPLE"].concat();
    assert_eq!(masked(json!({ "file": format!("{key}_old") })), json!({ "file": format!("{MASK}_old") }));
    // Encrypted tokens, with and without a wrapped key.
    for parts in ["", "wrappedKey_-0"] {
        let token = ["ey", "JhbGciOiJkaXIifQ.", parts, ".aXYtaXYtaXY.Y2lwaGVydGV4dA.dGFnLXRhZw"].concat();
        assert_eq!(masked(json!({ "note": format!("is {token}") })), json!({ "note": format!("is {MASK}") }));
    }
    let block =
        ["-----BEGIN PGP PRIV", "ATE KEY BLOCK-----\r\nabc\r\n-----END PGP PRIV", "ATE KEY BLOCK-----"].concat();
    assert_eq!(masked(json!({ "note": format!("{block}.") })), json!({ "note": format!("{MASK}.") }));
    for plain in ["monkeyJumps.overthe.fence", "-----BEGIN PUBLIC KEY-----", "a PRIVATE KEY is secret"] {
        assert_eq!(masked(json!({ "note": plain })), json!({ "note": plain }));
    }
}

#[test]
fn passwords_in_urls() {
    for (text, hidden) in [
        (format!("amqp://user:{}@host/v", "pa/ss#w"), format!("amqp://{MASK}@host/v")),
        (format!("redis://:{}@host", "hunter2"), format!("redis://{MASK}@host")),
        (format!(r"see https:\/\/u:{}@host\/", "pw"), format!(r"see https:\/\/{MASK}@host\/")),
        ("http://[::1]:8080/a@b".to_owned(), "http://[::1]:8080/a@b".to_owned()),
        ("https://host:443?to=a@b".to_owned(), "https://host:443?to=a@b".to_owned()),
        ("https://host/a:b@c".to_owned(), "https://host/a:b@c".to_owned()),
    ] {
        assert_eq!(masked(json!({ "note": text })), json!({ "note": hidden }));
    }
}

#[test]
fn the_operators_keys_are_in_any_case_of_any_script() {
    let redact = RedactSettings { keys: vec!["ПАРОЛЬ".to_owned()], except: vec!["Token_Größe".to_owned()] };
    assert_eq!(
        masked_with(json!({ "пароль_2": "x", "TOKEN_GRÖSSE": 1, "token_größe": 1 }), &redact),
        json!({ "пароль_2": MASK, "TOKEN_GRÖSSE": MASK, "token_größe": 1 })
    );
}

#[test]
fn masking_twice_is_masking_once() {
    for credential in credentials() {
        let once = masked(json!({ "a": { "password": "x", "note": format!("x{credential} y {credential}") } }));
        assert_eq!(masked(once.clone()), once);
    }
}

#[test]
fn the_operator_exempts_a_field_by_its_path() {
    let redact = RedactSettings { keys: Vec::new(), except: vec!["context.Records.s3.object.key".to_owned()] };
    let event = json!({ "Records": [{ "s3": { "object": { "key": "photos/1.jpg" }, "key": "x" } }], "key": "y" });
    let mut object = event.as_object().unwrap().clone();
    Masker::new(&redact).mask_field("context", &mut object);
    let expected = json!({ "Records": [{ "s3": { "object": { "key": "photos/1.jpg" }, "key": MASK } }], "key": MASK });
    assert_eq!(Value::Object(object), expected);
}

#[test]
fn a_query_nested_in_arguments_is_masked_by_its_own_names() {
    for (query, expected) in [
        ("token=abc", format!("token={MASK}")),
        ("page=2&token=abc&sort=name", format!("page=2&token={MASK}&sort=name")),
        ("?token=abc", format!("?token={MASK}")),
        ("next=%2Fhome%3Ftoken%3Dabc", format!("next=%2Fhome%3Ftoken%3D{MASK}")),
    ] {
        let event = json!({ "http_request": { "args": { "query": query, "next": ["/", query] } } });
        let expected = json!({ "http_request": { "args": { "query": expected, "next": ["/", expected] } } });
        assert_eq!(masked(event), expected, "{query}");
    }
}

#[test]
fn values_of_names_that_another_field_gives() {
    for (value, expected) in [
        (json!({ "name": "password", "value": "s" }), json!({ "name": "password", "value": MASK })),
        (json!({ "header": "X-Auth", "values": ["s", "t"] }), json!({ "header": "X-Auth", "values": [MASK, MASK] })),
        (
            json!({ "h": [["Authorization", "s"], ["Accept", "t"]] }),
            json!({ "h": [["Authorization", MASK], ["Accept", "t"]] }),
        ),
        (json!({ "name": "colour", "value": "red" }), json!({ "name": "colour", "value": "red" })),
        // Names of fields, not a field and its value.
        (json!({ "changed": ["password", "email"] }), json!({ "changed": ["password", "email"] })),
    ] {
        assert_eq!(masked(value), expected);
    }
}

#[test]
fn hostile_texts_take_no_more_looks_than_others() {
    // Each of these once made the search start again at every sign, up to the end of the text.
    for piece in [
        "token=$",
        ">",
        "basic ",
        "cookie: ",
        "-u \"",
        "password=\\\"",
        "<a>",
        "token=<",
        "Authorization: none",
        "secret:'",
    ] {
        let text = piece.repeat(256 * 1024 / piece.len());
        let masked = masked(json!({ "note": text }));
        let note = masked["note"].as_str().unwrap();
        assert!(note.len() <= text.len() * 4, "{piece}");
    }
    // A text that is made to take more is masked from there on, not shown.
    let text = format!("{} password=hunter2hunter2", "token=$".repeat(36_000));
    let shown = masked(json!({ "note": text }));
    assert!(!shown["note"].as_str().unwrap().contains("hunter2"));
}
