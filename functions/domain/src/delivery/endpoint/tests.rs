use super::*;
use crate::rules_document::TransportKind;
use proptest::prelude::*;

fn start() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn after_seconds(seconds: i64) -> Timestamp {
    crate::time::later(start(), SignedDuration::from_secs(seconds))
}

const AILING: EndpointSignal = EndpointSignal::Failing { not_before: None };

/// Pauses a ready endpoint.
fn paused() -> EndpointState {
    EndpointState::Ready.after(AILING, "no", FAILURES, start()).unwrap()
}

fn until(state: &EndpointState, now: Timestamp) -> i64 {
    match state.admission(now) {
        EndpointAdmission::Paused { until, .. } => until.duration_since(start()).as_secs(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn some_failures_in_a_row_pause_it_and_fewer_do_not() {
    assert_eq!(EndpointState::Ready.after(AILING, "no", FAILURES - 1, start()), None);
    assert_eq!(until(&paused(), start()), 30);
    assert_eq!(paused().admission(after_seconds(30)), EndpointAdmission::Probe);
    assert_eq!(paused().after(AILING, "no", 99, after_seconds(29)), None, "a straggler prolongs nothing");
}

#[test]
fn each_failed_probe_doubles_the_pause_up_to_a_bound() {
    let (mut state, mut now, mut lengths) = (paused(), start(), vec![30]);
    for _ in 0..6 {
        now = after_seconds(until(&state, now));
        state = state.after(AILING, "no", 1, now).unwrap();
        lengths.push(until(&state, now) - now.duration_since(start()).as_secs());
    }
    assert_eq!(lengths, [30, 60, 120, 240, 480, 900, 900]);
    assert_eq!(state.after(EndpointSignal::Healthy, "", 0, now), Some(EndpointState::Ready));
}

#[test]
fn retry_after_pauses_at_once_but_not_for_ever() {
    let asked = |seconds| EndpointSignal::Failing { not_before: Some(after_seconds(seconds)) };
    let pause = |seconds| EndpointState::Ready.after(asked(seconds), "no", 1, start());
    assert_eq!(until(&pause(7).unwrap(), start()), 7);
    assert_eq!(until(&pause(100_000).unwrap(), start()), 900);
    assert_eq!(pause(-5), None);
}

#[test]
fn gone_is_gone_until_the_configuration_changes() {
    let mut transport = Transport::named("siem", TransportKind::Local);
    let disabled = paused().after(EndpointSignal::Gone, "the receiver answered 410", 1, start()).unwrap();
    for signal in [EndpointSignal::Healthy, AILING, EndpointSignal::Gone, EndpointSignal::Inconclusive] {
        assert_eq!(disabled.after(signal, "", 9, after_seconds(9)), None);
    }
    let record = Endpoint::next(None, &transport, disabled);
    assert!(matches!(
        EndpointState::for_transport(Some(&record), &transport).admission(Timestamp::MAX),
        EndpointAdmission::Disabled { .. }
    ));
    transport.send_once = true;
    assert_eq!(EndpointState::for_transport(Some(&record), &transport).admission(start()), EndpointAdmission::Allowed);
    let next = Endpoint::next(Some(&record), &transport, EndpointState::Ready);
    assert_eq!((record.revision, next.revision), (0, 1));
}

#[test]
fn what_is_stored_is_read_back() {
    let transport = Transport::named("siem", TransportKind::Local);
    let gone = EndpointState::Disabled { since: start(), why: "410".to_owned() };
    for state in [EndpointState::Ready, paused(), gone] {
        let record = Endpoint::next(None, &transport, state);
        let written = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&written).unwrap(), record);
    }
}

fn signs() -> impl Strategy<Value = EndpointSignal> {
    prop_oneof![
        Just(EndpointSignal::Healthy),
        Just(AILING),
        (-100..100_000_i64).prop_map(|seconds| EndpointSignal::Failing { not_before: Some(after_seconds(seconds)) }),
        Just(EndpointSignal::Inconclusive),
    ]
}

proptest! {
    /// Whatever the receiver does, a pause ends within its bound, of those who come then one probes, and a success ends
    /// it.
    #[test]
    fn a_pause_is_bounded_and_one_probes(history in prop::collection::vec((signs(), 0..2000_i64), 1..60)) {
        let transport = Transport::named("siem", TransportKind::Local);
        let (mut known, mut now, mut failures) = (None::<Endpoint>, start(), 0);
        for (signal, pass) in history {
            now = crate::time::later(now, SignedDuration::from_secs(pass));
            let state = EndpointState::for_transport(known.as_ref(), &transport).clone();
            match state.admission(now) {
                EndpointAdmission::Paused { until, .. } => {
                    prop_assert!(until > now && until <= crate::time::later(now, LONGEST_PAUSE));
                    continue;
                }
                EndpointAdmission::Probe => {
                    let probed = known.as_ref().unwrap().probed(now).unwrap();
                    let others_wait = matches!(probed.state.admission(now), EndpointAdmission::Paused { .. });
                    prop_assert!(others_wait);
                    known = Some(probed);
                }
                EndpointAdmission::Allowed => prop_assert_eq!(&state, &EndpointState::Ready),
                EndpointAdmission::Disabled { .. } => prop_assert!(false, "nothing was gone"),
            }
            failures = if matches!(signal, EndpointSignal::Failing { .. }) { failures + 1 } else { 0 };
            if let Some(next) = EndpointState::for_transport(known.as_ref(), &transport).after(signal, "no", failures, now) {
                known = Some(Endpoint::next(known.as_ref(), &transport, next));
            }
            if signal == EndpointSignal::Healthy {
                prop_assert_eq!(EndpointState::for_transport(known.as_ref(), &transport), &EndpointState::Ready);
            }
            let passing = EndpointState::for_transport(known.as_ref(), &transport).admission(now) == EndpointAdmission::Allowed;
            prop_assert!(failures < FAILURES || !passing);
        }
    }
}

#[test]
fn a_pause_that_a_wrong_clock_wrote_is_over() {
    const DAY: i64 = 86_400;
    for days in [-400, -40, -1, 1, 40, 400] {
        let wrong = after_seconds(days * DAY);
        let paused = EndpointState::Ready.after(AILING, "no", FAILURES, wrong).unwrap();
        assert_eq!(paused.admission(start()), EndpointAdmission::Probe, "{days}");
        let EndpointState::Paused(pause) = &paused else { panic!() };
        let probed = EndpointState::Paused(Pause { probe: Some(crate::time::later(wrong, PROBE)), ..pause.clone() });
        assert_eq!(probed.admission(start()), EndpointAdmission::Probe, "{days}: nor does its probe hold it up");
        // Its end is judged as that of any other.
        let longer = paused.after(AILING, "no", 1, start()).unwrap();
        assert_eq!(until(&longer, start()), 60, "{days}");
        assert_eq!(paused.after(EndpointSignal::Healthy, "", 0, start()), Some(EndpointState::Ready));
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
        if let EndpointAdmission::Paused { until, .. } = EndpointState::Paused(pause).admission(start()) {
            prop_assert!(until > start() && until <= crate::time::later(start(), LONGEST_PAUSE));
        }
    }
}
