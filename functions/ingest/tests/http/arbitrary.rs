//! For any request, the response is JSON, has a fitting status, and its counts are right.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{JSON, NDJSON, world};

const TYPES: [&str; 5] =
    [JSON, NDJSON, "application/cloudevents+json", "application/cloudevents-batch+json", "text/plain"];

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof![
            ".{0,4}",
            prop::sample::select(vec!["a", "password", "type", "data", "id"]).prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Sometimes an event, sometimes a CloudEvent, sometimes anything.
fn event() -> impl Strategy<Value = Value> {
    prop_oneof![
        value(),
        value().prop_map(|context| json!({ "action": "login", "context": context })),
        (value(), value()).prop_map(|(data, extension)| {
            json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a.b", "data": data, "ext": extension })
        }),
    ]
}

fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(case)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..200), header in "[ -~]{0,20}") {
        run(async {
            let world = world().await;
            for content_type in TYPES {
                let plain = world.post(content_type, body.clone()).await;
                assert!([202, 400, 415, 422].contains(&plain.status), "{}", plain.status);
                let attributes = [
                    ("content-type", content_type),
                    ("ce-specversion", "1.0"),
                    ("ce-id", "1"),
                    ("ce-source", "s"),
                    ("ce-type", "t"),
                    ("ce-x", header.as_str()),
                ];
                let binary = world.post_with(&attributes, body.clone()).await;
                assert!([202, 400, 422].contains(&binary.status), "{}", binary.status);
            }
        });
    }

    #[test]
    fn there_is_one_result_for_each_event(events in prop::collection::vec(event(), 1..12)) {
        run(async {
            let array = json!(events).to_string();
            let lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
            for (content_type, body) in [(JSON, &array), (NDJSON, &lines), (TYPES[3], &array)] {
                let world = world().await;
                let answer = world.post(content_type, body.clone()).await;
                let statuses = answer.statuses();
                assert_eq!(statuses.len(), events.len());
                let accepted = statuses.iter().filter(|status| **status == "accepted").count();
                assert_eq!(answer.status, if accepted > 0 { 202 } else { 422 });
                assert_eq!(world.stored().await.is_empty(), accepted == 0);
            }
        });
    }
}
