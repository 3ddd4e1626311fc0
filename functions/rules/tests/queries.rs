//! A matcher with a query passes on exactly the events that a search for the query finds.

use domain::Event;
use domain::ports::NoExpressions;
use domain::query::search::Search;
use domain::rules_document::{Binding, EventMatcher, Policy, Rule, RulesDocument, Silence};
use domain::testing::EventBuilder;
use proptest::prelude::*;
use proptest::sample::select;
use rules::{RuleSet, silence_covers};
use serde_json::{Value, json};

/// Rules that each have one matcher with one of these queries.
fn document(queries: &[String]) -> RulesDocument {
    let mut document = RulesDocument::default();
    for (at, query) in queries.iter().enumerate() {
        let matcher = EventMatcher { query: Some(query.clone()), ..EventMatcher::default() };
        document.policies.insert(format!("p{at}"), Policy::EventMatcher(matcher).into());
        let bindings = vec![Binding::to_policy(format!("p{at}"))];
        document.rules.push(Rule { bindings, ..Rule::named(format!("r{at}")) });
    }
    document
}

fn found_by_search(queries: &[String], event: &Event) -> Vec<usize> {
    // A search reads what is stored.
    let stored: Event = serde_json::from_str(&event.to_json()).unwrap();
    let finds = |query: &String| match Search::read(query) {
        (search @ Search::Query(_), None) => search.matches(&stored),
        (_, error) => panic!("{query}: {error:?}"),
    };
    (0..queries.len()).filter(|&at| finds(&queries[at])).collect()
}

/// Few values, so that events and queries often share one.
fn value() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        json!("x"),
        json!("X"),
        json!("xy"),
        json!(""),
        json!("1"),
        json!(1),
        json!(1.0),
        json!(2.5),
        json!(-3),
        json!(9_007_199_254_740_993_u64),
        json!(true),
        json!(false),
        json!(null),
    ]);
    prop_oneof![
        4 => leaf.clone(),
        1 => prop::collection::vec(leaf.clone(), 0..3).prop_map(Value::Array),
        1 => (leaf.clone(), leaf.clone()).prop_map(|(a, b)| json!({ "a": a, "b.c": b })),
        1 => leaf.prop_map(|a| json!([{ "a": a }])),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let address = select(vec![None, Some("192.0.2.7"), Some("::ffff:192.0.2.9"), Some("2001:db8::1")]);
    (
        select(vec!["login", "login_failed", "logout"]),
        select(vec!["", "a", "a.b", "x"]),
        prop::option::of(value()),
        prop::option::of(value()),
        prop::option::of(value()),
        address,
    )
        .prop_map(|(action, app, f, g, name, address)| {
            let fields = |fields: [(&str, Option<Value>); 2]| -> Value {
                fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
            };
            let event = domain::testing::event(action).app(app).context(fields([("f", f), ("g", g)]));
            let event = event.user(fields([("username", name), ("none", None)]));
            address.into_iter().fold(event, EventBuilder::client_ip).build()
        })
}

fn query() -> impl Strategy<Value = String> {
    let literal = || {
        select(vec![
            "\"x\"",
            "\"X\"",
            "\"xy\"",
            "\"\"",
            "\"1\"",
            "1",
            "1.0",
            "2.5",
            "-3",
            "9007199254740993",
            "True",
            "False",
        ])
    };
    let field =
        || select(vec!["context.f", "context.g", "context.f.a", "context.f.\"b.c\"", "user.username", "action", "app"]);
    let equality = (field(), select(vec!["=", "!="]), prop_oneof![9 => literal().boxed(), 1 => Just("None").boxed()]);
    let list = (field(), select(vec!["in", "not in"]), prop::collection::vec(literal(), 1..3));
    let text = (
        field(),
        select(vec!["~", "!~", "startswith", "endswith", "not startswith"]),
        select(vec!["\"x\"", "\"LOG\"", "\"\"", "\"y\""]),
    );
    let order = (field(), select(vec![">", ">=", "<", "<="]), select(vec!["1", "2.5", "\"x\"", "-3"]));
    let other = select(vec![
        "action = \"login\"",
        "action in (\"login\", \"logout\")",
        "app = \"a.b\"",
        "client_ip = \"192.0.2.7\"",
        "client_ip = \"192.0.2.0/24\"",
        "client_ip in (\"::ffff:192.0.2.0/120\", \"2001:db8::1\")",
        "client_ip != \"2001:db8::/32\"",
        "client_ip = None",
        "created > \"2020-01-01\"",
        "pk ~ \"0\"",
    ]);
    let comparison = prop_oneof![
        4 => equality.prop_map(|(field, operator, value)| format!("{field} {operator} {value}")),
        2 => list.prop_map(|(field, operator, values)| format!("{field} {operator} ({})", values.join(", "))),
        1 => text.prop_map(|(field, operator, value)| format!("{field} {operator} {value}")),
        1 => order.prop_map(|(field, operator, value)| format!("{field} {operator} {value}")),
        3 => other.prop_map(str::to_owned),
    ];
    comparison.prop_recursive(3, 8, 3, |inner| {
        (prop::collection::vec(inner, 2..4), select(vec![" and ", " or "]))
            .prop_map(|(parts, word)| format!("({})", parts.join(word)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_matcher_with_a_query_agrees_with_the_search(
        queries in prop::collection::vec(query(), 1..12), events in prop::collection::vec(event(), 1..12),
    ) {
        let document = document(&queries);
        let rules = RuleSet::compile(&document);
        for event in &events {
            let found = found_by_search(&queries, event);
            prop_assert_eq!(rules.matches(event), found.clone(), "{} {:?}", event.to_json(), queries);
            let explained = rules::explain(&document, event, &NoExpressions);
            let explained: Vec<_> = (0..queries.len()).filter(|&at| explained[at].matched).collect();
            prop_assert_eq!(explained, found);
        }
    }
}

fn foreign_login() -> Event {
    domain::testing::event("login").app("shop").context(json!({ "geo": { "country": "FR" }, "n": 1 })).build()
}

#[test]
fn the_other_fields_must_match_too() {
    let event = foreign_login();
    for (matcher, passes) in [
        (json!({ "query": "context.n = 1" }), true),
        (json!({ "query": "context.n = 2" }), false),
        (json!({ "query": "context.n = 1", "app": "shop" }), true),
        (json!({ "query": "context.n = 1", "app": "blog" }), false),
        (json!({ "query": "context.n = 2", "app": "shop" }), false),
    ] {
        let matcher: EventMatcher = serde_json::from_value(matcher).unwrap();
        let mut document = document(&["context.n = 1".to_owned()]);
        document.policies.insert("p0".to_owned(), Policy::EventMatcher(matcher.clone()).into());
        assert_eq!(RuleSet::compile(&document).matches(&event).len(), usize::from(passes), "{matcher:?}");
        let silence = Silence {
            id: String::new(),
            rules: Vec::new(),
            event_matcher: Some(matcher.clone()),
            reason: String::new(),
            by: String::new(),
            starts: domain::Timestamp::UNIX_EPOCH,
            ends: domain::Timestamp::MAX,
        };
        assert_eq!(silence_covers(&silence, "r0", &event), passes, "{matcher:?}");
    }
}

#[test]
fn the_explanation_names_the_condition_that_fails() {
    let why = |query: &str| {
        let explained = rules::explain(&document(&[query.to_owned()]), &foreign_login(), &NoExpressions);
        explained[0].policies[0].why.clone()
    };
    assert_eq!(why("action = 'login' and context.geo.country != \"DE\""), "query holds");
    assert_eq!(
        why("action = 'login' and (app = 'shop' and context.geo.country = 'DE')"),
        "query requires context.geo.country = \"DE\""
    );
    assert_eq!(why("context.n > 1 or app = 'blog'"), "query requires context.n > 1 or app = \"blog\"");
}
