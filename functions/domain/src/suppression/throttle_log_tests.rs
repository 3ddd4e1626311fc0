use std::num::NonZeroU32;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::rules_document::Period;

fn throttle(max: u32, seconds: u32) -> Throttle {
    let per = Period::parse(&format!("seconds={seconds}")).unwrap();
    Throttle { max: NonZeroU32::new(max).unwrap(), per, by: Vec::new() }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn event(number: u32) -> EventPk {
    EventPk::unnamed(at(0), u128::from(number))
}

#[test]
fn the_period_slides() {
    let throttle = throttle(2, 10);
    let first = ThrottleLog::default().judge(&throttle, &[event(1), event(2), event(3)], at(0));
    assert_eq!(
        first.verdicts,
        [ThrottleDecision::Pass, ThrottleDecision::Pass, ThrottleDecision::Suppress { until: at(10) }]
    );
    let log = first.changed.unwrap();
    assert_eq!(log.expires(&throttle), at(10));
    let full = log.judge(&throttle, &[event(4)], at(9));
    assert_eq!((full.verdicts, full.changed), (vec![ThrottleDecision::Suppress { until: at(10) }], None));
    assert_eq!(log.judge(&throttle, &[event(4)], at(10)).verdicts, [ThrottleDecision::Pass]);
}

#[test]
fn a_lowered_maximum_holds_at_once() {
    let log = ThrottleLog::default().judge(&throttle(3, 10), &[event(1)], at(0)).changed.unwrap();
    let log = log.judge(&throttle(3, 10), &[event(2), event(3)], at(5)).changed.unwrap();
    assert_eq!(
        log.judge(&throttle(1, 10), &[event(4)], at(6)).verdicts,
        [ThrottleDecision::Suppress { until: at(15) }]
    );
}

#[test]
fn what_was_written_stays_readable() {
    let written = r#"{"passed":[{"event":"018650dd-2c93-7f1e-8afe-ad5af90bf680","at":"2026-01-02T03:04:05.000000Z"}]}"#;
    let log: ThrottleLog = serde_json::from_str(written).unwrap();
    assert_eq!(serde_json::to_string(&log).unwrap(), written);
}

proptest! {
    #[test]
    fn parts_that_stay_do_not_change(randoms in prop::collection::vec(any::<u128>(), 0..600), gone in 0_usize..600) {
        let throttle = throttle(1000, 3600);
        let events: Vec<_> = randoms.iter().map(|random| EventPk::unnamed(at(0), *random)).collect();
        let log = ThrottleLog::default().judge(&throttle, &events, at(0)).changed.unwrap_or_default();
        let parts = log.parts();
        prop_assert_eq!(&ThrottleLog::from_parts(parts.clone()), &log);
        prop_assert!(parts.iter().all(|part| !part.passed.is_empty()));
        let grown = log.judge(&throttle, &[event(7)], at(1)).changed.unwrap_or_else(|| log.clone()).parts();
        prop_assert_eq!(&grown[..parts.len().saturating_sub(1)], &parts[..parts.len().saturating_sub(1)]);
        let rest = ThrottleLog { passed: log.passed[gone.min(log.passed.len())..].to_vec() }.parts();
        prop_assert!(rest.iter().skip(1).all(|part| parts.contains(part)), "only the first part has changed");
    }

    /// Messages that arrive again, in any grouping, while time goes on.
    #[test]
    fn never_more_than_max_in_any_period_and_none_twice(
        max in 1_u32..5,
        per in 1_u32..20,
        messages in prop::collection::vec((0_i64..6, prop::collection::vec(0_u32..30, 1..6)), 1..30),
    ) {
        let throttle = throttle(max, per);
        let (mut log, mut now, mut passes) = (ThrottleLog::default(), 0, Vec::<(i64, u32)>::new());
        for (wait, numbers) in messages {
            now += wait;
            let events: Vec<_> = numbers.iter().map(|number| event(*number)).collect();
            let judged = log.judge(&throttle, &events, at(now));
            for (number, verdict) in numbers.iter().zip(&judged.verdicts) {
                let counted = passes.iter().any(|(at, known)| known == number && at + i64::from(per) > now);
                match verdict {
                    ThrottleDecision::Pass if !counted => passes.push((now, *number)),
                    ThrottleDecision::Pass => {}
                    ThrottleDecision::Suppress { until } => {
                        prop_assert!(!counted, "what was let through stays so");
                        let waits = until.duration_since(at(now));
                        prop_assert!(waits > SignedDuration::ZERO && waits <= throttle.per.duration());
                    }
                }
            }
            log = judged.changed.unwrap_or(log);
            let again = log.judge(&throttle, &events, at(now));
            prop_assert_eq!((again.verdicts, again.changed), (judged.verdicts, None), "judging again changes nothing");
        }
        for (begin, _) in &passes {
            let within = passes.iter().filter(|(at, _)| (*begin..begin + i64::from(per)).contains(at)).count();
            prop_assert!(within <= usize::try_from(max).unwrap());
        }
    }
}

#[test]
fn what_a_wrong_clock_let_through_does_not_count() {
    let throttle = throttle(1, 600);
    for days in [-400, -40, -1, 1, 40, 400] {
        let log = ThrottleLog::default().judge(&throttle, &[event(1)], at(days * 86_400)).changed.unwrap();
        assert_eq!(log.judge(&throttle, &[event(2)], at(0)).verdicts, [ThrottleDecision::Pass], "{days}");
    }
    let ahead = ThrottleLog::default().judge(&throttle, &[event(1)], at(5)).changed.unwrap();
    assert_eq!(ahead.judge(&throttle, &[event(2)], at(0)).verdicts, [ThrottleDecision::Suppress { until: at(605) }]);
}
