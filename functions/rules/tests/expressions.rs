//! Rules whose policies are expressions. The precondition that is derived from a body changes no verdict and hides no
//! exception, and a body that raises counts as its binding says.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::Event;
use domain::event::Producer;
use domain::expression::{Evaluation, ExpressionScope, PolicyCaller};
use domain::ports::Expressions;
use domain::rules_document::{Binding, BindingMode, Policy, PolicyExpression, Precondition, Rule, RulesDocument};
use proptest::prelude::*;
use proptest::sample::select;
use rules::RuleSet;
use serde_json::{Value, json};

thread_local! {
    /// Compiling costs more than running.
    static KEPT: RefCell<HashMap<String, expressions::Expression>> = RefCell::default();
}

/// Runs bodies in this process: none of these is a bomb.
struct Here;

impl Expressions for Here {
    fn evaluate(&self, source: &str, scope: &ExpressionScope, policies: &dyn PolicyCaller) -> Evaluation {
        let read = || expressions::Expression::parse(source).expect(source);
        let kept = KEPT.with_borrow_mut(|kept| kept.entry(source.to_owned()).or_insert_with(read).clone());
        kept.evaluate(scope, policies)
    }
}

fn expression(source: &str) -> Policy {
    let precondition = expressions::Expression::parse(source).expect(source).precondition();
    Policy::Expression(PolicyExpression { source: source.to_owned(), precondition })
}

/// The same policies without their derived preconditions.
fn unread(mut document: RulesDocument) -> RulesDocument {
    for policy in document.policies.values_mut() {
        if let Policy::Expression(expression) = Arc::make_mut(policy) {
            expression.precondition = Precondition::default();
        }
    }
    document
}

fn event(action: &str, app: &str, client_ip: Option<&str>, context: Value) -> Event {
    let event = json!({
        "pk": "018655ab-7777-8000-8000-2779b173eb2a", "user": { "username": "bob" }, "action": action, "app": app,
        "context": context, "client_ip": client_ip, "created": "2023-02-15T15:32:55.319608Z",
        "expires": "2024-02-15T15:32:55.314581Z", "brand": {},
    });
    serde_json::from_value(event).unwrap()
}

const TESTS: [&str; 24] = [
    "e.action == 'login'",
    "e.action != 'login'",
    "e.action in ('login', 'login_failed')",
    "e.action not in ['login', 'model_created']",
    "e.action.startswith('model_')",
    "e.action.startswith(('log', 'x'))",
    "e.app == 'a.b'",
    "e.app.startswith('a.')",
    "e.client_ip",
    "e.client_ip is None",
    "e.client_ip is not None",
    "e.client_ip == '10.1.2.3'",
    "e.client_ip in ['10.1.2.3', '2001:db8::1']",
    "ip_address(e.client_ip) in ip_network('10.0.0.0/8')",
    "ip_address(e.client_ip) not in ip_network('10.1.0.0/16')",
    "ip_address(e.client_ip) in ip_network('2001:db8::/32')",
    "ip_address(e.client_ip) in ip_network('::/0')",
    "ip_address(e.client_ip) in ip_network('::ffff:10.0.0.0/104')",
    "ak_client_ip in ip_network('0.0.0.0/0')",
    "e.context['x'] == 1",
    "e.context.get('x') == 1",
    "'event' in request.context",
    "True",
    "ak_message('m')",
];

fn condition() -> impl Strategy<Value = String> {
    let leaf = select(&TESTS[..]).prop_map(|test| format!("({test})"));
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} and {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} or {other})")),
            inner.prop_map(|one| format!("(not {one})")),
        ]
    })
}

/// A body of guards, branches and a return, in the ways people write them.
fn body() -> impl Strategy<Value = String> {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat();
    let end = prop_oneof![
        condition().prop_map(|test| format!("return {test}\n")),
        Just("return False\n".to_owned()),
        Just("return True\n".to_owned()),
        Just("pass\n".to_owned()),
        Just("ak_create_event('x')\n".to_owned()),
        Just("x = e.app\nreturn\n".to_owned()),
    ];
    let block = end.prop_recursive(3, 8, 3, move |inner| {
        prop_oneof![
            (condition(), inner.clone(), inner.clone())
                .prop_map(move |(test, one, rest)| format!("if {test}:\n{}{rest}", indented(&one))),
            (condition(), inner.clone(), inner.clone()).prop_map(move |(test, one, other)| {
                format!("if {test}:\n{}else:\n{}", indented(&one), indented(&other))
            }),
            (condition(), condition(), inner.clone(), inner.clone(), inner).prop_map(
                move |(test, second, one, other, rest)| {
                    format!("if {test}:\n{}elif {second}:\n{}{rest}", indented(&one), indented(&other))
                }
            ),
        ]
    });
    block.prop_map(|block| format!("e = request.context.get('event', None)\n{block}"))
}

fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for action in ["login", "login_failed", "model_created", "x"] {
        for (app, context) in [("a.b", json!({ "x": 1 })), ("c", json!({}))] {
            for address in [None, Some("10.1.2.3"), Some("192.0.2.7"), Some("2001:db8::1"), Some("::ffff:10.1.2.3")] {
                events.push(event(action, app, address, context.clone()));
            }
        }
    }
    events
}

fn document(bodies: &[String], negate: bool, failure_result: bool, mode: BindingMode) -> RulesDocument {
    let mut document = RulesDocument::default();
    let mut all = Rule::named("all");
    all.mode = mode;
    for (number, body) in bodies.iter().enumerate() {
        let name = format!("p{number}");
        let binding = Binding { negate, failure_result, ..Binding::to_policy(&name) };
        document.policies.insert(name, expression(body).into());
        document.rules.push(Rule { bindings: vec![binding.clone()], ..Rule::named(format!("r{number}")) });
        all.bindings.push(binding);
    }
    document.rules.push(all);
    document
}

/// The rules that fire, and the effects that are kept.
fn matches(document: &RulesDocument, event: &Event) -> (Vec<usize>, BTreeSet<String>) {
    let matches = RuleSet::compile(document).evaluate(event, document, &Here);
    let kept = matches.effects.iter().map(|effects| format!("{effects:?}")).collect();
    (matches.matched, kept)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_read_off_changes_nothing(
        bodies in prop::collection::vec(body(), 1..4), negate: bool, failure_result: bool,
        mode in select(&[BindingMode::Any, BindingMode::All][..]),
    ) {
        let read = document(&bodies, negate, failure_result, mode);
        let unread = unread(read.clone());
        for event in events() {
            let (matched, kept) = matches(&read, &event);
            let expected = matches(&unread, &event);
            prop_assert_eq!((&matched, &kept), (&expected.0, &expected.1), "{:#?} {}", bodies, event.to_json());
            let explained = rules::explain(&read, &event, &Here);
            let agreed: Vec<_> = explained.iter().enumerate().filter(|(_, rule)| rule.matched).map(|(at, _)| at).collect();
            prop_assert_eq!(matched, agreed, "{:#?} {}", bodies, event.to_json());
        }
    }
}

#[test]
fn one_that_raises_counts_as_its_binding_says() {
    let broken = "return request.context['event'].context['nope']".to_owned();
    for (negate, failure_result) in [(false, false), (false, true), (true, false), (true, true)] {
        let document = document(std::slice::from_ref(&broken), negate, failure_result, BindingMode::All);
        let (matched, kept) = matches(&document, &event("login", "", None, json!({})));
        assert_eq!(matched, if failure_result { vec![0, 1] } else { vec![] });
        assert_eq!(kept.len(), 1, "it runs once for both rules");
        // Without a sandbox to run it, the result is the same.
        let fires = !RuleSet::compile(&document).matches(&event("login", "", None, json!({}))).is_empty();
        assert_eq!(fires, failure_result);
    }
}

#[test]
fn the_explanation_of_a_value_agrees_with_its_truth() {
    for (body, passed, why) in [
        ("import re\nreturn re.search('b', 'abc')", true, "a true value that JSON cannot hold, such as a match"),
        ("import re\nreturn re.search('x', 'abc')", false, "None"),
        ("return float('nan')", true, "a true value that JSON cannot hold, such as a match"),
        ("return [0]", true, "[0]"),
        ("return []", false, "[]"),
        ("return 0.0", false, "0.0"),
        ("return 2", true, "2"),
        ("return ''", false, "\"\""),
    ] {
        let document = document(&[body.to_owned()], false, false, BindingMode::Any);
        let rule = &rules::explain(&document, &event("login", "", None, json!({})), &Here)[0];
        assert_eq!(rule.policies[0].why, format!("the expression returned {why}"), "{body}");
        assert_eq!(rule.policies[0].passed, passed, "{body}");
    }
}

#[test]
fn policies_call_policies_of_every_kind_within_bounds() {
    let mut document = document(
        &["return [ak_call_policy('matcher').passing, ak_call_policy('called', x=1).raw_result]".to_owned()],
        false,
        false,
        BindingMode::Any,
    );
    document
        .policies
        .insert("matcher".to_owned(), Policy::EventMatcher(domain::rules_document::EventMatcher::default()).into());
    let called = "ak_create_event('made')\nreturn request.context['x'] + 1";
    document.policies.insert("called".to_owned(), expression(called).into());
    let why = |document: &RulesDocument| {
        rules::explain(document, &event("login", "", None, json!({})), &Here)[0].policies[0].why.clone()
    };
    assert_eq!(why(&document), "the expression returned [true,2]");
    let effects = RuleSet::compile(&document).evaluate(&event("login", "", None, json!({})), &document, &Here).effects;
    // The effects of a called policy belong to its caller, which is bound.
    assert!(
        matches!(&effects[0].owner, domain::expression::ExpressionOwner::Policy(name) if name == "p0"),
        "{effects:?}"
    );
    assert_eq!(effects[0].created[0].action, "custom_made");

    document.policies.insert("p0".to_owned(), expression("for i in range(20): ak_call_policy('called', x=i)").into());
    assert!(why(&document).starts_with("the expression raised RuntimeError"), "{}", why(&document));
}

#[test]
fn what_an_expression_caused_runs_none() {
    let document = document(&["return True".to_owned()], false, false, BindingMode::Any);
    let rules = RuleSet::compile(&document);
    let caused = event("policy_exception", "", None, json!({ "policy_uuid": "p0" }));
    let caused = Event { produced_by: Some(Producer::Policy("p0".to_owned())), ..caused };
    let plan = rules.plan(&caused, &document, &Here);
    assert!(plan.loop_guard.is_some() && plan.matched.is_empty() && plan.notices.is_empty());
    assert_eq!(rules.plan(&event("x", "", None, json!({})), &document, &Here).matched.len(), 2);
}
