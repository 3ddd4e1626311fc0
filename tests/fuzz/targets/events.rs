//! Bodies of `POST /v1/events` in every format, with their headers. What is accepted is masked, can be read back
//! and posted again, and is the same event when the same name is posted twice.

#![no_main]

use std::sync::LazyLock;

use domain::event::Event;
use fuzz::{Posted, Posting};
use libfuzzer_sys::{Corpus, fuzz_target};

static POSTING: LazyLock<Posting> = LazyLock::new(Posting::default);

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some(mut posted) = Posted::read(input) else { return Corpus::Reject };
    if posted.headers.remove("x-compress").is_some() {
        posted = posted.compressed();
    }
    let answer = POSTING.first(&posted);
    if posted.headers.contains_key("idempotency-key") {
        let again = POSTING.post(&posted);
        assert_eq!(again.status, answer.status);
        assert_eq!(again.pks(), answer.pks(), "what has a name is one event");
    }
    for event in &answer.stored {
        let again = POSTING.post(&Posted::json(event.to_json()));
        let [again] = again.stored.as_slice() else { panic!("{}: {}", event.to_json(), again.body) };
        assert_eq!(said(again), said(event));
    }
    Corpus::Keep
});

/// The event with a fixed pk and without its id, for comparing it with another.
fn said(event: &Event) -> Event {
    Event { pk: "018653ab-3bf8-7000-8000-000000000000".parse().expect("a pk"), id: None, ..event.clone() }
}
