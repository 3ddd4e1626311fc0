//! CloudEvents 1.0 in its three HTTP modes mean the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::world::{JSON, world};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json";

#[tokio::test]
async fn the_three_modes_make_the_same_event() {
    let event = json!({
        "specversion": "1.0", "id": "7", "source": "/repos/x", "type": "com.github.push", "subject": "main branch",
        "time": "2025-01-02T03:04:05.123456Z", "datacontenttype": JSON, "traceparent": "00-1", "data": { "commits": 3 },
    });
    let world = world().await;
    let structured = world.post(STRUCTURED, event.to_string()).await;
    let batched = world.post(BATCHED, json!([event]).to_string()).await;
    let headers = [
        ("content-type", JSON),
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-source", "/repos/x"),
        ("ce-type", "com.github.push"),
        ("ce-subject", "main%20branch"),
        ("ce-time", "2025-01-02T03:04:05.123456Z"),
        ("ce-traceparent", "00-1"),
    ];
    let binary = world.post_with(&headers, r#"{"commits":3}"#).await;
    assert_eq!([structured.status, batched.status, binary.status], [202; 3]);
    assert_eq!((structured.pk(0), structured.pk(0)), (batched.pk(0), binary.pk(0)));

    let stored = world.only().await;
    assert_eq!((stored.action.as_str(), stored.app.as_str()), ("github.push", "/repos/x"));
    assert_eq!((stored.id.as_deref(), stored.source.as_deref()), (Some("7"), Some("/repos/x")));
    assert_eq!(stored.created, "2025-01-02T03:04:05.123456Z".parse().unwrap());
    assert_eq!(
        serde_json::to_value(&stored.context).unwrap(),
        json!({ "commits": 3, "type": "com.github.push", "subject": "main branch", "datacontenttype": JSON, "traceparent": "00-1" })
    );
}

/// CloudEvents 1.0.2, JSON Event Format, section 3.1: `data_base64` is the same data as the body in binary mode. Its
/// example of XML is a string.
#[tokio::test]
async fn encoded_data_makes_the_same_event_as_the_bytes_themselves() {
    let plain = |data| Some(json!({ "data": data }));
    for (content_type, body, as_data) in [
        (
            Some(JSON),
            r#"{"commits":3,"list":[1,{"a":null}]}"#,
            plain(json!({ "commits": 3, "list": [1, { "a": null }] })),
        ),
        (Some("application/vnd.x+json"), "[1]", plain(json!([1]))),
        (Some("text/plain"), "hello", plain(json!("hello"))),
        (Some("application/xml"), "<much wow=\"xml\"/>", plain(json!("<much wow=\"xml\"/>"))),
        (Some("application/octet-stream"), "\u{1}", None),
        (None, "[1]", plain(json!([1]))),
        (None, "hello", None),
    ] {
        let world = world().await;
        let mut event =
            json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a", "time": "2025-01-02T03:04:05Z" });
        let mut headers = vec![
            ("ce-specversion", "1.0"),
            ("ce-id", "7"),
            ("ce-source", "s"),
            ("ce-type", "a"),
            ("ce-time", "2025-01-02T03:04:05Z"),
        ];
        if let Some(content_type) = content_type {
            headers.push(("content-type", content_type));
            event["datacontenttype"] = content_type.into();
        }
        let binary = world.post_with(&headers, body).await;
        let mut posted = vec![json!({ "data_base64": STANDARD.encode(body) })];
        posted.extend(as_data);
        for data in posted {
            let mut event = event.clone();
            event.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
            for (mode, body) in [(STRUCTURED, event.to_string()), (BATCHED, json!([event]).to_string())] {
                let answer = world.post(mode, body).await;
                assert_eq!(answer.status, 202, "{mode}: {}", answer.body);
                assert_eq!(answer.pk(0), binary.pk(0), "{mode} {content_type:?} {data}");
            }
        }
        world.only().await;
    }
}

#[tokio::test]
async fn encoded_data_has_the_limits_and_notes_of_other_data() {
    let post = async |json: &str| {
        let event = json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a", "data_base64": STANDARD.encode(json) });
        world().await.post(BATCHED, json!([event]).to_string()).await.body["results"][0].clone()
    };
    assert_eq!(post(r#"{"a":["\u0000"]}"#).await["pointer"], "/0/data_base64/a/0");
    let notes = post(r#"{"a":1,"a":2}"#).await["notes"].clone();
    assert_eq!(notes, json!(["/0/data_base64/a: duplicate key, the last value is kept"]));
    assert_eq!(post(&("[".repeat(101) + &"]".repeat(101))).await["status"], "rejected");
    // Escapes of the JSON around it hide the data from the estimate of its memory.
    let event = json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a", "data_base64": STANDARD.encode("[[],[]]") });
    let escaped = event.to_string().replacen("W1td", "\\u00571td", 1);
    let world = world().await;
    let answer = world.post(STRUCTURED, escaped).await;
    assert_eq!(
        (answer.status, answer.body["results"][0]["pointer"].clone()),
        (413, json!("/data_base64")),
        "{}",
        answer.body
    );
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn what_is_missing_is_pointed_at_and_nothing_stored() {
    let world = world().await;
    let whole = json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a.b" });
    for (attribute, wrong) in
        [("id", json!(null)), ("source", json!(null)), ("type", json!(null)), ("specversion", json!("0.3"))]
    {
        let mut event = whole.clone();
        event[attribute] = wrong;
        for (content_type, body, pointer) in [
            (STRUCTURED, event.to_string(), format!("/{attribute}")),
            (BATCHED, json!([event]).to_string(), format!("/0/{attribute}")),
        ] {
            let answer = world.post(content_type, body).await;
            assert_eq!(answer.status, 422);
            assert_eq!(answer.body["results"][0]["pointer"], pointer);
        }
    }
    let answer = world.post_with(&[("ce-id", "7"), ("ce-source", "s"), ("ce-type", "a")], "").await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.body["results"][0]["pointer"], "/specversion");
    assert!(answer.detail().contains("ce-specversion"), "{}", answer.detail());
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn the_clock_is_spoken_of_as_time() {
    let world = world().await;
    let event = json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a", "time": "2026-01-02T04:00:00Z" });
    let answer = world.post(STRUCTURED, event.to_string()).await;
    assert_eq!(answer.body["results"][0]["pointer"], "/time");
    assert!(answer.detail().starts_with("time is more than 15 minutes in the future"), "{}", answer.detail());
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_body_of_the_wrong_shape_is_the_whole_requests_fault() {
    let world = world().await;
    let binary =
        [("content-type", JSON), ("ce-specversion", "1.0"), ("ce-id", "7"), ("ce-source", "s"), ("ce-type", "a")];
    assert_eq!(world.post_with(&binary, "{").await.status, 400);
    for (content_type, body) in
        [(STRUCTURED, "[]"), (STRUCTURED, "1"), (STRUCTURED, ""), (BATCHED, "{}"), (BATCHED, "[]"), (BATCHED, "[")]
    {
        assert_eq!(world.post(content_type, body).await.status, 400, "{content_type} {body}");
    }
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_secret_in_an_extension_is_masked() {
    let world = world().await;
    let event = json!({ "specversion": "1.0", "id": "7", "source": "s", "type": "a", "accesstoken": "x" });
    world.post(STRUCTURED, event.to_string()).await;
    assert_eq!(world.only().await.context["accesstoken"], "*".repeat(20));
}
