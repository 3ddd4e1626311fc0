//! Packs events into queue messages: as many into each as fit one SQS billing unit.

use domain::event::{EventPk, SerializedEvent};
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::StoreError;

use crate::codec::{events_to_queued, to_queued};

/// The SQS billing unit: each started 64 KiB of a request costs one request.
const MAX_BODY: usize = 64 * 1024;

/// The most events in one message: limits the memory and work of handling it.
const MAX_EVENTS: usize = 250;

/// The most bytes of events, as JSON, in one message of several events: compressed, they could be a thousand times as
/// many.
const MAX_JSON: usize = 2 * 1024 * 1024;

/// The most pks in one message: each event may take 256 KiB once loaded.
const MAX_PKS: usize = 20;

/// An encoded message, and the pks of its events.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) body: String,
    pub(crate) pks: Vec<EventPk>,
}

/// Encodes the events as messages. A message carries its events compressed; events that are too large for a message
/// stay in the store, and a message carries their pks.
pub(crate) fn pack(events: &[SerializedEvent]) -> Result<Vec<Packed>, StoreError> {
    let mut messages = Vec::new();
    let mut large = Vec::new();
    for some in events.chunks(MAX_EVENTS) {
        pack_some(some, &mut messages, &mut large)?;
    }
    for pks in large.chunks(MAX_PKS) {
        let body = to_queued(&QueueMessage::new(QueuedWork::Stored(pks.to_vec())))?;
        messages.push(Packed { body, pks: pks.to_vec() });
    }
    Ok(messages)
}

/// Packs into one message, or halves the events if the message is too large: only compressing shows the size.
fn pack_some(
    events: &[SerializedEvent],
    messages: &mut Vec<Packed>,
    large: &mut Vec<EventPk>,
) -> Result<(), StoreError> {
    let is_long = events.len() > 1 && events.iter().map(|event| event.json().len()).sum::<usize>() > MAX_JSON;
    let body = if is_long { String::new() } else { events_to_queued(events.iter().map(SerializedEvent::json))? };
    match events {
        _ if body.len() <= MAX_BODY && !is_long => {
            messages.push(Packed { body, pks: events.iter().map(|event| event.event().pk).collect() });
        }
        [] => {}
        [event] => large.push(event.event().pk),
        _ => {
            let (first, second) = events.split_at(events.len() / 2);
            pack_some(first, messages, large)?;
            pack_some(second, messages, large)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::from_queued;
    use domain::Timestamp;

    /// An event whose context does not compress.
    fn event(number: u64, bytes: usize) -> SerializedEvent {
        let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let noise: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        })
        .take(bytes)
        .collect();
        domain::testing::event("login")
            .created(Timestamp::UNIX_EPOCH)
            .random(u128::from(number))
            .context(serde_json::json!({ "noise": noise }))
            .shared()
            .into()
    }

    fn unpacked(messages: &[Packed]) -> (Vec<EventPk>, Vec<EventPk>) {
        let (mut whole, mut stored) = (Vec::new(), Vec::new());
        for Packed { body, pks } in messages {
            assert!(body.len() <= MAX_BODY);
            match from_queued(body).unwrap().into_work() {
                QueuedWork::Events(events) => {
                    assert_eq!(*pks, events.iter().map(|event| event.pk).collect::<Vec<_>>());
                    whole.extend(pks);
                }
                QueuedWork::Stored(carried) => {
                    assert_eq!(*pks, carried);
                    stored.extend(carried);
                }
                QueuedWork::Deliveries(_) | QueuedWork::Groups(_) => panic!("only events were packed"),
            }
        }
        (whole, stored)
    }

    #[test]
    fn small_events_share_a_message() {
        let events: Vec<_> = (0..25).map(|number| event(number, 100)).collect();
        let messages = pack(&events).unwrap();
        assert_eq!(messages.len(), 1);
        assert_eq!(unpacked(&messages).0, events.iter().map(|event| event.event().pk).collect::<Vec<_>>());
    }

    #[test]
    fn every_event_travels_once_whatever_its_size() {
        let sizes = [10, 90_000, 30_000, 30_000, 30_000, 200_000, 1, 45_000, 5_000];
        let events: Vec<_> = (0..).zip(sizes).map(|(number, size)| event(number, size)).collect();
        let (whole, stored) = unpacked(&pack(&events).unwrap());
        assert_eq!(stored, [1, 5].map(|index: usize| events[index].event().pk));
        assert_eq!(whole, [0, 2, 3, 4, 6, 7, 8].map(|index: usize| events[index].event().pk));
    }

    #[test]
    fn events_that_compress_well_are_no_burden_when_decoded() {
        let large = |random| {
            let context = serde_json::json!({ "ones": vec![1; 120_000] });
            SerializedEvent::from(domain::testing::event("login").random(random).context(context).shared())
        };
        let events: Vec<_> = (0..25).map(large).collect();
        let messages = pack(&events).unwrap();
        let (whole, stored) = unpacked(&messages);
        assert_eq!((whole.len(), stored.len()), (25, 0));
        let json = events[0].json().len();
        assert!(messages.iter().all(|message| message.pks.len() * json <= MAX_JSON), "{}", messages.len());
    }

    #[test]
    fn nothing_makes_no_message() {
        assert!(pack(&[]).unwrap().is_empty());
    }
}
