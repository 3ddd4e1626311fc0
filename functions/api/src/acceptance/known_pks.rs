//! Gives a named event without a time the pk of its first arrival.
//!
//! The event also takes the time that the pk contains, so that both arrivals are the same event for the store.

use std::collections::HashMap;

use domain::admission::{AdmittedEvent, REMEMBERED, Rejection};
use domain::ports::{Intake, StoreError};
use domain::{Timestamp, time};

/// Looks up the names of events without a time. Replaces pk and time of those that arrived before, and remembers the
/// others.
pub(super) async fn reuse_known_pks(
    admitted: &mut [Result<AdmittedEvent, Rejection>],
    intake: &dyn Intake,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A name that occurs twice in the request is looked up once, so that both events get the same pk.
    let mut names = HashMap::new();
    for one in admitted.iter().flatten() {
        if let Some(name) = one.remember {
            names.entry(name).or_insert(one.event.pk);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let proposed: Vec<_> = names.into_iter().collect();
    let pks = intake.remember(&proposed, now, time::later(now, REMEMBERED)).await?;
    let remembered: HashMap<_, _> = proposed.into_iter().map(|(name, _)| name).zip(pks).collect();
    for one in admitted.iter_mut().flatten() {
        let Some(pk) = one.remember.and_then(|name| remembered.get(&name)) else { continue };
        if *pk != one.event.pk {
            one.event.pk = *pk;
            one.event.created = pk.instant();
            one.json = one.event.to_json();
        }
    }
    Ok(())
}
