//! Tests of sequences, against a search that is written from the definition.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::event::EventPk;
use crate::rules_document::Period;

const MINUTE: i64 = 60_000_000;
const START: i64 = 1_700_000_000_000_000;

fn position(minutes: i64, number: u64) -> EventPosition {
    let at = START + minutes * MINUTE;
    EventPosition { at, pk: EventPk::unnamed(Timestamp::from_microsecond(at).unwrap(), number.into()) }
}

fn settings(steps: usize, within: u32, ordered: bool) -> SequenceSettings {
    let of = (0..steps).map(|step| format!("s{step}")).collect();
    SequenceSettings { of, within: Period::parse(&format!("minutes={within}")).unwrap(), ordered }
}

/// Adds the events in this order, in messages of three, and returns the firings.
fn evaluate(settings: &SequenceSettings, events: &[(usize, EventPosition)]) -> Vec<EventPosition> {
    let (mut state, mut fired) = (SequenceState::default(), Vec::new());
    for message in events.chunks(3) {
        for (step, position) in message {
            state.add(settings, *step, *position);
        }
        fired.extend(state.fire(settings).into_iter().map(|fired| fired.position));
        state.trim(settings);
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    }
    fired
}

/// The completing events, by the definition: for two steps, the most pairs that can be made in order of time.
fn expected(settings: &SequenceSettings, events: &[(usize, EventPosition)]) -> Vec<EventPosition> {
    let within = micros(settings.within.duration());
    let mut sorted = events.to_vec();
    sorted.sort_unstable_by_key(|(step, position)| (*position, *step));
    let mut unused: Vec<(usize, EventPosition)> = Vec::new();
    let mut completed = Vec::new();
    for (step, position) in sorted {
        let completes = |first: &(usize, EventPosition)| {
            let in_window = first.1.at >= position.at - within;
            let fits =
                if settings.ordered { step == 1 && first.0 == 0 && first.1.at < position.at } else { first.0 != step };
            in_window && fits
        };
        match unused.iter().position(completes) {
            Some(index) => {
                unused.remove(index);
                completed.push(position);
            }
            None => unused.push((step, position)),
        }
    }
    completed
}

fn stream() -> impl Strategy<Value = Vec<(usize, EventPosition)>> {
    prop::collection::vec((0_i64..4, 0_usize..2, any::<u64>()), 0..40).prop_map(|steps| {
        let mut minutes = 0;
        let events = steps.into_iter().map(|(wait, step, number)| {
            minutes += wait;
            (step, position(minutes, number))
        });
        let mut events: Vec<_> = events.collect();
        events.sort_unstable_by_key(|(step, position)| (*position, *step));
        events.dedup_by_key(|(_, position)| *position);
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_order_of_evaluation_does_not_matter(
        events in stream(), within in 2_u32..10, ordered: bool, swaps in prop::collection::vec((0_usize..40, 0_usize..40), 0..60),
    ) {
        let settings = settings(2, within, ordered);
        let wanted = expected(&settings, &events);
        prop_assert_eq!(&evaluate(&settings, &events), &wanted, "in order");
        let mut shuffled = events.clone();
        for (one, other) in swaps {
            if one < events.len() && other < events.len() {
                shuffled.swap(one, other);
            }
        }
        let newest = |at: usize| shuffled[..at].iter().map(|(_, position)| position.at).max();
        let is_late = |at: usize| newest(at).is_some_and(|newest| shuffled[at].1.at < newest - micros(settings.within.duration()) - micros(LATENESS));
        if !(0..shuffled.len()).any(is_late) {
            let mut fired = evaluate(&settings, &shuffled);
            prop_assert_eq!(fired.len(), wanted.len(), "as many firings");
            fired.sort_unstable();
            fired.dedup();
            prop_assert_eq!(fired.len(), wanted.len(), "no event fires twice");
        }
    }
}

#[test]
fn steps_must_be_strictly_later_in_an_ordered_sequence() {
    let fired = |ordered, events: &[(usize, i64, u64)]| {
        let events: Vec<_> =
            events.iter().map(|(step, minutes, number)| (*step, position(*minutes, *number))).collect();
        evaluate(&settings(3, 10, ordered), &events).len()
    };
    assert_eq!(fired(true, &[(0, 0, 1), (1, 1, 2), (2, 2, 3)]), 1);
    assert_eq!(fired(true, &[(0, 0, 1), (1, 0, 2), (2, 2, 3)]), 0, "at the same time");
    assert_eq!(fired(false, &[(0, 0, 1), (1, 0, 2), (2, 0, 3)]), 1);
    assert_eq!(fired(true, &[(2, 0, 1), (1, 1, 2), (0, 2, 3)]), 0);
    assert_eq!(fired(false, &[(2, 0, 1), (1, 1, 2), (0, 2, 3)]), 1);
    assert_eq!(fired(true, &[(0, 0, 1), (1, 1, 2), (2, 11, 3)]), 0, "outside of the window");
    assert_eq!(fired(false, &[(0, 0, 1), (1, 0, 1), (2, 0, 3)]), 0, "one event is not two steps");
    assert_eq!(fired(true, &[(0, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4), (1, 4, 5), (2, 5, 6)]), 2);
}
