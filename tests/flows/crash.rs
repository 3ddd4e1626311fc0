//! kill -9 at random moments under load: nothing accepted is lost, nothing closed is repeated, and detections fire as an
//! independent reference says of the stored events.
//!
//! `NUNCIO_KILLS=1000 cargo test -p support --test flows kill -- --nocapture` for a long run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::delivery::DeliveryState;
use domain::event::Event;
use domain::ports::{Clock as _, EventLog, Ledger};
use domain::query::{DeliveryQuery, EventQuery};
use embedded::Store;
use host::SystemClock;
use serde_json::{Value, json};
use support::detection_reference::{ask, described_event};
use support::nuncio::Nuncio;
use support::{Sink, random_bits};

const KILLS: usize = 50;

/// How many requests have events of the same group of the detections.
const REQUESTS_OF_GROUP: usize = 4;

/// Every event is delivered, and what the detections find. Each policy has the name of the action that it matches.
fn rules(sink: &Sink) -> String {
    format!(
        "groups: {{ ops: [ann, bob] }}\n\
         transports: {{ hook: {{ mode: webhook, url: \"{}\", send_once: true }} }}\n\
         allow_networks: [127.0.0.0/8]\n\
         policies:\n  \
           login_failed: {{ event_matcher: {{ action: login_failed }} }}\n  \
           login: {{ event_matcher: {{ action: login }} }}\n\
         detections:\n  \
           burst: {{ count: {{ of: login_failed, by: [context.group], within: minutes=5, at_least: 15, repeat: every }} }}\n  \
           broke-in: {{ sequence: {{ of: [login_failed, login], by: [context.group], within: minutes=5, ordered: true }} }}\n\
         rules:\n  \
           all: {{ severity: alert, group: ops, transports: [hook], policies: [login_failed, login] }}\n  \
           found: {{ severity: alert, group: ops, transports: [hook], policies: [burst, broke-in] }}\n",
        sink.url("/hook")
    )
}

/// The same detections, as the reference reads them.
fn detections() -> Value {
    json!([
        { "name": "burst", "kind": "count", "of": ["login_failed"], "by": ["context.group"], "within": 300,
          "at_least": 15, "repeat": "every" },
        { "name": "broke-in", "kind": "sequence", "of": ["login_failed", "login"], "by": ["context.group"],
          "within": 300, "ordered": true },
    ])
}

/// Posts named events until the process has ended; returns the pks of the accepted ones.
async fn post_until_killed(url: String, round: usize) -> Vec<String> {
    let client = reqwest::Client::new();
    let mut accepted = Vec::new();
    for batch in 0.. {
        // The reference reads milliseconds.
        let created = SystemClock.now().round(jiff::Unit::Millisecond).unwrap();
        let event = |number: usize| {
            json!({
                "action": if number == 0 { "login" } else { "login_failed" },
                "id": format!("{round}/{batch}/{number}"),
                "source": "crash",
                "created": domain::time::format(created),
                "context": { "group": format!("{round}/{}", batch / REQUESTS_OF_GROUP) },
            })
        };
        let events: Vec<Value> = (0..5).map(event).collect();
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
        let page = Ledger::list(&store, &query).await.unwrap();
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
    detected: usize,
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
        let Counts { kills, accepted, closed, detected, repeated_in_the_window } = counts;
        println!(
            "{kills} kills: {accepted} events accepted, 0 lost; {closed} deliveries closed at a kill, 0 repeated; \
             {repeated_in_the_window} sent again in the open window; {detected} firings, as the reference says"
        );
    }
}

async fn survive(kills: usize, counts: &mut Counts) {
    let sink = Sink::start().await;
    let mut nuncio = Nuncio::with_rules(&rules(&sink)).await;
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
    nuncio.kill();
    let fired = assert_detected(&nuncio, &received).await;
    let lost: Vec<_> = accepted.difference(&received).collect();
    assert!(lost.is_empty() && settled.is_ok(), "accepted but never delivered: {lost:?}\n{}", nuncio.log());
    let repeated: Vec<_> = closed.iter().filter(|(id, before)| times[*id] != **before).collect();
    assert!(repeated.is_empty(), "closed, then sent again: {repeated:?}");
    counts.kills += kills;
    counts.accepted += accepted.len();
    counts.closed += closed.len();
    counts.detected += fired;
    counts.repeated_in_the_window += times.values().filter(|count| **count > 1).count();
}

/// Asserts that the detections fired as the reference says of the stored events, and that each firing was delivered.
/// Returns how many there are. The process is dead.
async fn assert_detected(nuncio: &Nuncio, received: &BTreeSet<String>) -> usize {
    let (found, events): (Vec<Event>, Vec<Event>) =
        stored_events(nuncio).await.into_iter().partition(|event| event.detection().is_some());
    let events: Vec<Value> = events.iter().map(|event| described_event(event, 0)).collect();
    let batch = json!({ "detections": detections(), "events": events, "shuffled": false });
    let mut expected: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for (detection, groups) in ask(&[batch]).remove(0) {
        let firings = groups.into_iter().filter(|(_, firings)| !firings.fired.is_empty());
        expected.extend(firings.map(|(group, firings)| ((detection.clone(), group), firings.fired)));
    }
    let mut actual: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
    for event in &found {
        assert!(received.contains(&event.pk.to_string()), "never delivered: {event:?}");
        let group = json!([event.context["by"]["context.group"]]).to_string();
        let key = (event.detection().unwrap().clone(), group);
        actual.entry(key).or_default().push(event.created.as_millisecond());
    }
    for ((detection, _), times) in actual.iter_mut().chain(&mut expected) {
        times.sort_unstable();
        // Which events complete a sequence depends on the order in which they were evaluated; how many do does not.
        if detection == "broke-in" {
            times.fill(0);
        }
    }
    assert_eq!(actual, expected);
    found.len()
}

async fn stored_events(nuncio: &Nuncio) -> Vec<Event> {
    let store = Store::open(&nuncio.data()).unwrap();
    let mut query = EventQuery { limit: 1000, ..EventQuery::default() };
    let mut events = Vec::new();
    loop {
        let page = EventLog::list(&store, &query, SystemClock.now()).await.unwrap();
        events.extend(page.results);
        query.before = page.next;
        if query.before.is_none() {
            return events;
        }
    }
}

async fn until_all_delivered(nuncio: &Nuncio, sink: &Sink, accepted: &BTreeSet<String>) {
    loop {
        let mut open = 0;
        for state in ["pending", "retrying"] {
            let page = nuncio.get(&format!("/v1/deliveries?limit=1&state={state}")).await;
            open += page["results"].as_array().unwrap().len();
        }
        let is_evaluated = nuncio.get("/v1/detections").await["pending"] == 0;
        if is_evaluated && open == 0 && accepted.is_subset(&events_of(&times_received(sink))) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn events_of(times: &BTreeMap<String, usize>) -> BTreeSet<String> {
    times.keys().map(|id| id.split('_').next().unwrap().to_owned()).collect()
}
