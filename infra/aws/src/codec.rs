//! How content is written: zstd over versioned JSON in the table, and that in base64 on the queue.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::message::{QueueMessage, Versioned};
use domain::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Above this level smaller bodies do not pay for the time.
const LEVEL: i32 = 3;

/// Nothing that was ever written is larger; what is, was not written by Nuncio.
pub(crate) const MOST_BYTES: u64 = 64 * 1024 * 1024;

fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn compress(content: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(&serde_json::to_vec(content).map_err(corrupt)?, LEVEL).map_err(corrupt)
}

fn decompress<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let mut json = Vec::with_capacity(bytes.len() * 4);
    zstd::Decoder::new(bytes).map_err(corrupt)?.take(MOST_BYTES).read_to_end(&mut json).map_err(corrupt)?;
    // serde_json's own message quotes what it found, which may be an event's text.
    serde_json::from_slice(&json)
        .map_err(|error| corrupt(format_args!("not as expected at line {}, column {}", error.line(), error.column())))
}

/// A record as it lies in the table.
pub(crate) fn to_stored<T: Serialize>(content: T) -> Result<Vec<u8>, StoreError> {
    compress(&Versioned::new(content))
}

/// The content of a record from the table.
pub(crate) fn from_stored<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    decompress::<Versioned<T>>(bytes).map(Versioned::into_inner)
}

/// A message as it travels through the queue.
pub(crate) fn to_queued(message: &QueueMessage) -> Result<String, StoreError> {
    compress(message).map(|bytes| STANDARD.encode(bytes))
}

/// Reads a message from the queue's text.
///
/// # Errors
/// When the text is none that [`crate::WorkQueue`] writes.
pub fn from_queued(text: &str) -> Result<QueueMessage, StoreError> {
    decompress(&STANDARD.decode(text).map_err(|_| corrupt("not base64"))?)
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
    fn a_poisoned_message_is_refused_without_its_text() {
        let foreign = STANDARD.encode(compress(&serde_json::json!({ "v1": "hunter2" })).unwrap());
        for text in ["", "hunter2", "aHVudGVyMg==", &foreign] {
            let error = from_queued(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
