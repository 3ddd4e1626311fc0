use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::rules_document::Rule;

fn members() -> Vec<Person> {
    vec![Person::new("ann", "ann@example.org"), Person::new("bob", ""), Person::new("", "cyd@example.org")]
}

fn mail(send_once: bool) -> Transport {
    let kind = TransportKind::Email { subject_prefix: String::new() };
    Transport { send_once, kind, ..Transport::named("mail", TransportKind::Local) }
}

fn object(value: serde_json::Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

fn select(members: &[Person], named: &[serde_json::Value]) -> Recipients {
    let named: Vec<Object> = named.iter().cloned().map(object).collect();
    Recipients::select(members.iter(), named.iter())
}

fn shown(recipients: &[Recipient]) -> Vec<String> {
    let show = |one: &Recipient| {
        let mark = if one.is_additional { "+" } else { "" };
        format!("{mark}{} <{}>", one.person.username, one.person.email)
    };
    recipients.iter().map(show).collect()
}

#[test]
fn the_acting_user_comes_first_then_the_affected_one_then_the_group() {
    let selected = select(&members(), &[json!({ "username": "bob" }), json!({ "username": "dan" })]);
    let chat = Transport::named("chat", TransportKind::Local);
    assert_eq!(
        shown(&selected.by_transport(&chat)),
        ["bob <>", "dan <>", "ann <ann@example.org>", " <cyd@example.org>"]
    );
    let once = Transport { send_once: true, ..chat };
    assert_eq!(shown(&selected.by_transport(&once)), ["bob <>"]);
    assert_eq!(shown(&Recipients::default().by_transport(&once)), Vec::<String>::new());
}

#[test]
fn an_event_adds_an_address_to_a_member_and_replaces_none() {
    for (named, mailed) in [
        (
            json!({ "username": "ann", "email": "evil@evil.example" }),
            vec!["ann <ann@example.org>", "+ann <evil@evil.example>"],
        ),
        (
            json!({ "username": " ANN ", "email": "evil@evil.example" }),
            vec!["ann <ann@example.org>", "+ann <evil@evil.example>"],
        ),
        (json!({ "username": "ann", "email": "nonsense" }), vec!["ann <ann@example.org>", "+ann <nonsense>"]),
        (json!({ "username": "ANN", "email": "Ann@Example.Org" }), vec!["ann <ann@example.org>"]),
        (json!({ "username": "ann" }), vec!["ann <ann@example.org>"]),
        (json!({ "email": "ANN@example.org" }), vec!["ann <ann@example.org>"]),
        // Another member gets mail there already.
        (json!({ "username": "ann", "email": "cyd@example.org" }), vec!["ann <ann@example.org>"]),
        // Somebody else says that they share an address.
        (
            json!({ "username": "eve", "email": "ann@example.org" }),
            vec!["eve <ann@example.org>", "ann <ann@example.org>"],
        ),
        (json!({ "username": "eve", "email": "cyd@example.org" }), vec![" <cyd@example.org>", "ann <ann@example.org>"]),
    ] {
        let recipients = select(&members(), std::slice::from_ref(&named)).by_transport(&mail(false));
        let rest = shown(&recipients).into_iter().filter(|one| !mailed.contains(&one.as_str())).collect::<Vec<_>>();
        assert_eq!(shown(&recipients)[..mailed.len()], mailed, "{named}");
        assert!(rest.iter().all(|one| one == "bob <>" || one == " <cyd@example.org>"), "{named}: {rest:?}");
        let chat = Transport::named("chat", TransportKind::Local);
        let others = select(&members(), &[named]).by_transport(&chat);
        assert!(others.iter().all(|one| !one.is_additional), "only mail goes to more than one address");
    }
}

#[test]
fn an_event_completes_what_the_configuration_leaves_open() {
    let named =
        [json!({ "username": "Bob", "email": "bob@example.org" }), json!({ "username": "bob", "email": "b@b.org" })];
    assert_eq!(
        shown(&select(&members(), &named).by_transport(&mail(false)))[..2],
        ["bob <bob@example.org>", "+bob <b@b.org>"]
    );
    let named = [json!({ "email": "dan@example.org" }), json!({ "username": "dan", "email": "DAN@example.org" })];
    assert_eq!(shown(&select(&[], &named).by_transport(&mail(false))), ["dan <dan@example.org>"]);
}

#[test]
fn a_member_listed_with_two_addresses_is_mailed_at_both() {
    let group = [Person::new("ann", "ann@example.org"), Person::new("Ann", "ann@home.example"), Person::new("ann", "")];
    let selected = select(&group, &[]);
    assert_eq!(shown(&selected.by_transport(&mail(false))), ["ann <ann@example.org>", "+ann <ann@home.example>"]);
    assert_eq!(selected.by_transport(&Transport::named("inbox", TransportKind::Local)).len(), 1);
}

#[test]
fn nobody_takes_a_send_once_notification_away_from_the_group() {
    let named = json!({ "username": "mallory", "email": "mallory@elsewhere.example" });
    let first = select(&members(), std::slice::from_ref(&named)).by_transport(&mail(true));
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].person, members()[0]);
    let alone = select(&[], std::slice::from_ref(&named)).by_transport(&mail(true));
    assert_eq!(alone[0].person.username, "mallory");
}

#[test]
fn send_once_notifies_the_first_who_can_be_reached() {
    let group = [Person::new("bob", ""), Person::new("dan", "nonsense"), Person::new("ann", "ann@example.org")];
    assert_eq!(shown(&select(&group, &[]).by_transport(&mail(true))), ["ann <ann@example.org>"]);
    let chat = Transport { send_once: true, ..Transport::named("chat", TransportKind::Local) };
    assert_eq!(shown(&select(&group, &[]).by_transport(&chat)), ["bob <>"]);
    let nobody = select(&group[..2], &[]).by_transport(&mail(true));
    assert_eq!(shown(&nobody), ["bob <>"], "the failure is on record");
    let named = [json!({ "username": "bob", "email": "bob@example.org" })];
    assert_eq!(shown(&select(&group[..1], &named).by_transport(&mail(true))), ["bob <bob@example.org>"]);
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", " ", "ann", "ANN", " Ann", "bob", "ſam", "Sam", "cyd@example.org", "eve", "ann\n"])
        .prop_map(str::to_owned)
}

fn address() -> impl Strategy<Value = String> {
    let some = vec![
        "",
        "ann@example.org",
        "ANN@EXAMPLE.ORG",
        "cyd@example.org",
        "sam@example.org",
        "nonsense",
        "e@[127.0.0.1]",
    ];
    prop_oneof![prop::sample::select(some).prop_map(str::to_owned), "[a-c]@[a-b]"]
}

proptest! {
    /// Whatever an event says, members are mailed at exactly the configured addresses, once each.
    #[test]
    fn no_event_changes_what_a_member_gets(named in prop::collection::vec((name(), address()), 0..3), stray in any::<bool>()) {
        let mut group = members();
        group.push(Person::new("ſam", "sam@example.org"));
        group.remove(1);
        let named: Vec<_> = named.iter().map(|(username, email)| {
            if stray { json!({ "username": username, "email": [email] }) } else { json!({ "username": username, "email": email }) }
        }).collect();
        let selected = select(&group, &named);
        for (transport, is_mail) in [(mail(false), true), (Transport::named("inbox", TransportKind::Local), false)] {
            let recipients = selected.by_transport(&transport);
            for member in &group {
                let theirs = recipients.iter().filter(|one| one.person == *member && !one.is_additional);
                prop_assert_eq!(theirs.count(), 1, "{:?}: {:?}", member, recipients);
                if !is_mail {
                    let same = recipients.iter().filter(|one| one.person.is_same(member));
                    prop_assert_eq!(same.count(), 1, "{:?}: {:?}", member, recipients);
                }
            }
            // Nobody gets two notifications at one place.
            let mut places: Vec<_> = recipients.iter().map(|one| {
                (crate::person::fold(&one.person.username), crate::person::fold(&one.person.email))
            }).collect();
            places.sort();
            places.dedup();
            prop_assert_eq!(places.len(), recipients.len());
        }
    }
}

#[test]
fn a_rule_selects_by_its_group_and_by_the_event() {
    let mut document = RulesDocument::default();
    document.groups.insert("ops".to_owned(), members());
    let mut rule = Rule::named("r");
    let event = crate::testing::sample(json!({ "username": "ann" }), json!({ "subject": { "username": "dan" } }));
    let selected = |rule: &Rule| Recipients::for_rule(rule, &event, &document).by_transport(&mail(false)).len();
    assert_eq!(selected(&rule), 0);
    rule.event_user = true;
    assert_eq!(selected(&rule), 1);
    rule.event_subject = true;
    assert_eq!(selected(&rule), 2);
    rule.group = Some("ops".to_owned());
    assert_eq!(selected(&rule), 4);
}
