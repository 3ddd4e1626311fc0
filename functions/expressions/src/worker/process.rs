//! The caller's side of one worker: the child process and its pipes.
//!
//! Owns the deadline. Dropping it kills and reaps the process.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::frame::{self, RequestRef, Response};
use super::limits;
use crate::run::MAX_RUN;

/// How long a worker may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest extension of the deadline for a worker that gets no processor time.
const MAX_EXTENSION: Duration = Duration::from_secs(2);

/// How many bytes are read at once; the capacity of a pipe.
const CHUNK: usize = 64 * 1024;

/// A running worker and the pipes to it. Dropping this kills the worker.
pub(crate) struct WorkerProcess {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    /// The bytes of the message that is being read.
    buffer: Vec<u8>,
    /// The worker's processor time at the end of its last body.
    computed: Duration,
}

impl fmt::Debug for WorkerProcess {
    /// Shows only the pid: the messages contain events.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WorkerProcess").field("pid", &self.child.id()).finish_non_exhaustive()
    }
}

/// Why a worker returned no result.
#[derive(Debug)]
pub(crate) enum WorkerFailure {
    /// It could not be started or had already ended.
    Unreachable(io::Error),
    /// A signal ended it while it ran the body, as happens when memory or stack is exhausted.
    Killed,
    /// It ended without a signal, or sent an invalid message.
    Protocol,
    /// It missed the deadline.
    TimedOut,
}

impl WorkerProcess {
    /// Starts a worker and waits until it is ready.
    pub(crate) fn start(program: &Path, arguments: &[OsString]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(limits::ALLOCATOR)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes to the worker"));
        };
        let mut process = Self { child, to, from, buffer: Vec::new(), computed: Duration::ZERO };
        match process.receive(Instant::now() + START_TIMEOUT) {
            Ok(Response::Ready) => Ok(process),
            _ => Err(io::Error::other("the program is not an expression worker")),
        }
    }

    /// Sends a message to the worker. Every error is [`WorkerFailure::Unreachable`].
    pub(crate) fn send(&mut self, asked: &RequestRef<'_>) -> Result<(), WorkerFailure> {
        frame::write(&mut self.to, asked).map_err(WorkerFailure::Unreachable)
    }

    /// Waits for a message until `deadline`.
    pub(crate) fn receive(&mut self, deadline: Instant) -> Result<Response, WorkerFailure> {
        self.buffer.clear();
        let mut wanted = 4;
        let mut length = None;
        while self.buffer.len() < wanted {
            self.wait(deadline)?;
            let have = self.buffer.len();
            self.buffer.resize(wanted.min(have + CHUNK), 0);
            match self.from.read(&mut self.buffer[have..]) {
                Ok(0) | Err(_) => return Err(self.exit_reason()),
                Ok(count) => self.buffer.truncate(have + count),
            }
            if length.is_none()
                && let Some(first) = self.buffer.first_chunk::<4>()
            {
                let body = frame::length_of(*first).map_err(|_| WorkerFailure::Protocol)?;
                length = Some(body);
                wanted = 4 + body;
            }
        }
        let response = serde_json::from_slice(&self.buffer[4..]).map_err(|_| WorkerFailure::Protocol)?;
        if let Response::Done { computed, .. } = &response {
            self.computed = *computed;
        }
        Ok(response)
    }

    /// Waits until the pipe is readable. Extends the deadline if the worker got too little processor time.
    fn wait(&self, mut deadline: Instant) -> Result<(), WorkerFailure> {
        let last = deadline + MAX_EXTENSION;
        loop {
            let now = Instant::now();
            let mut remaining = deadline.saturating_duration_since(now);
            if remaining.is_zero() {
                remaining = self.missing_time();
                deadline = last.min(now + remaining);
            }
            if remaining.is_zero() || now >= last {
                return Err(WorkerFailure::TimedOut);
            }
            let timeout = Timespec {
                tv_sec: i64::try_from(remaining.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(remaining.subsec_nanos()),
            };
            match poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(_) => return Err(WorkerFailure::Protocol),
            }
        }
    }

    /// The processor time that the worker should have had for this body but has not, because other processes ran.
    fn missing_time(&self) -> Duration {
        let computed = limits::computed_by(self.child.id());
        computed.map_or(Duration::ZERO, |now| MAX_RUN.saturating_sub(now.saturating_sub(self.computed)))
    }

    /// Why the worker closed its pipe.
    fn exit_reason(&mut self) -> WorkerFailure {
        match self.child.wait() {
            Ok(status) if status.signal().is_some() => WorkerFailure::Killed,
            _ => WorkerFailure::Protocol,
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Killing fails if the process has already ended; in both cases it must be reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
