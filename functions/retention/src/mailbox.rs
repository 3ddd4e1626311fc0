//! The retention of the mails that one machine writes to files.

use std::sync::Arc;

use domain::ports::{Clock, Configuration, Mailbox, StoreError};

/// Mails deleted in one go: listing the folder costs more than deleting.
const PURGE_AT_A_TIME: usize = 1_000;

/// Deletes the mails that are older than `email.keep`.
#[derive(Clone)]
pub struct MailboxPurge {
    /// The mails.
    pub mailbox: Arc<dyn Mailbox>,
    /// Knows `email.keep`.
    pub configuration: Arc<dyn Configuration>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl MailboxPurge {
    /// Deletes a bounded number of them; the next call takes the rest. Returns how many went.
    ///
    /// # Errors
    /// When the rules document or the folder cannot be read.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let keep = self.configuration.current().await?.document.email.kept_for();
        let purged = self.mailbox.purge(domain::time::later(self.clock.now(), -keep), PURGE_AT_A_TIME).await?;
        if purged > 0 {
            tracing::info!(purged, "old mails were deleted from the mailbox folder");
        }
        Ok(purged)
    }
}
