//! The log: JSON lines for machines, plain lines for a terminal.
//!
//! A JSON line has `timestamp`, `level`, `target`, `message` and the fields of the call. The field `event` contains an
//! event's JSON and is embedded as JSON, so that a log collector can forward the events. Metrics (`domain::metric`)
//! become lines in AWS's embedded metric format on AWS, and no lines elsewhere. The log is not buffered: lines survive
//! a kill. If the log cannot be written, only the log is lost.

use std::fmt::{self, Write as _};

use domain::metric;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::Emitter;
use crate::stderr::Stderr;
use crate::timestamp::{now, timestamp};

/// The format of log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// As `Json`, and metrics at every level in the embedded metric format.
    Metered(Emitter),
    /// Readable lines for a terminal.
    Plain,
}

/// The text is not a log level or filter.
#[derive(Debug, thiserror::Error)]
#[error("write error, warn, info, debug or trace, or a filter such as info,dispatch=debug")]
pub struct LevelError;

/// The field that holds an event's JSON.
const EVENT_FIELD: &str = "event";

/// The field that holds the JSON of a batch of metrics.
const METRICS_FIELD: &str = "metrics";

/// Starts the log on stderr. A second call changes nothing.
///
/// # Errors
/// When `level` is neither a level nor a filter such as `info,dispatch=debug`.
pub fn init(level: &str, form: LogFormat) -> Result<(), LevelError> {
    // A plain level applies to our own crates only; other libraries log warnings and errors.
    let directives =
        if level.contains(['=', ',']) { level.to_owned() } else { format!("warn,{},{AWS_SDK}", ours(level)) };
    // Metrics do not depend on the level.
    let tallies = if matches!(form, LogFormat::Metered(_)) { "info" } else { "off" };
    let filter = EnvFilter::try_new(format!("{directives},{}={tallies}", metric::TARGET)).map_err(|_| LevelError)?;
    let stderr = Stderr { terminal: form == LogFormat::Plain };
    // tracing-subscriber would report a failed write to stderr too, and panic.
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || stderr).log_internal_errors(false);
    // Fails only on a second call, which changes nothing.
    let _ = match form {
        LogFormat::Json => tracing::subscriber::set_global_default(builder.event_format(JsonLine(None)).finish()),
        LogFormat::Metered(emitter) => {
            tracing::subscriber::set_global_default(builder.event_format(JsonLine(Some(emitter))).finish())
        }
        LogFormat::Plain => {
            tracing::subscriber::set_global_default(builder.with_timer(Utc).with_target(false).finish())
        }
    };
    Ok(())
}

/// A directive for `aws` also matches the SDK's crates (`aws_…`), which log what they send: limit them.
const AWS_SDK: &str = "aws_=warn";

/// The crates to which a plain log level applies. Others log warnings and errors only.
const OURS: [&str; 12] = [
    "nuncio",
    "domain",
    "rules",
    "api",
    "ingest",
    "dispatch",
    "retention",
    "console",
    "host",
    "aws",
    "embedded",
    "channels",
];

fn ours(level: &str) -> String {
    OURS.map(|name| format!("{name}={level}")).join(",")
}

struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&timestamp())
    }
}

struct JsonLine(Option<Emitter>);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = LineFields::default();
        event.record(&mut fields);
        if let (Some(emitter), Some(metrics)) = (&self.0, &fields.metrics) {
            return emitter.line(metrics, now()).map_or(Ok(()), |line| writeln!(writer, "{line}"));
        }
        let metadata = event.metadata();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), timestamp().into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        line.append(&mut fields.plain);
        let line = Value::Object(line).to_string();
        match fields.event {
            // Already JSON: put in as it is, before the closing brace.
            Some(json) => writeln!(writer, "{},\"{EVENT_FIELD}\":{json}}}", &line[..line.len() - 1]),
            None => writeln!(writer, "{line}"),
        }
    }
}

#[derive(Default)]
struct LineFields {
    plain: Map<String, Value>,
    event: Option<String>,
    metrics: Option<String>,
}

impl Visit for LineFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.plain.insert(field.name().to_owned(), text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            EVENT_FIELD => self.event = Some(value.to_owned()),
            METRICS_FIELD => self.metrics = Some(value.to_owned()),
            name => {
                self.plain.insert(name.to_owned(), value.into());
            }
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_json_and_embeds_the_event() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).event_format(JsonLine(None)).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "nuncio::event", event = r#"{"action":"login"}"#, "event accepted");
            tracing::warn!(waited_ms = 5_u64, "a \"quoted\"\nline");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["event"]["action"], "login");
        assert_eq!(lines[0]["message"], "event accepted");
        assert_eq!(lines[1]["waited_ms"], 5);
        assert_eq!(lines[1]["message"], "a \"quoted\"\nline");
    }
}
