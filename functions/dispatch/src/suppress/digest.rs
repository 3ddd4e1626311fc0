//! Collects deliveries for their rule's digest.
//!
//! Each (rule, transport, recipient, values of the fields in `by`) has a digest of its own, so that each recipient gets
//! only the events that concern them. The first delivery opens a window and becomes its carrier: its ledger entry waits
//! until the window has closed. The events of the later deliveries are collected for the carrier, and these deliveries are
//! closed.
//!
//! This stage writes to the ledger, which otherwise only the claim does. The order of the writes requires it: a carrier
//! must be in the ledger before another dispatcher can see its window, and an event must be collected before its own
//! entry is closed. A crash in between repeats a step, but loses no event.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DigestWindow, SuppressionCause};
use domain::event::{Event, EventPk};
use domain::ports::{OpenOutcome, StoreError};
use domain::rules_document::{DigestSettings, Rule};
use domain::suppression::{DigestCarrier, SuppressionKey, SuppressionRecord, SuppressionState};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::plan::PlannedDelivery;
use crate::{DispatchPorts, persist_outcome};

/// Concurrent digest groups; each makes several requests, one after the other.
const MAX_CONCURRENT: usize = 16;

/// The deliveries of one message that share a digest.
struct DigestGroup<'a> {
    key: SuppressionKey,
    digest: &'a DigestSettings,
    /// Deliveries that have no window yet.
    waiting: Vec<WaitingDelivery>,
    /// Indexes of the deliveries that were already in the ledger, but not as the carrier of an open window.
    decided_before: Vec<usize>,
}

/// A delivery that needs a window.
struct WaitingDelivery {
    /// In the slice of planned deliveries.
    index: usize,
    delivery: Delivery,
    event: Arc<Event>,
    /// The ledger has an entry that makes this delivery a carrier.
    is_carrier: bool,
}

/// How a delivery was handled.
enum DigestDecision {
    /// Its ledger entry is written.
    InLedger,
    /// Its event was collected; the carrier of this window will report it.
    Collected(DigestCarrier),
}

/// Makes the first delivery of each group without an open window its carrier, and suppresses the others.
pub(super) async fn apply(
    ports: &DispatchPorts,
    planned: &mut [&mut PlannedDelivery<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let groups: Vec<_> = grouped(planned).into_values().map(|group| collect(ports, group, now)).collect();
    let decisions: Vec<Vec<(usize, DigestDecision)>> =
        stream::iter(groups).buffer_unordered(MAX_CONCURRENT).try_collect().await?;
    for (index, decision) in decisions.into_iter().flatten() {
        match decision {
            DigestDecision::InLedger => planned[index].is_in_ledger = true,
            DigestDecision::Collected(window) => planned[index].suppress(cause(&window)),
        }
    }
    Ok(())
}

fn cause(window: &DigestCarrier) -> SuppressionCause {
    SuppressionCause::Digest { delivery: window.carrier, until: window.window.closes }
}

fn grouped<'a>(planned: &[&mut PlannedDelivery<'a>]) -> BTreeMap<SuppressionKey, DigestGroup<'a>> {
    let mut groups: BTreeMap<SuppressionKey, DigestGroup<'a>> = BTreeMap::new();
    for (index, planned) in planned.iter().enumerate() {
        let rule: &'a Rule = planned.rule;
        let Some(digest) = &rule.digest else { continue };
        let values: Vec<Option<String>> = digest.by.iter().map(|path| path.value(&planned.event)).collect();
        let key = digest.by.iter().zip(&values).map(|(path, value)| (path.as_str(), value.as_deref()));
        let suppression_key = SuppressionKey::digest(&planned.delivery, key);
        let group = groups.entry(suppression_key).or_insert_with(|| DigestGroup {
            key: suppression_key,
            digest,
            waiting: Vec::new(),
            decided_before: Vec::new(),
        });
        group.waiting.push(WaitingDelivery {
            index,
            delivery: planned.delivery.clone(),
            event: Arc::clone(&planned.event),
            is_carrier: false,
        });
    }
    groups
}

/// Collects the group's deliveries in the open window, or in a new one. Returns a decision for each by its index.
async fn collect(
    ports: &DispatchPorts,
    mut group: DigestGroup<'_>,
    now: Timestamp,
) -> Result<Vec<(usize, DigestDecision)>, StoreError> {
    // The carrier of a window that seems open by our clock, but was closed by a dispatcher whose clock is ahead.
    let mut closed: Option<DeliveryId> = None;
    while !group.waiting.is_empty() {
        let record = ports.suppression.get(group.key).await?;
        let open = match &record {
            Some(SuppressionRecord { state: SuppressionState::Digest(window), .. }) if window.window.is_open(now) => {
                Some(*window)
            }
            _ => None,
        };
        let window = match open.filter(|window| closed != Some(window.carrier)) {
            Some(window) => window,
            None => match open_window(ports, &mut group, record.as_ref(), closed, now).await? {
                Some(window) => window,
                None => continue,
            },
        };
        let events: Vec<EventPk> = group.waiting.iter().map(|waiting| waiting.delivery.event()).collect();
        let expires = group.waiting.iter().map(|waiting| waiting.delivery.expires).max().unwrap_or(now);
        if ports.suppression.collect(window.carrier, &events, expires).await? {
            return decide(ports, group, &window).await;
        }
        closed = Some(window.carrier);
    }
    Ok(group.decided_before.into_iter().map(|index| (index, DigestDecision::InLedger)).collect())
}

/// Opens a window with the first waiting delivery as its carrier. Returns `None` if another dispatcher opened one first,
/// or if the ledger already holds a decision about the delivery; the caller then looks again.
async fn open_window(
    ports: &DispatchPorts,
    group: &mut DigestGroup<'_>,
    record: Option<&SuppressionRecord>,
    closed: Option<DeliveryId>,
    now: Timestamp,
) -> Result<Option<DigestCarrier>, StoreError> {
    let first = &mut group.waiting[0];
    let mut carrier = first.delivery.clone();
    carrier.carry_digest(DigestWindow::opening_at(group.digest, now));
    match ports.ledger.open(std::slice::from_ref(&carrier)).await?.pop() {
        Some(OpenOutcome::Existing(known)) if !known.is_collecting_at(now) || closed == Some(known.id) => {
            group.decided_before.push(group.waiting.remove(0).index);
            return Ok(None);
        }
        // Whether it was sent is not known, so nothing is sent for it. The store has reported it.
        Some(OpenOutcome::Unreadable) => {
            group.decided_before.push(group.waiting.remove(0).index);
            return Ok(None);
        }
        // A second copy of the message has opened this entry, or we did and then crashed or lost the window.
        Some(OpenOutcome::Existing(known)) => carrier = *known,
        Some(OpenOutcome::New) | None => {}
    }
    first.is_carrier = true;
    first.delivery = carrier.clone();
    let event = Arc::clone(&first.event);
    let Some(window) = carrier.digest else { return Ok(None) };
    let digest = DigestCarrier { carrier: carrier.id, window };
    let after = SuppressionRecord::next(record, SuppressionState::Digest(digest), window.due());
    if !ports.suppression.put(group.key, &after).await? {
        return Ok(None);
    }
    persist_outcome::queue_if_due_soon(ports, &carrier, Some(&event)).await;
    Ok(Some(digest))
}

/// The decision about each delivery, once all events are collected for `window`.
async fn decide(
    ports: &DispatchPorts,
    group: DigestGroup<'_>,
    window: &DigestCarrier,
) -> Result<Vec<(usize, DigestDecision)>, StoreError> {
    let mut decisions: Vec<(usize, DigestDecision)> =
        group.decided_before.into_iter().map(|index| (index, DigestDecision::InLedger)).collect();
    for WaitingDelivery { index, mut delivery, is_carrier, .. } in group.waiting {
        let decision = if delivery.id == window.carrier {
            DigestDecision::InLedger
        } else if is_carrier {
            // Another dispatcher opened its window first. If this write is lost, the entry stays a carrier without a
            // window and is sent with its own event alone.
            delivery.suppress(cause(window));
            delivery.revision += 1;
            ports.ledger.replace(std::slice::from_ref(&delivery)).await?;
            DigestDecision::InLedger
        } else {
            DigestDecision::Collected(*window)
        };
        decisions.push((index, decision));
    }
    Ok(decisions)
}
