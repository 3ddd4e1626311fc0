//! The contract of every work queue.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::EventPk;
use domain::delivery::DeliveryId;
use domain::message::{QueueMessage, QueuedWork};
use domain::testing::serialized;
use jiff::SignedDuration;
use serde_json::json;
use support::{event, random_bits};

use crate::world::{A_MOMENT, PATIENCE, World, pks, somewhen};

fn delivery_ids(message: &QueueMessage) -> Vec<DeliveryId> {
    match message.clone().into_work() {
        QueuedWork::Deliveries(ids) => ids,
        _ => Vec::new(),
    }
}

fn some_id() -> DeliveryId {
    DeliveryId::for_recipient(EventPk::unnamed(somewhen(), random_bits()), "r", "t", "ann")
}

pub(crate) async fn gives_out_what_was_put_in(world: &World) {
    world.queue.send(&[], SignedDuration::ZERO).await.unwrap();
    let travelling = event("login").created(somewhen()).context(json!({ "n": 1 })).shared();
    let stored = event("login").created(somewhen()).shared();
    world.intake.accept(&serialized(std::slice::from_ref(&stored))).await.unwrap();
    world.receive_events(&BTreeSet::from([stored.pk])).await;

    let ids = vec![some_id(), some_id()];
    let sent = [
        QueueMessage::new(QueuedWork::Events(vec![travelling.clone()])),
        QueueMessage::new(QueuedWork::Stored(vec![stored.pk])),
        QueueMessage::new(QueuedWork::Deliveries(ids.clone())),
    ];
    world.queue.send(&sent, SignedDuration::ZERO).await.unwrap();
    let mut came = Vec::new();
    while came.len() < 3 {
        let messages = world.work.receive(PATIENCE).await;
        assert!(!messages.is_empty(), "{came:?}");
        came.extend(messages);
    }
    assert!(came.contains(&sent[0]), "{came:?}");
    assert!(came.iter().any(|message| delivery_ids(message) == ids), "{came:?}");
    let about: BTreeSet<_> = came.into_iter().flat_map(pks).collect();
    assert_eq!(about, BTreeSet::from([travelling.pk, stored.pk]));
    assert_eq!(world.work.receive(A_MOMENT).await, [], "what was taken does not come again");
}

pub(crate) async fn gives_out_many(world: &World) {
    let ids: Vec<_> = (0..25).map(|_| some_id()).collect();
    let messages: Vec<_> = ids.iter().map(|id| QueueMessage::new(QueuedWork::Deliveries(vec![*id]))).collect();
    world.queue.send(&messages, SignedDuration::ZERO).await.unwrap();
    let expected: BTreeSet<_> = ids.into_iter().collect();
    let mut came = BTreeSet::new();
    while came != expected {
        let messages = world.work.receive(PATIENCE).await;
        assert!(!messages.is_empty(), "{} came", came.len());
        came.extend(messages.iter().flat_map(delivery_ids));
    }
}

pub(crate) async fn holds_a_message_back(world: &World) {
    let (at_once, later) = (some_id(), some_id());
    let message = |id| [QueueMessage::new(QueuedWork::Deliveries(vec![id]))];
    let delay = Duration::from_secs(2);
    let sent = Instant::now();
    world.queue.send(&message(later), SignedDuration::try_from(delay).unwrap()).await.unwrap();
    world.queue.send(&message(at_once), SignedDuration::ZERO).await.unwrap();
    assert_eq!(world.work.receive(PATIENCE).await, message(at_once));
    assert_eq!(world.work.receive(PATIENCE).await, message(later));
    assert!(sent.elapsed() >= delay, "{:?}", sent.elapsed());
}
