use super::*;
use crate::rules_document::TransportKind;
use proptest::prelude::*;

fn start() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn after_seconds(seconds: i64) -> Timestamp {
    crate::time::later(start(), SignedDuration::from_secs(seconds))
}

const AILING: Sign = Sign::Ailing { not_before: None };

/// Pauses a ready endpoint.
fn paused() -> Standing {
    Standing::Ready.after(AILING, "no", FAILURES, start()).unwrap()
}

fn until(standing: &Standing, now: Timestamp) -> i64 {
    match standing.gate(now) {
        Gate::Paused { until, .. } => until.duration_since(start()).as_secs(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn some_failures_in_a_row_pause_it_and_fewer_do_not() {
    assert_eq!(Standing::Ready.after(AILING, "no", FAILURES - 1, start()), None);
    assert_eq!(until(&paused(), start()), 30);
    assert_eq!(paused().gate(after_seconds(30)), Gate::Probe);
    assert_eq!(paused().after(AILING, "no", 99, after_seconds(29)), None, "a straggler prolongs nothing");
}

#[test]
fn each_failed_probe_doubles_the_pause_up_to_a_bound() {
    let (mut standing, mut now, mut lengths) = (paused(), start(), vec![30]);
    for _ in 0..6 {
        now = after_seconds(until(&standing, now));
        standing = standing.after(AILING, "no", 1, now).unwrap();
        lengths.push(until(&standing, now) - now.duration_since(start()).as_secs());
    }
    assert_eq!(lengths, [30, 60, 120, 240, 480, 900, 900]);
    assert_eq!(standing.after(Sign::Well, "", 0, now), Some(Standing::Ready));
}

#[test]
fn retry_after_pauses_at_once_but_not_for_ever() {
    let asked = |seconds| Sign::Ailing { not_before: Some(after_seconds(seconds)) };
    let pause = |seconds| Standing::Ready.after(asked(seconds), "no", 1, start());
    assert_eq!(until(&pause(7).unwrap(), start()), 7);
    assert_eq!(until(&pause(100_000).unwrap(), start()), 900);
    assert_eq!(pause(-5), None);
}

#[test]
fn gone_is_gone_until_the_configuration_changes() {
    let mut transport = Transport::named("siem", TransportKind::Local);
    let disabled = paused().after(Sign::Gone, "the receiver answered 410", 1, start()).unwrap();
    for sign in [Sign::Well, AILING, Sign::Gone, Sign::Nothing] {
        assert_eq!(disabled.after(sign, "", 9, after_seconds(9)), None);
    }
    let record = Endpoint::next(None, &transport, disabled);
    assert!(matches!(Standing::of(Some(&record), &transport).gate(Timestamp::MAX), Gate::Disabled { .. }));
    transport.send_once = true;
    assert_eq!(Standing::of(Some(&record), &transport).gate(start()), Gate::Open);
    let next = Endpoint::next(Some(&record), &transport, Standing::Ready);
    assert_eq!((record.revision, next.revision), (0, 1));
}

#[test]
fn what_is_stored_is_read_back() {
    let transport = Transport::named("siem", TransportKind::Local);
    let gone = Standing::Disabled { since: start(), why: "410".to_owned() };
    for standing in [Standing::Ready, paused(), gone] {
        let record = Endpoint::next(None, &transport, standing);
        let written = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&written).unwrap(), record);
    }
}

fn signs() -> impl Strategy<Value = Sign> {
    prop_oneof![
        Just(Sign::Well),
        Just(AILING),
        (-100..100_000_i64).prop_map(|seconds| Sign::Ailing { not_before: Some(after_seconds(seconds)) }),
        Just(Sign::Nothing),
    ]
}

proptest! {
    /// Whatever the receiver does, a pause ends within its bound, of those who come then one probes, and a success ends it.
    #[test]
    fn a_pause_is_bounded_and_one_probes(history in prop::collection::vec((signs(), 0..2000_i64), 1..60)) {
        let transport = Transport::named("siem", TransportKind::Local);
        let (mut known, mut now, mut failures) = (None::<Endpoint>, start(), 0);
        for (sign, pass) in history {
            now = crate::time::later(now, SignedDuration::from_secs(pass));
            let standing = Standing::of(known.as_ref(), &transport).clone();
            match standing.gate(now) {
                Gate::Paused { until, .. } => {
                    prop_assert!(until > now && until <= crate::time::later(now, LONGEST_PAUSE));
                    continue;
                }
                Gate::Probe => {
                    let probed = known.as_ref().unwrap().probed(now).unwrap();
                    let others_wait = matches!(probed.standing.gate(now), Gate::Paused { .. });
                    prop_assert!(others_wait);
                    known = Some(probed);
                }
                Gate::Open => prop_assert_eq!(&standing, &Standing::Ready),
                Gate::Disabled { .. } => prop_assert!(false, "nothing was gone"),
            }
            failures = if matches!(sign, Sign::Ailing { .. }) { failures + 1 } else { 0 };
            if let Some(next) = Standing::of(known.as_ref(), &transport).after(sign, "no", failures, now) {
                known = Some(Endpoint::next(known.as_ref(), &transport, next));
            }
            if sign == Sign::Well {
                prop_assert_eq!(Standing::of(known.as_ref(), &transport), &Standing::Ready);
            }
            let passing = Standing::of(known.as_ref(), &transport).gate(now) == Gate::Open;
            prop_assert!(failures < FAILURES || !passing);
        }
    }
}

#[test]
fn a_pause_that_a_wrong_clock_wrote_is_over() {
    const DAY: i64 = 86_400;
    for days in [-400, -40, -1, 1, 40, 400] {
        let wrong = after_seconds(days * DAY);
        let paused = Standing::Ready.after(AILING, "no", FAILURES, wrong).unwrap();
        assert_eq!(paused.gate(start()), Gate::Probe, "{days}");
        let Standing::Paused(pause) = &paused else { panic!() };
        let probed = Standing::Paused(Pause { probe: Some(crate::time::later(wrong, PROBE)), ..pause.clone() });
        assert_eq!(probed.gate(start()), Gate::Probe, "{days}: nor does its probe hold it up");
        // Its end is judged as that of any other.
        let longer = paused.after(AILING, "no", 1, start()).unwrap();
        assert_eq!(until(&longer, start()), 60, "{days}");
        assert_eq!(paused.after(Sign::Well, "", 0, start()), Some(Standing::Ready));
    }
}

proptest! {
    #[test]
    fn no_pause_is_longer_than_a_quarter_of_an_hour_from_now(
        until in -40_000_000..40_000_000_i64, probe in prop::option::of(-40_000_000..40_000_000_i64)
    ) {
        let pause = Pause {
            since: start(), until: after_seconds(until), times: 3, why: String::new(), probe: probe.map(after_seconds),
        };
        if let Gate::Paused { until, .. } = Standing::Paused(pause).gate(start()) {
            prop_assert!(until > start() && until <= crate::time::later(start(), LONGEST_PAUSE));
        }
    }
}
