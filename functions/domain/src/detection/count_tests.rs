//! Tests of counting, against the definition applied to all members at once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::rules_document::{FieldPath, Period};

const MINUTE: i64 = 60_000_000;
const START: i64 = 1_700_000_000_000_000;

fn settings(within: u32, at_least: u32, distinct: bool, repeat: Repeat) -> CountSettings {
    CountSettings {
        of: "logins".to_owned(),
        distinct: distinct.then(|| FieldPath::parse("context.x").unwrap()),
        within: Period::parse(&format!("minutes={within}")).unwrap(),
        at_least,
        repeat,
    }
}

fn member(minutes: i64, number: u64, value: Option<u64>) -> Member {
    let at = START + minutes * MINUTE;
    let pk = EventPk::unnamed(Timestamp::from_microsecond(at).unwrap(), number.into());
    Member { position: EventPosition { at, pk }, value }
}

/// Whether each member qualifies, by the definition.
fn qualifying(settings: &CountSettings, members: &[Member]) -> Vec<bool> {
    let within = micros(settings.within.duration());
    let in_window = |one: &Member, other: &Member| {
        other.position.at <= one.position.at && other.position.at >= one.position.at - within
    };
    let enough = |one: &Member| {
        let window: Vec<_> = members.iter().filter(|other| in_window(one, other)).collect();
        let values: BTreeSet<_> = window.iter().filter_map(|member| member.value).collect();
        let count = if settings.distinct.is_some() { values.len() } else { window.len() };
        count >= settings.at_least as usize
    };
    members.iter().map(enough).collect()
}

/// The runs of members, by the definition.
fn runs(settings: &CountSettings, members: &[Member]) -> Vec<Vec<EventPosition>> {
    let qualifying = qualifying(settings, members);
    let mut runs: Vec<Vec<EventPosition>> = Vec::new();
    for (at, member) in members.iter().enumerate().filter(|(at, _)| qualifying[*at]) {
        match runs.last_mut() {
            Some(run) if at > 0 && qualifying[at - 1] => run.push(member.position),
            _ => runs.push(vec![member.position]),
        }
    }
    runs
}

/// The firings, by the definition, of members that are evaluated in order.
fn expected(settings: &CountSettings, members: &[Member]) -> Vec<EventPosition> {
    let mut fired = Vec::new();
    for run in runs(settings, members) {
        let mut last: Option<EventPosition> = None;
        for position in run {
            let fires = match (settings.repeat, last) {
                (_, None) | (Repeat::Every, _) => true,
                (Repeat::Crossing, Some(_)) => false,
                (Repeat::After(period), Some(last)) => position.at - last.at >= micros(period.duration()),
            };
            if fires {
                last = Some(position);
                fired.push(position);
            }
        }
    }
    fired
}

/// Adds the members in this order, in messages of three, and returns the firings.
fn evaluate(settings: &CountSettings, members: &[Member]) -> (Vec<EventPosition>, CountState) {
    let (mut state, mut fired) = (CountState::default(), Vec::new());
    for message in members.chunks(3) {
        for member in message {
            fired.extend(state.add(settings, *member).fired.into_iter().map(|fired| fired.position));
        }
        state.trim(settings);
        // As the store would.
        state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    }
    (fired, state)
}

fn repeat() -> impl Strategy<Value = Repeat> {
    let after = (1_u32..20).prop_map(|minutes| Repeat::After(Period::parse(&format!("minutes={minutes}")).unwrap()));
    prop_oneof![Just(Repeat::Crossing), Just(Repeat::Every), after]
}

fn stream() -> impl Strategy<Value = Vec<Member>> {
    let one = (0_i64..4, prop::option::weighted(0.9, 0_u64..4), any::<u64>());
    prop::collection::vec(one, 0..60).prop_map(|steps| {
        let mut minutes = 0;
        let mut members: Vec<_> = steps
            .into_iter()
            .map(|(wait, value, number)| {
                minutes += wait;
                member(minutes, number, value)
            })
            .collect();
        members.sort_unstable();
        members.dedup_by_key(|member| member.position);
        members
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn in_order_the_firings_are_those_of_the_definition(
        members in stream(), within in 1_u32..10, at_least in 2_u32..5, distinct: bool, repeat in repeat(),
    ) {
        let settings = settings(within, at_least, distinct, repeat);
        let (fired, mut state) = evaluate(&settings, &members);
        prop_assert_eq!(&fired, &expected(&settings, &members));
        // Repeating what was evaluated changes nothing, except that `every` writes the same events again.
        for member in &members {
            let again = state.add(&settings, *member);
            let is_new = again.fired.iter().any(|again| !fired.contains(&again.position));
            prop_assert!(!is_new, "{:?}", again);
        }
    }

    #[test]
    fn out_of_order_every_member_that_qualifies_fires(
        members in stream(), within in 5_u32..10, at_least in 2_u32..5, distinct: bool, seed: u64,
    ) {
        let settings = settings(within, at_least, distinct, Repeat::Every);
        let shuffled = shuffle_within(&members, SignedDuration::from_mins(i64::from(within) + 15), seed);
        let (mut fired, _) = evaluate(&settings, &shuffled);
        fired.sort_unstable();
        fired.dedup();
        prop_assert_eq!(fired, expected(&settings, &members));
    }

    #[test]
    fn out_of_order_each_run_fires_and_none_twice(
        members in stream(), within in 5_u32..10, at_least in 2_u32..5, distinct: bool, seed: u64,
    ) {
        let settings = settings(within, at_least, distinct, Repeat::Crossing);
        let shuffled = shuffle_within(&members, SignedDuration::from_mins(i64::from(within) + 15), seed);
        let (fired, _) = evaluate(&settings, &shuffled);
        let found = runs(&settings, &members);
        let unique: BTreeSet<_> = fired.iter().collect();
        prop_assert_eq!(unique.len(), fired.len(), "no member fires twice");
        let mut surplus = 0;
        for run in &found {
            let firings = fired.iter().filter(|position| run.contains(position)).count();
            prop_assert!(firings >= 1, "{:?} did not fire", run);
            surplus += firings - 1;
        }
        if surplus > 0 {
            let joined = joins(&settings, &shuffled);
            prop_assert!(joined >= surplus, "only joined runs have several firings: {:?} {} {}\n{:?}", fired, joined, surplus, shuffled);
        }
        // With distinct values, a member that comes later may break a run of which both parts have fired.
        if !distinct {
            let outside = fired.iter().filter(|position| !found.iter().any(|run| run.contains(position))).count();
            prop_assert_eq!(outside, 0);
        }
    }
}

/// How many runs were joined while the members were added in this order.
fn joins(settings: &CountSettings, members: &[Member]) -> usize {
    let (mut so_far, mut before, mut joined): (Vec<Member>, Vec<Vec<EventPosition>>, usize) =
        (Vec::new(), Vec::new(), 0);
    for member in members {
        so_far.push(*member);
        so_far.sort_unstable();
        let now = runs(settings, &so_far);
        let parts = |run: &Vec<EventPosition>| {
            before.iter().filter(|old| old.iter().any(|position| run.contains(position))).count()
        };
        joined += now.iter().map(|run| parts(run).saturating_sub(1)).sum::<usize>();
        before = now;
    }
    joined
}

/// Moves members so that each comes while the newest one before it is at most `late` newer.
fn shuffle_within(members: &[Member], late: SignedDuration, seed: u64) -> Vec<Member> {
    let (mut waiting, mut shuffled, mut random) = (members.to_vec(), Vec::new(), seed | 1);
    while !waiting.is_empty() {
        let oldest = waiting[0].position.at;
        let allowed = waiting.iter().take_while(|member| member.position.at <= oldest + micros(late)).count();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(random >> 33).unwrap_or(0) % allowed;
        shuffled.push(waiting.remove(pick));
    }
    shuffled
}

#[test]
fn a_late_event_joins_no_window() {
    let settings = settings(5, 2, false, Repeat::Crossing);
    let mut state = CountState::default();
    state.add(&settings, member(100, 1, None));
    assert_eq!(state.add(&settings, member(80, 2, None)).outcome, Outcome::Joined { count: 1 });
    assert_eq!(state.add(&settings, member(79, 3, None)).outcome, Outcome::Late);
}

#[test]
fn both_ends_belong_to_the_window() {
    let settings = settings(5, 2, false, Repeat::Crossing);
    let count = |minutes: &[i64]| {
        let members: Vec<_> = minutes.iter().map(|minutes| member(*minutes, 1, None)).collect();
        evaluate(&settings, &members).0.len()
    };
    assert_eq!(count(&[0, 5]), 1);
    assert_eq!(count(&[0, 6]), 0);
}

#[test]
fn a_hot_group_stays_small() {
    for distinct in [false, true] {
        let settings = settings(5, 10, distinct, Repeat::Crossing);
        let mut state = CountState::default();
        let mut fired = 0;
        for number in 0..9000_u64 {
            let member = Member { value: Some(number % 3000), ..member(0, number, None) };
            fired += state.add(&settings, member).fired.len();
            if number % 250 == 0 {
                state.trim(&settings);
            }
        }
        assert_eq!(fired, 1);
        state.trim(&settings);
        let kept = state.members.0.len();
        assert!(kept <= if distinct { MAX_MEMBERS } else { 20 }, "{kept}");
    }
}

#[test]
fn members_of_one_time_are_in_each_others_windows() {
    let three = [member(0, 1, None), member(0, 2, None), member(0, 3, None)];
    for (repeat, firings) in [(Repeat::Every, 3), (Repeat::Crossing, 1)] {
        let settings = settings(5, 3, false, repeat);
        assert_eq!(evaluate(&settings, &three).0.len(), firings);
        assert_eq!(evaluate(&settings, &[three[2], three[0], three[1]]).0.len(), firings, "in any order");
    }
}

#[test]
fn a_member_of_the_time_at_which_a_run_begins_is_in_it_though_the_others_are_not_kept() {
    let settings = settings(5, 2, false, Repeat::Every);
    let members = [member(0, 5, None), member(0, 6, None), member(1, 1, None), member(2, 1, None), member(3, 1, None)];
    let later = [member(0, 1, None)];
    assert_eq!(evaluate(&settings, &[&members[..], &members[2..3], &later].concat()).0.len(), 6);
}

#[test]
fn a_member_in_a_pause_breaks_a_run_though_few_of_its_members_are_kept() {
    let settings = settings(5, 3, false, Repeat::Crossing);
    let of_time = |minutes: i64| (0..9).map(move |number| member(minutes, number, None));
    let mut members: Vec<Member> = of_time(0).chain(of_time(7)).collect();
    assert_eq!(evaluate(&settings, &members).0.len(), 1, "one run: no member between them does not qualify");
    members.push(member(6, 1, None));
    assert_eq!(evaluate(&settings, &members).0.len(), 2);
    members.extend([member(2, 1, None), member(3, 1, None), member(4, 1, None), member(5, 1, None)]);
    assert_eq!(evaluate(&settings, &members).0.len(), 2, "joined again");
}
