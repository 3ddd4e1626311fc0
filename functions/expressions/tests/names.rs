//! The names that are reported without running a body are those for which Python raises `NameError`.
//!
//! Python itself is the authority: each generated body runs in `python3`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use expressions::{Expression, ExpressionKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde::Deserialize;

/// Runs each body with all values of `context[0]` to `context[2]`. Prints for each run which lines it executed, and
/// where and for which name it raised a `NameError`.
const PYTHON: &str = r#"
import contextlib, json, re, sys, traceback

def run(code, context):
    lines, error = set(), None
    def trace(frame, event, argument):
        if frame.f_code.co_filename != 'body':
            return None
        if event == 'line':
            lines.add(frame.f_lineno - 1)
        return trace
    space = {}
    exec(code, space)
    sys.settrace(trace)
    try:
        space['body'](contextlib.nullcontext(1), context)
    except NameError as raised:
        line = [frame.lineno for frame in traceback.extract_tb(raised.__traceback__) if frame.filename == 'body'][-1]
        error = [line - 1, re.search(r"'(\w+)'", str(raised)).group(1)]
    except ZeroDivisionError:
        pass
    except Exception:
        # A name stands for an exception, which is not a number.
        lines = set()
    finally:
        sys.settrace(None)
    return {'lines': sorted(lines), 'error': error}

outcomes = []
for body, choices in json.load(sys.stdin):
    text = 'def body(request, context):\n' + ''.join('    ' + line + '\n' for line in body.split('\n'))
    try:
        code = compile(text, 'body', 'exec')
    except SyntaxError:
        outcomes.append([])
        continue
    contexts = [[bits & 1, bits >> 1 & 1, bits >> 2 & 1] for bits in range(8 if choices else 1)]
    outcomes.append([run(code, context) for context in contexts])
json.dump(outcomes, sys.stdout)
"#;

#[derive(Debug, Deserialize)]
struct Run {
    lines: BTreeSet<usize>,
    error: Option<(usize, String)>,
}

/// What Python does with each body, with all choices or with the first one. No runs if Python cannot read the body.
fn python(bodies: &[String], choices: bool) -> Vec<Vec<Run>> {
    let mut child = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 (3.11 or newer) is on the PATH");
    let input: Vec<_> = bodies.iter().map(|body| (body, choices)).collect();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(&input).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The lines and names that are reported; `None` if the sandbox cannot read the body.
fn reported(body: &str) -> Option<BTreeSet<(usize, String)>> {
    let expression = Expression::parse(body).ok()?;
    let missing = expression.missing(ExpressionKind::Policy);
    // What only may be deleted is reported as well, although Python may run it.
    let missing = missing.into_iter().filter(|missing| !missing.problem.contains("may be deleted"));
    Some(missing.map(|missing| (missing.line, missing.name)).collect())
}

/// A name that a body may bind, or `zz`, which none binds.
fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn read() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "a", "b", "c", "zz"])
}

/// An expression whose parts are all evaluated, at once, to a whole number.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("1".to_owned()), read().prop_map(str::to_owned)];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} + {other}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("max({one}, {other})")),
            (name(), inner.clone()).prop_map(|(name, value)| format!("({name} := {value})")),
            (name(), read(), inner.clone())
                .prop_map(|(name, read, value)| format!("[{read} for {name} in [{value}]][0]")),
            (name(), inner.clone()).prop_map(|(name, value)| format!("sum({name} for {name} in [{value}])")),
            (name(), name(), inner.clone(), read()).prop_map(|(one, other, value, read)| {
                format!("[{one} + {other} for {one} in [{value}] for {other} in [{read}] if {other} + 1][0]")
            }),
            (name(), inner.clone()).prop_map(|(name, value)| format!("{{1: {name} for {name} in [{value}]}}[1]")),
            (name(), inner.clone()).prop_map(|(name, value)| format!("(lambda {name}: {name})({value})")),
            (name(), inner.clone()).prop_map(|(name, value)| format!("(lambda {name}={value}: {name})()")),
            read().prop_map(|read| format!("int(f'{{{read}}}')")),
        ]
    })
}

/// One statement that runs once.
fn simple() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (name(), expression()).prop_map(|(name, value)| format!("{name} = {value}")),
        1 => (name(), name(), expression()).prop_map(|(one, other, value)| format!("{one} = {other} = {value}")),
        1 => (name(), name(), expression()).prop_map(|(one, other, value)| format!("{one}, {other} = {value}, 2")),
        1 => (name(), expression()).prop_map(|(name, value)| format!("{name} += {value}")),
        1 => (name(), expression()).prop_map(|(name, value)| format!("{name}: int = {value}")),
        1 => name().prop_map(|name| format!("{name}: int")),
        2 => name().prop_map(|name| format!("del {name}")),
        2 => expression(),
        1 => (name(), expression()).prop_map(|(name, value)| format!("context[{value} % 3:0] = [{name}]")),
    ]
}

/// One statement that runs once, and may have parts.
fn once() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => simple(),
        1 => (name(), expression()).prop_map(|(name, value)| format!("for {name} in [{value}]:\n    pass")),
        1 => (name(), expression()).prop_map(|(name, value)| {
            format!("def g({name}, d={value}):\n    return {name} + d\ng(1)")
        }),
        1 => (name(), expression()).prop_map(|(name, value)| format!("class K:\n    {name} = {value}")),
        1 => name().prop_map(|name| format!("import math\nmath.floor({name})")),
    ]
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}

/// Statements of all kinds. Every part may run or not.
fn statement() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        8 => once(),
        1 => Just("raise ZeroDivisionError".to_owned()),
        1 => expression().prop_map(|value| format!("return {value}")),
        1 => read().prop_map(|read| format!("(lambda: {read})()")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let block = move || prop::collection::vec(inner.clone(), 1..3).prop_map(|all| indented(&all.join("\n")));
        let choice = || (0..3_usize).prop_map(|choice| format!("context[{choice}]"));
        prop_oneof![
            (choice(), block()).prop_map(|(choice, body)| format!("if {choice}:\n    {body}")),
            (choice(), block(), block())
                .prop_map(|(choice, body, other)| format!("if {choice}:\n    {body}\nelse:\n    {other}")),
            (choice(), choice(), block(), block())
                .prop_map(|(one, two, body, other)| format!("if {one}:\n    {body}\nelif {two}:\n    {other}")),
            (name(), choice(), block()).prop_map(|(name, choice, body)| {
                format!("for {name} in [1, 2][:1 + {choice}]:\n    {body}\n    if {choice}:\n        break\nelse:\n    {name} + 1")
            }),
            (choice(), block()).prop_map(|(choice, body)| format!("while {choice}:\n    {body}\n    break")),
            (block(), name(), block())
                .prop_map(|(body, name, other)| format!("try:\n    {body}\nexcept ZeroDivisionError as {name}:\n    {other}")),
            (block(), block(), block()).prop_map(|(body, other, last)| {
                format!("try:\n    {body}\nexcept ZeroDivisionError:\n    {other}\nelse:\n    {last}")
            }),
            (block(), simple()).prop_map(|(body, last)| format!("try:\n    {body}\nfinally:\n    {last}")),
            (name(), block()).prop_map(|(name, body)| format!("with request as {name}:\n    {body}")),
            (name(), block()).prop_map(|(name, body)| format!("def f({name}=1):\n    {body}\nf()")),
            (name(), read()).prop_map(|(name, read)| {
                format!("def f():\n    global g\n    g = 1\n    {name} = 2\n    return {read} + g\nf()")
            }),
            (name(), block()).prop_map(|(name, body)| {
                format!("def f():\n    {name} = 1\n    def h():\n        nonlocal {name}\n        {name} = 2\n    h()\n    {body}\nf()")
            }),
        ]
    })
}

/// Bodies of such statements, the same in each run of the test.
fn bodies(statement: impl Strategy<Value = String>, count: usize) -> Vec<String> {
    let body = prop::collection::vec(statement, 1..7).prop_map(|all| all.join("\n"));
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| body.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn in_a_body_without_branches_exactly_the_names_without_value_are_reported() {
    let bodies = bodies(once(), 2000);
    let (mut raised, mut wrong) = (0, Vec::new());
    for (body, runs) in bodies.iter().zip(python(&bodies, false)) {
        let (Some(reported), [run]) = (reported(body), &runs[..]) else { continue };
        let error = run.error.as_ref();
        raised += usize::from(error.is_some());
        let first_line = reported.first().map(|(line, _)| *line);
        let agrees = error.is_none_or(|error| reported.contains(error)) && error.map(|(line, _)| *line) == first_line;
        if !agrees {
            wrong.push(format!("{body}\nPython: {error:?}\nreported: {reported:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), bodies.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!((700..1900).contains(&raised), "{raised} of {} bodies raise", bodies.len());
}

#[test]
fn in_any_body_python_raises_once_it_gets_to_a_name_that_is_reported() {
    let bodies = bodies(statement(), 1500);
    let (mut reports, mut wrong) = (0, Vec::new());
    for (body, runs) in bodies.iter().zip(python(&bodies, true)) {
        let Some(reported) = reported(body) else { continue };
        for run in &runs {
            let reached = reported.iter().any(|(line, _)| run.lines.contains(line));
            reports += usize::from(reached);
            // No scope binds `zz`, so that it is always reported.
            let unknown = run.error.as_ref().filter(|(_, name)| name == "zz");
            if (reached && run.error.is_none()) || unknown.is_some_and(|error| !reported.contains(error)) {
                wrong.push(format!("{body}\nPython: {run:?}\nreported: {reported:?}\n"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), bodies.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(reports > 500, "{reports}");
}
