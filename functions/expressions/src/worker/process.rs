//! One worker as its caller has it: a child, its pipes, and patience.
//!
//! Owns the deadline. A worker that is dropped is killed and reaped.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::frame::{self, Asked, Response};
use super::limits;
use crate::run::MAX_RUN;

/// How long a worker may take to come up.
const STARTING: Duration = Duration::from_secs(5);

/// How long one is waited for at the longest, though it had no time to compute.
const STARVING: Duration = Duration::from_secs(2);

/// What a pipe holds.
const CHUNK: usize = 64 * 1024;

/// A running worker.
pub(crate) struct Process {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    read: Vec<u8>,
    /// Up to the end of its last body.
    computed: Duration,
}

impl fmt::Debug for Process {
    /// By its number: what it was told and said is nobody's business.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Process").field("pid", &self.child.id()).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Silence {
    /// It was not there to be asked.
    Gone(io::Error),
    /// The system ended it while it was at it, as it does where memory or stack is out.
    Died,
    /// It ended, or spoke in a way that no worker does.
    Broken,
    /// It is still at it.
    Late,
}

impl Process {
    /// Starts one and waits until it is up.
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
        let mut process = Self { child, to, from, read: Vec::new(), computed: Duration::ZERO };
        match process.hear(Instant::now() + STARTING) {
            Ok(Response::Ready) => Ok(process),
            _ => Err(io::Error::other("the program is no expression worker")),
        }
    }

    /// Asks.
    pub(crate) fn tell(&mut self, asked: &Asked<'_>) -> Result<(), Silence> {
        frame::write(&mut self.to, asked).map_err(Silence::Gone)
    }

    /// Waits for an answer until `deadline`.
    pub(crate) fn hear(&mut self, deadline: Instant) -> Result<Response, Silence> {
        self.read.clear();
        let mut wanted = 4;
        let mut length = None;
        while self.read.len() < wanted {
            self.wait(deadline)?;
            let have = self.read.len();
            self.read.resize(wanted.min(have + CHUNK), 0);
            match self.from.read(&mut self.read[have..]) {
                Ok(0) | Err(_) => return Err(self.end()),
                Ok(count) => self.read.truncate(have + count),
            }
            if length.is_none()
                && let Some(first) = self.read.first_chunk::<4>()
            {
                let body = frame::length_of(*first).map_err(|_| Silence::Broken)?;
                length = Some(body);
                wanted = 4 + body;
            }
        }
        let response = serde_json::from_slice(&self.read[4..]).map_err(|_| Silence::Broken)?;
        if let Response::Done { computed, .. } = &response {
            self.computed = *computed;
        }
        Ok(response)
    }

    fn wait(&self, mut deadline: Instant) -> Result<(), Silence> {
        let last = deadline + STARVING;
        loop {
            let now = Instant::now();
            let mut left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                left = self.owed();
                deadline = last.min(now + left);
            }
            if left.is_zero() || now >= last {
                return Err(Silence::Late);
            }
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            match poll(&mut [PollFd::new(&self.from, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(_) => return Err(Silence::Broken),
            }
        }
    }

    /// How much of its time the worker did not have because others had it.
    fn owed(&self) -> Duration {
        let computed = limits::computed_by(self.child.id());
        computed.map_or(Duration::ZERO, |now| MAX_RUN.saturating_sub(now.saturating_sub(self.computed)))
    }

    /// How it ended, now that its pipe is closed.
    fn end(&mut self) -> Silence {
        match self.child.wait() {
            Ok(status) if status.signal().is_some() => Silence::Died,
            _ => Silence::Broken,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed; both leave it to be reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
