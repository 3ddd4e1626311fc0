//! Removes one person: the events that are theirs with all that tells of them, what was sent to them, their inbox, the
//! same events in the archive, the mails in the mailbox folder, and what all of these leave in the store's files.
//!
//! What tells of an event goes before the event: a step that was cut short finds the event again, and with it the rest.

use std::collections::BTreeSet;

use domain::EventPk;
use domain::delivery::{Cause, Delivery, DeliveryId};
use domain::notification::inbox::InboxItem;
use domain::person::Person;
use domain::ports::StoreError;
use domain::query::DeliveryQuery;
use domain::retention::erasure::Subject;
use domain::retention::hold::{self, HELD};
use domain::retention::job::{Place, Report};
use jiff::Timestamp;

use super::{JobRunner, Step};

/// Events of one step. Each is asked for its deliveries.
const EVENTS: usize = 200;
/// Deliveries of one step, or inbox items of one look.
const OTHERS: usize = 500;
/// Mails of one step; each is read.
const MAILS: usize = 100;

/// What has expired goes too, if it is not deleted yet: it could still be archived.
const EVER: Timestamp = Timestamp::MIN;

pub(super) struct Erasing<'a> {
    pub(super) runner: &'a JobRunner,
    pub(super) subject: &'a Subject,
    pub(super) dry_run: bool,
}

impl Erasing<'_> {
    pub(super) async fn step(&self, place: &Place) -> Result<Step, StoreError> {
        match place {
            Place::Events { before } => self.events(*before).await,
            Place::Deliveries { before } => self.deliveries(*before).await,
            Place::Inbox => self.inbox().await,
            Place::Archive { after } => self.archive(after.as_deref()).await,
            Place::Mailbox { after } => self.mailbox(after.as_deref()).await,
            Place::Scrub => Ok((Report::default(), None)),
        }
    }

    async fn events(&self, before: Option<EventPk>) -> Result<Step, StoreError> {
        let holds = self.runner.holds.all().await?;
        let page = self.runner.keeping.kept(before, EVENTS, EVER).await?;
        let mut report = Report::default();
        report.count("events", 0);
        let mut pks = Vec::new();
        for kept in &page.results {
            let event = &kept.event;
            if self.subject.is_of(event) && (event.expires == HELD || hold::holds(&holds, event)) {
                report.stays("held", event);
            } else if self.subject.is_of(event) {
                self.told_of(event.pk, &mut report).await?;
                report.goes("events", event);
                pks.push(event.pk);
            } else if self.subject.is_mentioned_in(event) {
                report.count("mentioned", 1);
            }
        }
        if !self.dry_run {
            self.runner.erasure.erase_events(&pks).await?;
        }
        let next =
            page.next.map_or(Place::Deliveries { before: None }, |before| Place::Events { before: Some(before) });
        Ok((report, Some(next)))
    }

    /// Removes the deliveries of an event, and the inbox items that tell of it.
    async fn told_of(&self, event: EventPk, report: &mut Report) -> Result<(), StoreError> {
        let mut query = DeliveryQuery { event: Some(event), limit: OTHERS, ..DeliveryQuery::default() };
        loop {
            let page = self.runner.ledger.list(&query).await?;
            for entry in &page.results {
                if let Some(Cause::Digest { delivery, .. }) = &entry.suppressed
                    && let Some(carrier) = self.runner.ledger.get(*delivery).await?
                {
                    self.inbox_item(&carrier, report).await?;
                    self.mails(&[carrier.id], report).await?;
                }
            }
            self.remove(&page.results, report).await?;
            query.before = page.next;
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    /// Removes what was sent to them of other events.
    async fn deliveries(&self, before: Option<DeliveryId>) -> Result<Step, StoreError> {
        let query = DeliveryQuery { before, limit: OTHERS, ..DeliveryQuery::default() };
        let page = self.runner.ledger.list(&query).await?;
        let mut report = Report::default();
        let (theirs, others): (Vec<_>, Vec<_>) =
            page.results.into_iter().partition(|entry| self.subject.is(&entry.recipient));
        if !self.dry_run {
            self.take_out_of(&others).await?;
        }
        self.remove(&theirs, &mut report).await?;
        Ok((report, Some(page.next.map_or(Place::Inbox, |before| Place::Deliveries { before: Some(before) }))))
    }

    async fn remove(&self, entries: &[Delivery], report: &mut Report) -> Result<(), StoreError> {
        for entry in entries {
            self.inbox_item(entry, report).await?;
        }
        report.count("deliveries", entries.len());
        if !self.dry_run {
            let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
            self.mails(&ids, report).await?;
            self.runner.erasure.erase_deliveries(&ids).await?;
        }
        Ok(())
    }

    /// Removes what receivers said of the person in the ledger entries of others.
    async fn take_out_of(&self, entries: &[Delivery]) -> Result<(), StoreError> {
        let without: Vec<_> = entries.iter().filter_map(|entry| self.subject.taken_out_of(entry)).collect();
        let replaced = self.runner.ledger.replace(&without).await?;
        if replaced.iter().all(|done| *done) {
            return Ok(());
        }
        // Somebody made an attempt just now. The step is done again, with the entries as they are then.
        Err(StoreError::store("a delivery changed while a name was taken out of it"))
    }

    /// Removes the mails that deliveries have put into the mailbox folder. In a dry run only those to the person count.
    async fn mails(&self, ids: &[DeliveryId], report: &mut Report) -> Result<(), StoreError> {
        if let (Some(mailbox), false) = (&self.runner.mailbox, self.dry_run) {
            report.count("mails", mailbox.erase(ids).await?);
        }
        Ok(())
    }

    /// Removes what the delivery has put into an inbox. In a dry run only whole inboxes are counted.
    async fn inbox_item(&self, entry: &Delivery, report: &mut Report) -> Result<(), StoreError> {
        if !self.dry_run {
            let pk = InboxItem::pk_of(entry.created, entry.id);
            report.count("notifications", self.runner.erasure.erase_inbox(entry.recipient.label(), &[pk]).await?);
        }
        Ok(())
    }

    /// Removes what is left in their inboxes.
    async fn inbox(&self) -> Result<Step, StoreError> {
        let mut report = Report::default();
        for label in self.subject.labels() {
            let mut before: Option<String> = None;
            loop {
                let page = self.runner.inbox.list(label, None, before.as_deref(), OTHERS, EVER).await?;
                let pks: Vec<_> = page.results.into_iter().map(|item| item.pk).collect();
                report.count("notifications", pks.len());
                if !self.dry_run {
                    self.runner.erasure.erase_inbox(label, &pks).await?;
                }
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
        }
        if !self.dry_run {
            let queued = self.runner.erasure.erase_queued(self.subject).await?;
            if queued > 0 {
                report.count("queued", queued);
            }
        }
        let document = self.runner.configuration.current().await?;
        let named = document.document.groups.values().filter(|members| members.iter().any(|one| self.subject.is(one)));
        report.count("groups", named.count());
        Ok((report, Some(Place::Archive { after: None })))
    }

    /// Removes their events from one file of the archive.
    async fn archive(&self, after: Option<&str>) -> Result<Step, StoreError> {
        let mut report = Report::default();
        let next = Some(Place::Mailbox { after: None });
        let Some(archive) = &self.runner.archive else { return Ok((report, next)) };
        let Some(file) = archive.files(after, 1).await?.pop() else { return Ok((report, next)) };
        let read = match archive.read(&file).await {
            Ok(read) => read,
            Err(StoreError::Corrupt(why)) => {
                tracing::error!(file, why, "a file of the archive cannot be read; what it holds of the person stays");
                report.is_damaged(if self.dry_run { file.clone() } else { archive.set_aside(&file).await? });
                return Ok((report, Some(Place::Archive { after: Some(file) })));
            }
            Err(error) => return Err(error),
        };
        let (theirs, others): (Vec<_>, Vec<_>) =
            read.events.iter().cloned().partition(|event| self.subject.is_of(event));
        report.count("archived", theirs.len());
        if !self.dry_run && !theirs.is_empty() {
            archive.replace(&file, &read, &others).await?;
        }
        Ok((report, Some(Place::Archive { after: Some(file) })))
    }

    /// Removes the mails to them and those that name them, which may be about events that expired long ago; and those
    /// whose delivery is gone, as nothing else says any more whom they are about.
    async fn mailbox(&self, after: Option<&str>) -> Result<Step, StoreError> {
        let mut report = Report::default();
        let Some(mailbox) = &self.runner.mailbox else { return Ok((report, Some(Place::Scrub))) };
        let mails = mailbox.list(after, MAILS).await?;
        let Some(last) = mails.last() else { return Ok((report, Some(Place::Scrub))) };
        let ids: Vec<_> = mails.iter().filter_map(|mail| mail.delivery).collect();
        let known: BTreeSet<_> = self.runner.ledger.get_all(&ids).await?.into_iter().map(|entry| entry.id).collect();
        let next = Place::Mailbox { after: Some(last.name.clone()) };
        for mail in &mails {
            let to_them = self.subject.is(&Person::new("", mail.to.as_str()));
            let orphaned = mail.delivery.is_some_and(|delivery| !known.contains(&delivery));
            if to_them || orphaned || self.subject.is_named_in(&mail.text) {
                report.count("mails", 1);
                if !self.dry_run {
                    mailbox.remove(&mail.name).await?;
                }
            }
        }
        Ok((report, Some(next)))
    }
}
