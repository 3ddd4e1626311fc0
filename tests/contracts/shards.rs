//! On AWS, the number of shards determines where records are stored; changing the setting must hide no record.

use std::sync::Arc;

use aws::Settings;
use domain::Timestamp;
use domain::delivery::Delivery;
use domain::person::Person;
use domain::query::{DeliveryQuery, EventQuery};
use domain::rules_document::Rule;
use domain::testing::serialized;
use support::event;

use crate::aws_world::{Place, over, place};
use crate::world::{World, somewhen};

const MANY: usize = 12;

async fn store(world: &World, at: Timestamp) -> Vec<Delivery> {
    let events: Vec<_> = (0..MANY).map(|_| event("login").created(at).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let open = |event: &Arc<_>| Delivery::open(event, &Rule::named("rule"), "hook", Person::new("ann", ""), at);
    let entries: Vec<_> = events.iter().map(open).collect();
    world.ledger.open(&entries).await.unwrap();
    entries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_keeps_the_shards_it_was_begun_with() {
    let begun = place().await;
    let at = somewhen();
    let mut stored = store(&over(begun.clone()), at).await;
    for shards in [1, 7, 64] {
        let world = over(Place { settings: Settings { shards, ..begun.settings.clone() }, ..begun.clone() });
        stored.extend(store(&world, at).await);
        for entry in &stored {
            assert!(world.log.get(entry.event(), at).await.unwrap().is_some(), "{shards} shards hide an event");
            assert_eq!(world.ledger.get(entry.id).await.unwrap().as_ref(), Some(entry), "{shards} shards");
        }
        let events = world.log.list(&EventQuery { limit: 1000, ..EventQuery::default() }, at).await.unwrap();
        let entries = world.ledger.list(&DeliveryQuery { limit: 1000, ..DeliveryQuery::default() }).await.unwrap();
        assert_eq!((events.results.len(), entries.results.len()), (stored.len(), stored.len()), "{shards} shards");
    }
}
