//! The fast path and the explanation agree on every document and every event.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::event::{ActionPattern, Event};
use domain::ports::NoExpressions;
use domain::rules_document::{Binding, BindingMode, EventMatcher, Policy, Rule, RulesDocument};
use ipnet::IpNet;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rules::RuleSet;
use serde_json::json;

/// Few values, so that events and matchers often share one.
const ACTIONS: [&str; 4] = ["login", "login_failed", "logout", "model_updated"];
const PATTERNS: [&str; 6] = ["login", "login_failed", "log*", "login_*", "model_*", "*"];
const APPS: [&str; 4] = ["", "a", "a.b", "ab"];
const MODELS: [&str; 3] = ["core.user", "core.group", "other.user"];

fn address() -> impl Strategy<Value = IpAddr> {
    let four = (0..4u8).prop_map(|last| Ipv4Addr::new(192, 0, 2, last));
    prop_oneof![
        four.clone().prop_map(IpAddr::V4),
        four.prop_map(|four| IpAddr::V6(four.to_ipv6_mapped())),
        (0..3u16).prop_map(|last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))),
    ]
}

fn net() -> impl Strategy<Value = IpNet> {
    (address(), 0..=128u8).prop_map(|(address, bits)| {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        IpNet::new(address, bits.min(longest)).expect("the prefix is short enough")
    })
}

fn matcher() -> impl Strategy<Value = Policy> {
    let pattern = select(&PATTERNS[..]).prop_map(|text| ActionPattern::parse(text).expect("a pattern"));
    (
        prop::collection::vec(pattern, 0..3),
        option::of(select(&APPS[1..]).prop_map(str::to_owned)),
        option::weighted(0.3, select(&MODELS[..]).prop_map(str::to_owned)),
        option::weighted(0.3, net()),
    )
        .prop_map(|(action, app, model, client_ip)| {
            Policy::EventMatcher(EventMatcher { action, app, model, client_ip, query: None })
        })
}

prop_compose! {
    fn binding()(
        policy in select(&["p0", "p1", "p2", "p3", "gone"][..]),
        enabled in prop::bool::weighted(0.8), negate: bool, order in -1..2i64, failure_result: bool,
        dry_run in prop::bool::weighted(0.2),
    ) -> Binding {
        Binding { enabled, negate, order, failure_result, dry_run, ..Binding::to_policy(policy) }
    }
}

prop_compose! {
    fn rule()(
        bindings in prop::collection::vec(binding(), 0..4),
        enabled in prop::bool::weighted(0.8), mode in select(&[BindingMode::Any, BindingMode::All][..]),
    ) -> Rule {
        Rule { enabled, mode, bindings, ..Rule::named("r") }
    }
}

prop_compose! {
    fn document()(
        policies in prop::collection::vec(matcher(), 4),
        rules in prop::collection::vec(rule(), 0..8),
    ) -> RulesDocument {
        let policies = policies.into_iter().enumerate().map(|(number, policy)| (format!("p{number}"), policy.into())).collect();
        RulesDocument { policies, rules, ..RulesDocument::default() }
    }
}

prop_compose! {
    fn event()(
        action in select(&ACTIONS[..]), app in select(&APPS[..]),
        model in option::of(select(&MODELS[..])), client_ip in option::of(address()),
    ) -> Event {
        let event = domain::testing::event(action).app(app);
        let event = match model.and_then(|model| model.split_once('.')) {
            Some((app, name)) => event.context(json!({ "model": { "app": app, "model_name": name } })),
            None => event,
        };
        Event { client_ip, ..event.build() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn matching_and_explaining_agree(document in document(), events in prop::collection::vec(event(), 1..4)) {
        let rules = RuleSet::compile(&document);
        for event in &events {
            let explained = rules::explain(&document, event, &NoExpressions);
            prop_assert_eq!(explained.len(), document.rules.len());
            let matched: Vec<_> =
                explained.iter().enumerate().filter(|(_, rule)| rule.matched).map(|(index, _)| index).collect();
            prop_assert_eq!(rules.matches(event), matched);
        }
    }
}
