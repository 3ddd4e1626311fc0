//! A body that cannot run is rejected before it runs, with the position of the fault in the author's text.

#[expect(dead_code, reason = "these tests need little of it")]
mod stage;

use expressions::{Expression, ExpressionKind, MAX_SOURCE_BYTES, NoPolicies};
use proptest::prelude::*;
use stage::{mapping, policy};

fn fault(source: &str) -> (usize, usize, String) {
    let fault = Expression::parse(source).expect_err(source);
    (fault.line, fault.column, fault.message)
}

#[test]
fn faults_stand_where_they_are() {
    let mut wrong = Vec::new();
    for (source, line, column, words) in [
        ("return (", 1, 9, "expected"),
        ("x = 1\nif x\n    return 1", 2, 5, "Expected `:`"),
        ("return 'a", 1, 8, "string"),
        ("if True:\nreturn 1", 2, 1, "indented block"),
        ("x = 1\n    y = 2", 2, 1, "indent"),
        ("if True:\n        x = 1\n    y = 2", 3, 1, "indent"),
        ("if True:\n\tx = 1\n        y = 2", 3, 1, "indent"),
        ("x = 1\nreturn é ü", 2, 10, "Simple statements"),
        ("return 1 +", 1, 11, "Expected an expression"),
        ("x = 1\n\nfor in y: pass", 3, 5, "Expected"),
        ("match 1:\n    case 1: return 1", 1, 1, "is not supported by Nuncio's Python; use if and elif"),
        ("x = 1\nbreak", 2, 1, "'break' outside loop"),
        ("return f'{'", 1, 11, "Expected an expression"),
        ("x = '''\na\nb''' +", 3, 7, "Expected an expression"),
        ("from . import x", 1, 1, "relative import"),
        ("from json import *", 1, 1, "import"),
        ("yield 1", 1, 1, "yield"),
        ("", 1, 1, "the body is empty"),
        ("# nothing\n   \n", 1, 1, "the body is empty"),
        ("return '\0'", 1, 1, "null"),
        ("return lambda: 1", 1, 8, "call it"),
        (
            "x = 1\nreturn regex_match('a', '(')",
            2,
            25,
            "this is not a valid pattern: missing ), unterminated subpattern",
        ),
        ("return regex_replace('a', repl='b', regex=r'(?<=a*)')", 1, 43, "look-behind requires fixed-width pattern"),
        ("if request.user:\n    return regex_match\nreturn 1", 2, 12, "call it"),
        ("def f():\n    return 1\nreturn f", 3, 8, "call it"),
    ] {
        let (at_line, at_column, message) = fault(source);
        if (at_line, at_column) != (line, column) || !message.contains(words) {
            wrong.push(format!("{source:?}: {at_line}:{at_column} {message}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_function_is_no_verdict() {
    let raised = |source: &str| {
        let expression = Expression::parse(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
        expression.evaluate(&policy(), &NoPolicies).outcome.map(|returned| returned.value).map_err(|raised| raised.kind)
    };
    for source in ["return len", "f = lambda: 1\nreturn f", "def f():\n    return f\nreturn f()"] {
        assert_eq!(raised(source), Err("TypeError".to_owned()), "{source}");
    }
    for source in [
        "def f(): return 1\nf = 2\nreturn f",
        "slugify = 2\nreturn slugify",
        "def f():\n    return lambda: 2\nreturn f()()",
    ] {
        assert_eq!(raised(source), Ok(2.into()), "{source}");
    }
}

#[test]
fn what_is_missing_is_known_before_it_runs() {
    let source =
        "import json, requests\nif requests:\n    ak_send_email('a', 'b')\nevent = context['event']\nreturn event";
    let missing: Vec<_> = Expression::parse(source)
        .unwrap()
        .missing(ExpressionKind::Policy)
        .iter()
        .map(|missing| (missing.name.clone(), missing.line, missing.column))
        .collect();
    assert_eq!(missing, [("requests".to_owned(), 1, 14), ("ak_send_email".to_owned(), 3, 5)]);
    assert!(Expression::parse("return notification.event").unwrap().missing(ExpressionKind::Mapping).is_empty());
}

#[test]
fn bodies_that_are_bombs_for_a_parser() {
    for source in [
        "(".repeat(10_000),
        "return ".to_owned() + &"(".repeat(10_000) + &")".repeat(10_000),
        "return ".to_owned() + &"[".repeat(3_000) + &"]".repeat(3_000),
        "return ".to_owned() + &"not ".repeat(5_000) + "True",
        "return ".to_owned() + &"-".repeat(10_000) + "1",
        "return 1".to_owned() + &"+1".repeat(10_000),
        "return a".to_owned() + &".a".repeat(10_000),
        "return a".to_owned() + &"()".repeat(10_000),
        "return a".to_owned() + &"[0]".repeat(8_000),
        "return 1".to_owned() + &"**1".repeat(8_000),
        "return ".to_owned() + &"lambda: ".repeat(3_000) + "1",
        "return ".to_owned() + &"1 if 1 else ".repeat(2_000) + "1",
        "return ".to_owned() + &"f'{".repeat(1_000),
        (0..150).map(|depth| " ".repeat(depth) + "if 1:\n").collect::<String>() + &" ".repeat(150) + "pass",
        "if 1: pass\n".to_owned() + &"elif 1: pass\n".repeat(2_000),
        "x = 1\n".repeat(4_000) + "return (",
        "a".repeat(MAX_SOURCE_BYTES + 1),
    ] {
        let (.., message) = fault(&source);
        assert!(!message.is_empty());
    }
    let long = "x = [".to_owned() + &"1, ".repeat(5_000) + "]\nreturn len(x)";
    assert_eq!(Expression::parse(&long).unwrap().evaluate(&policy(), &NoPolicies).outcome.unwrap().value, 5_000);
    let flat = "x = 1\n".repeat(4_000) + "return x";
    assert!(Expression::parse(&flat).is_ok());
}

/// Random texts of Python's own tokens, which get further into the parser than random characters.
fn pythonic() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "return ",
            "if ",
            "else:",
            "for ",
            " in ",
            "not ",
            " is ",
            "def f",
            "class A",
            "import json",
            "from hmac import new",
            "import ipaddress",
            "del ",
            "lambda x: ",
            "try:",
            "except",
            "finally:",
            "with ",
            "yield ",
            "await ",
            "async ",
            "x",
            "y.z",
            "a[0]",
            "f(x)",
            "'s'",
            "'''m\nn'''",
            "f'{x!r:>{w}}'",
            "b'\\x00'",
            "1",
            "1.5e3",
            "0x_f",
            "None",
            "ip_address(",
            "ip_network(",
            " in ip_network('::/0')",
            ".isoformat(",
            "%",
            " % ",
            "+",
            "**",
            "//",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ":",
            ",",
            ";",
            "=",
            ":=",
            "->",
            "@",
            "*",
            "\\",
            "\n",
            "\n    ",
            "\n  ",
            "\n\t",
            "\r",
            "\r\n",
            "#c",
            "\u{c}",
            "é",
            "\u{2028}",
            "🦀",
            "\"",
            "'",
            "\"\"\"",
            "_nuncio_body",
            "notification.body = ",
            "global x",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Reads a body and, where it can be, runs it; says whether the faults are in the body.
fn survives(source: &str) {
    match Expression::parse(source) {
        Ok(expression) => {
            // A body may ask for much memory; that is the worker's to bear, and not this test's.
            if !source.contains("**") && !source.contains("while") {
                let _ = expression.evaluate(&policy(), &NoPolicies);
                let _ = expression.evaluate(&mapping(), &NoPolicies);
            }
            for missing in expression.missing(ExpressionKind::Policy) {
                assert!((1..=lines(source)).contains(&missing.line), "{source:?}: {missing:?}");
            }
        }
        Err(fault) => {
            assert!((1..=lines(source)).contains(&fault.line) && fault.column >= 1, "{source:?}: {fault}");
            assert!(!fault.message.is_empty() && !fault.message.contains("_nuncio"), "{source:?}: {fault}");
        }
    }
}

fn lines(source: &str) -> usize {
    source.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count() + 1
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_body_or_a_fault(source in "\\PC{0,80}") {
        survives(&source);
    }

    #[test]
    fn anything_like_python_is_a_body_or_a_fault(source in pythonic()) {
        survives(&source);
    }
}
