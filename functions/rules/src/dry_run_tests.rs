use domain::person::Person;
use domain::ports::NoExpressions;
use domain::rules_document::{Binding, EventMatcher, Policy, Rule};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn document() -> RulesDocument {
    let mut document = RulesDocument::built_in();
    document.groups.insert("ops".to_owned(), vec![Person::new("ann", ""), Person::new("bob", "")]);
    document.policies.insert("any".to_owned(), Policy::EventMatcher(EventMatcher::default()).into());
    for (name, throttle, digest) in [
        ("plain", json!(null), json!(null)),
        ("throttled", json!({ "max": 3, "per": "PT60S", "by": ["app"] }), json!(null)),
        ("collected", json!(null), json!({ "window": "PT60S", "by": ["app"] })),
        ("both", json!({ "max": 5, "per": "PT90S" }), json!({ "window": "PT45S" })),
    ] {
        document.rules.push(Rule {
            group: Some("ops".to_owned()),
            event_user: true,
            transports: vec!["default-local-transport".to_owned()],
            bindings: vec![Binding::to_policy("any")],
            throttle: serde_json::from_value(throttle).unwrap(),
            digest: serde_json::from_value(digest).unwrap(),
            ..Rule::named(name)
        });
    }
    document
}

fn event(second: i64, number: u128) -> Event {
    let created = Timestamp::from_second(1_800_000_000 + second).unwrap();
    let user = json!({ "username": format!("user-{}", number % 3) });
    let event = domain::testing::event("login").created(created).random(number).expires(Timestamp::MAX);
    event.user(user).app(&format!("app-{}", number % 2)).build()
}

fn report<'e>(document: &RulesDocument, events: impl Iterator<Item = &'e Event>) -> DryRunReport {
    let mut dry_run = DryRun::new(document.clone(), document.clone());
    events.for_each(|event| dry_run.add_event(event, &NoExpressions));
    dry_run.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The sum of the parts' reports does not depend on where the history is cut or in which order the parts are read.
    #[test]
    fn parts_add_up_to_the_whole(seconds in prop::collection::vec(0_i64..600, 1..60), cut in 1_usize..20) {
        let document = document();
        let events: Vec<Event> = (0..).zip(&seconds).map(|(number, second)| event(*second, number)).collect();
        let whole = report(&document, events.iter()).settled();
        let mut sum = DryRunReport::default();
        for part in events.chunks(cut).rev() {
            let written = serde_json::to_string(&report(&document, part.iter().rev())).unwrap();
            sum.add(serde_json::from_str(&written).unwrap());
        }
        let sum = sum.settled();
        prop_assert_eq!(&sum.rules, &whole.rules);
        prop_assert_eq!(&sum.messages, &whole.messages);
        prop_assert_eq!(&sum.suppressed, &whole.suppressed);
        let suppressed: u64 = whole.suppressed.values().flat_map(BTreeMap::values).sum();
        let sent: u64 = whole.messages.values().flat_map(BTreeMap::values).sum();
        // Two of the group and the acting user, by one transport, for each of four rules.
        prop_assert_eq!(suppressed + sent, 12 * seconds.len() as u64, "every delivery is counted once");
    }
}
