//! How Lambda runs the functions: with the memory, the log level and the retries that the template sets.

use std::time::Duration;

use domain::message::{QueueMessage, QueuedWork};
use domain::ports::WorkQueue as _;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::event;
use support::gateway::Refusal;

use crate::stack::Stack;

const RULES: &str = "retention: days=7\n";

/// Changes a function's configuration, as an operator may.
fn configure(stack: &Stack, function: &str, mut settings: Value) {
    settings["FunctionName"] = stack.physical(function).into();
    let answer = Stack::call("lambda", "update_function_configuration", &settings);
    assert!(answer["error"].is_null(), "{answer}");
}

/// A batch of ten messages that are small as they are queued, and 20 events of 250 KB each as they are decoded.
async fn large_batch(stack: &Stack) -> Value {
    let event = event("login").context(json!({ "ones": vec![1; 125_000] })).shared();
    let messages = vec![QueueMessage::new(QueuedWork::Events(vec![event; 20])); 10];
    // A queue from which nothing takes them.
    let queue = stack.physical("DeadLetters");
    let written = aws::SqsWorkQueue::new(aws_sdk_sqs::Client::new(&stack.sdk), queue);
    written.send(&messages, SignedDuration::ZERO).await.unwrap();
    let received = Stack::call("sqs", "receive_message", &json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 }));
    let records = received["Messages"].as_array().unwrap().iter();
    let records: Vec<_> =
        records.map(|message| json!({ "messageId": message["MessageId"], "body": message["Body"] })).collect();
    assert_eq!(records.len(), 10);
    json!({ "Records": records })
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_large_when_decoded_fit_the_memory_of_dispatch() {
    let stack = Stack::deploy(RULES).await;
    let batch = large_batch(&stack).await;
    let invoke = json!({ "FunctionName": stack.physical("Dispatch"), "Payload": batch.to_string() });
    let handled = Stack::call("lambda", "invoke", &invoke);
    assert_eq!(handled["FunctionError"], Value::Null, "{handled}");
    let response: Value = serde_json::from_str(handled["Payload"].as_str().unwrap()).unwrap();
    assert_eq!(response, json!({ "batchItemFailures": [] }));
    // In a quarter of the memory they do not fit: the limit is real.
    configure(&stack, "Dispatch", json!({ "MemorySize": 128 }));
    let ended = Stack::call("lambda", "invoke", &invoke);
    assert_eq!(ended["FunctionError"], "Unhandled", "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_of_retention_is_not_repeated() {
    let stack = Stack::deploy(RULES).await;
    let denied = Emulator::shared().gateway().refuse(stack.physical("Table"), Refusal::Denied);
    // As the schedule does.
    let asynchronously = json!({ "FunctionName": stack.physical("Retention"), "InvocationType": "Event" });
    let runs = |stack: &Stack| stack.logged("Retention")["invocations"].as_i64().unwrap();
    Stack::call("lambda", "invoke", &asynchronously);
    // The emulator waits one second before the first repetition, and two before the second.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(runs(&stack), 1);

    // Without the template's setting, Lambda would repeat it twice.
    let forget = json!({ "FunctionName": stack.physical("Retention"), "Qualifier": "$LATEST" });
    Stack::call("lambda", "delete_function_event_invoke_config", &forget);
    Stack::call("lambda", "invoke", &asynchronously);
    for _ in 0..60 {
        if runs(&stack) >= 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(runs(&stack), 4);
    drop(denied);
}

/// The levels of the lines in a function's log.
fn levels(stack: &Stack, function: &str) -> Vec<String> {
    let lines = stack.logged(function)["lines"].take();
    lines.as_array().unwrap().iter().map(|line| line["level"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_functions_log_at_debug_is_in_the_log() {
    let stack = Stack::deploy(
        "policies: { any: { event_matcher: { action: login } } }\n\
        groups: { ops: [ { username: ann } ] }\n\
        rules: { tell: { group: ops, transports: [default-local-transport], policies: [any] } }\n",
    )
    .await;
    stack.post(&json!({ "action": "login" })).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(stack.counted("Dispatch", "Delivered").await, 1);
    assert!(levels(&stack, "Dispatch").contains(&"DEBUG".to_owned()));
    // Lambda's own setting drops them.
    let group = stack.physical("DispatchLog");
    let logging = json!({ "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": group });
    configure(&stack, "Dispatch", json!({ "LoggingConfig": logging }));
    assert!(!levels(&stack, "Dispatch").contains(&"DEBUG".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_deploy_protect_the_table_and_log_little() {
    let stack = Stack::deploy_by_default(RULES).await;
    let pk = stack.post(&json!({ "action": "login" })).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(stack.counted("Ingest", "Accepted").await, 1);
    let below = ["DEBUG", "INFO"].map(str::to_owned);
    assert!(!levels(&stack, "Ingest").iter().any(|level| below.contains(level)), "accepted events are not logged");

    let table = json!({ "TableName": stack.physical("Table") });
    assert_eq!(Stack::call("dynamodb", "delete_table", &table)["error"], "ValidationException");
    let read = stack.request(Method::GET, "ConsoleUrl", &format!("/v1/events/{pk}")).send().await.unwrap();
    assert_eq!(read.status(), 200);
}
