//! Removes one person: the events that are theirs with all that tells of them, what was sent to them, their inbox, and
//! the same events in the archive.
//!
//! What tells of an event goes before the event: a step that was cut short finds the event again, and with it the rest.

use domain::EventPk;
use domain::delivery::{Delivery, DeliveryId};
use domain::erasure::Subject;
use domain::hold::{self, HELD};
use domain::inbox::InboxItem;
use domain::job::{Place, Report};
use domain::ports::{DeliveryQuery, StoreError};
use domain::suppression::Cause;
use jiff::Timestamp;

use super::{JobRunner, Step};

/// Events of one step. Each is asked for its deliveries.
const EVENTS: usize = 200;
/// Deliveries of one step, or inbox items of one look.
const OTHERS: usize = 500;

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
        let theirs: Vec<_> = page.results.into_iter().filter(|entry| self.subject.is(&entry.recipient)).collect();
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
            self.runner.erasure.erase_deliveries(&ids).await?;
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
        let document = self.runner.configuration.current().await?;
        let named = document.document.groups.values().filter(|members| members.iter().any(|one| self.subject.is(one)));
        report.count("groups", named.count());
        Ok((report, self.runner.archive.is_some().then_some(Place::Archive { after: None })))
    }

    /// Removes their events from one file of the archive.
    async fn archive(&self, after: Option<&str>) -> Result<Step, StoreError> {
        let mut report = Report::default();
        let Some(archive) = &self.runner.archive else { return Ok((report, None)) };
        let Some(file) = archive.files(after, 1).await?.pop() else { return Ok((report, None)) };
        let read = archive.read(&file).await?;
        let (theirs, others): (Vec<_>, Vec<_>) =
            read.events.iter().cloned().partition(|event| self.subject.is_of(event));
        report.count("archived", theirs.len());
        if !self.dry_run && !theirs.is_empty() {
            archive.replace(&file, &read, &others).await?;
        }
        Ok((report, Some(Place::Archive { after: Some(file) })))
    }
}
