//! The contract of every ledger: an entry is opened once, and a write succeeds only with the last revision.

use std::time::Duration;

use domain::Timestamp;
use domain::delivery::retry::NextStep;
use domain::delivery::{Attempt, Delivery, LEASE};
use domain::person::Person;
use domain::ports::OpenOutcome;
use domain::rules_document::{Rule, Severity};
use futures_util::future::join_all;
use support::{event, unique};

use crate::world::{HOUR, World, after, somewhen};

/// A new entry of an event of its own.
pub(crate) fn entry(now: Timestamp, recipient: &str) -> Delivery {
    let mut rule = Rule::named("brute-force");
    rule.severity = Severity::Alert;
    let event = event("login_failed").created(now).build();
    Delivery::open(&event, &rule, "ops-chat", Person::new(recipient, "ann@example.org"), now)
}

pub(crate) fn attempt(at: Timestamp) -> Attempt {
    Attempt { at, status: Some(503), error: Some("the receiver answered 503".to_owned()), ms: 12 }
}

fn later(entry: &Delivery) -> Delivery {
    entry.after(attempt(entry.created), NextStep::Retry { at: after(entry.created, 5000) })
}

async fn open(world: &World, entry: &Delivery) -> OpenOutcome {
    world.ledger.open(std::slice::from_ref(entry)).await.unwrap().remove(0)
}

async fn replace(world: &World, entry: &Delivery) -> bool {
    world.ledger.replace(std::slice::from_ref(entry)).await.unwrap().remove(0)
}

pub(crate) async fn opens_an_entry_once(world: &World) {
    let first = entry(somewhen(), &unique("ann"));
    assert_eq!(world.ledger.get(first.id).await.unwrap(), None);
    assert_eq!(world.ledger.open(&[]).await.unwrap(), []);
    assert_eq!(open(world, &first).await, OpenOutcome::New);
    let again = Delivery { lease: None, ..first.clone() };
    assert_eq!(open(world, &again).await, OpenOutcome::Existing(Box::new(first.clone())));
    let changed = later(&first);
    assert!(replace(world, &changed).await);
    assert_eq!(open(world, &first).await, OpenOutcome::Existing(Box::new(changed)));
}

pub(crate) async fn answers_for_each_entry_in_order(world: &World) {
    let now = somewhen();
    let entries: Vec<_> = (0..60).map(|_| entry(now, "ann")).collect();
    let odd: Vec<_> = entries.iter().skip(1).step_by(2).cloned().collect();
    assert!(world.ledger.open(&odd).await.unwrap().iter().all(|opened| *opened == OpenOutcome::New));
    let answers = world.ledger.open(&entries).await.unwrap();
    let expected = entries.iter().enumerate().map(|(place, entry)| match place % 2 {
        0 => OpenOutcome::New,
        _ => OpenOutcome::Existing(Box::new(entry.clone())),
    });
    assert_eq!(answers, expected.collect::<Vec<_>>());

    let mixed = entries.iter().enumerate().map(|(place, entry)| match place % 3 {
        0 => later(entry),
        1 => Delivery { revision: 7, ..later(entry) },
        _ => later(&crate::ledger::entry(now, "nobody opened this")),
    });
    let mixed: Vec<_> = mixed.collect();
    let answers = world.ledger.replace(&mixed).await.unwrap();
    assert_eq!(answers, (0..60).map(|place| place % 3 == 0).collect::<Vec<_>>());
    assert!(world.ledger.replace(&[]).await.unwrap().is_empty());
}

pub(crate) async fn lets_one_of_sixteen_open(world: &World) {
    let first = entry(somewhen(), &unique("ann"));
    let rivals: Vec<_> = (0..16).map(|n| Delivery { created: after(first.created, n), ..first.clone() }).collect();
    let answers = join_all(rivals.iter().map(|rival| open(world, rival))).await;
    let stored = world.ledger.get(first.id).await.unwrap().unwrap();
    for (answer, rival) in answers.iter().zip(&rivals) {
        let expected =
            if *rival == stored { OpenOutcome::New } else { OpenOutcome::Existing(Box::new(stored.clone())) };
        assert_eq!(*answer, expected);
    }
    assert_eq!(answers.iter().filter(|answer| **answer == OpenOutcome::New).count(), 1);
}

pub(crate) async fn replaces_only_the_last_revision(world: &World) {
    let first = entry(somewhen(), &unique("ann"));
    assert!(!replace(world, &later(&first)).await, "nothing to replace");
    assert_eq!(world.ledger.get(first.id).await.unwrap(), None);
    open(world, &first).await;
    for revision in [0, 2, 3] {
        assert!(!replace(world, &Delivery { revision, ..later(&first) }).await, "{revision}");
    }
    assert_eq!(world.ledger.get(first.id).await.unwrap().as_ref(), Some(&first));
    let second = later(&first);
    assert!(replace(world, &second).await);
    assert!(!replace(world, &second).await, "writing it again is not the next write");
    assert_eq!(world.ledger.get(first.id).await.unwrap(), Some(second));
}

pub(crate) async fn lets_one_of_sixteen_replace(world: &World) {
    let first = entry(somewhen(), &unique("ann"));
    open(world, &first).await;
    let taken_over = after(first.created, i64::try_from(LEASE.as_millis()).unwrap());
    let claims: Vec<_> = (0..16).map(|n| first.claim(after(taken_over, n)).unwrap()).collect();
    let won = join_all(claims.iter().map(|claim| replace(world, claim))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let winner = claims.into_iter().zip(won).find(|(_, won)| *won).map(|(claim, _)| claim);
    assert_eq!(world.ledger.get(first.id).await.unwrap(), winner);
}

pub(crate) async fn keeps_all_of_an_entry(world: &World) {
    let mut entry = entry(somewhen(), "o'neil \"é\"");
    open(world, &entry).await;
    for _ in 0..9 {
        entry = later(&entry);
        assert!(replace(world, &entry).await);
        entry = entry.claim(entry.next_at.unwrap()).unwrap();
        assert!(replace(world, &entry).await);
    }
    entry = entry.after(Attempt { status: None, error: None, ..attempt(entry.created) }, NextStep::Closed);
    assert!(replace(world, &entry).await);
    assert_eq!(world.ledger.get(entry.id).await.unwrap(), Some(entry));
}

pub(crate) async fn tells_what_is_due_longest_first(world: &World) {
    let now = somewhen();
    let due_in = |millis| {
        let entry = entry(now, "ann");
        entry.after(attempt(now), NextStep::Retry { at: after(now, millis) })
    };
    let waiting = [due_in(3000), due_in(1000), due_in(2000), due_in(2 * HOUR)];
    let opened: Vec<_> =
        waiting.iter().map(|entry| Delivery { revision: 0, attempts: Vec::new(), ..entry.clone() }).collect();
    let busy = entry(now, "ann");
    // OpenOutcome as being sent, then put to wait: both ways an entry comes to be due.
    let sending: Vec<_> = opened
        .iter()
        .map(|entry| Delivery { state: busy.state, lease: busy.lease, next_at: None, ..entry.clone() })
        .collect();
    world.ledger.open(&sending).await.unwrap();
    world.ledger.open(std::slice::from_ref(&busy)).await.unwrap();
    assert_eq!(world.ledger.replace(&waiting).await.unwrap(), [true; 4]);

    let mine = |ids: Vec<_>| -> Vec<_> {
        ids.into_iter().filter_map(|id| waiting.iter().position(|entry| entry.id == id)).collect()
    };
    let due = async |millis| {
        let due = world.ledger.due(after(now, millis), 1000).await.unwrap();
        for due in &due {
            let known = waiting.iter().find(|entry| entry.id == due.id);
            assert!(known.is_none_or(|entry| entry.due_at() == Some(due.at)));
        }
        due.into_iter().map(|due| due.id).collect::<Vec<_>>()
    };
    // An index may lag a little behind the entries.
    let mut found = Vec::new();
    for _ in 0..50 {
        found = mine(due(3000).await);
        if found.len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(found, [1, 2, 0]);
    assert_eq!(mine(due(2999).await), [1, 2]);
    assert!(!due(HOUR).await.contains(&busy.id), "what is being sent is not due");
    assert!(world.ledger.due(after(now, 3000), 1).await.unwrap().len() == 1);

    let closed = waiting[1].claim(after(now, 1000)).unwrap();
    assert!(replace(world, &closed).await);
    assert!(replace(world, &closed.after(attempt(now), NextStep::Dead)).await);
    assert_eq!(mine(due(3000).await), [2, 0]);
}

pub(crate) async fn gets_all_that_are_there(world: &World) {
    let now = somewhen();
    let entries: Vec<_> = (0..120).map(|_| entry(now, "ann")).collect();
    let even: Vec<_> = entries.iter().step_by(2).cloned().collect();
    world.ledger.open(&even).await.unwrap();
    let ids: Vec<_> = entries.iter().chain(&entries[..3]).map(|entry| entry.id).collect();
    let mut found = world.ledger.get_all(&ids).await.unwrap();
    found.sort_by_key(|entry| entry.id);
    let mut expected = even;
    expected.sort_by_key(|entry| entry.id);
    found.dedup();
    assert_eq!(found, expected);
    assert_eq!(world.ledger.get_all(&[]).await.unwrap(), []);
}
