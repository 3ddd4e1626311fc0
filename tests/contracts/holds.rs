//! The contract of every store of holds, and of every way into the store, which must honour them.

use domain::ports::PurgeScope;
use domain::retention::hold::{HOLD_EXPIRY, Hold, HoldFilter};
use domain::testing::serialized;
use serde_json::json;
use support::{event, random_bits};

use crate::world::{DAY, World, after, somewhen};

pub(crate) fn hold(filter: serde_json::Value) -> Hold {
    let filter: HoldFilter = serde_json::from_value(filter).unwrap();
    let created = somewhen();
    Hold {
        id: domain::EventPk::unnamed(created, random_bits()).to_string(),
        filter,
        reason: "a \"case\", é".to_owned(),
        by: "ann".to_owned(),
        created,
        ended: None,
        ended_by: None,
        job: "j".to_owned(),
    }
}

pub(crate) fn ended(hold: &Hold) -> Hold {
    Hold { ended: Some(after(hold.created, 1000)), ended_by: Some("bob".to_owned()), ..hold.clone() }
}

pub(crate) async fn are_kept_whole_and_replaced(world: &World) {
    let filter = json!({ "action": "model_*", "app": "a.b", "username": "ann", "client_ip": "192.0.2.7",
        "since": "2026-01-02T03:04:05Z", "until": "2026-01-03T03:04:05.000006Z" });
    let (one, other) = (hold(filter), hold(json!({ "action": "login" })));
    world.holds.put(&one).await.unwrap();
    world.holds.put(&other).await.unwrap();
    let mut all = world.holds.all().await.unwrap();
    all.sort_by_key(|hold| hold.created);
    let mut expected = [one.clone(), other.clone()];
    expected.sort_by_key(|hold| hold.created);
    assert_eq!(all, expected);
    world.holds.put(&ended(&one)).await.unwrap();
    let all = world.holds.all().await.unwrap();
    assert!(all.len() == 2 && all.contains(&ended(&one)) && all.contains(&other));
}

pub(crate) async fn stamp_what_arrives(world: &World) {
    let now = somewhen();
    world.holds.put(&hold(json!({ "username": "ann" }))).await.unwrap();
    world.holds.put(&ended(&hold(json!({ "username": "bob" })))).await.unwrap();
    let by = |name: &str| {
        event("login").created(now).kept_for(jiff::SignedDuration::from_hours(1)).user(json!({ "username": name }))
    };
    let (held, free) = (by("ann").shared(), by("bob").shared());
    let mut named = by("ann").build();
    named.pk = domain::EventPk::named(named.created, &[7; 32]);
    let named = std::sync::Arc::new(named);
    world.intake.accept(&serialized(&[held.clone(), free.clone(), named.clone()])).await.unwrap();
    while world.log.purge(PurgeScope::All, after(now, DAY), 10).await.unwrap() > 0 {}
    for event in [&held, &named] {
        let found = world.log.get(event.pk, after(now, DAY)).await.unwrap();
        assert_eq!(found, Some(domain::Event { expires: HOLD_EXPIRY, ..(**event).clone() }));
    }
    assert_eq!(world.log.get(free.pk, now).await.unwrap(), None);
}
