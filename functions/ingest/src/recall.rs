//! Gives a named event without a time the pk that its first arrival had.
//!
//! The time is the pk's own, so that both arrivals are the same event to the store.

use std::collections::HashMap;

use domain::admission::{Admitted, REMEMBERED, Rejection};
use domain::ports::{Intake, StoreError};
use domain::{Timestamp, time};

pub(crate) async fn pks(
    admitted: &mut [Result<Admitted, Rejection>],
    intake: &dyn Intake,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A name that stands twice in the request is asked for once.
    let mut names = HashMap::new();
    for one in admitted.iter().flatten() {
        if let Some(name) = one.remember {
            names.entry(name).or_insert(one.event.pk);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let asked: Vec<_> = names.into_iter().collect();
    let pks = intake.remember(&asked, now, time::later(now, REMEMBERED)).await?;
    let remembered: HashMap<_, _> = asked.into_iter().map(|(name, _)| name).zip(pks).collect();
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
