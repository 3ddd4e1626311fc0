use super::*;
use crate::delivery::endpoint::{self, Endpoint, EndpointAdmission, EndpointState};
use crate::mail_address::InvalidAddress;
use crate::rules_document::{Transport, TransportKind};
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn after_seconds(seconds: i64) -> Timestamp {
    crate::time::later(now(), SignedDuration::from_secs(seconds))
}

fn opened() -> Delivery {
    let event = crate::testing::event("login").created(now()).expires(after_seconds(60)).random(7).build();
    Delivery::open(&event, &Rule::named("r"), "t", Person::new("ann", ""), now())
}

fn attempt() -> Attempt {
    Attempt { at: now(), status: None, error: None, ms: 1 }
}

fn answered(status: u16) -> AttemptOutcome {
    AttemptOutcome::Failed(Failure::Answered { status, retry_after: None, answer: String::new() })
}

#[test]
fn ids_are_stable_and_distinct() {
    let id = opened().id;
    assert_eq!(id, opened().id);
    assert_eq!(id.to_string().parse::<DeliveryId>().unwrap(), id);
    assert_eq!(DeliveryId::from_bytes(id.to_bytes()), id);
    assert_ne!(
        DeliveryId::for_recipient(id.event(), "ab", "c", "d"),
        DeliveryId::for_recipient(id.event(), "a", "bc", "d")
    );
    for bad in
        ["", "x.y", "018650dd-2c93-7f1e-8afe-ad5af90bf680", "018650dd-2c93-7f1e-8afe-ad5af90bf680.0011223344556677889é"]
    {
        assert!(bad.parse::<DeliveryId>().is_err(), "{bad}");
    }
}

#[test]
fn a_lease_keeps_others_out_until_it_ends() {
    let delivery = opened();
    assert!(matches!(delivery.claim(after_seconds(89)), Err(Unclaimable::Leased { .. })));
    let taken_over = delivery.claim(after_seconds(90)).unwrap();
    assert_eq!((taken_over.revision, taken_over.state), (1, DeliveryState::Pending));
}

#[test]
fn closed_is_closed() {
    for next in [NextStep::Closed, NextStep::Dead] {
        let closed = opened().after(attempt(), next);
        assert_eq!(closed.claim(Timestamp::MAX), Err(Unclaimable::Closed));
        assert_eq!(closed.due_at(), None);
    }
}

#[test]
fn a_failed_one_waits_its_time() {
    let waiting = opened().after(attempt(), NextStep::Retry { at: after_seconds(5) });
    assert_eq!(waiting.due_at(), Some(after_seconds(5)));
    assert_eq!(waiting.claim(after_seconds(4)), Err(Unclaimable::Waiting { until: after_seconds(5) }));
    let again = waiting.claim(after_seconds(5)).unwrap();
    assert_eq!((again.attempt_number(), again.due_at()), (2, None));
}

#[test]
fn only_the_dead_and_the_suppressed_are_redelivered() {
    let dead = opened().after(attempt(), NextStep::Dead);
    let opened_again = dead.redelivered(now()).unwrap();
    assert_eq!((opened_again.due_at(), opened_again.attempts.len()), (Some(now()), 1));
    assert_eq!(opened_again.attempt_number(), 1, "the schedule starts again");
    assert_eq!(opened().redelivered(now()), Err(NotRedeliverable(DeliveryState::Pending)));

    let mut kept_back = opened();
    kept_back.suppress(SuppressionCause::Mute { until: after_seconds(60) });
    assert_eq!(kept_back.claim(Timestamp::MAX), Err(Unclaimable::Closed));
    assert_eq!((kept_back.revision, kept_back.due_at()), (0, None));
    let opened_again = kept_back.redelivered(now()).unwrap();
    assert_eq!((opened_again.due_at(), opened_again.suppressed), (Some(now()), kept_back.suppressed));
    let later = after_seconds(3600);
    assert_eq!(dead.redelivered(later).unwrap().waited(after_seconds(3660)).as_secs(), 60);
    assert_eq!((dead.waited(later).as_secs(), dead.waited(after_seconds(-9)).as_secs()), (3600, 0));
}

#[test]
fn an_entry_outlives_its_retries() {
    let last = retry::SCHEDULE.iter().sum::<i64>();
    assert!(opened().expires > after_seconds(last + last / 5));
}

#[test]
fn the_schedule() {
    let wait = |attempt, jitter| match retry::next(attempt, &answered(503), now(), jitter) {
        NextStep::Retry { at } => Some(at.duration_since(now()).as_secs()),
        _ => None,
    };
    let waits: Vec<_> = (1..=10).map(|attempt| wait(attempt, 0.0)).collect();
    let expected: Vec<_> = retry::SCHEDULE.into_iter().map(Some).chain([None]).collect();
    assert_eq!(waits, expected);
    assert_eq!(wait(2, 1.0), Some(360));
    assert_eq!(retry::next(10, &answered(503), now(), 0.0), NextStep::Dead);
}

#[test]
fn what_statuses_mean() {
    for (status, dead) in [
        (101, false),
        (301, false),
        (400, true),
        (401, true),
        (404, true),
        (408, false),
        (410, true),
        (425, false),
        (429, false),
        (451, true),
        (500, false),
        (503, false),
        (600, false),
        (999, false),
    ] {
        assert_eq!(retry::next(1, &answered(status), now(), 0.0) == NextStep::Dead, dead, "{status}");
    }
    let delivered = AttemptOutcome::Delivered { status: Some(204), answer: String::new() };
    assert_eq!(retry::next(1, &delivered, now(), 0.0), NextStep::Closed);
}

#[test]
fn retry_after_lengthens_but_never_shortens() {
    let asked = |seconds| {
        let retry_after = outcome::retry_after(Some(seconds), now());
        match retry::next(
            1,
            &AttemptOutcome::Failed(Failure::Answered { status: 429, retry_after, answer: String::new() }),
            now(),
            0.0,
        ) {
            NextStep::Retry { at } => at.duration_since(now()).as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((asked(1), asked(120), asked(10_000_000)), (5, 120, 24 * 3600));
}

/// Every row of the table in `outcome.rs`: whose failure it is, whether the delivery dies, what it shows of the
/// endpoint.
fn table() -> Vec<(Failure, Attribution, bool, EndpointSignal)> {
    use Attribution::{Endpoint, Message, Nuncio, Recipient};
    use MailStage::{Data, Greeting, Sender};
    let asked = Some(after_seconds(60));
    let http = |status, retry_after| Failure::Answered { status, retry_after, answer: String::new() };
    let smtp = |stage, code| Failure::Mail { stage, code, answer: String::new() };
    let silent = |stage| Failure::MailUnanswered { stage, why: String::new() };
    let (failing, text) = (EndpointSignal::Failing { not_before: None }, String::new);
    let mut rows = vec![
        (http(410, None), Endpoint, true, EndpointSignal::Gone),
        (http(429, asked), Endpoint, false, EndpointSignal::Failing { not_before: asked }),
        (http(302, asked), Endpoint, false, EndpointSignal::Failing { not_before: asked }),
        (http(404, asked), Message, true, EndpointSignal::Healthy),
        (http(413, None), Message, true, EndpointSignal::Healthy),
        (Failure::Interrupted { bytes: 70_000, why: text() }, Message, false, EndpointSignal::Inconclusive),
        (silent(Greeting), Endpoint, false, failing),
        (silent(Sender), Endpoint, false, failing),
        (silent(MailStage::Recipient), Recipient, false, EndpointSignal::Inconclusive),
        (silent(Data), Message, false, EndpointSignal::Inconclusive),
        (silent(MailStage::Message), Message, false, EndpointSignal::Inconclusive),
        (Failure::MailService(text()), Endpoint, false, failing),
        (Failure::MailThrottled(text()), Nuncio, false, EndpointSignal::Inconclusive),
        (Failure::RecipientUnverified, Recipient, false, EndpointSignal::Inconclusive),
        (Failure::MailRefused(text()), Message, true, EndpointSignal::Inconclusive),
        (Failure::Unsendable(text()), Message, true, EndpointSignal::Inconclusive),
        (Failure::Address(InvalidAddress::Syntax), Recipient, true, EndpointSignal::Inconclusive),
        (Failure::NoAddress, Recipient, true, EndpointSignal::Inconclusive),
        (Failure::NoSmtputf8, Recipient, true, EndpointSignal::Healthy),
        (Failure::Connect(text()), Endpoint, false, failing),
        (Failure::Resolve, Endpoint, false, failing),
        (Failure::Tls(text()), Endpoint, false, failing),
        (Failure::Timeout(15), Endpoint, false, failing),
        (Failure::Broken(text()), Endpoint, false, failing),
        (Failure::Misconfigured(text()), Endpoint, false, failing),
        (Failure::Mapping(text()), Message, false, EndpointSignal::Inconclusive),
        (Failure::Store(text()), Nuncio, false, EndpointSignal::Inconclusive),
        (Failure::Blocked(text()), Nuncio, true, EndpointSignal::Inconclusive),
        (Failure::NoTransport, Nuncio, true, EndpointSignal::Inconclusive),
        (Failure::NoEvent, Nuncio, true, EndpointSignal::Inconclusive),
        (Failure::Disabled { since: now(), why: text() }, Nuncio, true, EndpointSignal::Inconclusive),
        (Failure::Unreachable(text()), Nuncio, true, EndpointSignal::Inconclusive),
    ];
    for status in [101, 301, 408, 425, 429, 500, 502, 503, 504, 600, 999] {
        rows.push((http(status, None), Endpoint, false, failing));
    }
    for status in [400, 401, 403, 404, 413, 422, 431, 451] {
        rows.push((http(status, None), Message, true, EndpointSignal::Healthy));
    }
    for stage in [Greeting, Sender, MailStage::Recipient, Data, MailStage::Message] {
        rows.extend([421, 454, 530, 354].map(|code| (smtp(stage, code), Endpoint, false, failing)));
    }
    for code in [450, 452, 550, 554] {
        rows.extend([Greeting, Sender].map(|stage| (smtp(stage, code), Endpoint, false, failing)));
        rows.push((smtp(MailStage::Recipient, code), Recipient, code >= 500, EndpointSignal::Healthy));
        rows.extend(
            [Data, MailStage::Message].map(|stage| (smtp(stage, code), Message, code >= 500, EndpointSignal::Healthy)),
        );
    }
    rows
}

#[test]
fn every_failure_is_attributed_once() {
    for (failure, attribution, dies, signal) in table() {
        assert_eq!(failure.attribution(), attribution, "{failure}");
        assert_eq!(failure.class() == FailureClass::Permanent, dies, "{failure}");
        assert_eq!(AttemptOutcome::Failed(failure.clone()).endpoint_signal(), signal, "{failure}");
        let moves_the_breaker = matches!(signal, EndpointSignal::Failing { .. } | EndpointSignal::Gone);
        assert_eq!(moves_the_breaker, attribution == Attribution::Endpoint, "{failure}");
    }
    assert_eq!(
        AttemptOutcome::Delivered { status: None, answer: String::new() }.endpoint_signal(),
        EndpointSignal::Healthy
    );
}

#[test]
fn an_error_repeats_what_the_receiver_said_in_one_bounded_line() {
    let answered = |said: &str| {
        let failure = Failure::Answered { status: 404, retry_after: None, answer: said.to_owned() };
        assert_eq!(failure.to_string(), "the receiver answered 404", "a log does not repeat it");
        failure.with_answer()
    };
    assert_eq!(answered(" no such\r\n hook\t"), "the receiver answered 404: no such hook");
    assert_eq!(answered("a\u{1b}[31m\u{202e}b\u{0}"), "the receiver answered 404: a\\u{1b}[31m\\u{202e}b\\u{0}");
    assert_eq!(answered(" \n"), "the receiver answered 404");
    assert_eq!(answered(&"\u{7}é ".repeat(999)).chars().count(), "the receiver answered 404: ".len() + 300);
    let refused = Failure::Mail { stage: MailStage::Recipient, code: 550, answer: "5.1.1 no such user".to_owned() };
    assert_eq!(refused.with_answer(), "the mail server answered 550 to RCPT: 5.1.1 no such user");
}

#[test]
fn an_old_entry_is_read() {
    let mut written = serde_json::to_value(opened()).unwrap();
    for later in ["earlier_attempts", "reopened"] {
        assert!(written.as_object_mut().unwrap().remove(later).is_some());
    }
    assert_eq!(serde_json::from_value::<Delivery>(written).unwrap(), opened());
}

/// Failures that the sender of an event can cause by its content.
fn strangers_failure() -> impl Strategy<Value = Failure> {
    let theirs: Vec<_> = table().into_iter().filter(|row| row.1 != Attribution::Endpoint).map(|row| row.0).collect();
    prop::sample::select(theirs)
}

#[test]
fn no_instant_that_a_wrong_clock_wrote_holds_a_delivery_up() {
    const DAY: i64 = 86_400;
    let digest = |opened: i64, days: i64| DigestWindow {
        opened: after_seconds(opened),
        closes: after_seconds(opened + days * DAY),
    };
    for days in [-400, -40, -3, 3, 40, 400] {
        let wrong = after_seconds(days * DAY);
        let leased = Delivery { lease: Some(Lease { until: crate::time::later(wrong, LEASE) }), ..opened() };
        assert!(leased.claim(now()).is_ok(), "{days}");
        let retrying = opened().after(attempt(), NextStep::Retry { at: wrong });
        assert_eq!(retrying.waits_until(now()), None, "{days}");
        assert!(retrying.claim(now()).is_ok(), "{days}");
        let mut carrier = opened();
        carrier.carry_digest(digest(days * DAY, 1));
        assert_eq!((carrier.is_collecting_at(now()), carrier.waits_until(now())), (false, None), "{days}");
    }
    let mut carrier = opened();
    carrier.carry_digest(digest(0, 7));
    assert!(carrier.is_collecting_at(now()) && carrier.waits_until(now()).is_some(), "a window may take a week");
    let longest = opened().after(attempt(), NextStep::Retry { at: after_seconds(29 * 3600) });
    assert!(longest.waits_until(now()).is_some());
}

proptest! {
    /// Some deliveries by a transport carry a stranger's event, and fail because of their recipient or message. They
    /// never pause the transport; if it is paused for another reason, they delay the other deliveries by no more than
    /// the one attempt that probes.
    #[test]
    fn no_strangers_event_delays_anybody_elses_delivery(
        steps in prop::collection::vec((strangers_failure(), 0..40_i64), 1..60), paused in any::<bool>()
    ) {
        let transport = Transport::named("mail", TransportKind::Local);
        let failing = EndpointSignal::Failing { not_before: None };
        let mut alone = EndpointState::Ready;
        if paused {
            alone = alone.after(failing, "down", endpoint::FAILURES, now()).unwrap();
        }
        let mut known = Endpoint::next(None, &transport, alone.clone());
        let mut seconds = 0;
        for (failure, waited) in steps {
            seconds += waited;
            let at = after_seconds(seconds);
            match known.state.admission(at) {
                EndpointAdmission::Allowed => {}
                EndpointAdmission::Probe => known = known.probed(at).unwrap(),
                admission => {
                    prop_assert_eq!(admission, alone.admission(at), "it is paused no longer than without strangers");
                    continue;
                }
            }
            if let Some(state) = known.state.after(AttemptOutcome::Failed(failure).endpoint_signal(), "", 0, at) {
                known = Endpoint::next(Some(&known), &transport, state);
            }
            prop_assert!(matches!(known.state.admission(at), EndpointAdmission::Allowed | EndpointAdmission::Probe), "the next one may go at once");
        }
    }

    #[test]
    fn putting_off_waits_for_the_endpoint_and_ends(
        waited in 0..400_000_i64, pause in -100..900_i64, longest in 1..4000_i64, jitter in 0.0..=1.0
    ) {
        let [waited, longest] = [waited, longest].map(SignedDuration::from_secs);
        match retry::postpone(waited, after_seconds(pause), longest, now(), jitter) {
            NextStep::Retry { at } => {
                prop_assert!(at > now() && at >= after_seconds(pause));
                let most = longest.as_secs().max(pause).max(1);
                prop_assert!(at <= after_seconds(most + most / 2 + 1));
                prop_assert!(waited <= SignedDuration::from_hours(91));
            }
            NextStep::Dead => prop_assert!(waited > SignedDuration::from_hours(91)),
            NextStep::Closed => prop_assert!(false),
        }
    }

    #[test]
    fn every_schedule_ends_and_no_wait_is_shorter_than_it_says(
        answers in prop::collection::vec((300..600_u16, prop::option::of(-100..200_000_i64)), 1..40), jitter in 0.0..=1.0
    ) {
        let (mut clock, mut attempt) = (now(), 0);
        for (status, asked) in answers {
            attempt += 1;
            let retry_after = asked.map(|seconds| crate::time::later(clock, SignedDuration::from_secs(seconds)));
            let outcome = AttemptOutcome::Failed(Failure::Answered { status, retry_after, answer: String::new() });
            match retry::next(attempt, &outcome, clock, jitter) {
                NextStep::Dead => return Ok(()),
                NextStep::Closed => prop_assert!(false, "nothing was delivered"),
                NextStep::Retry { at } => {
                    let least = SignedDuration::from_secs(retry::SCHEDULE[attempt - 1]);
                    prop_assert!(at >= crate::time::later(clock, least));
                    let day = crate::time::later(clock, SignedDuration::from_hours(24));
                    prop_assert!(retry_after.is_none_or(|asked| at >= asked.min(day)));
                    clock = at;
                }
            }
        }
        prop_assert!(attempt <= retry::SCHEDULE.len());
    }
}
