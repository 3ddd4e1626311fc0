//! kill -9 at random moments under load: nothing accepted is lost, nothing closed is repeated.
//!
//! `NUNCIO_KILLS=1000 cargo test -p support --test flows kill -- --nocapture` for a long run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::delivery::DeliveryState;
use domain::ports::Ledger as _;
use domain::query::DeliveryQuery;
use embedded::Store;
use serde_json::{Value, json};
use support::nuncio::Nuncio;
use support::{Sink, random_bits};

use crate::recipients::rules_to;

const KILLS: usize = 50;

/// Posts named events until the process has ended; returns the pks of the accepted ones.
async fn post_until_killed(url: String, round: usize) -> Vec<String> {
    let client = reqwest::Client::new();
    let mut accepted = Vec::new();
    for batch in 0.. {
        let events: Vec<Value> = (0..5)
            .map(|number| json!({ "action": "login_failed", "id": format!("{round}/{batch}/{number}"), "source": "crash" }))
            .collect();
        let request = client.post(format!("{url}/v1/events")).bearer_auth(support::nuncio::TOKEN).json(&events);
        let Ok(response) = request.send().await else { break };
        assert_eq!(response.status(), 202);
        // An incomplete response means that the caller did not learn of the acceptance.
        let Ok(answer) = response.json::<Value>().await else { break };
        accepted.extend(answer["results"].as_array().unwrap().iter().map(|one| one["pk"].as_str().unwrap().to_owned()));
    }
    accepted
}

/// Every ledger entry's state, as a dead process left it.
async fn ledger(nuncio: &Nuncio) -> BTreeMap<String, DeliveryState> {
    let store = Store::open(&nuncio.data()).unwrap();
    let mut query = DeliveryQuery { limit: 1000, ..DeliveryQuery::default() };
    let mut states = BTreeMap::new();
    loop {
        let page = store.list(&query).await.unwrap();
        states.extend(page.results.iter().map(|delivery| (delivery.id.to_string(), delivery.state)));
        let Some(next) = page.next else { return states };
        query.before = Some(next);
    }
}

fn times_received(sink: &Sink) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in sink.received() {
        let id = request.header("webhook-id").trim_start_matches("msg_").to_owned();
        *times.entry(id).or_insert(0) += 1;
    }
    times
}

/// The result of a number of kills.
#[derive(Default)]
struct Counts {
    kills: usize,
    accepted: usize,
    closed: usize,
    repeated_in_the_window: usize,
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "how long to go on is the caller's wish")]
async fn killed_at_any_moment_it_loses_nothing_and_repeats_nothing_closed() {
    let kills = std::env::var("NUNCIO_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut counts = Counts::default();
    while counts.kills < kills {
        // A store of its own for each fifty, or looking through it would take longer than the rest.
        survive(KILLS.min(kills - counts.kills), &mut counts).await;
        let Counts { kills, accepted, closed, repeated_in_the_window } = counts;
        println!(
            "{kills} kills: {accepted} events accepted, 0 lost; {closed} deliveries closed at a kill, 0 repeated; \
             {repeated_in_the_window} sent again in the open window"
        );
    }
}

async fn survive(kills: usize, counts: &mut Counts) {
    let sink = Sink::start().await;
    let mut nuncio = Nuncio::with_rules(&rules_to(&sink, "group: ops")).await;
    let mut accepted = BTreeSet::new();
    let mut closed: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..kills {
        let posting = tokio::spawn(post_until_killed(nuncio.at(""), round));
        let moment = Duration::from_micros(u64::try_from(random_bits() % 150_000).unwrap());
        tokio::time::sleep(moment).await;
        nuncio.kill();
        accepted.extend(posting.await.unwrap());
        let times = times_received(&sink);
        for (id, state) in ledger(&nuncio).await {
            if state == DeliveryState::Delivered {
                assert!(times.contains_key(&id), "{id} is closed, but was never received");
                closed.entry(id.clone()).or_insert(times[&id]);
            }
        }
        nuncio.start().await;
    }
    let settled = tokio::time::timeout(Duration::from_mins(1), until_all_delivered(&nuncio, &sink, &accepted)).await;
    let times = times_received(&sink);
    let received = events_of(&times);
    let lost: Vec<_> = accepted.difference(&received).collect();
    assert!(lost.is_empty() && settled.is_ok(), "accepted but never delivered: {lost:?}\n{}", nuncio.log());
    let repeated: Vec<_> = closed.iter().filter(|(id, before)| times[*id] != **before).collect();
    assert!(repeated.is_empty(), "closed, then sent again: {repeated:?}");
    counts.kills += kills;
    counts.accepted += accepted.len();
    counts.closed += closed.len();
    counts.repeated_in_the_window += times.values().filter(|count| **count > 1).count();
}

async fn until_all_delivered(nuncio: &Nuncio, sink: &Sink, accepted: &BTreeSet<String>) {
    loop {
        let mut open = 0;
        for state in ["pending", "retrying"] {
            let page = nuncio.get(&format!("/v1/deliveries?limit=1&state={state}")).await;
            open += page["results"].as_array().unwrap().len();
        }
        if open == 0 && accepted.is_subset(&events_of(&times_received(sink))) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn events_of(times: &BTreeMap<String, usize>) -> BTreeSet<String> {
    times.keys().map(|id| id.split('_').next().unwrap().to_owned()).collect()
}
