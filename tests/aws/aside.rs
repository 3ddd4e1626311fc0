//! A message whose handling fails, from its first receipt to the dead-letter queue and back.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{Archive, Clock as _, WorkQueue as _};
use host::SystemClock;
use jiff::SignedDuration;
use retention::Sweep;
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::gateway::Refusal;
use support::{Answer, FakeClock, Sink, event};

use crate::stack::Stack;

const PATIENCE: Duration = Duration::from_secs(30);

fn rules(sink: &Sink) -> String {
    format!(
        "allow_networks: [127.0.0.0/8]\ngroups: {{ ops: [ {{ username: ann }} ] }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\" }} }}\n\
         policies: {{ deploys: {{ event_matcher: {{ action: deploy_failed }} }} }}\n\
         rules: {{ tell: {{ group: ops, transports: [hook], policies: [deploys] }} }}\n",
        sink.url("/hook")
    )
}

/// The messages of the dead-letter queue.
fn set_aside(stack: &Stack) -> u64 {
    let asked = json!({ "QueueUrl": stack.physical("DeadLetters"), "AttributeNames": ["All"] });
    let attributes = &Stack::call("sqs", "get_queue_attributes", &asked)["Attributes"];
    attributes["ApproximateNumberOfMessages"].as_str().unwrap().parse().unwrap()
}

async fn wait_until_set_aside(stack: &Stack, messages: u64) {
    for _ in 0..300 {
        if set_aside(stack) == messages {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{} messages were set aside, not {messages}; {:?} are queued", set_aside(stack), stack.queued().await);
}

/// What retention does at the full hour, with the permissions of its role.
pub(crate) async fn redrive(stack: &Stack) -> usize {
    let (adapters, now) = (stack.adapters_of("Retention"), SystemClock.now());
    let full_hour = now - SignedDuration::from_secs(now.as_second() % 3600);
    let clock = Arc::new(FakeClock::at(&full_hour.to_string()));
    let archive = adapters.archive().map(|archive| Arc::new(archive) as Arc<dyn Archive>);
    let sweep = Sweep::new(&adapters.stores(), archive, clock, SignedDuration::ZERO);
    sweep.run(SignedDuration::ZERO).await.unwrap().redriven
}

/// The lines of dispatch's log that begin so.
fn logged(stack: &Stack, start: &str) -> usize {
    let lines = stack.logged("Dispatch")["lines"].take();
    let lines = lines.as_array().unwrap().iter();
    lines.filter(|line| line["message"].as_str().is_some_and(|message| message.starts_with(start))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_five_times_comes_back_at_the_full_hour() {
    let sink = Sink::start().await;
    sink.answer("/hook", [Answer::status(200)]);
    let stack = Stack::deploy(&rules(&sink)).await;
    // Gives the role a session.
    stack.invoke("Retention");
    let queue = stack.adapters.work_queue();
    // As in the template, but for seconds instead of minutes.
    let quick = json!({ "QueueUrl": stack.physical("Queue"), "Attributes": { "VisibilityTimeout": "2" } });
    Stack::call("sqs", "set_queue_attributes", &quick);

    // One message cannot be read; another cannot be handled while a permission is missing.
    let denied = Emulator::shared().gateway().refuse(stack.physical("Table"), Refusal::Denied);
    stack.send_raw("no message of ours").await;
    let event = event("deploy_failed").shared();
    queue.send(&[QueueMessage::new(QueuedWork::Events(vec![event]))], SignedDuration::ZERO).await.unwrap();
    wait_until_set_aside(&stack, 2).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(logged(&stack, "unrecognised queue message"), 5);
    assert_eq!(logged(&stack, "handling a queue message failed"), 5);
    assert!(sink.received().is_empty());
    drop(denied);

    assert_eq!(redrive(&stack).await, 2);
    sink.wait_for(1, PATIENCE).await;
    wait_until_set_aside(&stack, 1).await;
    stack.wait_until_queued(["0", "0", "0"]).await;
    assert_eq!(logged(&stack, "unrecognised queue message"), 10);
    assert_eq!(sink.received().len(), 1);
    let deliveries = stack.get("/v1/deliveries").await;
    let [delivery] = &deliveries["results"].as_array().unwrap()[..] else { panic!("one delivery: {deliveries}") };
    assert_eq!(delivery["state"], Value::from("delivered"));
}
