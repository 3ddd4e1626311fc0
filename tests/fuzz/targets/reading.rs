//! Cursors, filters and path parameters of the reading API: each line of an input is the target of a `GET`. No
//! target is a fault of the server, and a list's `next` leads on.

#![no_main]

use std::sync::LazyLock;

use domain::delivery::DeliveryId;
use domain::event::EventPk;
use fuzz::Reading;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static READING: LazyLock<Reading> = LazyLock::new(Reading::default);

fuzz_target!(|input: &str| {
    for target in input.lines().take(4) {
        for cursor in target.split(['=', '&', '/', '?']) {
            if let Ok(pk) = cursor.parse::<EventPk>() {
                assert_eq!(pk.to_string().parse(), Ok(pk));
            }
            if let Ok(id) = cursor.parse::<DeliveryId>() {
                assert_eq!(id.to_string().parse(), Ok(id));
                assert_eq!(DeliveryId::from_bytes(id.to_bytes()), id);
            }
        }
        let Some((status, body)) = READING.get(target) else { continue };
        // 501 is what the console's pages answer while they are not built.
        assert!(status < 500 || status == 501, "{target}: {status}");
        if status != 200 || target.contains(['#', '%']) || target.contains("cursor") {
            continue;
        }
        let list: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(next) = list["next"].as_str() {
            let more = format!("{target}{}cursor={next}", if target.contains('?') { '&' } else { '?' });
            assert_eq!(READING.get(&more).map(|(status, _)| status), Some(200), "{more}");
        }
    }
});
