//! The messages between caller and worker: JSON, preceded by its length in four bytes (little-endian).
//!
//! Owns the messages and their maximum size. Both ends are the same binary, so that the protocol needs no version.

use std::io::{self, Read, Write};
use std::time::Duration;

use domain::Event;
use domain::event::Object;
use serde::{Deserialize, Serialize};

use domain::expression::ExpressionKind;
use domain::expression::{Evaluation, PolicyResult};
use domain::expression::{ExpressionScope, Groups, NotificationView};

/// The maximum size of a message. Events have at most 256 KiB and results at most 1 MiB; the rest is for the groups.
pub(crate) const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// A message from the caller, as the worker reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Evaluate { source: String, scope: Box<ExpressionScope> },
    Called(Result<Option<PolicyResult>, String>),
}

/// A message from the caller, as the caller writes it; borrows its parts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RequestRef<'a> {
    Evaluate { source: &'a str, scope: VisibleScope<'a> },
    Called(Result<Option<PolicyResult>, String>),
}

/// A scope without the groups if the body does not use them.
#[derive(Debug, Serialize)]
pub(crate) struct VisibleScope<'a> {
    kind: ExpressionKind,
    event: &'a Event,
    user: &'a Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'a Groups>,
    notification: Option<&'a NotificationView>,
    extra: &'a Object,
    depth: u8,
}

impl<'a> VisibleScope<'a> {
    pub(crate) fn from_scope(scope: &'a ExpressionScope, with_groups: bool) -> Self {
        Self {
            kind: scope.kind,
            event: &scope.event,
            user: &scope.user,
            groups: with_groups.then_some(&*scope.groups),
            notification: scope.notification.as_ref(),
            extra: &scope.extra,
            depth: scope.depth,
        }
    }
}

/// A message from the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Response {
    /// The worker has started.
    Ready,
    /// The body calls a policy.
    Call { name: String, context: Object },
    /// The body has ended. If `spent`, the worker ends, too. `computed` is the processor time of the worker's whole
    /// life.
    Done { evaluation: Box<Evaluation>, spent: bool, computed: Duration },
}

/// Writes one message: the length of its JSON as four bytes, little-endian, then the JSON itself. Fails if the JSON is
/// longer than [`MAX_FRAME_BYTES`].
pub(crate) fn write(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too large"));
    }
    frame[..4].copy_from_slice(&u32::try_from(length).unwrap_or_default().to_le_bytes());
    to.write_all(&frame)?;
    to.flush()
}

/// Reads one message; `None` if the other side has closed the pipe.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(mut from: impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = vec![0; length_of(length)?];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// The length of a message, from its first four bytes.
pub(crate) fn length_of(bytes: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too large"));
    }
    Ok(length)
}
