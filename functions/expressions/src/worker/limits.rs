//! What a worker may use.
//!
//! Owns the bounds that the operating system keeps. An allocation beyond them fails, and a failed
//! allocation ends the process: that is what it is for.

use rustix::process::{Resource, Rlimit, setrlimit};

/// What a worker may use beyond what it needs to exist.
pub const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// Past this a worker has kept too much of earlier bodies to give the next one its due.
const MAX_KEPT: u64 = 24 * 1024 * 1024;

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
    if let Some(existing) = mapped() {
        let _ = set(Resource::As, existing + MAX_MEMORY);
    }
}

/// Lets this process compute for two seconds more and then ends it, for when its caller is not there to.
pub(crate) fn allow_some_time() {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
    let limit = Rlimit { current: Some(u64::try_from(used).unwrap_or_default() + 3), maximum: None };
    let _ = setrlimit(Resource::Cpu, limit);
}

/// How much this process has mapped, where the system says so.
pub(crate) fn mapped() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').next()?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Whether a worker that mapped `at_first` has kept too much.
pub(crate) fn is_spent(at_first: Option<u64>) -> bool {
    match (at_first, mapped()) {
        (Some(first), Some(now)) => now > first + MAX_KEPT,
        _ => false,
    }
}
