//! The index finds the same rules as evaluating every rule, for every document and every event.

use domain::Event;
use domain::ports::NoExpressions;
use domain::rules_document::{
    Binding, BindingMode, Detection, DetectionKind, EventMatcher, EventPattern, Period, Policy, Rule, RulesDocument,
    SequenceSettings,
};
use proptest::prelude::*;
use proptest::sample::select;
use rules::RuleSet;
use serde_json::{Value, json};

const POLICIES: usize = 12;
const RULES: usize = 24;
const EVENTS: usize = 12;
const DETECTIONS: usize = 8;
const QUERIES: [&str; 16] = [
    r#"context.f = "x""#,
    r#"context.f != "x""#,
    r#"context.f.a = 1 and context.g = "XY""#,
    "context.f = 1.0 or context.g.b = 2.5",
    r#"context.f in ("x", 1, True)"#,
    r#"context.f in ("x", None)"#,
    "context.f = None",
    "context.f = 9007199254740993",
    "context.f > 0 and context.f < 2",
    r#"context.g ~ "abcd""#,
    r#"action = "login""#,
    r#"action in ("login", "logout") and app = "a.b""#,
    r#"client_ip = "192.0.2.0/24" or client_ip = "::ffff:192.0.2.9""#,
    r#"client_ip != "192.0.2.7""#,
    "client_ip = None",
    r#"(action = "login" or context.f = "x") and (app startswith "A" or context.f = "x")"#,
];

/// Few values, so that events and policies often share one.
fn leaf() -> impl Strategy<Value = Value> {
    select(vec![
        json!("x"),
        json!("xy"),
        json!("XY"),
        json!("x-ABCD-Y"),
        json!("x-\u{212a}aSς"),
        json!("x-abcd-y"),
        json!("abcdefgh"),
        json!(""),
        json!("192.0.2.7"),
        json!("::ffff:192.0.2.7"),
        json!("2001:db8::1"),
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(2.5),
        json!(-3),
        json!(9_007_199_254_740_993_u64),
        json!(null),
        json!(true),
    ])
}

fn value() -> impl Strategy<Value = Value> {
    let inside = || prop_oneof![4 => leaf(), 1 => prop::collection::vec(leaf(), 0..3).prop_map(Value::Array)];
    let object = move || (inside(), inside()).prop_map(|(a, b)| json!({ "a": a, "b": b }));
    prop_oneof![
        3 => leaf(),
        1 => prop::collection::vec(leaf(), 0..3).prop_map(Value::Array),
        1 => object(),
        2 => prop::collection::vec(object(), 0..3).prop_map(Value::Array),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    (
        prop::collection::vec(prop::option::weighted(0.7, value()), 3),
        select(vec![json!(null), json!("192.0.2.7"), json!("::ffff:192.0.2.9"), json!("2001:db8::1")]),
        select(vec!["login", "login_failed", "logout"]),
        select(vec!["", "a", "a.b", "ab", ".a"]),
        prop::option::of(select(vec!["core.user", "core.group"])),
        prop::option::of(select(vec!["x", "XY"])),
    )
        .prop_map(|(values, client_ip, action, app, model, id)| {
            let mut context = json!({});
            for (key, value) in ["f", "g", "h"].into_iter().zip(values) {
                context[key] = value.unwrap_or_else(|| json!([]));
            }
            if let Some((app, name)) = model.and_then(|model| model.split_once('.')) {
                context["model"] = json!({ "app": app, "model_name": name });
            }
            let mut event = json!({
                "pk": "018653ab-3bf8-7000-8000-000000000000", "user": {}, "action": action, "app": app,
                "context": context, "client_ip": client_ip, "created": "2023-02-15T15:33:42.771091Z",
                "expires": "2024-02-15T15:33:42.771091Z", "brand": {},
            });
            if let Some(id) = id {
                event["id"] = json!(id);
            }
            serde_json::from_value(event).expect("an event")
        })
}

fn test() -> impl Strategy<Value = Value> {
    let operators = select(vec![
        json!({ "exists": true }),
        json!({ "exists": false }),
        json!({ "prefix": "x" }),
        json!({ "prefix": "" }),
        json!({ "prefix": { "equals-ignore-case": "X" } }),
        json!({ "suffix": "y" }),
        json!({ "suffix": { "equals-ignore-case": "Y" } }),
        json!({ "equals-ignore-case": "xY" }),
        json!({ "wildcard": "x*y" }),
        json!({ "wildcard": "*abcd*" }),
        json!({ "wildcard": "*bcdef*" }),
        json!({ "wildcard": "*-*-*" }),
        json!({ "wildcard": { "equals-ignore-case": "*BCDE*" } }),
        json!({ "wildcard": { "equals-ignore-case": "X*D-Y" } }),
        json!({ "wildcard": { "equals-ignore-case": "ABCDEFGH" } }),
        json!({ "wildcard": { "equals-ignore-case": "*-KAſσ*" } }),
        json!({ "anything-but": { "wildcard": { "equals-ignore-case": "X*" } } }),
        json!({ "anything-but": "x" }),
        json!({ "anything-but": [1, 2.5] }),
        json!({ "anything-but": { "prefix": "x" } }),
        json!({ "numeric": ["=", 1] }),
        json!({ "numeric": ["=", 0] }),
        json!({ "numeric": [">", -3] }),
        json!({ "numeric": ["<=", 1.0] }),
        json!({ "numeric": [">=", -3, "<", 2.5] }),
        json!({ "numeric": [">", 0, "<", 1.5] }),
        json!({ "cidr": "192.0.2.0/24" }),
        json!({ "cidr": "192.0.2.7/32" }),
        json!({ "cidr": "2001:db8::/32" }),
        json!({ "cidr": "2001:db8::1/128" }),
        json!({ "cidr": "::/0" }),
    ]);
    prop_oneof![2 => leaf(), 3 => operators]
}

fn fields() -> impl Strategy<Value = Value> {
    let tests = || prop::collection::vec(test(), 1..3).prop_map(Value::Array);
    let inside = move || {
        (select(vec!["a", "b"]), tests(), prop::option::of(tests())).prop_map(|(key, one, other)| {
            let mut fields = json!({ key: one });
            if let Some(other) = other {
                fields["b"] = other;
            }
            fields
        })
    };
    let field = (select(vec!["f", "g", "h"]), prop_oneof![2 => tests(), 1 => inside()]);
    prop::collection::vec(field, 1..3)
        .prop_map(|fields| Value::Object(fields.into_iter().map(|(key, wanted)| (key.to_owned(), wanted)).collect()))
}

fn pattern() -> impl Strategy<Value = Policy> {
    let outer = select(vec![
        None,
        None,
        Some(("client_ip", json!([{ "cidr": "192.0.2.0/24" }]))),
        Some(("client_ip", json!([{ "cidr": "192.0.2.0/29" }, null]))),
        Some(("client_ip", json!([{ "cidr": "::ffff:192.0.2.0/124" }, { "cidr": "2001:db8::/33" }]))),
        Some(("id", json!([{ "exists": false }, "x"]))),
        Some(("action", json!(["login", { "prefix": "logo" }]))),
        Some(("pk", json!([{ "prefix": "0186" }]))),
        Some(("unknown", json!([{ "exists": false }]))),
        Some(("unknown", json!([1]))),
    ]);
    (fields(), prop::option::of(prop::collection::vec(fields(), 2..4)), outer).prop_map(|(one, or, outer)| {
        let mut written = json!({ "context": one });
        if let Some(alternatives) = or {
            written["context"]["$or"] = json!(alternatives);
        }
        if let Some((key, wanted)) = outer {
            written[key] = wanted;
        }
        Policy::EventPattern(EventPattern::read(&written).unwrap_or_else(|faults| panic!("{written}: {faults:?}")))
    })
}

fn matcher() -> impl Strategy<Value = Policy> {
    let net =
        select(vec!["192.0.2.0/24", "192.0.2.7/32", "::ffff:192.0.2.0/120", "2001:db8::/32", "::/0", "10.0.0.0/8"]);
    (
        prop::collection::vec(select(vec!["login", "login_failed", "log*", "logout*", "*"]), 0..3),
        prop::option::of(select(vec!["a", "a.b", "ab", ""])),
        prop::option::weighted(0.3, select(vec!["core.user", "core.group"])),
        prop::option::weighted(0.3, net),
        prop::option::of(select(QUERIES.to_vec())),
    )
        .prop_map(|(action, app, model, client_ip, query)| {
            Policy::EventMatcher(EventMatcher {
                action: action.into_iter().map(|text| domain::event::ActionPattern::parse(text).unwrap()).collect(),
                app: app.map(str::to_owned),
                model: model.map(str::to_owned),
                client_ip: client_ip.map(|net| net.parse().unwrap()),
                query: query.map(str::to_owned),
            })
        })
}

prop_compose! {
    fn binding()(
        at in 0..=POLICIES, enabled in prop::bool::weighted(0.9), negate in prop::bool::weighted(0.3),
        order in -1..2i64, failure_result: bool,
    ) -> Binding {
        // The last of these policies is not there.
        Binding { enabled, negate, order, failure_result, ..Binding::to_policy(format!("p{at}")) }
    }
}

prop_compose! {
    fn document()(
        policies in prop::collection::vec(prop_oneof![2 => pattern(), 1 => matcher()], POLICIES),
        rules in prop::collection::vec(
            (prop::collection::vec(binding(), 0..5), prop::bool::weighted(0.9), select(vec![BindingMode::Any, BindingMode::All])),
            RULES,
        ),
    ) -> RulesDocument {
        let rules = rules.into_iter().map(|(bindings, enabled, mode)| Rule { bindings, enabled, mode, ..Rule::named("r") });
        RulesDocument {
            policies: policies.into_iter().enumerate().map(|(at, policy)| (format!("p{at}"), policy.into())).collect(),
            rules: rules.collect(),
            ..RulesDocument::default()
        }
    }
}

/// A detection of these policies, by step. What it does with the events does not matter here.
fn detection(name: &str, of: &[usize]) -> Policy {
    let of = of.iter().map(|at| format!("p{at}")).collect();
    let kind = DetectionKind::Sequence(SequenceSettings { of, within: Period::days(1), ordered: true });
    Policy::Detection(Detection { name: name.to_owned(), by: Vec::new(), max_groups: 10, kind })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_the_detections_whose_policies_pass(
        document in document(),
        watched in prop::collection::vec(prop::collection::vec(0..POLICIES, 1..4), DETECTIONS),
        bound in prop::collection::vec(0..DETECTIONS, 0..4),
        events in prop::collection::vec(event(), EVENTS),
    ) {
        let mut document = document;
        for (number, of) in watched.iter().enumerate() {
            let name = format!("d{number}");
            document.policies.insert(name.clone(), detection(&name, of).into());
        }
        for number in bound {
            document.rules.push(Rule { bindings: vec![Binding::to_policy(format!("d{number}"))], ..Rule::named("r") });
        }
        // A rule for each policy says which of them pass.
        let of_policy = |at| Rule { bindings: vec![Binding::to_policy(format!("p{at}"))], ..Rule::named("r") };
        let each = RulesDocument { rules: (0..POLICIES).map(of_policy).collect(), ..document.clone() };
        let rules = RuleSet::compile(&document);
        for event in &events {
            let passed = rules::explain(&each, event, &NoExpressions);
            let steps = |of: &Vec<usize>| of.iter().enumerate().filter(|(_, at)| passed[**at].matched).map(|(step, _)| step).collect::<Vec<_>>();
            let expected: Vec<(String, usize)> = watched
                .iter()
                .enumerate()
                .flat_map(|(number, of)| steps(of).into_iter().map(move |step| (format!("d{number}"), step)))
                .collect();
            let entered = rules.evaluate(event, &document, &NoExpressions).entered;
            let mut entered: Vec<_> = entered.iter().map(|one| (rules.detection(*one).0.name.clone(), one.step)).collect();
            entered.sort();
            prop_assert_eq!(entered, expected, "{}", event.to_json());
        }
    }
}

proptest! {
    // 400 × 24 rules × 12 events are 115,200 pairs.
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_asking_every_rule_finds(
        document in document(), events in prop::collection::vec(event(), EVENTS),
    ) {
        let rules = RuleSet::compile(&document);
        for event in &events {
            let explained = rules::explain(&document, event, &NoExpressions);
            let each: Vec<_> = (0..RULES).filter(|&at| explained[at].matched).collect();
            prop_assert_eq!(rules.matches(event), each, "{}", event.to_json());
        }
    }
}
