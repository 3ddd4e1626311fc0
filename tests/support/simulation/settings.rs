//! The settings that the simulation takes from `template.yaml`: parameters' defaults, memory sizes, times.

use crate::emulator::template_file;

/// The deployed system's settings.
#[derive(Debug, Clone)]
pub struct DeployedSettings {
    /// Partitions over which a day's records are spread.
    pub shards: usize,
    /// The most instances of `dispatch`.
    pub dispatch_instances: f64,
    /// The most messages of one invocation of `dispatch`.
    pub messages_per_invocation: usize,
    /// Memory of `ingest`, in MB.
    pub ingest_mb: f64,
    /// Memory of `dispatch`, in MB.
    pub dispatch_mb: f64,
    /// Memory of `retention`, in MB.
    pub retention_mb: f64,
    /// The longest time of a run of `retention`, in seconds.
    pub retention_seconds: f64,
    /// Memory of `console`, in MB.
    pub console_mb: f64,
    /// The least severe level that is logged.
    pub log_level: String,
    /// Whether Lambda logs the start and the report of each invocation.
    pub has_platform_log: bool,
    /// Whether X-Ray traces the functions.
    pub is_traced: bool,
    /// The metrics that alarms read which every stack has.
    pub alarm_metrics: f64,
}

impl DeployedSettings {
    /// Reads the template's defaults.
    ///
    /// # Panics
    /// If the template has no such setting.
    pub fn of_template() -> Self {
        let template = std::fs::read_to_string(template_file()).expect("the template is part of the repository");
        let parameter = |name: &str| field(section(&template, "Parameters", name), "Default");
        let function = |name: &str, key: &str| number(&field(section(&template, "Resources", name), key));
        let (mut metrics, mut is_alarm) = (0, false);
        for line in template.lines().map(str::trim) {
            match line.split_once(' ') {
                Some(("Type:", kind)) => is_alarm = kind == "AWS::CloudWatch::Alarm",
                Some(("Condition:", _)) => is_alarm = false,
                Some(("MetricName:", _)) if is_alarm => metrics += 1,
                _ => {}
            }
        }
        Self {
            shards: whole(number(&parameter("Shards"))),
            dispatch_instances: number(&parameter("DispatchConcurrency")),
            messages_per_invocation: whole(function("Dispatch", "BatchSize")),
            ingest_mb: function("Ingest", "MemorySize"),
            dispatch_mb: function("Dispatch", "MemorySize"),
            retention_mb: function("Retention", "MemorySize"),
            retention_seconds: function("Retention", "Timeout"),
            console_mb: function("Console", "MemorySize"),
            log_level: parameter("LogLevel"),
            has_platform_log: !template.contains("SystemLogLevel: WARN"),
            is_traced: parameter("Tracing") == "true",
            alarm_metrics: f64::from(metrics),
        }
    }
}

/// The lines of a resource or parameter.
fn section<'t>(template: &'t str, part: &str, name: &str) -> &'t str {
    let (_, rest) = template.split_once(&format!("\n{part}:\n")).unwrap_or_else(|| panic!("the template has {part}"));
    let start = format!("\n  {name}:\n");
    let (_, rest) = rest
        .split_once(&start)
        .or_else(|| rest.split_once(&start[1..]))
        .unwrap_or_else(|| panic!("the template has {name}"));
    let end = rest
        .match_indices("\n  ")
        .find(|(at, _)| !rest[at + 3..].starts_with([' ', '#']))
        .map_or(rest.len(), |(at, _)| at);
    &rest[..end]
}

fn field(section: &str, name: &str) -> String {
    let start = format!("{name}: ");
    let line = section.lines().find_map(|line| line.trim().strip_prefix(start.as_str()));
    line.unwrap_or_else(|| panic!("the template sets {name}")).trim().trim_matches('"').to_owned()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is a number"))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the template has small whole numbers")]
fn whole(number: f64) -> usize {
    number as usize
}
