use super::*;
use crate::event::{Action, Object};

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn after_seconds(seconds: i64) -> Timestamp {
    crate::time::later(now(), SignedDuration::from_secs(seconds))
}

fn opened() -> Delivery {
    let event = Event {
        pk: EventPk::unnamed(now(), 7),
        user: Object::new(),
        action: Action::parse("login").unwrap(),
        app: String::new(),
        context: Object::new(),
        client_ip: None,
        created: now(),
        expires: after_seconds(60),
        brand: Object::new(),
        id: None,
        source: None,
        traceparent: None,
    };
    Delivery::open(&event, &Rule::named("r"), "t", Person::new("ann", ""), now())
}

fn attempt() -> Attempt {
    Attempt { at: now(), status: None, error: None, ms: 1 }
}

fn answered(status: u16) -> Outcome {
    Outcome::Failed(Failure::Answered { status, retry_after: None, answer: String::new() })
}

#[test]
fn ids_are_stable_and_distinct() {
    let id = opened().id;
    assert_eq!(id, opened().id);
    assert_eq!(id.to_string().parse::<DeliveryId>().unwrap(), id);
    assert_eq!(DeliveryId::from_bytes(id.to_bytes()), id);
    assert_ne!(DeliveryId::of(id.event(), "ab", "c", "d"), DeliveryId::of(id.event(), "a", "bc", "d"));
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
    assert_eq!((taken_over.revision, taken_over.state), (1, State::Pending));
}

#[test]
fn closed_is_closed() {
    for next in [Next::Closed, Next::Dead] {
        let closed = opened().after(attempt(), next);
        assert_eq!(closed.claim(Timestamp::MAX), Err(Unclaimable::Closed));
        assert_eq!(closed.due_at(), None);
    }
}

#[test]
fn a_failed_one_waits_its_time() {
    let waiting = opened().after(attempt(), Next::Retry { at: after_seconds(5) });
    assert_eq!(waiting.due_at(), Some(after_seconds(5)));
    assert_eq!(waiting.claim(after_seconds(4)), Err(Unclaimable::Waiting { until: after_seconds(5) }));
    let again = waiting.claim(after_seconds(5)).unwrap();
    assert_eq!((again.attempt_number(), again.due_at()), (2, None));
}

#[test]
fn only_the_dead_and_the_suppressed_are_redelivered() {
    let dead = opened().after(attempt(), Next::Dead);
    let opened_again = dead.redelivered(now()).unwrap();
    assert_eq!((opened_again.due_at(), opened_again.attempts.len()), (Some(now()), 1));
    assert_eq!(opened_again.attempt_number(), 1, "the schedule begins anew");
    assert_eq!(opened().redelivered(now()), Err(NotRedeliverable(State::Pending)));

    let mut kept_back = opened();
    kept_back.keep_back(Cause::Mute { until: after_seconds(60) });
    assert_eq!(kept_back.claim(Timestamp::MAX), Err(Unclaimable::Closed));
    assert_eq!((kept_back.revision, kept_back.due_at()), (0, None));
    let opened_again = kept_back.redelivered(now()).unwrap();
    assert_eq!((opened_again.due_at(), opened_again.suppressed), (Some(now()), kept_back.suppressed));
}

#[test]
fn an_entry_outlives_its_retries() {
    let last = retry::SCHEDULE.iter().sum::<i64>();
    assert!(opened().expires > after_seconds(last + last / 5));
}

#[test]
fn the_schedule() {
    let wait = |attempt, jitter| match retry::next(attempt, &answered(503), now(), jitter) {
        Next::Retry { at } => Some(at.duration_since(now()).as_secs()),
        _ => None,
    };
    let waits: Vec<_> = (1..=10).map(|attempt| wait(attempt, 0.0)).collect();
    let expected: Vec<_> = retry::SCHEDULE.into_iter().map(Some).chain([None]).collect();
    assert_eq!(waits, expected);
    assert_eq!(wait(2, 1.0), Some(360));
    assert_eq!(retry::next(10, &answered(503), now(), 0.0), Next::Dead);
}

#[test]
fn what_statuses_mean() {
    for (status, dead) in [
        (301, false),
        (400, true),
        (401, true),
        (404, true),
        (408, false),
        (410, true),
        (425, false),
        (429, false),
        (500, false),
        (503, false),
    ] {
        assert_eq!(retry::next(1, &answered(status), now(), 0.0) == Next::Dead, dead, "{status}");
    }
    let delivered = Outcome::Delivered { status: Some(204), answer: String::new() };
    assert_eq!(retry::next(1, &delivered, now(), 0.0), Next::Closed);
}

#[test]
fn retry_after_lengthens_but_never_shortens() {
    let asked = |seconds| {
        let retry_after = outcome::retry_after(Some(seconds), now());
        match retry::next(
            1,
            &Outcome::Failed(Failure::Answered { status: 429, retry_after, answer: String::new() }),
            now(),
            0.0,
        ) {
            Next::Retry { at } => at.duration_since(now()).as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((asked(1), asked(120), asked(10_000_000)), (5, 120, 24 * 3600));
}
