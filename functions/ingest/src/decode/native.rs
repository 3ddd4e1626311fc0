//! Decodes native events, alone or one per line (NDJSON).

use api::Problem;
use domain::admission::{Draft, Rejection};
use domain::json::{self, JsonError};
use serde_json::Value;

use super::{Candidate, Decoded, Note, Remarks, RequestShape, check_count};
use crate::limits::MAX_EVENTS;

/// The keys that Nuncio assigns. An event that Nuncio has returned can be posted again with them.
const ASSIGNED: [(&str, &str); 2] = [
    ("expires", "ignored; Nuncio sets expires by the retention of the action"),
    ("produced_by", "ignored; only Nuncio itself sets produced_by"),
];

/// Converts the JSON of a native event.
pub(super) fn event(value: Value, remarks: &mut Remarks) -> Result<Draft, Rejection> {
    for (key, what) in ASSIGNED {
        if value.get(key).is_some_and(|given| !given.is_null()) {
            remarks.notes.push(Note { pointer: format!("/{key}"), what });
        }
    }
    Draft::from_value(value)
}

/// Decodes the lines. Skips blank lines; a line that is not JSON is one rejected event.
pub(super) fn lines(body: &[u8], mut memory: usize) -> Result<Decoded, Problem> {
    let lines: Vec<(usize, &[u8])> = body
        .split(|byte| *byte == b'\n')
        .enumerate()
        // A file concatenated from several files may have a byte order mark before any line.
        .map(|(before, line)| (before + 1, json::without_bom(line).trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
        .take(MAX_EVENTS + 1)
        .collect();
    check_count(lines.len())?;
    let candidates =
        lines.into_iter().map(|(number, line)| event_on(number, line, &mut memory)).collect::<Result<_, _>>()?;
    Ok(Decoded { candidates, shape: RequestShape { many: true, cloudevents: false } })
}

/// Decodes one line; the fault names its number.
fn event_on(number: usize, line: &[u8], memory: &mut usize) -> Result<Candidate, Problem> {
    match json::parse_within(line, *memory) {
        Err(JsonError::Syntax { what, column, .. }) => {
            Ok(Candidate::rejected("", format!("not JSON: {what} at line {number} column {column}")))
        }
        Err(JsonError::Unacceptable { what, pointer, column, .. }) => {
            Ok(Candidate::rejected(pointer, format!("{what}, at line {number} column {column}")))
        }
        Err(error @ JsonError::NotUtf8(_)) => Ok(Candidate::rejected("", format!("line {number}: {error}"))),
        read => Candidate::parsed(read, memory, event),
    }
}
