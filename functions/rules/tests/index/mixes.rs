//! Generates documents of many rules, and events of about 900 bytes for them; equal seeds give equal results.

use domain::Event;
use domain::rules_document::{Binding, BindingMode, EventMatcher, EventPattern, Policy, Rule, RulesDocument};
use serde_json::{Value, json};

/// The kind of rules in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Two or three fields equal something.
    Equality,
    /// The same, and half of them ask for a network of one of nine prefix lengths.
    Networks,
    /// Every operator, lists, `$or`, negated bindings, and all modes.
    Language,
    /// Many rules about the same few fields, in the ways that are hardest to tell apart early.
    Hostile,
}

pub(crate) const MIXES: [Mix; 4] = [Mix::Equality, Mix::Networks, Mix::Language, Mix::Hostile];

/// Numbers that look random (`SplitMix64`).
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

/// Fields `context.p0` to `context.p39`, of which an event has twelve.
const PLAIN: usize = 40;
const LENGTHS: [usize; 9] = [8, 12, 16, 20, 22, 24, 28, 30, 32];

/// The number of values that a field can have in a document of this many rules: an event matches a few of them.
fn values(rules: usize) -> usize {
    rules / 8 + 20
}

pub(crate) fn document(mix: Mix, rules: usize) -> RulesDocument {
    let draw = &mut Draw(rules as u64);
    let mut document = RulesDocument::default();
    for at in 0..rules {
        let name = format!("r{at}");
        let mut rule = Rule { bindings: vec![Binding::to_policy(&*name)], ..Rule::named(&*name) };
        let policy = match mix {
            Mix::Equality => equality(draw, rules, false),
            Mix::Networks => {
                let network = draw.one_in(2);
                equality(draw, rules, network)
            }
            Mix::Language => language(draw, rules),
            Mix::Hostile => hostile(draw, rules),
        };
        if matches!(mix, Mix::Language | Mix::Hostile) {
            let other = format!("r{}", draw.below(at + 1));
            match draw.below(10) {
                0 => {
                    rule.mode = BindingMode::All;
                    rule.bindings.push(Binding { negate: true, ..Binding::to_policy(other) });
                }
                1 => {
                    rule.mode = BindingMode::All;
                    rule.bindings.push(Binding::to_policy("common"));
                }
                2 => rule.bindings.push(Binding::to_policy(other)),
                _ => {}
            }
        }
        document.policies.insert(name, policy.into());
        document.rules.push(rule);
    }
    document.policies.insert("common".to_owned(), pattern(json!({ "brand": { "name": ["Default"] } })).into());
    document
}

fn pattern(written: Value) -> Policy {
    Policy::EventPattern(EventPattern::read(&written).unwrap_or_else(|faults| panic!("{written}: {faults:?}")))
}

fn action(draw: &mut Draw) -> String {
    format!("action_{}", draw.below(40))
}

fn address(draw: &mut Draw) -> String {
    format!("10.{}.{}.{}", draw.below(64), draw.below(256), draw.below(256))
}

fn network(draw: &mut Draw) -> String {
    format!("{}/{}", address(draw), LENGTHS[draw.below(LENGTHS.len())])
}

/// A path and a value that few rules share.
fn rare(draw: &mut Draw, rules: usize) -> (Vec<String>, Value) {
    let at = draw.below(PLAIN + 3);
    let value = draw.below(values(rules));
    match at {
        0 => (vec!["user".to_owned(), "username".to_owned()], json!(format!("user-{value}"))),
        1 => {
            let path = ["context", "http_request", "path"].map(str::to_owned);
            (path.into(), json!(format!("/application/o/{value}/authorize/")))
        }
        2 => {
            let path = ["context", "authorized_application", "name"].map(str::to_owned);
            (path.into(), json!(format!("Application {value}")))
        }
        plain => (vec!["context".to_owned(), format!("p{}", plain - 3)], json!(format!("v{value}"))),
    }
}

/// Puts `wanted` at the path in a pattern.
fn put(pattern: &mut Value, path: &[String], wanted: Value) {
    let place = path.iter().fold(pattern, |inner, key| &mut inner[key]);
    *place = wanted;
}

fn equality(draw: &mut Draw, rules: usize, with_network: bool) -> Policy {
    if draw.one_in(4) {
        // Few values each, but hardly two rules with the same four.
        return Policy::EventMatcher(EventMatcher {
            action: vec![domain::event::ActionPattern::parse(&action(draw)).unwrap()],
            app: Some(format!("authentik.app{}", draw.below(100))),
            model: Some(format!("core.model{}", draw.below(values(rules)))),
            client_ip: with_network.then(|| network(draw).parse().unwrap()),
            query: None,
        });
    }
    let mut written = json!({});
    let (path, value) = rare(draw, rules);
    put(&mut written, &path, json!([value]));
    if draw.one_in(2) {
        let (path, value) = rare(draw, rules);
        put(&mut written, &path, json!([value]));
    }
    match draw.below(3) {
        0 => written["action"] = json!([action(draw)]),
        1 => written["app"] = json!([format!("authentik.app{}", draw.below(100))]),
        _ => {}
    }
    if with_network {
        written["client_ip"] = json!([{ "cidr": network(draw) }]);
    }
    pattern(written)
}

fn language(draw: &mut Draw, rules: usize) -> Policy {
    let value = draw.below(values(rules));
    let app = format!("authentik.app{}", draw.below(100));
    let address = network(draw);
    let latency = draw.below(values(rules));
    pattern(match draw.below(12) {
        0..4 => {
            let with_network = draw.one_in(2);
            return equality(draw, rules, with_network);
        }
        4 => json!({ "user": { "username": [{ "prefix": format!("user-{value}") }] }, "app": [app] }),
        5 => json!({ "context": { "http_request": { "path": [{ "suffix": format!("/{value}/authorize/") }] } },
            "action": [{ "anything-but": ["action_1", "action_2"] }] }),
        6 => json!({ "context": { "http_request": { "path": [{ "wildcard": format!("/*/o/{value}/*") }] } },
            "app": [app] }),
        7 => json!({ "user": { "username": [{ "equals-ignore-case": format!("USER-{value}") }] },
            "context": { "scopes": ["openid"] } }),
        8 => json!({ "context": { "latency": [{ "numeric": [">=", latency, "<", latency + 1] }] },
            "user": { "pk": [{ "exists": true }] } }),
        9 => json!({ "$or": [{ "context": { "p1": [format!("v{value}")] } }, { "client_ip": [{ "cidr": address }],
            "user": { "username": [format!("user-{value}")] } }] }),
        10 => json!({ "context": { "tags": [format!("tag-{value}"), format!("tag-{latency}")] },
            "id": [{ "exists": false }] }),
        _ => json!({ "context": { "items": { "sku": [format!("sku-{value}")], "count": [{ "numeric": [">", 2] }] },
            "gone": [{ "exists": false }] } }),
    })
}

fn hostile(draw: &mut Draw, rules: usize) -> Policy {
    let value = draw.below(values(rules));
    let action = format!("action_{}", draw.below(3));
    let address = network(draw);
    pattern(match draw.below(10) {
        0 => json!({ "context": { "message": [{ "wildcard": format!("*request {value} of*") }] } }),
        1 => json!({ "context": { "message": [{ "wildcard": format!("*from service-{value}*user*") }] },
            "action": [action] }),
        2 => json!({ "client_ip": [{ "cidr": address }], "action": [action],
            "context": { "latency": [{ "numeric": [">", value] }] } }),
        3 => json!({ "user": { "username": [{ "anything-but": ["root", format!("user-{value}")] }] },
            "context": { "p0": [format!("v{value}")] }, "brand": { "name": ["Default"] } }),
        4 => json!({ "context": { "latency": [{ "numeric": [">", value, "<", value + 1] }] } }),
        5 => json!({ "user": { "username": [{ "prefix": { "equals-ignore-case": format!("User-{value}") } }] },
            "action": [action] }),
        6 => {
            json!({ "user": { "username": [{ "suffix": format!("{value}") }, { "wildcard": format!("*-{value}-*") }] },
            "context": { "p1": [format!("v{}", draw.below(values(rules)))] } })
        }
        7 => json!({ "app": [format!("authentik.app{}", draw.below(100))], "action": [action],
            "client_ip": [{ "cidr": address }] }),
        8 => json!({ "context": { "tags": [format!("tag-{value}")], "p2": [{ "anything-but": { "prefix": "x" } }] },
            "action": [action] }),
        _ => json!({ "$or": [
            { "context": { "message": [{ "wildcard": format!("*{value} of 9*") }] }, "action": [action] },
            { "user": { "username": [format!("user-{value}")] }, "client_ip": [{ "cidr": address }] }] }),
    })
}

/// An event for a document of this many rules.
pub(crate) fn event(draw: &mut Draw, rules: usize) -> Event {
    let range = values(rules);
    let mut value = || draw.below(range);
    let message = format!("request {} of 9 from service-{} for user", value(), value());
    let mut context = json!({
        "authorized_application": { "pk": "23b8c0cb4ad34a0c9a4b1c9d5c0f8fd2", "app": "authentik_core",
            "name": format!("Application {}", value()), "model_name": "application" },
        "http_request": { "path": format!("/application/o/{}/authorize/", value()), "method": "GET",
            "request_id": "8a3f0d1c5b7e4f6a9c2d" },
        "model": { "app": "core", "model_name": format!("model{}", value()) },
        "message": message, "latency": value(), "scopes": ["openid", "email"],
        "tags": [format!("tag-{}", value()), format!("tag-{}", value())],
        "items": [{ "sku": format!("sku-{}", value()), "count": 1 }, { "sku": format!("sku-{}", value()), "count": 3 }],
    });
    for _ in 0..12 {
        context[format!("p{}", draw.below(PLAIN))] = json!(format!("v{}", draw.below(range)));
    }
    let event = json!({
        "pk": "018653ab-3bf8-7000-8000-000000000000", "app": format!("authentik.app{}", draw.below(100)),
        "user": { "pk": 7, "email": "root@example.com", "username": format!("user-{}", draw.below(range)) },
        "action": action(draw), "context": context, "client_ip": address(draw),
        "created": "2023-02-15T15:33:42.771091Z", "expires": "2024-02-15T15:33:42.771091Z",
        "brand": { "pk": "fcba828076b94dedb2d5a6b4c5556fa1", "app": "authentik_brands", "name": "Default",
            "model_name": "brand" },
    });
    serde_json::from_value(event).unwrap()
}
