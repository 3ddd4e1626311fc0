//! The AWS deployment at scale, by counting: records what each operation asks of AWS from the real functions, then
//! simulates days at several rates with it, second by second. Prints which part falls behind, and the bill.
//!
//! `cargo bench -p support --bench scale`. With `-- --store`, it also stores the recording and the processor times, which
//! differ from machine to machine, in `tests/support/recording`.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use support::recording::{self, Recorded};
use support::simulation::{Model, Scenario, cost_table, idle_table, scale_table, simulate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if recording::log_if_asked()? {
        return Ok(());
    }
    let (recorded, operations) = recording::record()?;
    if std::env::args().any(|argument| argument == "--store") {
        std::fs::write(Recorded::path(), serde_json::to_string_pretty(&recorded)? + "\n")?;
        std::fs::write(recording::processor_path(), serde_json::to_string_pretty(&operations.processor)? + "\n")?;
    }
    println!(
        "recorded with {} events of {} bytes in the table, without their keys' overhead:",
        recorded.events, recorded.item_bytes
    );
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>7} {:>8}  requests",
        "operation", "writes", "reads", "queue", "rounds", "cpu ms"
    );
    for (operation, cost) in &recorded.costs {
        let requests: Vec<_> = cost.requests.iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!(
            "{:<16} {:>8.3} {:>8.3} {:>8.3} {:>7.3} {:>8.3}  {}",
            format!("{operation:?}"),
            cost.write_units(),
            cost.read_units(),
            cost.queue_requests,
            cost.rounds,
            operations.processor[operation],
            requests.join(", ")
        );
    }
    let differences = recorded.differences(&Recorded::stored());
    if !differences.is_empty() {
        println!("\nthe tables of the documentation come from another recording:\n{differences}");
    }
    let model = Model::new(recorded, recording::processor_times());
    println!("\n{}\n{}\n{}", scale_table(&model), cost_table(&model), idle_table(&model));
    println!("2,000 events per second, in variations:");
    let day = Scenario::day(2000.0);
    for (name, scenario) in [
        ("posted one by one", Scenario { batch: 1, ..day.clone() }),
        ("the first day of a table", Scenario { past_days: 0, ..day.clone() }),
        ("without outages", Scenario { has_outages: false, ..day.clone() }),
    ] {
        let report = simulate(&model, &scenario);
        println!(
            "{name}: behind {:?}, refused {:.0} of {:.0}, {:?}",
            report.behind(),
            report.refused,
            report.stored,
            report.delays
        );
    }
    let seeds = 1..=20;
    let refusing = |seed: &u64| simulate(&model, &Scenario { seed: *seed, ..day.clone() }).refused > 0.0;
    println!("of 20 days with other chance, {} refuse events while nothing has failed", seeds.filter(refusing).count());
    Ok(())
}
