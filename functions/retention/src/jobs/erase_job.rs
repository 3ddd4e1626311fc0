//! Erases the data of one person: their events with the deliveries and inbox items about these, everything that was
//! sent to them, their inbox, the groups of detections that name them, their events in the archive, their mails in the
//! mailbox folder, and the remains of deleted records in the store's files.
//!
//! Everything about an event is deleted before the event itself. If a step is interrupted, its repetition finds the
//! event again, and through it the rest.

use std::collections::BTreeSet;

use domain::EventPk;
use domain::delivery::{Delivery, DeliveryId, SuppressionCause};
use domain::notification::inbox::InboxItem;
use domain::person::Person;
use domain::ports::StoreError;
use domain::query::DeliveryQuery;
use domain::retention::erasure::ErasureSubject;
use domain::retention::hold::{self, HOLD_EXPIRY};
use domain::retention::job::{EventCursor, JobCursor, JobReport};
use jiff::Timestamp;

use super::erase_groups::EraseGroups;
use super::{JobRunner, Step, count_unreadable};

/// Events per step. Each step reads the holds and writes the job; each event of the person needs a query for its
/// deliveries.
const EVENTS_PER_STEP: usize = 1000;
/// Deliveries per step, and inbox items per page.
const PAGE_SIZE: usize = 500;
/// Mails per step; each is read.
const MAILS_PER_STEP: usize = 100;

/// The time for reads: expired records that are not deleted yet are erased, too, because they could still be archived.
const INCLUDE_EXPIRED: Timestamp = Timestamp::MIN;

/// One step of a job that erases a person's data.
pub(super) struct EraseJob<'a> {
    pub(super) runner: &'a JobRunner,
    pub(super) subject: &'a ErasureSubject,
    pub(super) dry_run: bool,
}

impl EraseJob<'_> {
    pub(super) async fn step(&self, place: &JobCursor) -> Result<Step, StoreError> {
        match place {
            JobCursor::Events { after } => self.events(*after).await,
            JobCursor::Deliveries { before } => self.deliveries(*before).await,
            JobCursor::Inbox => self.inbox().await,
            JobCursor::Groups { version, after } => EraseGroups { job: self }.step(*version, *after).await,
            JobCursor::Archive { after } => self.archive(after.as_deref()).await,
            JobCursor::Mailbox { after } => self.mailbox(after.as_deref()).await,
            JobCursor::Scrub => Ok((JobReport::default(), None)),
        }
    }

    async fn events(&self, after: Option<EventCursor>) -> Result<Step, StoreError> {
        let holds = self.runner.holds.all().await?;
        let page = self.runner.keeping.list_received(after, EVENTS_PER_STEP, INCLUDE_EXPIRED).await?;
        let mut report = JobReport::default();
        report.count("events", 0);
        count_unreadable(&page, &mut report);
        let mut pks = Vec::new();
        for kept in &page.results {
            let event = &kept.event;
            if self.subject.is_party_to(event) && (event.expires == HOLD_EXPIRY || hold::is_held(&holds, event)) {
                report.count_held("held", event);
            } else if self.subject.is_party_to(event) {
                self.erase_deliveries_of(event.pk, &mut report).await?;
                report.count_removed("events", event);
                pks.push(event.pk);
            } else if self.subject.is_mentioned_in(event) {
                report.count("mentioned", 1);
            }
        }
        if !self.dry_run {
            self.runner.erasure.erase_events(&pks).await?;
        }
        let next =
            page.next.map_or(JobCursor::Deliveries { before: None }, |after| JobCursor::Events { after: Some(after) });
        Ok((report, Some(next)))
    }

    /// Erases the deliveries of an event, and the inbox items and mails about it. A digest of other events that reports
    /// it is erased as well.
    async fn erase_deliveries_of(&self, event: EventPk, report: &mut JobReport) -> Result<(), StoreError> {
        let mut query = DeliveryQuery { event: Some(event), limit: PAGE_SIZE, ..DeliveryQuery::default() };
        loop {
            let page = self.runner.ledger.list(&query).await?;
            for entry in &page.results {
                if let Some(SuppressionCause::Digest { delivery, .. }) = &entry.suppressed
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

    /// Erases what was sent to the person about other events.
    async fn deliveries(&self, before: Option<DeliveryId>) -> Result<Step, StoreError> {
        let query = DeliveryQuery { before, limit: PAGE_SIZE, ..DeliveryQuery::default() };
        let page = self.runner.ledger.list(&query).await?;
        let mut report = JobReport::default();
        let (own, others): (Vec<_>, Vec<_>) =
            page.results.into_iter().partition(|entry| self.subject.is(&entry.recipient));
        if !self.dry_run {
            self.redact_entries(&others).await?;
        }
        self.remove(&own, &mut report).await?;
        Ok((report, Some(page.next.map_or(JobCursor::Inbox, |before| JobCursor::Deliveries { before: Some(before) }))))
    }

    async fn remove(&self, entries: &[Delivery], report: &mut JobReport) -> Result<(), StoreError> {
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

    /// Removes the person's data from the receivers' responses in the ledger entries of others.
    async fn redact_entries(&self, entries: &[Delivery]) -> Result<(), StoreError> {
        let redacted: Vec<_> = entries.iter().filter_map(|entry| self.subject.redact_delivery(entry)).collect();
        let replaced = self.runner.ledger.replace(&redacted).await?;
        if replaced.iter().all(|done| *done) {
            return Ok(());
        }
        // A dispatcher changed an entry in the meantime. The error makes the step repeat with the new entries.
        Err(StoreError::store("a delivery changed while a person's data was removed from it"))
    }

    /// Erases the mails that these deliveries wrote to the mailbox folder. In a dry run, `mailbox` counts the mails
    /// instead.
    async fn mails(&self, ids: &[DeliveryId], report: &mut JobReport) -> Result<(), StoreError> {
        if let (Some(mailbox), false) = (&self.runner.mailbox, self.dry_run) {
            report.count("mails", mailbox.erase(ids).await?);
        }
        Ok(())
    }

    /// Erases the inbox item of the delivery. In a dry run, `inbox` counts the items instead.
    async fn inbox_item(&self, entry: &Delivery, report: &mut JobReport) -> Result<(), StoreError> {
        if !self.dry_run {
            let pk = InboxItem::pk_for_delivery(entry.created, entry.id);
            report.count("notifications", self.runner.erasure.erase_inbox(entry.recipient.label(), &[pk]).await?);
        }
        Ok(())
    }

    /// Erases the rest of the person's inboxes and queued messages, and counts the groups that name the person.
    async fn inbox(&self) -> Result<Step, StoreError> {
        let mut report = JobReport::default();
        for label in self.subject.labels() {
            let mut before: Option<String> = None;
            loop {
                let page = self.runner.inbox.list(label, None, before.as_deref(), PAGE_SIZE, INCLUDE_EXPIRED).await?;
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
        Ok((report, Some(JobCursor::Groups { version: None, after: None })))
    }

    /// Erases the person's events from one file of the archive.
    async fn archive(&self, after: Option<&str>) -> Result<Step, StoreError> {
        let mut report = JobReport::default();
        let next = Some(JobCursor::Mailbox { after: None });
        let Some(archive) = &self.runner.archive else { return Ok((report, next)) };
        let Some(file) = archive.files(after, 1).await?.pop() else { return Ok((report, next)) };
        let read = match archive.read(&file).await {
            Ok(read) => read,
            Err(StoreError::Corrupt(why)) => {
                tracing::error!(
                    file,
                    why,
                    "could not read a file of the archive; the person's data in it was not erased"
                );
                report.count_damaged(if self.dry_run { file.clone() } else { archive.set_aside(&file).await? });
                return Ok((report, Some(JobCursor::Archive { after: Some(file) })));
            }
            Err(error) => return Err(error),
        };
        let (own, others): (Vec<_>, Vec<_>) =
            read.events.iter().cloned().partition(|event| self.subject.is_party_to(event));
        report.count("archived", own.len());
        if !self.dry_run && !own.is_empty() {
            archive.replace(&file, &read, &others).await?;
        }
        Ok((report, Some(JobCursor::Archive { after: Some(file) })))
    }

    /// Erases the mails to the person and the mails that name them, which may be about events that expired long ago.
    /// Also erases mails whose delivery no longer exists, because nothing else tells whom they concern.
    async fn mailbox(&self, after: Option<&str>) -> Result<Step, StoreError> {
        let mut report = JobReport::default();
        let Some(mailbox) = &self.runner.mailbox else { return Ok((report, Some(JobCursor::Scrub))) };
        let mails = mailbox.list(after, MAILS_PER_STEP).await?;
        let Some(last) = mails.last() else { return Ok((report, Some(JobCursor::Scrub))) };
        let ids: Vec<_> = mails.iter().filter_map(|mail| mail.delivery).collect();
        let known: BTreeSet<_> = self.runner.ledger.get_all(&ids).await?.into_iter().map(|entry| entry.id).collect();
        let next = JobCursor::Mailbox { after: Some(last.name.clone()) };
        for mail in &mails {
            let is_to_person = self.subject.is(&Person::new("", mail.to.as_str()));
            let orphaned = mail.delivery.is_some_and(|delivery| !known.contains(&delivery));
            if is_to_person || orphaned || self.subject.is_named_in(&mail.text) {
                report.count("mails", 1);
                if !self.dry_run {
                    mailbox.remove(&mail.name).await?;
                }
            }
        }
        Ok((report, Some(next)))
    }
}
