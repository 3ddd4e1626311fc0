//! A sweep queues many due deliveries, each once until it is due again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::delivery::retry::NextStep;
use domain::delivery::{Delivery, DeliveryId};
use domain::message::QueuedWork;
use domain::person::Person;
use domain::rules_document::Rule;
use jiff::SignedDuration;
use retention::Sweep;
use support::{FakeClock, event, unique};

use crate::ledger::attempt;
use crate::world::{A_MOMENT, PATIENCE, World, after, somewhen};

/// More than a page of DynamoDB has in each shard, and more than a few sweeps took when each took 4,000.
const MANY: usize = 9_000;

async fn queued(world: &World, patience: Duration) -> Vec<DeliveryId> {
    let messages = world.work.receive(patience).await.into_iter();
    let ids = messages.flat_map(|message| match message.into_work() {
        QueuedWork::Deliveries(ids) => ids,
        _ => panic!("only deliveries are queued"),
    });
    ids.collect()
}

pub(crate) async fn are_queued_all_at_once_and_not_again(world: &World) {
    let (now, rule) = (somewhen(), unique("rule"));
    let of = |n: usize| {
        let event = event("login").created(now).build();
        let entry = Delivery::open(&event, &Rule::named(&rule), "hook", Person::new(format!("ann{n}"), ""), now);
        let waiting = entry.after(attempt(now), NextStep::Retry { at: after(now, 1000) });
        Delivery { revision: 0, attempts: Vec::new(), ..waiting }
    };
    let entries: Vec<_> = (0..MANY).map(of).collect();
    for some in entries.chunks(1000) {
        world.ledger.open(some).await.unwrap();
    }
    let clock = Arc::new(FakeClock::at(&domain::time::format(after(now, 2000))));
    let sweep = Sweep::new(&world.stores, None, clock.clone(), SignedDuration::from_hours(24 * 365 * 200));
    let mut resent = 0;
    // An index may lag a little behind the entries.
    for _ in 0..50 {
        resent += sweep.run(SignedDuration::ZERO).await.unwrap().resent;
        if resent == MANY {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(resent, MANY);
    assert_eq!(sweep.run(SignedDuration::ZERO).await.unwrap().resent, 0, "they are in the queue");
    let mut found = BTreeSet::new();
    while found.len() < MANY {
        let some = queued(world, PATIENCE).await;
        assert!(!some.is_empty(), "{} of {MANY} came", found.len());
        found.extend(some);
    }
    assert_eq!(queued(world, A_MOMENT).await, [], "each is queued once");
    clock.advance(SignedDuration::from_mins(11));
    assert_eq!(sweep.run(SignedDuration::ZERO).await.unwrap().resent, MANY, "nobody has come to them");
}
