//! Waiting for an answer, but not for ever.
//!
//! Owns what a limit means after the whole process has slept: what arrived meanwhile is read before the time is judged
//! to be up.

use std::time::Duration;

use tokio::time::timeout;

/// How long what has arrived already takes to be read, at most.
const READING: Duration = Duration::from_millis(500);

/// What the work comes to; `None` if that is not known within `limit`.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    // On the heap: what speaks SMTP is large, and would be so in everybody who waits for it.
    let mut work = Box::pin(work);
    if let Ok(done) = timeout(limit, &mut work).await {
        return Some(done);
    }
    // The clock went on while the process was stopped, and the tasks that read its sockets have not run since.
    timeout(READING, work).await.ok()
}
