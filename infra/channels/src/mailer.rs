//! How mail leaves one machine: by SMTP where `email.smtp` is set, else into the mailbox folder.
//! Owns that choice only.

use std::sync::Arc;

use async_trait::async_trait;
use domain::delivery::{Failure, Outcome};
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
    /// `folder` takes the mail while the rules document names no server.
    pub fn new(folder: MailboxFolder, secrets: Arc<dyn Secrets>) -> Self {
        Self { folder, smtp: Smtp::default(), secrets }
    }

    async fn hand_over(&self, from: &str, to: &str, mail: &[u8], document: &RulesDocument) -> Result<Outcome, Failure> {
        match &document.email.smtp {
            Some(server) => {
                let url = secret::text(server, &*self.secrets).await?;
                self.smtp.send(url.text(), from, to, mail).await.map_err(|failure| match failure {
                    Failure::Mail { stage, code, answer } => {
                        Failure::Mail { stage, code, answer: url.hidden().removed_from(answer) }
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
    async fn send(&self, from: &str, to: &str, mail: &[u8], document: &RulesDocument) -> Outcome {
        self.hand_over(from, to, mail, document).await.unwrap_or_else(Outcome::Failed)
    }
}
