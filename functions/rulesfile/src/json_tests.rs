//! Every valid JSON document is read as JSON, with the positions of its values.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use crate::diagnostics::Diagnostics;
use crate::sections::patterns::from_yaml;
use crate::{source, tree};

/// The file as the JSON that it means, or its faults.
fn read(file: &str) -> Result<Json, String> {
    let mut diagnostics = Diagnostics::default();
    let root = source::text(file.as_bytes(), &mut diagnostics).and_then(|text| tree::parse(text, &mut diagnostics));
    let mut is_json = true;
    let json = root.map(|root| from_yaml(&root, &mut is_json, &mut diagnostics));
    diagnostics.conclude(json).map(|(json, _)| json).map_err(|faults| faults[0].to_string())
}

#[test]
fn valid_json_is_read_as_json() {
    for file in [
        r#"{"a": "\ud83d\ude00"}"#,
        r#"{"\ud83d\ude00": ["\uD83D\uDE00x", "\ud834\udd1e\ud834\udd1e"]}"#,
        r#"["\"\\\/\b\f\n\r\t", "\u0000\u001f\u007f\u0085\ufffe"]"#,
        "{\t\"a\":\t[1,\r\n\t2]\t}",
        "[\"\u{7f}\u{80}\u{9f}\u{feff}\u{2028}\"]",
        "[0, -1, 1.5, 1E5, 1e+5, 0.1e-3, 123456789012345678901234567890]",
        "[true,false,null]",
        r#"{"a":{"b":[[],{},[{}]]},"":""}"#,
        "\"text\"",
        " \n [1] \n ",
        r##"["# not a comment", "- x", "a: b", "*a", "&a", "!!str", "'", "---", "<"]"##,
        "[\"a\\u0020 b\"]",
    ] {
        assert_eq!(read(file), Ok(serde_json::from_str(file).unwrap()), "{file}");
    }
    let long = format!("{{\"{}\": 1}}", "k".repeat(5000));
    assert_eq!(read(&long), Ok(serde_json::from_str(&long).unwrap()), "YAML limits a key to 1024 characters");
}

#[test]
fn a_fault_in_json_has_its_line_and_column() {
    for (file, fault) in [
        ("{\n\t\"a\": \"x\\ud83d\"}", "2:7: this text has half of a surrogate pair, which is not a character"),
        ("[\"\\ude00\\ud83d\"]", "1:2: this text has half of a surrogate pair"),
        ("{\"\\ud83d\\ude00\": 1,\n \"\\ud83d\\ude00\": 2}", "2:2: duplicate key \"😀\""),
        ("[1,\n  1e400]", "2:3: this number cannot occur in an event"),
    ] {
        let found = read(file).unwrap_err();
        assert!(found.starts_with(fault), "{found}");
    }
    let body = r"x = '\ud83d\ude00' )";
    let file = format!("{{\"retention\": \"days=1\",\n\t\"policies\": {{\"p\": {{\"expression\": \"{body}\"}}}}}}");
    let fault = crate::read(file).unwrap_err()[0].to_string();
    assert!(fault.starts_with("2:55: "), "the place in a body behind a surrogate pair: {fault}");
}

/// Texts, keys and numbers of all kinds, nested.
fn value() -> impl Strategy<Value = Json> {
    let text = || prop_oneof!["\\PC{0,8}", prop::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter)];
    let leaf = prop_oneof![
        4 => text().prop_map(Json::from),
        1 => any::<i64>().prop_map(Json::from),
        1 => (-1000_i32..1000).prop_map(|number| json!(f64::from(number) + 0.5)),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((text().prop_filter("a merge key", |key| key != "<<"), inner), 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// Writes each value with the options of Python's `json.dumps` in turn; as a JSON list of texts.
const WRITE: &str = "
import itertools, json, sys
options = [dict(ensure_ascii=ascii, indent=indent, separators=separators)
    for ascii in (True, False) for indent in (None, 0, 3, '\\t') for separators in (None, (',', ':'), ('\\t,\\n', ' :\\r\\n'))]
values = json.load(sys.stdin.buffer)
sys.stdout.write(json.dumps([json.dumps(value, **option) for value, option in zip(values, itertools.cycle(options))]))
";

#[test]
fn whatever_python_writes_as_json_is_read_as_it_was() {
    const COUNT: usize = 1200;
    let mut runner = TestRunner::deterministic();
    let values: Vec<Json> = (0..COUNT).map(|_| json!([value().new_tree(&mut runner).unwrap().current()])).collect();
    let mut python = Command::new("python3");
    let mut python = python.args(["-c", WRITE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(json!(values).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let files: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(files.len(), COUNT);
    assert!(files.iter().filter(|file| file.contains("\\ud8")).count() > 50, "pairs of escapes occur");
    for (file, value) in files.iter().zip(&values) {
        assert_eq!(read(file).as_ref(), Ok(value), "{file}");
    }
}
