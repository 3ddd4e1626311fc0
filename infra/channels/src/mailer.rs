//! The mailer of one machine: sends by SMTP if `email.smtp` is set, else writes into the mailbox folder.

use std::sync::Arc;

use async_trait::async_trait;
use domain::delivery::{AttemptOutcome, Failure};
use domain::ports::{Mailer, Secrets};
use domain::rules_document::RulesDocument;

use crate::mailbox::MailboxFolder;
use crate::secret;
use crate::smtp::Smtp;

/// The [`Mailer`] of one machine.
pub struct LocalMailer {
    folder: MailboxFolder,
    smtp: Smtp,
    secrets: Arc<dyn Secrets>,
}

impl LocalMailer {
    /// Writes mail into `folder` while the rules document names no server. `secrets` resolves the server's URL.
    pub fn new(folder: MailboxFolder, secrets: Arc<dyn Secrets>) -> Self {
        Self { folder, smtp: Smtp::default(), secrets }
    }

    async fn deliver(
        &self,
        from: &str,
        to: &str,
        mail: &[u8],
        document: &RulesDocument,
    ) -> Result<AttemptOutcome, Failure> {
        match &document.email.smtp {
            Some(server) => {
                let url = secret::text(server, &*self.secrets).await?;
                self.smtp.send(url.text(), from, to, mail).await.map_err(|failure| match failure {
                    Failure::Mail { stage, code, answer } => {
                        Failure::Mail { stage, code, answer: url.redactor().redact(answer) }
                    }
                    other => other,
                })
            }
            None => self.folder.put(mail).await,
        }
    }
}

#[async_trait]
impl Mailer for LocalMailer {
    async fn send(&self, from: &str, to: &str, mail: &[u8], document: &RulesDocument) -> AttemptOutcome {
        self.deliver(from, to, mail, document).await.unwrap_or_else(AttemptOutcome::Failed)
    }
}
