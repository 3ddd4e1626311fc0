//! The tables of the documentation, as Markdown.

use std::fmt::Write as _;

use super::bill::{BillItem, idle_month, month_extras, per_million};
use super::day::simulate;
use super::parts::{DayReport, Part, ceilings};
use super::{DeployedSettings, Model, Scenario};

/// The rates of the table, in events per second.
pub(crate) const RATES: [f64; 4] = [10.0, 200.0, 2000.0, 20_000.0];

/// Shards with which ingest takes as much as is tried.
const MANY_SHARDS: usize = 16;

/// Messages of an invocation of `dispatch` while it is quiet, and in a rush.
const TOGETHER: [f64; 2] = [1.0, 10.0];

/// A day at each rate, and the rate from which each part falls behind.
pub fn scale_table(model: &Model) -> String {
    let scenarios = RATES.map(Scenario::day);
    let days: Vec<DayReport> = scenarios.iter().map(|scenario| simulate(model, scenario)).collect();
    let mut table = String::from("| events per second, on average |");
    for rate in RATES {
        push(&mut table, &number(rate));
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(RATES.len()));
    let mut row = |name: &str, cell: &dyn Fn(&Scenario, &DayReport) -> String| {
        let _ = write!(table, "\n| {name} |");
        for (scenario, day) in scenarios.iter().zip(&days) {
            push(&mut table, &cell(scenario, day));
        }
    };
    row("behind at the end of the day", &|_, day| {
        let behind: Vec<_> = day.behind().into_iter().map(Part::name).collect();
        if behind.is_empty() { "nothing".to_owned() } else { behind.join(", ") }
    });
    row("refused while nothing failed", &|_, day| percent(day.refused / day.stored.max(1.0)));
    for part in Part::ALL {
        let name = match part {
            Part::Ingest => "until all callers have posted again what the failing table refused",
            Part::Dispatch => "longest delay of dispatch",
            Part::DueRetries => "longest delay of due retries",
            Part::Counting => "longest delay of hourly counts",
            Part::Archive => "longest delay of the archive",
            Part::Pages => "slowest page",
        };
        row(name, &|_, day| duration(day.delays.get(&part).map_or(0.0, |delay| delay.worst)));
    }
    row("events that a job passes per second meanwhile", &|_, day| number(day.passed_per_second));
    row("concurrent instances, at most", &|_, day| number(day.instances.ceil()));
    row("read units of the busiest partition per second", &|_, day| number(day.hottest_reads.ceil()));
    row("$ a day, without storage", &|scenario, day| format!("{:.2}", sum(&day.usage.bill(model, &scenario.settings))));
    table.push_str("\n\n| breaks first: part | keeps up until, events per second |\n|---|---|\n");
    // With many shards, so that the other parts get to see more than ingest takes with the default.
    let day = Scenario::day(0.0);
    let mut wide = day.clone();
    wide.settings.shards = MANY_SHARDS;
    let mut found = ceilings(model, &wide, &Part::ALL[1..]);
    found.extend(ceilings(model, &day, &[Part::Ingest]));
    found.sort_by(|one, other| one.1.unwrap_or(f64::MAX).total_cmp(&other.1.unwrap_or(f64::MAX)));
    for (part, rate) in found {
        let rate = rate.map_or("more than 10,000".to_owned(), number);
        let _ = writeln!(table, "| {} | {rate} |", part.name());
    }
    table
}

/// A million events: quiet, and in a rush; and what is billed beside.
pub fn cost_table(model: &Model) -> String {
    let settings = DeployedSettings::of_template();
    let [quiet, rush] = TOGETHER.map(|together| per_million(model, &settings, together));
    let mut table = String::from("| a million events | quiet | $ | rush | $ |\n|---|---|---|---|---|\n");
    for (quiet, rush) in quiet.iter().zip(&rush) {
        let _ = writeln!(
            table,
            "| {} | {} | {:.3} | {} | {:.3} |",
            quiet.name,
            number(quiet.count),
            quiet.dollars,
            number(rush.count),
            rush.dollars
        );
    }
    let _ = writeln!(table, "| all of these | | {:.3} | | {:.3} |", sum(&quiet), sum(&rush));
    table.push_str("\n| beside | count | $ |\n|---|---|---|\n");
    for item in month_extras(model, &settings) {
        let count = if item.count < 100.0 { format!("{:.1}", item.count) } else { number(item.count) };
        let _ = writeln!(table, "| {} | {count} | {:.2} |", item.name, item.dollars);
    }
    for level in ["warn", "info"] {
        let bytes = model.recorded.log_bytes[level] * 40_000.0;
        let _ = writeln!(
            table,
            "| a million events: bytes logged with `LogLevel={level}` | {} | {:.3} |",
            number(bytes),
            bytes * super::limits::LOG_BYTE
        );
    }
    table
}

/// A month without events.
pub fn idle_table(model: &Model) -> String {
    let bill = idle_month(model, &DeployedSettings::of_template());
    let mut table = String::from("| a month without events | count | $ |\n|---|---|---|\n");
    for item in &bill {
        let _ = writeln!(table, "| {} | {} | {:.3} |", item.name, number(item.count), item.dollars);
    }
    let _ = writeln!(table, "| all of these | | {:.3} |", sum(&bill));
    table
}

fn sum(bill: &[BillItem]) -> f64 {
    bill.iter().map(|item| item.dollars).sum()
}

fn push(table: &mut String, cell: &str) {
    let _ = write!(table, " {cell} |");
}

/// A whole number with commas, in three digits' precision from a thousand on.
fn number(amount: f64) -> String {
    let step = if amount < 1000.0 { 1.0 } else { 10_f64.powf(amount.log10().floor() - 2.0) };
    let digits = format!("{:.0}", (amount / step).round() * step);
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(share: f64) -> String {
    if share == 0.0 { "0".to_owned() } else { format!("{:.2} %", share * 100.0) }
}

fn duration(seconds: f64) -> String {
    match seconds {
        ..1.0 => "< 1 s".to_owned(),
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}
