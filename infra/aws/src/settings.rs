//! The settings of a deployed function. Reads any map, never the process's own environment. Each variable is one
//! constant, and `template.yaml` sets exactly these.

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::Emitter;
use host::log::LogFormat;

use crate::table::event_index::IndexedField;

/// The DynamoDB table's name.
pub const TABLE: &str = "NUNCIO_TABLE";
/// The work queue's URL.
pub const QUEUE_URL: &str = "NUNCIO_QUEUE_URL";
/// The dead-letter queue's URL.
pub const DEAD_LETTERS_URL: &str = "NUNCIO_DEAD_LETTERS_URL";
/// The number of partitions that a day's records are spread over, 1 to 64. Each takes 1,000 writes a second.
///
/// Records' keys depend on it, so each day keeps the number it was begun with: a different number set later holds from the
/// next day on. 64 is more than the default quota of a table can use, 40,000 write units a second, and each page of a list
/// reads at least one unit from every shard of a day.
pub const SHARDS: &str = "NUNCIO_SHARDS";
/// The sender of mail if the rules document sets no `email.from`. SES must have verified it.
pub const MAIL_FROM: &str = "NUNCIO_MAIL_FROM";
/// The SES configuration set with which mail is sent.
pub const MAIL_CONFIGURATION_SET: &str = "NUNCIO_MAIL_CONFIGURATION_SET";
/// The log level, or a filter such as `info,dispatch=debug`.
pub const LOG: &str = "NUNCIO_LOG";

/// The `CloudWatch` namespace of the metrics, which the log carries in the embedded metric format.
pub const METRICS: &str = "NUNCIO_METRICS";

/// A MaxMind DB file of cities or countries, from a layer.
pub const GEOIP: &str = "NUNCIO_GEOIP";
/// A MaxMind DB file of autonomous systems, from a layer.
pub const ASN: &str = "NUNCIO_ASN";

/// The S3 bucket in which events are archived before they are deleted.
pub const ARCHIVE_BUCKET: &str = "NUNCIO_ARCHIVE_BUCKET";

/// The fields by which events are indexed, of `user`, `client_ip` and `action`, separated by commas. Each costs a write
/// unit per event.
pub const EVENT_INDEXES: &str = "NUNCIO_EVENT_INDEXES";

/// All variables; a test compares them with the template.
pub const VARIABLES: [&str; 12] = [
    TABLE,
    QUEUE_URL,
    DEAD_LETTERS_URL,
    SHARDS,
    MAIL_FROM,
    MAIL_CONFIGURATION_SET,
    LOG,
    METRICS,
    GEOIP,
    ASN,
    ARCHIVE_BUCKET,
    EVENT_INDEXES,
];

/// The function's memory in MiB. Lambda sets this variable.
const FUNCTION_MEMORY: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";

/// The memory in bytes that the events of requests may take: half of the function's, or 128 MiB outside Lambda.
pub fn request_memory(variables: &BTreeMap<String, String>) -> usize {
    let mebibytes = variables.get(FUNCTION_MEMORY).and_then(|text| text.parse::<usize>().ok()).unwrap_or(256);
    mebibytes.saturating_mul(1024 * 1024) / 2
}

const MAX_SHARDS: u16 = 64;

/// A deployed function's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The value of [`TABLE`].
    pub table: String,
    /// The value of [`QUEUE_URL`].
    pub queue_url: String,
    /// [`DEAD_LETTERS_URL`]; `None` if it is unset or empty: then dead letters are not moved back.
    pub dead_letters_url: Option<String>,
    /// The value of [`SHARDS`], from 1 to 64.
    pub shards: u16,
    /// [`MAIL_FROM`]; `None` if it is unset or empty.
    pub mail_from: Option<String>,
    /// [`MAIL_CONFIGURATION_SET`]; `None` if it is unset or empty.
    pub mail_configuration_set: Option<String>,
    /// [`LOG`]; `info` if it is unset or empty.
    pub log: String,
    /// [`METRICS`]; `None` if it is unset or empty: then the log carries no metrics.
    pub metrics: Option<String>,
    /// [`GEOIP`]; `None` if it is unset or empty.
    pub geoip: Option<PathBuf>,
    /// [`ASN`]; `None` if it is unset or empty.
    pub asn: Option<PathBuf>,
    /// [`ARCHIVE_BUCKET`]; `None` if it is unset or empty: then events are deleted without being archived.
    pub archive_bucket: Option<String>,
    /// The value of [`EVENT_INDEXES`], without duplicates.
    pub event_indexes: Vec<IndexedField>,
}

/// A setting that is missing or not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The variable is unset or empty.
    #[error("{0} is not set; template.yaml sets it on every function, so deploy the template as it is")]
    Missing(&'static str),
    /// The number of shards is not a number, or out of range.
    #[error("{0} must be a whole number from 1 to {MAX_SHARDS}")]
    Shards(&'static str),
    /// A field cannot be indexed.
    #[error("{EVENT_INDEXES} takes user, client_ip and action, separated by commas; {0:?} is another field")]
    EventIndexes(String),
}

fn event_indexes(text: &str) -> Result<Vec<IndexedField>, Error> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let field = |name: &str| IndexedField::ALL.into_iter().find(|field| field.name() == name);
    let fields = names.map(|name| field(name).ok_or_else(|| Error::EventIndexes(name.to_owned())));
    let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
    fields.sort_unstable();
    fields.dedup();
    Ok(fields)
}

impl Settings {
    /// Reads the settings from variables.
    ///
    /// # Errors
    /// When a required variable is missing, or the number of shards is not valid. The error names the variable.
    pub fn read(variables: &BTreeMap<String, String>) -> Result<Self, Error> {
        let optional = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let required = |name: &'static str| optional(name).ok_or(Error::Missing(name));
        Ok(Self {
            table: required(TABLE)?,
            queue_url: required(QUEUE_URL)?,
            dead_letters_url: optional(DEAD_LETTERS_URL),
            shards: required(SHARDS)?
                .parse()
                .ok()
                .filter(|shards| (1..=MAX_SHARDS).contains(shards))
                .ok_or(Error::Shards(SHARDS))?,
            mail_from: optional(MAIL_FROM),
            mail_configuration_set: optional(MAIL_CONFIGURATION_SET),
            log: optional(LOG).unwrap_or_else(|| "info".to_owned()),
            metrics: optional(METRICS),
            geoip: optional(GEOIP).map(PathBuf::from),
            asn: optional(ASN).map(PathBuf::from),
            archive_bucket: optional(ARCHIVE_BUCKET),
            event_indexes: event_indexes(&optional(EVENT_INDEXES).unwrap_or_default())?,
        })
    }

    /// How the function of this name logs.
    pub fn log_format(&self, function: &'static str) -> LogFormat {
        match self.metrics.clone() {
            Some(namespace) => LogFormat::Metered(Emitter { function, namespace }),
            None => LogFormat::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&str, &str)]) -> Result<Settings, Error> {
        let variables = [(TABLE, "t"), (QUEUE_URL, "q"), (SHARDS, "4")].into_iter().chain(changes.iter().copied());
        Settings::read(&variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn an_error_names_its_variable() {
        for (name, value, error) in [
            (TABLE, "", "NUNCIO_TABLE is not set"),
            (QUEUE_URL, "", "NUNCIO_QUEUE_URL is not set"),
            (SHARDS, "0", "NUNCIO_SHARDS must be"),
            (SHARDS, "65", "NUNCIO_SHARDS must be"),
            (SHARDS, "many", "NUNCIO_SHARDS must be"),
            (EVENT_INDEXES, "user,app", "NUNCIO_EVENT_INDEXES takes user, client_ip and action"),
        ] {
            let message = with(&[(name, value)]).unwrap_err().to_string();
            assert!(message.starts_with(error), "{message}");
        }
    }

    #[test]
    fn each_index_is_named_once() {
        let indexes = |text| with(&[(EVENT_INDEXES, text)]).unwrap().event_indexes;
        assert_eq!(indexes("client_ip, user,user,"), [IndexedField::User, IndexedField::ClientIp]);
        assert!(indexes("").is_empty());
    }

    #[test]
    fn what_may_be_left_out() {
        let settings = with(&[(MAIL_FROM, "")]).unwrap();
        assert_eq!((settings.mail_from, settings.log.as_str()), (None, "info"));
    }
}
