//! Decodes native events, one per line (NDJSON).

use api::Problem;
use domain::admission::Draft;
use domain::json::{self, JsonError};

use super::{Candidate, Decoded, RequestShape, check_count};
use crate::limits::MAX_EVENTS;

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
        read => Candidate::parsed(read, memory, Draft::from_value),
    }
}
