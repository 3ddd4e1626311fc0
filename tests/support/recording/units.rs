//! The sizes of items and the units that DynamoDB counts for them.
//!
//! Sizes: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>. Units: one
//! write unit for each started KiB of an item, one read unit for each started 4 KiB that a request reads
//! consistently, and half of that otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const READ_UNIT: usize = 4096;
const WRITE_UNIT: usize = 1024;

/// The size of an item in DynamoDB's JSON, in bytes: names and values.
pub(crate) fn size(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// The units of reading this number of bytes with one request.
#[expect(clippy::cast_precision_loss, reason = "pages are small")]
pub(crate) fn read_units(bytes: usize, is_consistent: bool) -> f64 {
    let units = bytes.div_ceil(READ_UNIT).max(1) as f64;
    if is_consistent { units } else { units / 2.0 }
}

/// The units of writing an item of this number of bytes.
#[expect(clippy::cast_precision_loss, reason = "items are small")]
pub(crate) fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_UNIT).max(1) as f64
}

fn value_size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|one| one.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(text)) => STANDARD.decode(text).map_or(0, |bytes| bytes.len()),
        ("SS" | "NS" | "BS", Value::Array(all)) => all.iter().map(|one| one.as_str().map_or(0, str::len)).sum(),
        ("L", Value::Array(all)) => 3 + all.iter().map(|one| 1 + value_size(one)).sum::<usize>(),
        ("M", Value::Object(all)) => 3 + all.iter().map(|(name, one)| 1 + name.len() + value_size(one)).sum::<usize>(),
        _ => 1,
    }
}
