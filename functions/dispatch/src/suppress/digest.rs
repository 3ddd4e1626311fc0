//! Deliveries that wait for their rule's digest.
//!
//! Each (rule, transport, recipient, values of the fields in `by`) is a lane of its own, so that everybody is told
//! of what concerns them alone. The first delivery of a lane opens a window and becomes its carrier: its ledger
//! entry waits until the window has closed. The later ones are collected for it and closed.
//!
//! A carrier is in the ledger before its window can be seen, and an event is collected before its own entry is
//! closed: a crash in between repeats, but loses nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::delivery::{Cause, Delivery, DeliveryId, Span};
use domain::event::{Event, EventPk};
use domain::ports::{Opened, StoreError};
use domain::rules_document::{Digest, Rule};
use domain::suppression::{Lane, LaneId, LaneState, Window};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::plan::Planned;
use crate::{Parts, record};

/// Lanes worked on at a time.
const SIDE_BY_SIDE: usize = 16;

/// What one message brings to one lane.
struct Arrivals<'a> {
    lane: LaneId,
    digest: &'a Digest,
    waiting: Vec<Arrival>,
    /// Places of those that the ledger knew already, as something else than carriers.
    judged: Vec<usize>,
}

struct Arrival {
    /// In what is planned.
    place: usize,
    delivery: Delivery,
    event: Arc<Event>,
    /// It is in the ledger, to carry a window.
    opened: bool,
}

/// What became of one arrival.
enum Fate {
    /// The ledger has it.
    Settled,
    /// This window's carrier will tell of it.
    Collected(Window),
}

/// Makes the first of each lane its window's carrier, and keeps back the others.
pub(super) async fn apply(parts: &Parts, planned: &mut [&mut Planned<'_>], now: Timestamp) -> Result<(), StoreError> {
    let lanes: Vec<_> = by_lane(planned).into_values().map(|arrivals| arrive(parts, arrivals, now)).collect();
    let fates: Vec<Vec<(usize, Fate)>> = stream::iter(lanes).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    for (place, fate) in fates.into_iter().flatten() {
        match fate {
            Fate::Settled => planned[place].settled = true,
            Fate::Collected(window) => planned[place].keep_back(cause(&window)),
        }
    }
    Ok(())
}

fn cause(window: &Window) -> Cause {
    Cause::Digest { delivery: window.carrier, until: window.span.closes }
}

fn by_lane<'a>(planned: &[&mut Planned<'a>]) -> BTreeMap<LaneId, Arrivals<'a>> {
    let mut lanes: BTreeMap<LaneId, Arrivals<'a>> = BTreeMap::new();
    for (place, planned) in planned.iter().enumerate() {
        let rule: &'a Rule = planned.rule;
        let Some(digest) = &rule.digest else { continue };
        let values: Vec<Option<String>> = digest.by.iter().map(|path| path.value(&planned.event)).collect();
        let key = digest.by.iter().zip(&values).map(|(path, value)| (path.as_str(), value.as_deref()));
        let lane = LaneId::digest(&planned.delivery, key);
        let arrivals =
            lanes.entry(lane).or_insert_with(|| Arrivals { lane, digest, waiting: Vec::new(), judged: Vec::new() });
        arrivals.waiting.push(Arrival {
            place,
            delivery: planned.delivery.clone(),
            event: Arc::clone(&planned.event),
            opened: false,
        });
    }
    lanes
}

async fn arrive(parts: &Parts, mut arrivals: Arrivals<'_>, now: Timestamp) -> Result<Vec<(usize, Fate)>, StoreError> {
    // Closed by somebody whose clock is ahead.
    let mut closed: Option<DeliveryId> = None;
    while !arrivals.waiting.is_empty() {
        let lane = parts.suppression.lane(arrivals.lane).await?;
        let open = match &lane {
            Some(Lane { state: LaneState::Digest(window), .. }) if window.span.is_open(now) => Some(*window),
            _ => None,
        };
        let window = match open.filter(|window| closed != Some(window.carrier)) {
            Some(window) => window,
            None => match open_window(parts, &mut arrivals, lane.as_ref(), closed, now).await? {
                Some(window) => window,
                None => continue,
            },
        };
        let events: Vec<EventPk> = arrivals.waiting.iter().map(|arrival| arrival.delivery.event()).collect();
        let expires = arrivals.waiting.iter().map(|arrival| arrival.delivery.expires).max().unwrap_or(now);
        if parts.suppression.collect(window.carrier, &events, expires).await? {
            return settle(parts, arrivals, &window).await;
        }
        closed = Some(window.carrier);
    }
    Ok(arrivals.judged.into_iter().map(|place| (place, Fate::Settled)).collect())
}

/// Opens a window with the first arrival as its carrier; none if another came before, or the arrival was judged
/// before: then there is to look again.
async fn open_window(
    parts: &Parts,
    arrivals: &mut Arrivals<'_>,
    lane: Option<&Lane>,
    closed: Option<DeliveryId>,
    now: Timestamp,
) -> Result<Option<Window>, StoreError> {
    let first = &mut arrivals.waiting[0];
    let mut carrier = first.delivery.clone();
    carrier.carry(Span::of(arrivals.digest, now));
    match parts.ledger.open(std::slice::from_ref(&carrier)).await?.pop() {
        Some(Opened::Existing(known)) if !known.carries_at(now) || closed == Some(known.id) => {
            arrivals.judged.push(arrivals.waiting.remove(0).place);
            return Ok(None);
        }
        // A second copy of the message was faster, or this is the second try.
        Some(Opened::Existing(known)) => carrier = *known,
        Some(Opened::New) | None => {}
    }
    first.opened = true;
    first.delivery = carrier.clone();
    let event = Arc::clone(&first.event);
    let Some(span) = carrier.digest else { return Ok(None) };
    let window = Window { carrier: carrier.id, span };
    let after = Lane::after(lane, LaneState::Digest(window), span.due());
    if !parts.suppression.put_lane(arrivals.lane, &after).await? {
        return Ok(None);
    }
    record::schedule(parts, &carrier, Some(&event)).await;
    Ok(Some(window))
}

/// What became of each, once all are collected.
async fn settle(parts: &Parts, arrivals: Arrivals<'_>, window: &Window) -> Result<Vec<(usize, Fate)>, StoreError> {
    let mut fates: Vec<(usize, Fate)> = arrivals.judged.into_iter().map(|place| (place, Fate::Settled)).collect();
    for Arrival { place, mut delivery, opened, .. } in arrivals.waiting {
        let fate = if delivery.id == window.carrier {
            Fate::Settled
        } else if opened {
            // Another's window was first. Should this write be lost, it tells of its own event alone.
            delivery.keep_back(cause(window));
            delivery.revision += 1;
            parts.ledger.replace(std::slice::from_ref(&delivery)).await?;
            Fate::Settled
        } else {
            Fate::Collected(*window)
        };
        fates.push((place, fate));
    }
    Ok(fates)
}
