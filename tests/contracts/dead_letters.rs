//! The contract of every dead-letter queue: messages return to the work queue.

use std::sync::Arc;

use domain::testing::serialized;

use jiff::SignedDuration;
use retention::Sweep;
use support::{FakeClock, event};

use crate::world::{PATIENCE, World, pks, somewhen};

pub(crate) async fn come_back_at_the_full_hour(world: &World) {
    let accepted = event("login").created(somewhen()).shared();
    world.intake.accept(&serialized(std::slice::from_ref(&accepted))).await.unwrap();
    for message in world.work.receive(PATIENCE).await {
        world.work.give_up(&message).await;
    }
    let clock = Arc::new(FakeClock::at("2026-01-02T03:00:20Z"));
    let retention = Sweep::new(&world.stores, None, clock, SignedDuration::from_hours(24 * 365));
    retention.run(SignedDuration::ZERO).await.unwrap();
    let came: Vec<_> = world.work.receive(PATIENCE).await.into_iter().flat_map(pks).collect();
    assert_eq!(came, [accepted.pk]);
    assert_eq!(retention.run(SignedDuration::ZERO).await.unwrap().redriven, 0, "each comes back once");
}
