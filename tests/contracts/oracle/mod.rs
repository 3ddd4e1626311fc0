//! Detections against an independent reference: see [`support::detection_reference`].
//!
//! Each test prints its seed when it fails. `NUNCIO_ORACLE_SEED=7 NUNCIO_ORACLE_BATCHES=1` repeats one batch.

mod evaluation;
mod streams;

use std::collections::{BTreeMap, BTreeSet};

use domain::detection::group_paths;
use domain::event::Event;
use domain::rules_document::{Detection, DetectionKind, FieldPath, Repeat};
use support::detection_reference::{ExpectedDetections, ExpectedFirings, ask};

use crate::faults::ports::Faults;
use crate::world::{World, somewhen};
use evaluation::{Evaluation, FAULTS, Written, group_of};
use streams::{Batch, Order, Size};

/// Batches of this size, from a seed that is random unless the environment sets it.
#[expect(clippy::disallowed_methods, reason = "which streams to repeat is the caller's wish")]
fn batches(number: u64, order: Order, size: Size) -> Vec<Batch> {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = setting("NUNCIO_ORACLE_SEED").unwrap_or_else(|| u64::try_from(support::random_bits() >> 96).unwrap());
    let number = setting("NUNCIO_ORACLE_BATCHES").unwrap_or(number);
    (0..number).map(|place| Batch::new(first + place, order, size, somewhen())).collect()
}

async fn agree(world: &World, batches: &[Batch]) {
    let described: Vec<_> = batches.iter().map(Batch::described).collect();
    for (batch, answer) in batches.iter().zip(ask(&described)) {
        let written = Evaluation::new(world, batch).with_chance().await;
        assert_agrees(batch, &answer, &written);
    }
}

/// Asserts that the detections of the batch wrote what the reference says.
fn assert_agrees(batch: &Batch, answer: &ExpectedDetections, written: &Written) {
    for detection in &batch.detections {
        let paths: Vec<&str> = group_paths(detection).map(FieldPath::as_str).collect();
        let mut groups: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
        for event in written.get(&detection.name).into_iter().flatten() {
            groups.entry(group_of(event, &paths)).or_default().push(event);
        }
        let expected = &answer[&detection.name];
        for group in groups.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
            let none = ExpectedFirings::default();
            let expected = expected.get(group).unwrap_or(&none);
            let events = groups.get(group).map(Vec::as_slice).unwrap_or_default();
            let at = |state: &str| {
                let own = events.iter().filter(|event| event.context_str("state") == Some(state));
                let mut times: Vec<i64> = own.map(|event| event.created.as_millisecond()).collect();
                times.sort_unstable();
                times
            };
            let (fired, resolved) = (at("fired"), at("resolved"));
            let what = format!(
                "seed {}, {:?}, {detection:?}\ngroup {group}: fired {fired:?}, {expected:?}",
                batch.seed, batch.order
            );
            match batch.order {
                Order::Time => assert_eq!((&fired, &resolved), (&expected.fired, &expected.resolved), "{what}"),
                Order::Shuffled => assert_agrees_though_shuffled(detection, expected, &fired, &what),
            }
        }
    }
}

/// Asserts what the specification promises of events that come out of order.
fn assert_agrees_though_shuffled(detection: &Detection, expected: &ExpectedFirings, fired: &[i64], what: &str) {
    let DetectionKind::Count(settings) = &detection.kind else {
        // The order does not matter for how often it fires.
        assert_eq!(fired.len(), expected.fired.len(), "{what}");
        return;
    };
    if settings.repeat == Repeat::Every {
        assert_eq!(fired, expected.fired, "{what}");
        return;
    }
    let in_run = |run: &&Vec<i64>| fired.iter().filter(|time| run.contains(time)).count();
    let of_runs: Vec<usize> = expected.runs.iter().map(|run| in_run(&run)).collect();
    assert!(of_runs.iter().all(|firings| *firings >= 1), "a run has no firing: {what}");
    assert_eq!(of_runs.iter().sum::<usize>(), fired.len(), "it fired outside of the runs: {what}");
    if let Some(joins) = expected.joins {
        assert!(fired.len() <= expected.runs.len() + joins, "a run fired twice, and was not joined: {what}");
    }
}

/// 1,000 streams.
pub(crate) async fn agrees_in_order(world: &World) {
    agree(world, &batches(20, Order::Time, Size { streams: 50, slots: 24 })).await;
}

/// 1,000 streams.
pub(crate) async fn agrees_out_of_order(world: &World) {
    agree(world, &batches(20, Order::Shuffled, Size { streams: 50, slots: 24 })).await;
}

/// 50 streams, for stores that are reached over a network.
pub(crate) async fn agrees_with_few_streams(world: &World) {
    let size = Size { streams: 25, slots: 8 };
    agree(world, &batches(1, Order::Time, size)).await;
    agree(world, &batches(1, Order::Shuffled, size)).await;
}

/// A fault at each step in turn.
pub(crate) async fn agrees_though_a_process_dies_at_any_step(world: &World) {
    // More than there are steps.
    let size = Size { streams: 3, slots: 5 };
    let batches: Vec<_> = (0..300).map(|seed| Batch::new(seed, Order::Time, size, somewhen())).collect();
    let answers = ask(&batches.iter().map(Batch::described).collect::<Vec<_>>());
    let mut each = batches.iter().zip(&answers);
    for fault in FAULTS {
        for (at, (batch, answer)) in each.by_ref().enumerate() {
            let faults = Faults::at(at, fault);
            let written = Evaluation::new(world, batch).with_faults(&faults).await;
            assert_agrees(batch, answer, &written);
            if !faults.happened() {
                assert!(at > 20, "{at} steps");
                break;
            }
        }
    }
}
