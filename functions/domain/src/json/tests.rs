//! Which texts are parsed, which are rejected, and with which findings and errors.

use proptest::prelude::*;

use super::*;

fn findings(text: &str) -> Vec<(String, FindingKind)> {
    parse(text.as_bytes()).unwrap().findings.into_iter().map(|finding| (finding.pointer, finding.kind)).collect()
}

#[test]
fn reads_what_serde_json_reads() {
    for text in ["null", "-1", "1.5e3", "18446744073709551615", r#"{"b":[1,{"a":"\u00e9"}],"a":{}}"#, "[]", "\" \""] {
        assert_eq!(parse(text.as_bytes()).unwrap().value, serde_json::from_str::<Value>(text).unwrap());
    }
}

#[test]
fn numbers_keep_the_digits_that_they_are_written_with() {
    let longest = "9".repeat(300);
    for text in [
        "123456789012345678901234567890",
        "18446744073709551617",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827",
        "1.50",
        "-0",
        "1e-400",
        "12345678901234567890.0e+5",
        &longest,
        &format!("0.{}", "3".repeat(MAX_NUMBER_LENGTH - 2)),
    ] {
        let nested = format!(r#"{{"a":[{text},{{"b":{text}}}],"c":{text}}}"#);
        let read = parse(nested.as_bytes()).unwrap().value;
        assert_eq!(read.to_string(), nested);
        let stored: Value = serde_json::from_str(&read.to_string()).unwrap();
        assert_eq!(stored, read, "as it is read back");
        assert_eq!(parse(text.as_bytes()).unwrap().value.to_string(), text);
    }
    assert_eq!(parse(b"1E5").unwrap().value.to_string(), "1e+5");
    let long = format!("[{}]", "1".repeat(MAX_NUMBER_LENGTH + 1));
    let Err(JsonError::Unacceptable { what, pointer, .. }) = parse(long.as_bytes()) else { panic!() };
    assert!(what.contains("4300 characters; send it as a string") && pointer == "/0", "{what} {pointer}");
}

#[test]
fn notices_duplicates_and_nul_with_their_place() {
    assert_eq!(findings(r#"{"a":1,"b":{"c/d":1,"c/d":2}}"#), [("/b/c~1d".to_owned(), FindingKind::DuplicateKey)]);
    assert_eq!(findings(r#"[{"a":["x\u0000"]}]"#), [("/0/a/0".to_owned(), FindingKind::Nul)]);
    assert_eq!(parse(br#"{"a":1,"a":2}"#).unwrap().value["a"], 2);
}

#[test]
fn keeps_few_findings_of_each_value_but_never_loses_a_nul() {
    let event = format!(r#"{{{}"z":"\u0000"}}"#, r#""a":1,"#.repeat(5000));
    let found = findings(&format!("[{event},{event}]"));
    assert_eq!(found.len(), 2 * MAX_FINDINGS);
    assert_eq!(findings(&event).len(), MAX_FINDINGS);
    for at in [0, 1] {
        assert!(found.contains(&(format!("/{at}/z"), FindingKind::Nul)));
    }
}

#[test]
fn refuses_what_is_not_json() {
    for bad in ["", "{", "{\"a\":\"\\ud80\"}", "1 2", "{'a':1}", "[1,]", "nul", "01", "\"\n\"", "[1 2]", "\u{feff}"] {
        assert!(matches!(parse(bad.as_bytes()), Err(JsonError::Syntax { .. })), "{bad}");
    }
    assert_eq!(parse(b"\"\xff\""), Err(JsonError::NotUtf8(1)));
    assert!(is_json_by_grammar(b"\"\xff\"") && !is_json_by_grammar(b"\xff") && !is_json_by_grammar(b"\xff\xfe\"\0"));
}

#[test]
fn tells_what_is_json_but_not_taken_from_what_is_no_json() {
    let refused = |text: &str| match parse(text.as_bytes()) {
        Err(JsonError::Unacceptable { what, pointer, line, .. }) => (what, pointer, line),
        other => panic!("{text}: {other:?}"),
    };
    for (text, words, pointer) in [
        (r#"{"a":{"b":[1,"\ud83d"]}}"#, "surrogate", "/a/b/1"),
        (r#"["\udc00"]"#, "surrogate", "/0"),
        (r#"["\ud83dx"]"#, "surrogate", "/0"),
        (r#"["\ud83d\n"]"#, "surrogate", "/0"),
        (r#"["\ud83d\ud83d"]"#, "surrogate", "/0"),
        (r#"{"a~/":1e400}"#, "number out of range", "/a~0~1"),
        ("-1e400", "number out of range", ""),
    ] {
        let (what, at, _) = refused(text);
        assert!(what.contains(words), "{text}: {what}");
        assert_eq!(at, pointer, "{text}");
    }
    let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    for levels in [MAX_DEPTH + 1, 10_000] {
        assert_eq!(refused(&nested(levels)).0, "nested deeper than 100 levels");
    }
}

#[test]
fn a_key_that_would_not_be_read_back_as_it_was_written_is_refused() {
    let written = r#"{"a":{"$serde_json::private::RawValue":"{\"password\":1}"}}"#;
    let plain: Value = serde_json::from_str(written).unwrap();
    assert_eq!(plain["a"]["password"], 1, "which is why: {plain}");
    for key in [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
        r"\u0024serde_json::private::Number",
        "$serde_json::private::",
    ] {
        let text = format!(r#"[{{"{key}":"1"}}]"#);
        let Err(JsonError::Unacceptable { pointer, .. }) = parse(text.as_bytes()) else { panic!("{key}") };
        assert_eq!(pointer, format!("/0/{}", key.replace(r"\u0024", "$")));
    }
    assert!(parse(br#"{"$serde_json":1,"a":"$serde_json::private::RawValue"}"#).is_ok());
}

#[test]
fn a_byte_order_mark_is_ignored_in_front_and_kept_within() {
    assert_eq!(parse("\u{feff}{\"a\":\"\u{feff}\"}".as_bytes()).unwrap().value["a"], "\u{feff}");
    assert!(parse("\u{feff}\u{feff}1".as_bytes()).is_err());
    assert_eq!(items("\u{feff} [1]".as_bytes(), 9).unwrap(), [b"1"]);
}

#[test]
fn a_list_is_split_whatever_its_items_hold() {
    let list = b"\n[ {\"a\":[1,{}]} ,\"]\\\",[\",1e400, \"\\ud800\",\"\xff\", [[[]]] ]\n";
    let split: Vec<&[u8]> = vec![b"{\"a\":[1,{}]}", b"\"]\\\",[\"", b"1e400", b"\"\\ud800\"", b"\"\xff\"", b"[[[]]]"];
    assert_eq!(items(list, 9).unwrap(), split);
    assert_eq!(items(list, 2).unwrap().len(), 3, "one more than asked for says that there are more");
    assert!(items(b"[]", 9).unwrap().is_empty() && items(b" [ ] ", 9).unwrap().is_empty());
    for (bad, line, column) in [
        (&b"{}"[..], 1, 1),
        (b"[", 1, 2),
        (b"[1", 1, 3),
        (b"[1,]", 1, 4),
        (b"[1\n 2]", 2, 2),
        (b"[1]\n]", 2, 1),
        (b"[,1]", 1, 2),
        (b"[1,\n {\"a\" 1}]", 2, 7),
        (b"[\xff]", 1, 2),
    ] {
        let Err(JsonError::Syntax { line: found, column: at, what }) = items(bad, 9) else { panic!("{bad:?}") };
        assert_eq!((found, at), (line, column), "{what}: {}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn memory_is_counted_while_reading_and_never_more_than_foreseen() {
    let many = format!("[{}]", vec!["[]"; 80_000].join(","));
    assert_eq!(parse_within(many.as_bytes(), 1_000_000), Err(JsonError::TooCostly(1_000_000)));
    assert!(parse_within(many.as_bytes(), memory(many.as_bytes())).is_ok());
    let objects = format!("[{}]", vec![r#"{"a":1,"b":[{"c":2},{"d":3}]}"#; 1000].join(","));
    for text in ["1", "[]", "{}", "[1,2,[{}]]", r#"{"a":{"b":[{"c":1}]},"d":2}"#, "\"a,b:[\"", "[[[[1]]]]", &objects] {
        assert!(parse_within(text.as_bytes(), memory(text.as_bytes())).is_ok(), "{text}");
    }
}

#[test]
fn what_values_take_is_not_underrated() {
    assert!(size_of::<Value>() <= ITEM_BYTES);
    // An entry with its hash, and its slot in the table, of which at least an eighth is empty.
    assert!(size_of::<(u64, String, Value)>() + 16 <= ENTRY_BYTES);
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[^\0]{0,8}".prop_map(Value::from),
        Just(Value::from("],[\"\\{:")),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[^\0]{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_its_items_however_it_is_spaced(values in prop::collection::vec(value(), 0..6), blank in "[ \n\t\r]{0,3}") {
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        let list = format!("{blank}[{blank}{}{blank}]{blank}", texts.join(&format!("{blank},{blank}")));
        let split = items(list.as_bytes(), 9).unwrap();
        prop_assert_eq!(&split, &texts.iter().map(String::as_bytes).collect::<Vec<_>>());
        let whole = parse(list.as_bytes()).unwrap();
        let each: Vec<Value> = split.into_iter().map(|item| parse(item).unwrap().value).collect();
        prop_assert_eq!(whole.value, Value::from(each));
        prop_assert!(whole.memory <= memory(list.as_bytes()));
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_both_ways_agree(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[\\[\\]{},:\"\\\\u019deE+\\-. a]{0,30}".prop_map(String::into_bytes),
    ]) {
        let is_json = is_json_by_grammar(&bytes);
        match parse(&bytes) {
            Ok(Parsed { value, .. }) => {
                prop_assert!(is_json);
                if let Value::Array(list) = value {
                    prop_assert_eq!(items(&bytes, 99).unwrap().len(), list.len());
                }
            }
            Err(JsonError::Syntax { .. }) => prop_assert!(!is_json),
            Err(JsonError::Unacceptable { .. }) => prop_assert!(is_json),
            Err(_) => {}
        }
        // A text can be split if and only if it is a list by JSON's grammar.
        prop_assert_eq!(items(&bytes, 99).is_ok(), is_json && bytes.trim_ascii_start().first() == Some(&b'['));
    }
}
