//! The documented example events are stored exactly as they were posted.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::world::{JSON, world};

#[tokio::test]
async fn every_documented_event_keeps_its_content() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/events");
    let mut posted = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let given: Value = serde_json::from_str(&text).unwrap();
        let world = world().await;
        let answer = world.post(JSON, text).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let event = serde_json::to_value(world.only().await).unwrap();
        for key in ["user", "action", "app", "context", "client_ip", "created", "brand"] {
            assert_eq!(event[key].to_string(), given[key].to_string(), "{key}");
        }
        assert_eq!(event["id"], given["pk"]);
        posted += 1;
    }
    assert_eq!(posted, 5);
}
