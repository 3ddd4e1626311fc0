//! What the simulation says of the deployed system, and that it would say otherwise of a worse one.

use super::partitions::{KeyLoad, PartitionedTable};
use super::*;

/// Some hours, as the ordinary tests take no longer.
fn hours(rate: f64) -> Scenario {
    Scenario { seconds: 5 * 3600, has_outages: false, ..Scenario::day(rate) }
}

#[test]
fn two_thousand_events_per_second_leave_nothing_behind() {
    for shards in [4, DeployedSettings::of_template().shards] {
        let mut scenario = hours(2000.0);
        scenario.settings.shards = shards;
        let report = simulate(&Model::stored(), &scenario);
        assert_eq!(report.behind(), [], "{shards} shards: {:?}", report.delays);
        assert!(report.stored > 0.99 * 2000.0 * 5.0 * 3600.0, "{shards} shards: {}", report.stored);
    }
}

#[test]
fn at_the_default_number_of_shards_nothing_is_refused_around_midnight() {
    for seed in 0..20 {
        let scenario = Scenario { seed, seconds: 8 * 3600, ..hours(2000.0) };
        let report = simulate(&Model::stored(), &scenario);
        assert!(report.refused == 0.0, "seed {seed}: {} of {}", report.refused, report.stored);
    }
}

#[test]
fn a_job_passes_five_thousand_events_per_second_beside_everything_else() {
    let report = simulate(&Model::stored(), &hours(2000.0));
    assert!(report.passed_per_second >= 5000.0, "{}", report.passed_per_second);
}

#[test]
fn what_is_too_small_falls_behind() {
    let model = Model::stored();
    let behind = |change: fn(&mut DeployedSettings)| {
        let mut scenario = hours(2000.0);
        change(&mut scenario.settings);
        simulate(&model, &scenario).behind()
    };
    assert!(behind(|settings| settings.shards = 1).contains(&Part::Ingest));
    assert!(behind(|settings| settings.dispatch_instances = 1.0).contains(&Part::Dispatch));
    let slow = behind(|settings| settings.retention_mb = 128.0);
    assert!(slow.contains(&Part::Counting) && slow.contains(&Part::Archive), "{slow:?}");
    assert!(behind(|settings| settings.console_mb = 32.0).contains(&Part::Pages));
}

#[test]
fn an_hour_without_the_table_is_made_up_for() {
    let scenario = Scenario { seconds: 12 * 3600, has_outages: true, ..hours(1000.0) };
    let report = simulate(&Model::stored(), &scenario);
    assert_eq!(report.behind(), [], "{:?}", report.delays);
    assert!(report.delays[&Part::Ingest].worst >= 3600.0, "callers had to wait");
    let arrived = 1000.0 * 12.0 * 3600.0;
    assert!((report.stored / arrived - 1.0).abs() < 0.01, "{} of {arrived}", report.stored);
}

#[test]
fn the_same_seed_gives_the_same_day() {
    let reports = [7, 7, 8].map(|seed| simulate(&Model::stored(), &Scenario { seed, ..hours(200.0) }).stored.to_bits());
    assert_eq!(reports[0], reports[1]);
    assert_ne!(reports[1], reports[2]);
}

#[test]
fn keys_that_share_a_partition_part_when_it_stays_hot_and_a_key_alone_keeps_its_limit() {
    let mut table = PartitionedTable::new(1, 0);
    let mut loads: Vec<_> = (0..8).map(|shard| KeyLoad { key: ('E', 0, shard), asked: 600.0, done: 0.0 }).collect();
    table.write(&mut loads);
    let first: f64 = loads.iter().map(|load| load.done).sum();
    assert!(first <= 4000.0, "a new table has four partitions: {first}");
    for _ in 0..3600 {
        table.write(&mut loads);
    }
    assert!(loads.iter().all(|load| load.done >= 600.0), "{loads:?}");
    let mut alone = [KeyLoad { key: ('E', 0, 0), asked: 1500.0, done: 0.0 }];
    for _ in 0..3600 {
        table.write(&mut alone);
    }
    assert!((alone[0].done - 1000.0).abs() < 1e-6, "{alone:?}");
}

#[test]
fn an_event_that_opens_a_group_costs_one_read_and_one_write_and_any_other_nothing() {
    let model = Model::stored();
    let opened = model.cost(Operation::EnterGroup);
    let requests = [("GetItem", 1.0), ("PutItem", 1.0)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(opened.requests, requests.into());
    assert_eq!((opened.read_units(), opened.write_units(), opened.messages), (1.0, 1.0, 0.0));
    assert_eq!(*model.cost(Operation::WatchBatch), Cost::default(), "detections that an event does not enter are free");
    let dollars: f64 =
        groups_per_million(&model, &DeployedSettings::of_template()).iter().map(|item| item.dollars).sum();
    assert!(dollars <= 0.08, "{dollars}");
}
