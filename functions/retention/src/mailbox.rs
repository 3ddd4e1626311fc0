//! Deletes old mails from the mailbox folder, to which a single machine without a mail server writes.

use std::sync::Arc;

use domain::ports::{Clock, Configuration, Mailbox, StoreError};

/// Mails deleted per call. A large number, because listing the folder costs more than deleting.
const PURGE_BATCH: usize = 1_000;

/// Deletes the mails that are older than `email.keep`.
#[derive(Clone)]
pub struct MailboxPurge {
    /// The folder to which mail is written while no mail server is configured.
    pub mailbox: Arc<dyn Mailbox>,
    /// The rules document, for `email.keep`.
    pub configuration: Arc<dyn Configuration>,
    /// The time from which `email.keep` counts back.
    pub clock: Arc<dyn Clock>,
}

impl MailboxPurge {
    /// Deletes up to 1,000 old mails; the next call takes the rest. Returns the number deleted.
    ///
    /// # Errors
    /// If the rules document or the folder cannot be read.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let keep = self.configuration.current().await?.document.email.kept_for();
        let purged = self.mailbox.purge(domain::time::later(self.clock.now(), -keep), PURGE_BATCH).await?;
        if purged > 0 {
            tracing::info!(purged, "deleted old mails from the mailbox folder");
        }
        Ok(purged)
    }
}
