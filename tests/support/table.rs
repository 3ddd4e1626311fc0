//! The table of a deployed system without the system: as `template.yaml` describes it, on the emulator.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection, TimeToLiveSpecification,
};
use serde_json::Value;

use crate::emulator::Emulator;

/// Makes a table of that name with the template's keys, index and time to live.
///
/// # Panics
/// If the emulator rejects the template's table.
pub async fn create(sdk: &SdkConfig, name: &str) {
    let properties = &Emulator::shared().template()["Resources"]["Table"]["Properties"];
    let client = aws_sdk_dynamodb::Client::new(sdk);
    let attributes = each(&properties["AttributeDefinitions"]).map(|one| {
        AttributeDefinition::builder()
            .attribute_name(text(&one["AttributeName"]))
            .attribute_type(text(&one["AttributeType"]).into())
            .build()
            .unwrap()
    });
    let indexes = each(&properties["GlobalSecondaryIndexes"]).map(|index| {
        let projection = text(&index["Projection"]["ProjectionType"]).into();
        GlobalSecondaryIndex::builder()
            .index_name(text(&index["IndexName"]))
            .set_key_schema(Some(keys(&index["KeySchema"])))
            .projection(Projection::builder().projection_type(projection).build())
            .build()
            .unwrap()
    });
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect()))
        .set_key_schema(Some(keys(&properties["KeySchema"])))
        .set_global_secondary_indexes(Some(indexes.collect()))
        .send()
        .await
        .unwrap();
    let ttl = &properties["TimeToLiveSpecification"];
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name(text(&ttl["AttributeName"]))
        .enabled(ttl["Enabled"].as_bool().unwrap());
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl.build().unwrap())
        .send()
        .await
        .unwrap();
}

fn keys(schema: &Value) -> Vec<KeySchemaElement> {
    let key = |one: &Value| {
        let kind = text(&one["KeyType"]).into();
        KeySchemaElement::builder().attribute_name(text(&one["AttributeName"])).key_type(kind).build().unwrap()
    };
    each(schema).map(key).collect()
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().expect("the template has this list").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the template has this text")
}
