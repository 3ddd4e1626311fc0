//! What came of running a body.
//!
//! Owns the words for it, which cross from the sandbox to the caller; decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::View;
use crate::event::Object;

/// One run: what it came to, and what it did on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What the body returned, or what it raised.
    pub outcome: Result<Returned, Raised>,
    /// By `ak_message`.
    pub messages: Vec<String>,
    /// By `ak_logger`.
    pub log: Vec<LogLine>,
    /// By `ak_create_event`. Whoever stores them marks them, so that they cannot loop.
    pub events: Vec<Created>,
    /// The notification as the body left it; `None` where it changed nothing.
    pub notification: Option<View>,
}

/// A body's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Returned {
    /// As JSON: dates in ISO 8601, sets and tuples as lists, addresses as text.
    pub value: Value,
    /// What Python's `bool()` says of it.
    pub truthy: bool,
}

/// An exception that nothing in the body caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Raised {
    /// Python's name of the exception, such as `KeyError`; `TimeoutError` and `MemoryError` where a
    /// bound was reached; `SandboxError` where nothing could be run.
    pub kind: String,
    /// Its text.
    pub message: String,
    /// The body's line, from 1.
    pub line: Option<usize>,
}

impl Raised {
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
    /// The first argument.
    pub message: String,
    /// The keyword arguments.
    pub fields: Object,
}

/// One event that a body created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// As authentik names it: not one of the documented actions means `custom_` before it.
    pub action: String,
    /// The keyword arguments.
    pub context: Object,
}

impl Evaluation {
    /// An evaluation that came to nothing but this.
    pub fn raised(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            outcome: Err(Raised { kind: kind.into(), message: message.into(), line: None }),
            messages: Vec::new(),
            log: Vec::new(),
            events: Vec::new(),
            notification: None,
        }
    }
}

/// What another policy says, for `ak_call_policy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// `.passing`
    pub passing: bool,
    /// `.messages`
    pub messages: Vec<String>,
    /// `.raw_result`
    pub raw_result: Value,
}

/// The policies that a body may call by name.
pub trait Policies {
    /// The policy's verdict with more keys of `request.context`; `None` if there is no such policy.
    ///
    /// # Errors
    /// What the policy raised, or that it may not be called.
    fn call(&self, name: &str, context: Object) -> Result<Option<Called>, String>;
}

/// No policies: `ak_call_policy` raises.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPolicies;

impl Policies for NoPolicies {
    fn call(&self, _: &str, _: Object) -> Result<Option<Called>, String> {
        Ok(None)
    }
}
