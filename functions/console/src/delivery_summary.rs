//! `GET /v1/deliveries/summary`: how many deliveries of a time range are in each state, by transport, and why some
//! failed.
//!
//! Counts the ledger's entries one by one, newest first, so that the counts are exact. Owns how many one request may
//! count; the response says how far back that was.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use api::{Authorized, Problem, Query, scope};
use axum::Json;
use axum::extract::State;
use domain::Timestamp;
use domain::delivery::{Delivery, DeliveryId, DeliveryState};
use domain::query::DeliveryQuery;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Console;

/// The time range without `since`.
const DEFAULT_RANGE: SignedDuration = SignedDuration::from_hours(24);

/// The most entries counted for one response.
const MAX_COUNTED: u64 = 100_000;

/// How long a request may count before it leaves the rest out.
const MAX_DURATION: Duration = Duration::from_secs(5);

const PAGE_SIZE: usize = 1000;

/// The most causes in a response.
const MAX_CAUSES: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummaryParameters {
    #[serde(default, deserialize_with = "domain::time::parameter")]
    since: Option<Timestamp>,
    #[serde(default, deserialize_with = "domain::time::parameter")]
    until: Option<Timestamp>,
}

/// The counts of a time range.
#[derive(Serialize)]
pub(crate) struct DeliverySummary {
    /// One for each transport with a delivery, ordered by name.
    transports: Vec<TransportSummary>,
    /// Why deliveries are dead, the most frequent cause first.
    causes: Vec<CauseCount>,
    counted: CountedRange,
}

/// The deliveries of one transport.
#[derive(Serialize, Default)]
struct TransportSummary {
    transport: String,
    delivered: u64,
    pending: u64,
    retrying: u64,
    dead: u64,
    suppressed: u64,
    /// Those of `retrying` and `pending` whose last attempt failed.
    failing: u64,
    /// The last attempt that succeeded, and the last one that failed.
    #[serde(with = "domain::time::micros_option")]
    last_success: Option<Timestamp>,
    last_failure: Option<LastFailure>,
}

#[derive(Serialize)]
struct LastFailure {
    #[serde(with = "domain::time::micros")]
    at: Timestamp,
    why: String,
}

/// How many deliveries of a transport died for one cause.
#[derive(Serialize)]
struct CauseCount {
    transport: String,
    why: String,
    count: u64,
}

/// The range of the events whose deliveries were counted.
#[derive(Serialize)]
struct CountedRange {
    #[serde(with = "domain::time::micros")]
    from: Timestamp,
    #[serde(with = "domain::time::micros_option")]
    until: Option<Timestamp>,
    deliveries: u64,
}

/// Counts the deliveries for the events of a time range.
pub(crate) async fn show(
    _: Authorized<scope::Read>,
    State(console): State<Console>,
    Query(parameters): Query<SummaryParameters>,
) -> Result<Json<DeliverySummary>, Problem> {
    let SummaryParameters { since, until } = parameters;
    let since =
        since.unwrap_or_else(|| domain::time::later(until.unwrap_or_else(|| console.clock.now()), -DEFAULT_RANGE));
    let began = Instant::now();
    let mut counts = DeliveryCounts::default();
    let mut before: Option<DeliveryId> = None;
    let from = loop {
        let query = DeliveryQuery { since: Some(since), until, before, limit: PAGE_SIZE, ..DeliveryQuery::default() };
        let page = console.stores.ledger.list(&query).await?;
        page.results.iter().for_each(|delivery| counts.add(delivery));
        before = page.next;
        match before {
            None => break since,
            Some(last) if counts.deliveries >= MAX_COUNTED || began.elapsed() >= MAX_DURATION => {
                break last.event().instant();
            }
            Some(_) => {}
        }
    };
    let counted = CountedRange { from, until, deliveries: counts.deliveries };
    Ok(Json(DeliverySummary { causes: counts.causes(), transports: counts.transports(), counted }))
}

#[derive(Default)]
struct DeliveryCounts {
    transports: BTreeMap<String, TransportSummary>,
    causes: HashMap<(String, String), u64>,
    deliveries: u64,
}

impl DeliveryCounts {
    fn add(&mut self, delivery: &Delivery) {
        self.deliveries += 1;
        if !self.transports.contains_key(&delivery.transport) {
            self.transports.insert(delivery.transport.clone(), TransportSummary::default());
        }
        let Some(transport) = self.transports.get_mut(&delivery.transport) else { return };
        let last = delivery.attempts.last();
        let failed = last.and_then(|attempt| attempt.error.as_ref());
        let count = match delivery.state {
            DeliveryState::Delivered => &mut transport.delivered,
            DeliveryState::Pending => &mut transport.pending,
            DeliveryState::Retrying => &mut transport.retrying,
            DeliveryState::Dead => &mut transport.dead,
            DeliveryState::Suppressed => &mut transport.suppressed,
        };
        *count += 1;
        transport.failing += u64::from(failed.is_some() && !delivery.is_closed());
        for attempt in &delivery.attempts {
            match &attempt.error {
                None => transport.last_success = transport.last_success.max(Some(attempt.at)),
                Some(why) if transport.last_failure.as_ref().is_none_or(|last| last.at < attempt.at) => {
                    transport.last_failure = Some(LastFailure { at: attempt.at, why: why.clone() });
                }
                Some(_) => {}
            }
        }
        if delivery.state == DeliveryState::Dead {
            let why = failed.cloned().unwrap_or_default();
            *self.causes.entry((delivery.transport.clone(), why)).or_default() += 1;
        }
    }

    /// The most frequent causes first.
    fn causes(&self) -> Vec<CauseCount> {
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_unstable_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
        let cause = |((transport, why), count): (&(String, String), &u64)| CauseCount {
            transport: transport.clone(),
            why: why.clone(),
            count: *count,
        };
        causes.into_iter().take(MAX_CAUSES).map(cause).collect()
    }

    /// The transports, ordered by name.
    fn transports(self) -> Vec<TransportSummary> {
        self.transports.into_iter().map(|(transport, counts)| TransportSummary { transport, ..counts }).collect()
    }
}
