//! `nuncio explain PK`: shows why each rule matched a stored event or not, and the resulting deliveries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use domain::text::describe;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::ExplainOptions;
use crate::http::{Remote, block_on, expect};
use crate::values::in_words;

#[derive(Deserialize)]
struct TraceResponse {
    held_back: Option<String>,
    rules: Vec<RuleTrace>,
    #[serde(default)]
    detections: Vec<DetectionTrace>,
}

#[derive(Deserialize)]
struct DetectionTrace {
    detection: String,
    lacks: Option<String>,
    groups: Vec<GroupTrace>,
}

#[derive(Deserialize)]
struct GroupTrace {
    by: serde_json::Map<String, Value>,
    why: String,
}

#[derive(Deserialize)]
struct RuleTrace {
    rule: String,
    matched: bool,
    #[serde(default)]
    why: Option<String>,
    policies: Vec<PolicyTrace>,
    deliveries: Vec<DeliveryTrace>,
}

#[derive(Deserialize)]
struct PolicyTrace {
    policy: String,
    passed: bool,
    why: String,
    /// The texts of `ak_message`, in the order of the calls.
    #[serde(default)]
    messages: Vec<String>,
}

#[derive(Deserialize)]
struct DeliveryTrace {
    transport: String,
    recipient: String,
    state: String,
    #[serde(default)]
    suppressed: Option<SuppressionTrace>,
    #[serde(default)]
    digest: Option<DigestTrace>,
    attempts: Vec<AttemptTrace>,
    next_at: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct SuppressionTrace {
    by: String,
    why: String,
    /// The state of the digest that reports the event.
    state: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct DigestTrace {
    closes: String,
}

#[derive(Deserialize)]
struct AttemptTrace {
    at: String,
    status: Option<u16>,
    error: Option<String>,
    ms: u64,
}

#[expect(clippy::print_stdout, reason = "the trace is the command's output")]
pub(crate) fn run(options: &ExplainOptions) -> anyhow::Result<ExitCode> {
    block_on(async {
        let remote = Remote::new(&options.server)?;
        let request = remote.request(Method::GET, &format!("/v1/events/{}/trace", options.pk));
        let answer = request.send().await.with_context(|| format!("cannot reach {}", remote.url()))?;
        let trace: Value = expect(answer, &[StatusCode::OK])
            .await?
            .json()
            .await
            .context("unexpected response from the server: not a trace")?;
        if options.json {
            println!("{trace}");
        } else {
            print!(
                "{}",
                readable(&serde_json::from_value(trace).context("unexpected response from the server: not a trace")?)
            );
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn readable(trace: &TraceResponse) -> String {
    let mut text = String::new();
    if let Some(reason) = &trace.held_back {
        let _ = writeln!(text, "The loop guard has suppressed this event: {reason}\n");
    }
    if trace.rules.is_empty() {
        text.push_str("There are no rules.\n");
        detections(&mut text, &trace.detections);
        return text;
    }
    text.push_str(&summary(trace));
    let matched = |rule: &&RuleTrace| rule.matched || !rule.deliveries.is_empty();
    // The rules that matched come first.
    for rule in trace.rules.iter().filter(matched).chain(trace.rules.iter().filter(|rule| !matched(rule))) {
        let why = rule.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let _ = writeln!(text, "{} {}{why}", if rule.matched { "✔" } else { "✘" }, rule.rule);
        for policy in &rule.policies {
            let mark = if policy.passed { "passed" } else { "failed" };
            let _ = writeln!(text, "    {mark}  {}: {}", policy.policy, policy.why);
            for message in &policy.messages {
                let _ = writeln!(text, "            message: {}", message.replace('\n', "\n                     "));
            }
        }
        deliveries(&mut text, &rule.deliveries);
    }
    detections(&mut text, &trace.detections);
    text
}

/// Lists the detections that the event enters, each with its groups.
fn detections(text: &mut String, all: &[DetectionTrace]) {
    for detection in all {
        let _ = writeln!(text, "◇ {}", detection.detection);
        if let Some(path) = &detection.lacks {
            let _ = writeln!(text, "    in no group: the event has no {path}");
        }
        for GroupTrace { by, why } in &detection.groups {
            let values: Vec<_> = by.iter().map(|(path, value)| format!("{path} {}", describe(value))).collect();
            let group = if values.is_empty() { "all events".to_owned() } else { values.join(", ") };
            let _ = writeln!(text, "    {group}: {why}");
        }
    }
}

/// The summary in one line.
fn summary(trace: &TraceResponse) -> String {
    let matched = trace.rules.iter().filter(|rule| rule.matched).count();
    let mut states = BTreeMap::<&str, usize>::new();
    for delivery in trace.rules.iter().flat_map(|rule| &rule.deliveries) {
        *states.entry(&delivery.state).or_default() += 1;
    }
    let counts: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let deliveries =
        if counts.is_empty() { "no deliveries".to_owned() } else { format!("deliveries: {}", counts.join(", ")) };
    format!("{matched} of {} rules matched; {deliveries}\n\n", trace.rules.len())
}

/// Lists deliveries by recipient. A cause of suppression that several share is written once, after them.
fn deliveries(text: &mut String, all: &[DeliveryTrace]) {
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by_key(|&one| (cause(one), &one.recipient, &one.transport));
    for (index, delivery) in all.iter().enumerate() {
        let next = delivery.next_at.as_ref().map(|at| format!(", next attempt {}", in_words(at))).unwrap_or_default();
        let _ = writeln!(text, "    {} to {} by {}{next}", delivery.state, delivery.recipient, delivery.transport);
        if let Some(digest) = &delivery.digest {
            let _ = writeln!(text, "        a digest of the events until {}", in_words(&digest.closes));
        }
        if let Some(own) = cause(delivery)
            && all.get(index + 1).is_none_or(|next| cause(next) != Some(own))
        {
            let SuppressionTrace { by, why, state, error } = own;
            let _ = writeln!(text, "        by {by}: {why}");
            if let Some(state) = state {
                let error = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                let _ = writeln!(text, "        the digest is {state}{error}");
            }
        }
        for attempt in &delivery.attempts {
            let status = attempt.status.map(|status| format!(" {status}")).unwrap_or_default();
            let error = attempt.error.as_deref().unwrap_or("delivered");
            let _ = writeln!(text, "        {}{status} {error} ({} ms)", in_words(&attempt.at), attempt.ms);
        }
    }
}

fn cause(delivery: &DeliveryTrace) -> Option<&SuppressionTrace> {
    delivery.suppressed.as_ref()
}
