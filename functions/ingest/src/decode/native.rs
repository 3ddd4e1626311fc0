//! Events in Nuncio's own form: an object, an array, or one on each line.

use api::Problem;
use domain::event::Draft;
use domain::json::{JsonError, Parsed};
use serde_json::Value;

use super::{Candidate, Decoded, Shape, check_count, parse};
use crate::route::MAX_EVENTS;

pub(super) fn object_or_array(body: &[u8]) -> Result<Decoded, Problem> {
    match parse(body)? {
        Parsed { value: Value::Array(items), findings } => Decoded::many(items, findings, false, Draft::from_value),
        Parsed { value: value @ Value::Object(_), findings } => {
            Ok(Decoded::one(Candidate::new(value, findings, Draft::from_value), false))
        }
        _ => Err(Problem::bad_request("the body must be an event (a JSON object) or an array of events")),
    }
}

/// Blank lines are skipped; a line that is not JSON is one rejected event.
pub(super) fn lines(body: &[u8]) -> Result<Decoded, Problem> {
    let lines: Vec<(usize, &[u8])> = body
        .split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(before, line)| (before + 1, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
        .take(MAX_EVENTS + 1)
        .collect();
    check_count(lines.len())?;
    let candidates = lines.into_iter().map(|(number, line)| event_on(number, line)).collect();
    Ok(Decoded { candidates, shape: Shape { many: true, cloudevents: false } })
}

fn event_on(number: usize, line: &[u8]) -> Candidate {
    match domain::json::parse(line) {
        Ok(parsed) => Candidate::new(parsed.value, parsed.findings, Draft::from_value),
        Err(JsonError::Syntax { what, column, .. }) => {
            Candidate::rejected("", format!("not JSON: {what} at line {number} column {column}"))
        }
        Err(error @ JsonError::NotUtf8(_)) => Candidate::rejected("", format!("line {number}: {error}")),
    }
}
