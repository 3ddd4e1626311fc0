//! The archive of the deployed system.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::Stack;

type Item = HashMap<String, AttributeValue>;

const RULES: &str = "retention_by_action: { custom_brief: milliseconds=1, custom_longer: days=3 }\n";
const HOUR: i64 = 3600;

fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}

impl Stack {
    /// The content of the archive: each object's name and lines.
    async fn archived(&self) -> Vec<(String, Vec<Value>)> {
        let client = aws_sdk_s3::Client::new(&self.sdk);
        let bucket = self.adapters.settings().archive_bucket.as_ref().unwrap();
        let listed = client.list_objects_v2().bucket(bucket).send().await.unwrap().contents.unwrap_or_default();
        let mut files = Vec::new();
        for key in listed.into_iter().map(|object| object.key.unwrap()) {
            let object = client.get_object().bucket(bucket).key(&key).send().await.unwrap();
            let bytes = object.body.collect().await.unwrap().into_bytes();
            let text = String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap();
            files.push((key, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()));
        }
        files
    }

    /// Changes the stored times so that events that expire now expired some hours ago.
    pub(crate) async fn age(&self, hours: i64) {
        let client = aws_sdk_dynamodb::Client::new(&self.sdk);
        let table = &self.adapters.settings().table;
        let by = hours * HOUR;
        for mut marker in self.items("EXPIRIES").await {
            let (leaving, happened) = marker["sk"].as_s().unwrap().split_once('#').unwrap();
            let earlier = format!("{:012}#{happened}", leaving.parse::<i64>().unwrap() - by);
            marker.insert("sk".to_owned(), AttributeValue::S(earlier));
            client.put_item().table_name(table).set_item(Some(marker)).send().await.unwrap();
        }
        for mut event in self.items("E#").await {
            let ttl = number(&event, "ttl") - by;
            event.insert("ttl".to_owned(), AttributeValue::N(ttl.to_string()));
            client.put_item().table_name(table).set_item(Some(event)).send().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_is_in_the_bucket_before_it_is_deleted() {
    let stack = Stack::deploy_archiving(RULES).await;
    let by = |name: &str| json!({ "action": "custom_brief", "user": { "username": name } });
    let (ann, bob) = (stack.post(&by("ann")).await, stack.post(&by("bob")).await);
    let longer = stack.post(&json!({ "action": "custom_longer" })).await;
    let items = stack.items("E#").await;
    assert_eq!(items.len(), 3);
    for item in &items {
        let expires = Timestamp::from_microsecond(number(item, "expires")).unwrap();
        let grace = number(item, "ttl") - domain::time::ttl_seconds(expires);
        assert!((0..=2).contains(&(grace - aws::ARCHIVE_GRACE.as_secs())), "{grace}");
    }
    let gone = stack.request(Method::GET, "ConsoleUrl", &format!("/v1/events/{ann}")).send().await.unwrap();
    assert_eq!(gone.status(), 404, "invisible at once");
    assert_eq!(stack.get("/v1/events").await["results"].as_array().unwrap().len(), 1);

    stack.age(3).await;
    stack.invoke("Retention");
    assert!(stack.counted("Retention", "ArchiveLag").await >= 3 * 3_600_000);
    let files = stack.archived().await;
    let [(name, lines)] = &files[..] else { panic!("one file: {files:?}") };
    assert!(name.ends_with(".000001.ndjson.zst"), "{name}");
    let pks: std::collections::BTreeSet<_> = lines.iter().map(|line| line["pk"].as_str().unwrap()).collect();
    assert_eq!(pks, [ann.as_str(), bob.as_str()].into());
    assert_eq!(stack.get(&format!("/v1/events/{longer}")).await["action"], "custom_longer");

    // Erasure takes one person out of the file, and then the file away.
    for (name, left) in [("bob", vec![vec![ann.clone()]]), ("ann", vec![])] {
        let erase = json!({ "kind": "erase", "username": name });
        let job: Value = stack
            .request(Method::POST, "ConsoleUrl", "/v1/jobs")
            .json(&erase)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        stack.invoke("Retention");
        let done = stack.get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await;
        assert_eq!((&done["state"], &done["counts"]["archived"]), (&json!("done"), &json!(1)), "{done}");
        let files = stack.archived().await.into_iter().map(|(_, lines)| lines);
        let pks = files.map(|lines| lines.iter().map(|line| line["pk"].as_str().unwrap().to_owned()).collect());
        assert_eq!(pks.collect::<Vec<Vec<_>>>(), left);
    }
}
