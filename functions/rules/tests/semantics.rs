//! The semantics of rules: one table for each guarantee.

use domain::Timestamp;
use domain::event::Event;
use domain::ports::NoExpressions;
use domain::rules_document::{Binding, BindingMode, EventMatcher, Policy, Rule, RulesDocument};
use domain::testing::EventBuilder;
use rules::RuleSet;
use serde_json::{Value, json};

fn event(action: &str, app: &str, client_ip: Option<&str>, model: Option<(&str, &str)>) -> Event {
    let event = domain::testing::event(action).created(Timestamp::UNIX_EPOCH).app(app);
    let event = client_ip.into_iter().fold(event, EventBuilder::client_ip);
    match model {
        Some((app, name)) => event.context(json!({ "model": { "app": app, "model_name": name } })).build(),
        None => event.build(),
    }
}

fn failed_login() -> Event {
    event("login_failed", "authentik.events.signals", Some("192.0.2.7"), Some(("authentik_core", "user")))
}

fn matcher(written: Value) -> Policy {
    let matcher: EventMatcher = serde_json::from_value(written).unwrap();
    Policy::EventMatcher(matcher)
}

/// One rule bound to the given policies, which are named p0, p1, …
fn document(mode: BindingMode, policies: Vec<Policy>, bind: impl Fn(&mut Vec<Binding>)) -> RulesDocument {
    let mut document = RulesDocument::default();
    let mut rule = Rule { mode, ..Rule::named("r") };
    for (number, policy) in policies.into_iter().enumerate() {
        rule.bindings.push(Binding::to_policy(format!("p{number}")));
        document.policies.insert(format!("p{number}"), policy.into());
    }
    bind(&mut rule.bindings);
    document.rules.push(rule);
    document
}

fn fires(document: &RulesDocument, event: &Event) -> bool {
    let rules = RuleSet::compile(document);
    let fires = rules.matches(event) == [0];
    assert_eq!(rules::explain(document, event, &NoExpressions)[0].matched, fires, "both evaluations agree");
    fires
}

/// The verdict of one matcher alone.
fn admits(written: Value, event: &Event) -> bool {
    fires(&document(BindingMode::Any, vec![matcher(written)], |_| ()), event)
}

fn yes() -> Policy {
    matcher(json!({ "action": ["login_failed"] }))
}

fn no() -> Policy {
    matcher(json!({ "action": ["logout"] }))
}

#[test]
fn a_field_that_is_not_configured_is_a_wildcard() {
    assert!(admits(json!({}), &failed_login()));
    assert!(admits(json!({}), &event("x", "", None, None)));
}

#[test]
fn every_configured_field_must_match() {
    let whole = json!({ "action": ["logout", "login*"], "app": "authentik.events", "model": "authentik_core.user",
        "client_ip": "192.0.2.0/24" });
    assert!(admits(whole.clone(), &failed_login()));
    for (field, other) in [
        ("action", json!(["logout"])),
        ("app", json!("authentik.event")),
        ("model", json!("authentik_core.group")),
        ("client_ip", json!("198.51.100.0/24")),
    ] {
        let mut one_off = whole.clone();
        one_off[field] = other;
        assert!(!admits(one_off, &failed_login()), "{field}");
    }
}

#[test]
fn an_app_admits_what_lies_below_it_by_dotted_parts() {
    for (app, admitted) in
        [("authentik", true), ("authentik.events", true), ("authentik.events.signals", true), ("auth", false)]
    {
        assert_eq!(admits(json!({ "app": app }), &failed_login()), admitted, "{app}");
    }
}

#[test]
fn an_event_without_the_field_fails_the_clause() {
    let bare = event("login", "", None, None);
    for written in [json!({ "client_ip": "0.0.0.0/0" }), json!({ "model": "a.b" }), json!({ "app": "a" })] {
        assert!(!admits(written.clone(), &bare), "{written}");
    }
}

#[test]
fn a_mapped_address_is_its_ipv4_form_on_either_side() {
    for (address, net, inside) in [
        ("::ffff:192.0.2.7", "192.0.2.0/24", true),
        ("192.0.2.7", "::ffff:192.0.2.0/120", true),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7/128", true),
        ("::ffff:198.51.100.1", "192.0.2.0/24", false),
        ("2001:db8::1", "2001:db8::/32", true),
        ("2001:db8::1", "0.0.0.0/0", false),
        ("192.0.2.7", "::/0", false),
    ] {
        let event = event("login", "", Some(address), None);
        assert_eq!(admits(json!({ "client_ip": net }), &event), inside, "{address} in {net}");
    }
}

#[test]
fn any_is_or_and_all_is_and() {
    for (mode, policies, fired) in [
        (BindingMode::Any, vec![no(), yes()], true),
        (BindingMode::Any, vec![no(), no()], false),
        (BindingMode::All, vec![yes(), yes()], true),
        (BindingMode::All, vec![yes(), no()], false),
    ] {
        assert_eq!(fires(&document(mode, policies, |_| ()), &failed_login()), fired, "{mode:?}");
    }
}

#[test]
fn a_rule_without_an_enabled_binding_never_fires() {
    for mode in [BindingMode::Any, BindingMode::All] {
        assert!(!fires(&document(mode, vec![], |_| ()), &failed_login()));
        assert!(!fires(&document(mode, vec![yes()], |bindings| bindings[0].enabled = false), &failed_login()));
    }
}

#[test]
fn a_disabled_binding_is_as_if_it_were_not_there() {
    assert!(!fires(
        &document(BindingMode::Any, vec![yes(), no()], |bindings| bindings[0].enabled = false),
        &failed_login()
    ));
    assert!(fires(
        &document(BindingMode::All, vec![yes(), no()], |bindings| bindings[1].enabled = false),
        &failed_login()
    ));
}

#[test]
fn negate_turns_the_verdict_round() {
    assert!(!fires(&document(BindingMode::Any, vec![yes()], |bindings| bindings[0].negate = true), &failed_login()));
    assert!(fires(&document(BindingMode::Any, vec![no()], |bindings| bindings[0].negate = true), &failed_login()));
}

#[test]
fn a_policy_that_is_not_there_counts_as_one_that_raised() {
    for (failure_result, negate) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut document = document(BindingMode::Any, vec![yes()], |bindings| {
            bindings[0].failure_result = failure_result;
            bindings[0].negate = negate;
        });
        document.policies.clear();
        assert_eq!(fires(&document, &failed_login()), failure_result, "negate does not turn a failure");
    }
}

#[test]
fn disabled_rules_are_left_out_and_the_others_come_in_file_order() {
    let mut document = document(BindingMode::Any, vec![yes()], |_| ());
    for (name, enabled) in [("b", false), ("a", true)] {
        document.rules.push(Rule { name: name.to_owned(), enabled, ..document.rules[0].clone() });
    }
    assert_eq!(RuleSet::compile(&document).matches(&failed_login()), [0, 2]);
}

fn explained(document: &RulesDocument, event: &Event) -> Vec<String> {
    rules::explain(document, event, &NoExpressions).iter().map(|rule| serde_json::to_string(rule).unwrap()).collect()
}

#[test]
fn an_explanation_is_the_line_that_nuncio_match_prints() {
    let mut document = document(
        BindingMode::All,
        vec![
            matcher(json!({ "action": ["login_failed"], "client_ip": "192.0.2.0/24" })),
            matcher(json!({ "app": "authentik", "model": "authentik_core.group" })),
            matcher(json!({})),
        ],
        |bindings| {
            bindings[0].order = 10;
            bindings[1].negate = true;
        },
    );
    document.rules.push(Rule::named("bare"));
    document.rules.push(Rule { enabled: false, ..document.rules[0].clone() });
    let policies = r#"[{"policy":"p1","passed":true,"why":"negated: model is \"authentik_core.user\", wanted authentik_core.group","negated":true},{"policy":"p2","passed":true,"why":"the matcher has no clauses, so every event passes"},{"policy":"p0","passed":true,"why":"action is \"login_failed\", client_ip is 192.0.2.7"}]"#;
    assert_eq!(
        explained(&document, &failed_login()),
        [
            format!(r#"{{"rule":"r","matched":true,"policies":{policies}}}"#),
            r#"{"rule":"bare","matched":false,"policies":[],"why":"no enabled binding"}"#.to_owned(),
            format!(r#"{{"rule":"r","matched":false,"policies":{policies},"why":"disabled"}}"#),
        ]
    );
}

#[test]
fn why_shows_the_events_value_beside_the_wanted_one() {
    let event = event("login", "", None, None);
    for (written, why) in [
        (json!({ "action": ["login_failed"] }), r#"action is "login", wanted login_failed"#),
        (json!({ "action": ["logout", "model_*"] }), r#"action is "login", wanted one of logout, model_*"#),
        (json!({ "app": "authentik" }), r#"app is "", wanted authentik or below it"#),
        (json!({ "model": "a.b" }), "model is missing, wanted a.b"),
        (json!({ "action": ["login"], "client_ip": "192.0.2.7/32" }), "client_ip is missing, wanted 192.0.2.7"),
        (json!({ "action": ["login"] }), r#"action is "login""#),
    ] {
        let document = document(BindingMode::Any, vec![matcher(written)], |_| ());
        assert_eq!(rules::explain(&document, &event, &NoExpressions)[0].policies[0].why, why);
    }
}

#[test]
fn the_built_in_rules_tell_of_what_went_wrong() {
    let document = RulesDocument::built_in();
    let rules = RuleSet::compile(&document);
    for (action, fired) in [
        ("configuration_error", vec!["default-notify-configuration-error"]),
        ("update_available", vec!["default-notify-update"]),
        ("policy_exception", vec!["default-notify-exception"]),
        ("property_mapping_exception", vec!["default-notify-exception"]),
        ("login", vec![]),
    ] {
        let matched = rules.matches(&event(action, "", None, None));
        let names: Vec<_> = matched.iter().map(|&index| document.rules[index].name.as_str()).collect();
        assert_eq!(names, fired, "{action}");
    }
}

#[test]
fn a_dry_run_decides_nothing_and_says_where_it_would_have_passed() {
    let [passes, fails] = [json!({ "action": ["login_failed"] }), json!({ "action": ["logout"] })];
    let event = failed_login();
    for (mode, counted, negate, fires_, noted) in [
        (BindingMode::Any, &fails, false, false, true),
        (BindingMode::All, &passes, true, true, false),
        (BindingMode::All, &passes, false, true, true),
    ] {
        let document = document(mode, vec![matcher(passes.clone()), matcher(counted.clone())], |bindings| {
            bindings[0] = Binding { dry_run: true, negate, order: 3, ..Binding::to_policy("p0") };
        });
        assert_eq!(fires(&document, &event), fires_);
        let matches = RuleSet::compile(&document).evaluate(&event, &document, &NoExpressions);
        let made: Vec<Event> = matches
            .effects
            .iter()
            .flat_map(|effects| effects.events(&event, &document, Timestamp::UNIX_EPOCH))
            .map(|made| made.unwrap().event)
            .collect();
        assert_eq!(made.len(), usize::from(noted), "{made:?}");
        for made in made {
            assert_eq!(made.action.as_str(), "policy_execution");
            assert_eq!(made.context["binding"], json!({ "rule": "r", "order": 3 }));
            assert_eq!(made.context["result"], json!({ "passing": true }));
            // What it leaves does not make it leave the same again.
            let again = RuleSet::compile(&document).evaluate(&made, &document, &NoExpressions);
            assert!(again.loop_guard.is_some() && again.effects.is_empty(), "{again:?}");
        }
        let explained = rules::explain(&document, &event, &NoExpressions).remove(0);
        let tried = explained.policies.iter().find(|verdict| verdict.policy == "p0").unwrap();
        assert!(tried.dry_run && tried.why.starts_with("does not count (dry run): "), "{tried:?}");
    }
    let alone = document(BindingMode::All, vec![matcher(passes)], |bindings| bindings[0].dry_run = true);
    assert!(!fires(&alone, &event));
    let explained = rules::explain(&alone, &event, &NoExpressions).remove(0);
    assert_eq!(explained.why.as_deref(), Some("no enabled binding that counts"));
}
