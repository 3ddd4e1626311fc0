//! Bodies of expressions: each is read, or refused at a place within it. None is run here, as what it asks for in
//! memory may end the process.

#![no_main]

use domain::expression::ExpressionKind;
use expressions::Expression;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: fuzz::let_panics_be_caught(), |body: &str| {
    for kind in [ExpressionKind::Policy, ExpressionKind::Mapping] {
        match Expression::parse_as(body, kind) {
            Ok(expression) => {
                assert_eq!(expression.source(), body);
                let needed = expression.precondition();
                let stored = serde_json::to_string(&needed).expect("a precondition is written");
                assert_eq!(serde_json::from_str(&stored).ok(), Some(needed), "{stored}");
                for missing in expression.missing(kind) {
                    assert!(missing.line > 0 && missing.column > 0, "{missing:?}");
                }
            }
            Err(fault) => {
                let lines = body.replace("\r\n", "\n").matches(['\n', '\r']).count() + 1;
                assert!((1..=lines).contains(&fault.line) && fault.column > 0, "{fault}");
            }
        }
    }
});
