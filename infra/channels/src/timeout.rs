//! Time limits that survive a suspended process.
//!
//! If the whole process was stopped (a Lambda function between invocations, a laptop asleep), its clock went on. A
//! response that arrived meanwhile is still read before the limit counts as exceeded.

use std::time::Duration;

use tokio::time::timeout;

/// How long reading data that has arrived already may take.
const GRACE: Duration = Duration::from_millis(500);

/// The result of `work`; `None` if it takes longer than `limit`.
pub(crate) async fn with_timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    // Boxed: the SMTP future is large, and would make every future that contains it large too.
    let mut work = Box::pin(work);
    if let Ok(done) = timeout(limit, &mut work).await {
        return Some(done);
    }
    // After a suspension, the limit has passed before the tasks that read the sockets could run.
    timeout(GRACE, work).await.ok()
}
