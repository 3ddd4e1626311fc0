//! The result of running a body.
//!
//! Owns the types that cross from the sandbox to the caller; decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NotificationView;
use crate::event::Object;

/// One run of a body: its result and its side effects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The value that the body returned, or the exception that it raised.
    pub outcome: Result<ReturnedValue, RaisedException>,
    /// The texts that the body passed to `ak_message`, in order.
    pub messages: Vec<String>,
    /// The lines that the body logged by `ak_logger`, in order.
    pub log: Vec<LogLine>,
    /// The events that the body created by `ak_create_event`. The caller marks them when it stores them, so that they
    /// cannot loop.
    pub events: Vec<CreatedEvent>,
    /// The notification as the body left it; `None` if the body did not change it.
    pub notification: Option<NotificationView>,
}

/// The value that a body returned, and whether Python regards it as true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnedValue {
    /// As JSON: dates in ISO 8601, sets and tuples as lists, addresses as text.
    pub value: Value,
    /// The result of Python's `bool()` for it.
    pub truthy: bool,
}

/// An exception that nothing in the body caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct RaisedException {
    /// Python's name of the exception, such as `KeyError`; `TimeoutError` or `MemoryError` if a limit was reached;
    /// `SandboxError` if nothing could be run.
    pub kind: String,
    /// The text of the exception, without its kind.
    pub message: String,
    /// The body's line, from 1.
    pub line: Option<usize>,
}

impl RaisedException {
    /// Whether the sandbox ended the body for its use of time or memory.
    pub fn is_of_bounds(&self) -> bool {
        matches!(self.kind.as_str(), "TimeoutError" | "MemoryError")
    }
}

/// One line that a body logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `debug`, `info`, `warning` or `error`.
    pub level: String,
    /// The first argument of the call: the text.
    pub message: String,
    /// The keyword arguments of the call, as JSON.
    pub fields: Object,
}

/// One event that a body created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedEvent {
    /// The action as authentik names it: with the prefix `custom_` unless it is one of the documented actions.
    pub action: String,
    /// The keyword arguments of `ak_create_event`, as JSON.
    pub context: Object,
}

impl Evaluation {
    /// An evaluation whose only result is this exception.
    pub fn raised(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            outcome: Err(RaisedException { kind: kind.into(), message: message.into(), line: None }),
            messages: Vec::new(),
            log: Vec::new(),
            events: Vec::new(),
            notification: None,
        }
    }
}

/// The verdict of another policy, for `ak_call_policy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyResult {
    /// `.passing` in Python: whether the policy passed.
    pub passing: bool,
    /// `.messages` in Python: the texts that the policy passed to `ak_message`; empty unless it is an expression.
    pub messages: Vec<String>,
    /// `.raw_result` in Python: the value that the expression returned; for other policies, the same as `passing`.
    pub raw_result: Value,
}

/// The policies that a body may call by name.
pub trait PolicyCaller {
    /// The policy's verdict with more keys of `request.context`; `None` if there is no such policy.
    ///
    /// # Errors
    /// The exception that the policy raised, or one that says that it may not be called.
    fn call(&self, name: &str, context: Object) -> Result<Option<PolicyResult>, String>;
}

/// No policies: `ak_call_policy` raises.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPolicies;

impl PolicyCaller for NoPolicies {
    fn call(&self, _: &str, _: Object) -> Result<Option<PolicyResult>, String> {
        Ok(None)
    }
}
