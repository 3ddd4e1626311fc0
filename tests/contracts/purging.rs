//! On AWS, DynamoDB's time to live deletes expired items. A sweep looks for those that it has missed once an hour.

use std::sync::Arc;

use domain::Timestamp;
use domain::ports::Clock as _;
use domain::testing::serialized;
use host::SystemClock;
use jiff::SignedDuration;
use retention::Sweep;
use support::{FakeClock, event};

use crate::aws_world;
use crate::world::{DAY, HOUR, after};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_deletes_what_the_time_to_live_has_missed_once_an_hour() {
    let world = aws_world::world().await;
    let now = SystemClock.now();
    let events: Vec<_> =
        (0..3).map(|_| event("login").created(now).kept_for(SignedDuration::from_hours(1)).shared()).collect();
    world.intake.accept(&serialized(&events)).await.unwrap();
    let hour = Timestamp::from_second(after(now, 10 * DAY).as_second() / 3600 * 3600).unwrap();
    let clock = Arc::new(FakeClock::at(&hour.to_string()));
    let sweep = Sweep::new(&world.stores, None, clock.clone(), aws::PURGE_GRACE);
    clock.set(after(hour, HOUR / 2));
    assert_eq!(sweep.run(SignedDuration::from_secs(10)).await.unwrap().purged, 0);
    clock.set(after(hour, HOUR));
    let purged = sweep.run(SignedDuration::from_secs(10)).await.unwrap().purged;
    assert!(purged >= events.len(), "{purged}: the events, and the marker of their day");
}
