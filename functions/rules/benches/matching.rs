//! The cost of matching: an event against 10 to 100,000 rules, compared with parsing that event's JSON.
//!
//! `cargo bench -p rules` prints a table, and one with detections beside 1,000 rules. `cargo bench -p rules -- <mix> <rules> <events>` only matches that number of
//! events, `-- sonic <events>` and `-- serde <events>` only parse them, `-- build <mix> <rules> <times>` only compiles
//! rules. The difference between the counts of two runs under `valgrind --tool=callgrind` is the cost of the additional
//! work.

#[path = "../tests/index/mixes.rs"]
mod mixes;

use std::hint::black_box;
use std::time::{Duration, Instant};

use domain::Event;
use domain::ports::NoExpressions;
use domain::rules_document::{CountSettings, Detection, DetectionKind, Period, Policy, Repeat, RulesDocument};
use mixes::{Draw, MIXES, Mix};
use rules::RuleSet;

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];
const EVENTS: usize = 200;
/// The number of rounds. The fastest one counts, because it was disturbed least.
const ROUNDS: usize = 30;

#[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |word: &str| word.parse::<usize>().expect("a number");
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {}
        ["serde", count] => return read(number(count), |text| drop(serde_json::from_str::<serde_json::Value>(text))),
        ["sonic", count] => return read(number(count), |text| drop(sonic_rs::from_str::<sonic_rs::Value>(text))),
        ["build", mix, rules, count] => return only_build(mix, number(rules), number(count)),
        [mix, rules, count] => return only_match(mix, number(rules), number(count)),
        _ => panic!("[<mix> <rules> <events>]"),
    }
    println!("| mix | rules | build ms | index bytes/rule | resident bytes/rule | fired | ns | /sonic | /serde |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for mix in MIXES {
        for rules in SIZES {
            println!("{}", row(mix, rules));
        }
    }
    println!("\n| mix | detections | entered | ns |\n|---|---|---|---|");
    for mix in MIXES {
        for detections in [0, 10, 1_000, 10_000] {
            println!("{}", detecting_row(mix, detections));
        }
    }
}

/// Events against 1,000 rules and this number of detections. With 10,000 detections, ten are of the same policy.
fn detecting_row(mix: Mix, detections: usize) -> String {
    const RULES: usize = 1_000;
    let mut document = mixes::document(mix, RULES);
    for number in 0..detections {
        let (name, of) = (format!("d{number}"), format!("r{}", number % RULES));
        let kind = DetectionKind::Count(CountSettings {
            of,
            distinct: None,
            within: Period::days(1),
            at_least: 10,
            repeat: Repeat::Crossing,
        });
        let detection = Detection { name: name.clone(), by: Vec::new(), max_groups: 10, kind };
        document.policies.insert(name, Policy::Detection(detection).into());
    }
    let rules = RuleSet::compile(&document);
    let events = events(RULES, EVENTS);
    let evaluate = |event: &Event| rules.evaluate(event, &document, &NoExpressions);
    let entered: usize = events.iter().map(|event| evaluate(event).entered.len()).sum();
    let took = per_event(&events, |event| drop(black_box(evaluate(event))));
    format!("| {mix:?} | {detections} | {:.2} | {took:.0} |", ratio(entered as u64, events.len()))
}

fn row(mix: Mix, rules: usize) -> String {
    let document = mixes::document(mix, rules);
    let events = events(rules, EVENTS);
    let before = resident();
    let kept = RuleSet::compile(&document);
    let resident = resident().saturating_sub(before) / rules;
    let build = (0..5).map(|_| compile(&document)).min().unwrap_or_default();
    let texts: Vec<String> = events.iter().map(Event::to_json).collect();
    let fired: usize = events.iter().map(|event| kept.matches(event).len()).sum();
    let matching = per_event(&events, |event| drop(black_box(kept.matches(event))));
    let sonic = per_event(&texts, |text| drop(black_box(sonic_rs::from_str::<sonic_rs::Value>(text))));
    let serde = per_event(&texts, |text| drop(black_box(serde_json::from_str::<serde_json::Value>(text))));
    format!(
        "| {mix:?} | {rules} | {:.2} | {} | {resident} | {:.2} | {matching:.0} | {:.2} | {:.2} |",
        build.as_secs_f64() * 1e3,
        kept.index_bytes() / rules,
        ratio(fired as u64, events.len()),
        matching / sonic,
        matching / serde,
    )
}

fn events(rules: usize, count: usize) -> Vec<Event> {
    let draw = &mut Draw(7);
    (0..count).map(|_| mixes::event(draw, rules)).collect()
}

/// The time to compile the document's rules, without the time to drop the result.
fn compile(document: &RulesDocument) -> Duration {
    let start = Instant::now();
    let made = black_box(RuleSet::compile(document));
    let took = start.elapsed();
    drop(made);
    took
}

fn least(mut work: impl FnMut(), rounds: usize) -> Duration {
    let rounds = (0..rounds).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    rounds.min().unwrap_or_default()
}

/// Nanoseconds.
fn per_event<T>(items: &[T], mut work: impl FnMut(&T)) -> f64 {
    ratio(u64::try_from(least(|| items.iter().for_each(&mut work), ROUNDS).as_nanos()).unwrap_or(u64::MAX), items.len())
}

#[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
fn ratio(of: u64, by: usize) -> f64 {
    of as f64 / by as f64
}

/// Bytes of memory that the process has.
fn resident() -> usize {
    const PAGE: usize = 4096;
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}

fn named(mix: &str) -> Mix {
    MIXES.into_iter().find(|one| format!("{one:?}").eq_ignore_ascii_case(mix)).expect("a mix")
}

fn only_build(mix: &str, rules: usize, count: usize) {
    let document = mixes::document(named(mix), rules);
    (0..count).for_each(|_| drop(black_box(RuleSet::compile(&document))));
}

fn only_match(mix: &str, rules: usize, count: usize) {
    let kept = RuleSet::compile(&mixes::document(named(mix), rules));
    let events = events(rules, EVENTS);
    events.iter().cycle().take(count).for_each(|event| drop(black_box(kept.matches(event))));
}

fn read(count: usize, mut work: impl FnMut(&str)) {
    let texts: Vec<String> = events(SIZES[3], EVENTS).iter().map(Event::to_json).collect();
    texts.iter().cycle().take(count).for_each(|text| work(black_box(text)));
}
