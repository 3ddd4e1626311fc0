//! What passes between caller and worker: JSON behind its length.
//!
//! Owns the messages and the bound of their size. Both ends are one binary, so there is no version.

use std::io::{self, Read, Write};
use std::time::Duration;

use domain::Event;
use domain::event::Object;
use serde::{Deserialize, Serialize};

use domain::expression::ExpressionKind;
use domain::expression::{Evaluation, PolicyResult};
use domain::expression::{ExpressionScope, Groups, NotificationView};

/// Events end at 256 KiB and results at 1 MiB; the rest is room for groups.
pub(crate) const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// From the caller, as the worker reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    Evaluate { source: String, scope: Box<ExpressionScope> },
    Called(Result<Option<PolicyResult>, String>),
}

/// From the caller, as it writes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked<'a> {
    Evaluate { source: &'a str, scope: Seen<'a> },
    Called(Result<Option<PolicyResult>, String>),
}

/// A scope without what the body cannot see.
#[derive(Debug, Serialize)]
pub(crate) struct Seen<'a> {
    kind: ExpressionKind,
    event: &'a Event,
    user: &'a Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'a Groups>,
    notification: Option<&'a NotificationView>,
    extra: &'a Object,
    depth: u8,
}

impl<'a> Seen<'a> {
    pub(crate) fn of(scope: &'a ExpressionScope, with_groups: bool) -> Self {
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

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Response {
    /// It is up.
    Ready,
    /// The body calls a policy.
    Call { name: String, context: Object },
    /// The body has ended, and so will the worker if it is `spent`. So long it has computed in its life.
    Done { evaluation: Box<Evaluation>, spent: bool, computed: Duration },
}

/// Writes one message.
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

/// Reads one message; `None` where the other side has closed.
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

/// The length that a frame's first bytes say.
pub(crate) fn length_of(bytes: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too large"));
    }
    Ok(length)
}
