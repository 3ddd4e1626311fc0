//! Encodings: records in the table are versioned JSON, compressed by zstd; queue messages are the same in base64.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::message::{QueueMessage, Versioned};
use domain::ports::StoreError;
use domain::query::escaped_len;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The zstd level. Higher ones take more time than smaller bodies save.
const LEVEL: i32 = 3;

/// What surrounds the events of a [`QueuedWork::Events`](domain::message::QueuedWork::Events) message in its JSON.
const EVENTS_PREFIX: &str = "{\"v1\":{\"events\":[";
const EVENTS_SUFFIX: &str = "]}}";

/// The most bytes that are decompressed. Nuncio never writes more: a larger content is not from Nuncio.
pub(crate) const MAX_BYTES: u64 = 64 * 1024 * 1024;

fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn compress(content: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    compress_text(&serde_json::to_string(content).map_err(corrupt)?)
}

fn compress_text(json: &str) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(json.as_bytes(), LEVEL).map_err(corrupt)
}

fn decompress(bytes: &[u8]) -> Result<String, StoreError> {
    let mut json = String::with_capacity(bytes.len() * 4);
    zstd::Decoder::new(bytes).map_err(corrupt)?.take(MAX_BYTES).read_to_string(&mut json).map_err(corrupt)?;
    Ok(json)
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    // serde_json's own message quotes what it found, which may be an event's text.
    serde_json::from_str(json).map_err(|error| {
        corrupt(format_args!("the JSON has an unexpected shape at line {}, column {}", error.line(), error.column()))
    })
}

/// Encodes a record for the table.
pub(crate) fn to_stored<T: Serialize>(content: T) -> Result<Vec<u8>, StoreError> {
    compress(&Versioned::new(content))
}

/// Encodes a record whose content is JSON already.
pub(crate) fn json_to_stored(content: &str) -> Result<Vec<u8>, StoreError> {
    compress_text(&[Versioned::<()>::PREFIX, content, Versioned::<()>::SUFFIX].concat())
}

/// Decodes a record of any version from the table.
pub(crate) fn from_stored<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    parse::<Versioned<T>>(&decompress(bytes)?).map(Versioned::into_inner)
}

/// The same, with the [escaped size](escaped_len) of the record's JSON.
pub(crate) fn from_stored_measured<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), StoreError> {
    let json = decompress(bytes)?;
    Ok((parse::<Versioned<T>>(&json)?.into_inner(), escaped_len(&json)))
}

/// Encodes a message for the queue.
pub(crate) fn to_queued(message: &QueueMessage) -> Result<String, StoreError> {
    compress(message).map(|bytes| STANDARD.encode(bytes))
}

/// Encodes a message that carries these events, which are JSON already.
pub(crate) fn events_to_queued<'a>(events: impl Iterator<Item = &'a str>) -> Result<String, StoreError> {
    let mut json = String::from(EVENTS_PREFIX);
    for (index, event) in events.enumerate() {
        json.extend([if index == 0 { "" } else { "," }, event]);
    }
    compress_text(&(json + EVENTS_SUFFIX)).map(|bytes| STANDARD.encode(bytes))
}

/// Decodes the body of a queue message.
///
/// # Errors
/// When [`crate::SqsWorkQueue`] did not write the text.
pub fn from_queued(text: &str) -> Result<QueueMessage, StoreError> {
    QueuedBody::read(text)?.decode()
}

/// The body of a queue message, of which only the size is known.
pub(crate) struct QueuedBody {
    compressed: Vec<u8>,
    /// The size of the message's JSON.
    pub(crate) json_bytes: usize,
}

impl QueuedBody {
    pub(crate) fn read(text: &str) -> Result<Self, StoreError> {
        let compressed = STANDARD.decode(text).map_err(|_| corrupt("not base64"))?;
        let size = zstd::zstd_safe::get_frame_content_size(&compressed).map_err(|_| corrupt("not zstd"))?;
        // Every version has written the size.
        let json_bytes = usize::try_from(size.unwrap_or(MAX_BYTES)).unwrap_or(usize::MAX);
        Ok(Self { compressed, json_bytes })
    }

    pub(crate) fn decode(&self) -> Result<QueueMessage, StoreError> {
        parse(&decompress(&self.compressed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::message::QueuedWork;

    #[test]
    fn a_message_is_read_back() {
        let message =
            QueueMessage::new(QueuedWork::Stored(vec!["018650dd-2c93-7f1e-8afe-ad5af90bf680".parse().unwrap()]));
        assert_eq!(from_queued(&to_queued(&message).unwrap()).unwrap(), message);
    }

    #[test]
    fn events_that_are_json_already_are_encoded_as_any_other_content() {
        let events = [0, 1, 2].map(|random| {
            let context = serde_json::json!({ "text": "\"\\\u{1}é", "number": -0.0 });
            domain::testing::event("login").random(random).context(context).shared()
        });
        for count in 0..=events.len() {
            let some = &events[..count];
            let message = QueueMessage::new(QueuedWork::Events(some.to_vec()));
            let json: Vec<_> = some.iter().map(|event| event.to_json()).collect();
            assert_eq!(events_to_queued(json.iter().map(String::as_str)).unwrap(), to_queued(&message).unwrap());
        }
        assert_eq!(json_to_stored(&events[0].to_json()).unwrap(), to_stored(&*events[0]).unwrap());
    }

    #[test]
    fn a_poisoned_message_is_refused_without_its_text() {
        let foreign = STANDARD.encode(compress(&serde_json::json!({ "v1": "hunter2" })).unwrap());
        for text in ["", "hunter2", "aHVudGVyMg==", &foreign] {
            let error = from_queued(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
