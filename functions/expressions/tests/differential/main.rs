//! Bodies behave as in CPython 3.11, or say that they do not.
//!
//! Owns the comparison: each snippet runs in CPython and as a body of a policy. A difference must be rejected by the
//! check with a hint, or raise an error that names it. The page `PYTHON.md` lists the outcomes; this test keeps it
//! current.

#[path = "../stage/mod.rs"]
#[expect(dead_code, reason = "this test needs little of it")]
mod stage;

mod page;

use std::path::Path;
use std::process::Command;

use expressions::{Expression, ExpressionKind, NoPolicies, RaisedException};
use serde::Deserialize;
use serde_json::Value;

/// The least number of snippets.
const MIN_SNIPPETS: usize = 1500;

/// How many random programs to compare.
const PROGRAMS: &str = "1000";
/// How often a body is evaluated that exceeds its time.
const MAX_TRIES: usize = 3;

/// What `reference.py` prints.
#[derive(Deserialize)]
struct Reference {
    version: (u32, u32),
    snippets: Vec<Snippet>,
}

/// A body and what CPython does with it.
#[derive(Deserialize)]
struct Snippet {
    /// The name of the file with the snippet, without its ending.
    topic: String,
    body: String,
    reference: CPython,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
enum CPython {
    Raised { raised: String, message: String },
    Returned { returned: Value },
}

/// How a snippet ends here, compared with CPython.
enum Outcome {
    /// The same result, or the same class of exception.
    Equal,
    /// The check of the rules file rejects it and says what to use.
    Rejected(String),
    /// It raises an error that says that Nuncio's Python differs.
    Named(String),
    /// None of these. Contains what happened.
    Different(String),
}

/// Runs the script with these arguments.
fn reference(arguments: &[&str]) -> Reference {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/reference.py");
    let output = Command::new("python3").arg("-B").arg(script).args(arguments).env("PYTHONHASHSEED", "0").output();
    let output = output.unwrap_or_else(|error| panic!("this test needs python3 (3.11) on the PATH: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

/// Runs the snippet as the body of a policy.
fn compare(snippet: &Snippet) -> Outcome {
    let rejected = |message: String| match &snippet.reference {
        CPython::Raised { raised, .. } if raised == "SyntaxError" => Outcome::Equal,
        _ if message.contains("use ") => Outcome::Rejected(message),
        _ => Outcome::Different(format!("rejected without a hint: {message}")),
    };
    let expression = match Expression::parse(&snippet.body) {
        Ok(expression) => expression,
        Err(fault) => return rejected(fault.message),
    };
    if let Some(missing) = expression.missing(ExpressionKind::Policy).first() {
        return Outcome::Rejected(format!("{}: {}", missing.name, missing.hint));
    }
    let evaluate = || expression.evaluate(&stage::policy(), &NoPolicies).outcome;
    let is_late =
        |outcome: &Result<_, RaisedException>| outcome.as_ref().is_err_and(|raised| raised.kind == "TimeoutError");
    // The machine may be busy with other things.
    let outcome = (0..MAX_TRIES).map(|_| evaluate()).find(|outcome| !is_late(outcome)).unwrap_or_else(evaluate);
    match (&snippet.reference, outcome) {
        (CPython::Returned { returned }, Ok(here)) if same(returned, &here.value) => Outcome::Equal,
        (CPython::Raised { raised, .. }, Err(here)) if exception_name(raised) == exception_name(&here.kind) => {
            Outcome::Equal
        }
        (_, Err(here)) if here.message.contains("Nuncio") => Outcome::Named(here.message),
        (_, Err(here)) => Outcome::Different(format!("raised {}: {}", here.kind, here.message)),
        (_, Ok(here)) => Outcome::Different(format!("returned {}", here.value)),
    }
}

/// The class without its module, and under the name that CPython 3.11 has for it.
fn exception_name(kind: &str) -> &str {
    match kind.rsplit('.').next().unwrap_or(kind) {
        "PatternError" => "error",
        // Python code of the prelude cannot derive a class.
        "AddressValueError" | "NetmaskValueError" => "ValueError",
        name => name,
    }
}

/// Equal as JSON, numbers by their value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() && b.is_f64() && a.as_f64() == b.as_f64()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[test]
fn bodies_behave_as_in_cpython_or_say_that_they_do_not() {
    let reference = reference(&[]);
    assert!(reference.version >= (3, 11), "this test needs Python 3.11 or newer");
    assert!(reference.snippets.len() >= MIN_SNIPPETS, "only {} snippets", reference.snippets.len());
    let outcomes: Vec<_> = reference.snippets.iter().map(|snippet| (snippet, compare(snippet))).collect();
    assert_no_difference(&outcomes);
    page::compare(&outcomes);
}

#[test]
fn random_programs_behave_as_in_cpython() {
    let reference = reference(&["programs", PROGRAMS]);
    let outcomes: Vec<_> = reference.snippets.iter().map(|snippet| (snippet, compare(snippet))).collect();
    assert_no_difference(&outcomes);
    let equal = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Equal)).count();
    assert!(equal * 100 > outcomes.len() * 90, "only {equal} of {} programs come to the same", outcomes.len());
}

fn assert_no_difference(outcomes: &[(&Snippet, Outcome)]) {
    let different: Vec<_> = outcomes
        .iter()
        .filter_map(|(snippet, outcome)| match outcome {
            Outcome::Different(here) => Some(format!(
                "[{}]\n{}\n  CPython: {}\n  here:    {here}\n",
                snippet.topic, snippet.body, snippet.reference
            )),
            _ => None,
        })
        .collect();
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), outcomes.len(), different.join("\n"));
}

impl std::fmt::Display for CPython {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Raised { raised, message } => write!(f, "raised {raised}: {message}"),
            Self::Returned { returned } => write!(f, "returned {returned}"),
        }
    }
}
