//! The explanation of a pattern: the first field that fails, with the event's value and the wanted one.

use domain::ports::NoExpressions;
use serde_json::json;

use super::world;

#[test]
fn why_shows_the_events_value_beside_the_wanted_one() {
    let event = world::event(&json!({
        "action": "login", "user": { "username": "akadmin" },
        "context": {
            "geo": { "country": "DE" }, "n": 7, "none": null, "tags": ["a", "b"], "many": [1, 2, 3, 4],
            "list": [{ "x": 1 }, { "y": 2 }], "state.status": "off", "long": "x".repeat(500),
        },
    }));
    let country = |tests| json!({ "context": { "geo": { "country": tests } } });
    let context = |fields| json!({ "context": fields });
    for (written, why) in [
        (
            country(json!([{ "anything-but": ["DE", "AT"] }])),
            r#"context.geo.country is "DE", wanted {"anything-but":["DE","AT"]}"#,
        ),
        (
            country(json!(["FR", { "prefix": "U" }])),
            r#"context.geo.country is "DE", wanted one of "FR", {"prefix":"U"}"#,
        ),
        (json!({ "action": ["login"], "app": ["x"] }), r#"app is "", wanted "x""#),
        (
            context(json!({ "n": [{ "numeric": [">", 7, "<=", 9.5] }] })),
            r#"context.n is 7, wanted {"numeric":[">",7,"<=",9.5]}"#,
        ),
        (context(json!({ "none": ["x"] })), r#"context.none is null, wanted "x""#),
        (context(json!({ "gone": { "deep": [true] } })), "context.gone.deep is missing, wanted true"),
        (context(json!({ "geo": [{ "exists": true }] })), r#"context.geo is an object, wanted {"exists":true}"#),
        (context(json!({ "n": [{ "exists": false }] })), r#"context.n is 7, wanted {"exists":false}"#),
        (context(json!({ "tags": ["c"] })), r#"context.tags is each of "a", "b", wanted "c""#),
        (context(json!({ "many": [9] })), "context.many is each of 1, 2, 3, …, wanted 9"),
        (context(json!({ "list": { "x": [1], "y": [2] } })), "no single object at context.list passes all fields"),
        (context(json!({ "list": { "x": [{ "exists": false }] } })), r#"context.list.x is 1, wanted {"exists":false}"#),
        (
            json!({ "$or": [{ "action": ["logout"] }, { "user": { "username": [{ "suffix": "x" }] } }] }),
            r#"no alternative of $or passes: (action is "login", wanted "logout"), (user.username is "akadmin", wanted {"suffix":"x"})"#,
        ),
        (
            context(json!({ "geo.country": ["FR"] })),
            r#"context.geo.country is missing, wanted "FR" (a dot is part of a name: write {"context":{"geo":{"country":[…]}}})"#,
        ),
        (
            json!({ "context.geo.country": ["FR"] }),
            r#"context.geo.country is missing, wanted "FR" (a dot is part of a name: write {"context":{"geo":{"country":[…]}}})"#,
        ),
        (
            context(json!({ "state": { "status": ["on"] } })),
            r#"context.state.status is missing, wanted "on" (a dot is part of a name: write {"context":{"state.status":[…]}})"#,
        ),
        (
            context(json!({ "list.x": [2] })),
            r#"context.list.x is missing, wanted 2 (a dot is part of a name: write {"context":{"list":{"x":[…]}}})"#,
        ),
        (context(json!({ "geo.city": ["B"] })), r#"context.geo.city is missing, wanted "B""#),
        (json!({ "client_ip": [{ "cidr": "192.0.2.0/24" }] }), r#"client_ip is null, wanted {"cidr":"192.0.2.0/24"}"#),
    ] {
        assert_eq!(world::verdict(world::pattern(&written), &event), (false, why.to_owned()));
    }
    let (_, why) = world::verdict(world::pattern(&context(json!({ "long": ["y".repeat(500)] }))), &event);
    assert!(why.chars().count() < 300 && why.contains('…'), "{why}");
}

#[test]
fn why_names_the_fields_that_hold() {
    let event = world::event(&json!({ "action": "login", "context": { "n": 7 } }));
    for (written, why) in [
        (json!({ "action": ["login"] }), "action matches"),
        (
            json!({ "action": ["login"], "context": { "n": [7], "m": [{ "exists": false }] } }),
            "action, context.n, context.m match",
        ),
        (json!({ "action": ["login"], "$or": [{ "context": { "n": [7] } }, { "app": ["x"] }] }), "action, $or match"),
    ] {
        assert_eq!(world::verdict(world::pattern(&written), &event), (true, why.to_owned()));
    }
}

#[test]
fn policies_of_both_kinds_stand_side_by_side_in_one_rule() {
    use domain::rules_document::{Binding, BindingMode, EventMatcher, Policy, Rule, RulesDocument};
    let event = world::event(&json!({ "action": "login", "context": { "n": 7 } }));
    let pattern = |n: i64| Policy::EventPattern(world::pattern(&json!({ "context": { "n": [n] } })));
    let mut document = RulesDocument::default();
    document.policies.insert("every".to_owned(), Policy::EventMatcher(EventMatcher::default()).into());
    document.policies.insert("seven".to_owned(), pattern(7).into());
    document.policies.insert("seven-again".to_owned(), pattern(7).into());
    document.policies.insert("eight".to_owned(), pattern(8).into());
    let negated = Binding { negate: true, ..Binding::to_policy("eight") };
    let bindings =
        vec![Binding::to_policy("every"), Binding::to_policy("seven"), Binding::to_policy("seven-again"), negated];
    document.rules.push(Rule { mode: BindingMode::All, bindings, ..Rule::named("r") });
    let rules = rules::RuleSet::compile(&document);
    assert_eq!(rules.matches(&event), [0]);
    let explained = rules::explain(&document, &event, &NoExpressions);
    assert!(explained[0].matched);
    assert_eq!(explained[0].policies[3].why, "negated: context.n is 7, wanted 8");
}
