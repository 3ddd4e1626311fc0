//! Detections as policies, and which detections an event enters.

use std::sync::Arc;

use domain::Event;
use domain::event::{ActionPattern, Producer};
use domain::ports::NoExpressions;
use domain::rules_document::{
    Binding, CountSettings, Detection, DetectionKind, EventMatcher, Period, Policy, Repeat, Rule, RulesDocument,
};
use domain::testing::event;
use rules::{RuleSet, explain};
use serde_json::json;

fn detection(name: &str, of: &str) -> Arc<Policy> {
    let kind = DetectionKind::Count(CountSettings {
        of: of.to_owned(),
        distinct: None,
        within: Period::parse("minutes=5").unwrap(),
        at_least: 2,
        repeat: Repeat::Crossing,
    });
    Policy::Detection(Detection { name: name.to_owned(), by: Vec::new(), max_groups: 10, kind }).into()
}

/// The policies `any` and `failed`, the detections `first` of `failed`, `all` of `any`, and `second` of `first`, and a
/// rule for each of them.
fn document() -> RulesDocument {
    let mut document = RulesDocument::default();
    let failed = vec![ActionPattern::parse("login_failed").unwrap()];
    for (name, policy) in [
        ("any", Policy::EventMatcher(EventMatcher::default()).into()),
        ("failed", Policy::EventMatcher(EventMatcher { action: failed, ..EventMatcher::default() }).into()),
        ("first", detection("first", "failed")),
        ("all", detection("all", "any")),
        ("second", detection("second", "first")),
    ] {
        document.policies.insert(name.to_owned(), policy);
        let mut rule = Rule::named(name);
        rule.bindings = vec![Binding::to_policy(name)];
        document.rules.push(rule);
    }
    document
}

fn written_by(detection: &str, state: &str) -> Event {
    let context = json!({ "detection": detection, "state": state });
    let event = event("detection").app("nuncio.detections").context(context).build();
    Event { produced_by: Some(Producer::Detection(detection.to_owned())), ..event }
}

/// The rules that fire, and the detections that the event enters.
fn evaluated(event: &Event) -> (Vec<String>, Vec<String>) {
    let document = document();
    let rules = RuleSet::compile(&document);
    let matches = rules.evaluate(event, &document, &NoExpressions);
    let fired: Vec<String> = matches.matched.iter().map(|rule| document.rules[*rule].name.clone()).collect();
    let explained = explain(&document, event, &NoExpressions).into_iter().filter(|explanation| explanation.matched);
    assert_eq!(explained.map(|explanation| explanation.rule).collect::<Vec<_>>(), fired, "the explanation agrees");
    (fired, matches.entered.into_iter().map(|entered| rules.detection(entered).0.name.clone()).collect())
}

#[test]
fn an_event_enters_the_detections_of_the_policies_that_it_passes() {
    let (fired, entered) = evaluated(&event("login_failed").build());
    assert_eq!(
        (fired, entered),
        (vec!["any".to_owned(), "failed".to_owned()], vec!["all".to_owned(), "first".to_owned()])
    );
    assert_eq!(evaluated(&event("login").build()).1, ["all"]);
}

#[test]
fn a_detection_event_fires_the_rules_of_its_detection_and_enters_those_that_name_it() {
    let (fired, entered) = evaluated(&written_by("first", "fired"));
    assert_eq!(fired, ["any", "first"]);
    assert_eq!(entered, ["second"], "no policy sees it");
    let (fired, entered) = evaluated(&written_by("first", "resolved"));
    assert_eq!((fired.len(), entered.len()), (2, 0), "an end is no firing");
    assert_eq!(evaluated(&written_by("second", "fired")), (vec!["any".to_owned(), "second".to_owned()], Vec::new()));
}

#[test]
fn what_only_looks_like_a_detection_event_is_none() {
    let forged = Event { produced_by: None, ..written_by("first", "fired") };
    assert_eq!(evaluated(&forged), (vec!["any".to_owned()], vec!["all".to_owned()]));
}

#[test]
fn what_the_loop_guard_stops_enters_nothing() {
    // `any` is bound to a rule, and watched.
    let event = Event { produced_by: Some(Producer::Policy("any".to_owned())), ..event("login_failed").build() };
    assert_eq!(evaluated(&event).1, Vec::<String>::new());
}
