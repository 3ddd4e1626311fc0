//! On AWS, version 0.1.0 stored an inbox under the username as it was spelt; these items remain readable.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::aws_world::{over, place};
use crate::inbox::{item, walk};
use crate::world::{after, somewhen};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_inbox_opens_by_its_spelling() {
    let place = place().await;
    let (client, table) = (aws_sdk_dynamodb::Client::new(&place.sdk), place.settings.table.clone());
    let world = over(place);
    let now = somewhen();
    let items: Vec<_> = (0..7).map(|n| item("Ann", after(now, -n))).collect();
    for item in &items {
        world.inbox.put(item).await.unwrap();
    }
    // Every other one as 0.1.0 wrote it.
    for item in items.iter().step_by(2) {
        let key = |name: &str| AttributeValue::S(name.to_owned());
        let new = [("pk".to_owned(), key("N#ann")), ("sk".to_owned(), key(&item.pk))];
        let taken = client
            .delete_item()
            .table_name(&table)
            .set_key(Some(new.into()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld);
        let mut old = taken.send().await.unwrap().attributes.expect("it is under the folded name");
        old.insert("pk".to_owned(), key("N#Ann"));
        client.put_item().table_name(&table).set_item(Some(old)).send().await.unwrap();
    }
    for limit in [1, 2, 7, 10] {
        assert_eq!(walk(&world, "Ann", None, limit, now).await, items, "{limit}");
    }
    for item in &items[..2] {
        assert!(world.inbox.mark("Ann", &item.pk, true).await.unwrap().is_some());
    }
    assert_eq!(world.inbox.mark_all_seen("Ann").await.unwrap(), 5);
    let pks: Vec<_> = items.iter().map(|item| item.pk.clone()).collect();
    assert_eq!(world.erasure.erase_inbox("Ann", &pks).await.unwrap(), 7);
    assert_eq!(walk(&world, "Ann", None, 10, now).await, []);
}
