//! What a worker may use.
//!
//! Owns the bounds that the operating system keeps. An allocation beyond them fails, and a failed
//! allocation ends the process: that is what it is for.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

/// What a worker may use beyond what it needs to exist.
pub const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// Past this a worker has kept too much of earlier bodies to give the next one its due.
const MAX_KEPT: u64 = 24 * 1024 * 1024;

/// What more is set for a worker's allocator. Mimalloc, which the `nuncio` command has, would take a
/// gigabyte at once, and what is taken already is not bounded any more.
pub(crate) const ALLOCATOR: [(&str, &str); 1] = [("MIMALLOC_ARENA_EAGER_COMMIT", "0")];

/// Bounds this process for good. What a system does not know it does not keep: there the deadline is
/// the only bound.
pub(crate) fn confine() {
    let set = |resource, bytes| {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        setrlimit(resource, limit)
    };
    // No cores of what a body saw, and no files at all.
    let _ = set(Resource::Core, 0);
    let _ = set(Resource::Fsize, 0);
    // What can be written to, and not all that is mapped: allocators reserve far more than they use.
    if let Some(existing) = writable() {
        let _ = set(Resource::Data, existing + MAX_MEMORY);
    }
}

/// Lets this process compute for two seconds more and then ends it, for when its caller is not there to.
pub(crate) fn allow_some_time() {
    let limit = Rlimit { current: Some(computed().as_secs() + 3), maximum: None };
    let _ = setrlimit(Resource::Cpu, limit);
}

/// How long this process has computed.
pub(crate) fn computed() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// How long another process has computed, where the system says so; to a hundredth of a second.
pub(crate) fn computed_by(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in brackets, and may hold anything. Time is the 14th and 15th.
    let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}

/// How much this process may write to, where the system says so.
pub(crate) fn writable() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(5)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Whether a worker that could write to so much `at_first` has kept too much.
pub(crate) fn is_spent(at_first: Option<u64>) -> bool {
    match (at_first, writable()) {
        (Some(first), Some(now)) => now > first + MAX_KEPT,
        _ => false,
    }
}
