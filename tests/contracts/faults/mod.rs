//! Exactly one delivery: whatever dies, is throttled, responds too late or arrives twice, every accepted event is
//! evaluated, every delivery ends delivered or dead with its cause, a closed delivery is never sent again, and a
//! repeated one was in the open window: accepted by the receiver, not yet recorded by the ledger.

pub(crate) mod ports;
mod receiver;
mod run;

use std::time::Duration;

use dispatch::{DispatchError, Dispatcher};
use domain::Timestamp;
use domain::delivery::{DeliveryState, LEASE};
use domain::message::QueueMessage;
use futures_util::future::join_all;
use jiff::SignedDuration;
use support::unique;

use crate::world::World;
use ports::{Fault, Faults};
use receiver::{DOWN, NOT_FOUND, OUTAGE, SHAKY, SLOW, WELL};
use run::{Run, assert_sound};

/// One run for each step, with the fault at that step.
async fn at_every_step(world: &World, fault: Fault) {
    let mut hit = 0;
    for at in 0.. {
        let faults = Faults::at(at, fault);
        let mut run = Run::new(world, 1, &[WELL, SHAKY, NOT_FOUND], &faults);
        run.post().await;
        let entries = run.settle().await;
        let what = format!("{fault:?} at step {at}");
        assert_sound(&run, &entries, &what);
        let states: Vec<_> = entries.values().map(|entry| (entry.transport.as_str(), entry.state)).collect();
        for (transport, state) in states {
            assert_eq!(
                state,
                if transport == NOT_FOUND { DeliveryState::Dead } else { DeliveryState::Delivered },
                "{what}"
            );
        }
        // A store that fails repeats nothing. What a process had in hand when it died, and what was accepted without
        // an answer, may come once more.
        let repeated = run.receivers.accepted().values().map(|count| count - 1).sum::<usize>();
        let window = match fault {
            Fault::Refused | Fault::ClockIsWrong(_) | Fault::ClockJumps(_) => 0,
            Fault::AnswerLost => 1,
            Fault::DiesBefore | Fault::DiesAfter => 2,
        };
        assert!(repeated <= window, "{what}: {repeated} repeated");
        if !faults.happened() {
            break;
        }
        hit += 1;
    }
    // Accept, read the endpoints, open, three times send and close, and the retry: claim, send, close.
    assert!(hit > 12, "{hit} steps");
}

pub(crate) async fn a_process_dies_before_any_step(world: &World) {
    at_every_step(world, Fault::DiesBefore).await;
}

pub(crate) async fn a_process_dies_after_any_step(world: &World) {
    at_every_step(world, Fault::DiesAfter).await;
}

pub(crate) async fn any_step_is_refused(world: &World) {
    at_every_step(world, Fault::Refused).await;
}

pub(crate) async fn any_answer_is_lost(world: &World) {
    at_every_step(world, Fault::AnswerLost).await;
}

pub(crate) async fn messages_come_twice_and_out_of_order(world: &World) {
    let mut run = Run::new(world, 6, &[WELL, SHAKY], &Faults::none());
    run.post().await;
    let dispatchers: Vec<_> = (0..3).map(|_| run.dispatcher()).collect();
    for _ in 0..2 {
        // Three processes have the same message at the same time, and once more afterwards.
        join_all(dispatchers.iter().map(|one| one.handle(run.message(), Timestamp::MAX))).await;
    }
    let entries = run.settle().await;
    let again = join_all(dispatchers.iter().map(|one| one.handle(run.message(), Timestamp::MAX))).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
    assert_sound(&run, &entries, "duplicates");
    assert_eq!(run.receivers.accepted().into_values().collect::<Vec<_>>(), [1; 12]);
    assert_eq!(run.entries().await, entries);
}

pub(crate) async fn a_lease_ends_while_a_slow_send_is_under_way(world: &World) {
    let mut run = Run::new(world, 1, &[SLOW], &Faults::none());
    run.post().await;
    let send = |dispatcher: Dispatcher, message: QueueMessage| {
        tokio::spawn(async move { dispatcher.handle(message, Timestamp::MAX).await })
    };
    let slow = send(run.dispatcher(), run.message());
    claimed(&run, 0).await;
    let other = run.dispatcher().handle(run.message(), Timestamp::MAX).await;
    assert!(matches!(other, Err(DispatchError::Busy { .. })), "{other:?}");
    run.clock.advance(LEASE);
    let taken_over = send(run.dispatcher(), run.message());
    claimed(&run, 1).await;
    // Both are on their way, and both are accepted, under one id.
    run.receivers.gate.add_permits(2);
    slow.await.unwrap().unwrap();
    taken_over.await.unwrap().unwrap();
    let entries = run.settle().await;
    assert_sound(&run, &entries, "a lease that ended");
    assert_eq!(run.receivers.accepted().into_values().collect::<Vec<_>>(), [2]);
    assert!(entries.values().all(|entry| entry.attempts.len() == 1), "one of them is on record: {entries:?}");
}

/// Waits until the delivery has been claimed this number of times after it was opened.
async fn claimed(run: &Run<'_>, times: u64) {
    while run.entries().await.values().next().is_none_or(|entry| entry.revision < times) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn the_clock_is_set(world: &World) {
    for hours in [-1, 1, 24, -24] {
        let step = SignedDuration::from_hours(hours);
        let mut run = Run::with_step(world, 2, &[SHAKY, WELL], &Faults::none(), Some(step));
        run.post().await;
        let entries = run.settle().await;
        assert_sound(&run, &entries, &format!("{hours} hours"));
        assert_eq!(run.receivers.accepted().into_values().collect::<Vec<_>>(), [1; 4], "{hours} hours");
    }
}

pub(crate) async fn the_clock_is_wrong_for_a_moment(world: &World) {
    for days in [-400, -40, -1, 1, 40, 400] {
        at_every_step(world, Fault::ClockIsWrong(days)).await;
    }
}

pub(crate) async fn the_system_sleeps_or_its_clock_is_set_for_good(world: &World) {
    const DAY: i64 = 24 * 60;
    for minutes in [2, 10, 90, DAY, 40 * DAY, 400 * DAY, -10, -DAY, -40 * DAY, -400 * DAY] {
        at_every_step(world, Fault::ClockJumps(minutes)).await;
    }
}

pub(crate) async fn an_endpoint_is_down_while_the_clock_is_wrong(world: &World) {
    for days in [-400, -3, 3, 400] {
        for at in (0..40).step_by(3) {
            let transport = unique(DOWN);
            let faults = Faults::at(at, Fault::ClockIsWrong(days));
            let mut run = Run::new(world, 6, &[&transport], &faults);
            run.post().await;
            let entries = run.settle().await;
            let what = format!("{days} days at step {at}");
            assert_sound(&run, &entries, &what);
            assert_eq!(run.receivers.accepted().into_values().collect::<Vec<_>>(), [1; 6], "{what}");
        }
    }
}

pub(crate) async fn an_endpoint_is_down_for_a_while(world: &World) {
    let transport = unique(DOWN);
    let mut run = Run::new(world, 12, &[&transport], &Faults::none());
    run.post().await;
    let (dispatcher, other) = (run.dispatcher(), run.dispatcher());
    for message in &run.single_messages()[..5] {
        dispatcher.handle(message.clone(), Timestamp::MAX).await.unwrap();
    }
    // Another process learns of the pause from the store, and sends nothing.
    other.handle(run.message(), Timestamp::MAX).await.unwrap();
    let waiting = run.entries().await;
    assert_eq!(waiting.values().map(|entry| entry.attempts.len()).sum::<usize>(), 5, "{waiting:?}");
    let entries = run.settle().await;
    assert_sound(&run, &entries, "an outage");
    assert_eq!(run.receivers.accepted().into_values().collect::<Vec<_>>(), [1; 12]);
    let attempts: usize = entries.values().map(|entry| entry.attempts.len()).sum();
    assert_eq!(attempts, 12 + OUTAGE, "one probe a pause, and no attempt beside it");
}
