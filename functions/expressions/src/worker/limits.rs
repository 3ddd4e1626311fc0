//! The resource limits of a worker process.
//!
//! Owns the limits that the operating system enforces. An allocation beyond the limit fails and aborts the process,
//! which is the purpose of running bodies in a worker.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

/// The memory that a worker may use in addition to its memory after the start, in bytes.
pub const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// How much memory of earlier bodies a worker may retain, in bytes. Beyond it, too little would be left for the next
/// body.
const MAX_RETAINED: u64 = 24 * 1024 * 1024;

/// Environment variables for the allocator of a worker. Mimalloc, which the `nuncio` command uses, would otherwise
/// reserve a gigabyte before the limit is set, and that memory would not be limited any more.
pub(crate) const ALLOCATOR: [(&str, &str); 1] = [("MIMALLOC_ARENA_EAGER_COMMIT", "0")];

/// Limits this process permanently. A system that does not support a limit ignores it; the deadline still applies.
pub(crate) fn confine() {
    let set = |resource, bytes| {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        setrlimit(resource, limit)
    };
    // No core dumps, which would contain the event, and no files.
    let _ = set(Resource::Core, 0);
    let _ = set(Resource::Fsize, 0);
    // Limit writable memory and not the address space: allocators reserve much more than they use.
    if let Some(existing) = writable() {
        let _ = set(Resource::Data, existing + MAX_MEMORY);
    }
}

/// Makes the system end this process after two more seconds of processor time, in case the caller no longer exists and
/// cannot kill it.
pub(crate) fn allow_some_time() {
    let limit = Rlimit { current: Some(computed().as_secs() + 3), maximum: None };
    let _ = setrlimit(Resource::Cpu, limit);
}

/// The processor time of this process.
pub(crate) fn computed() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// The processor time of another process, to a hundredth of a second; `None` if the system does not report it.
pub(crate) fn computed_by(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may contain any character. The 14th and 15th fields are the
    // times.
    let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}

/// The writable memory of this process in bytes; `None` if the system does not report it.
pub(crate) fn writable() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(5)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Whether a worker with this much writable memory `at_first` retains too much memory of earlier bodies.
pub(crate) fn is_spent(at_first: Option<u64>) -> bool {
    match (at_first, writable()) {
        (Some(first), Some(now)) => now > first + MAX_RETAINED,
        _ => false,
    }
}
