//! Decodes the body of a request into drafts of events.
//!
//! Owns which faults reject the whole request and which reject a single event: a body that cannot be split into events
//! is rejected as a whole; after that, each event is accepted or rejected by itself.

mod binary;
mod cloudevents;
mod data;
mod native;

use std::iter::Peekable;

use api::Problem;
use domain::admission::{Draft, Rejection};
use domain::json::{self, Finding, FindingKind, JsonError, Parsed};
use domain::rules_document::RulesDocument;
use http::HeaderMap;
use serde_json::Value;

pub(crate) use self::cloudevents::in_cloudevent_terms;
pub(crate) use self::data::encoded_memory;
use crate::format::Format;
use crate::limits::MAX_EVENTS;

/// The events of a request.
#[derive(Debug)]
pub(crate) struct Decoded {
    candidates: Vec<Candidate>,
    shape: RequestShape,
}

/// How the response refers to positions in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestShape {
    /// The request is a list, so that pointers start with the event's index.
    pub(crate) many: bool,
    /// The events are CloudEvents, so that faults use their terms.
    pub(crate) cloudevents: bool,
}

/// What the response needs to know about the events of a request, besides their outcomes.
#[derive(Debug)]
pub(crate) struct EventPositions {
    pub(crate) shape: RequestShape,
    /// For each event, what a caller may want to know although the event is accepted.
    pub(crate) notes: Vec<Vec<Note>>,
}

/// A remark about a part of an event that is accepted.
#[derive(Debug)]
pub(crate) struct Note {
    /// JSON pointer, within the event, to the part.
    pub(crate) pointer: String,
    /// What became of it.
    pub(crate) what: &'static str,
}

/// What is remarkable about an event: findings of the JSON parser, which may reject it, and notes.
#[derive(Debug, Default)]
struct Remarks {
    findings: Vec<Finding>,
    notes: Vec<Note>,
}

/// One event of the request.
#[derive(Debug)]
struct Candidate {
    /// The draft, or why the event is rejected.
    draft: Result<Draft, Rejection>,
    notes: Vec<Note>,
}

impl Decoded {
    pub(crate) fn split(self) -> (Vec<Result<Draft, Rejection>>, EventPositions) {
        let (drafts, notes) = self.candidates.into_iter().map(|one| (one.draft, one.notes)).unzip();
        (drafts, EventPositions { shape: self.shape, notes })
    }
}

/// Decodes `body`. The decoded values use at most `memory` bytes, and what `data_base64` contains at most `encoded`.
pub(crate) fn events(
    format: Format,
    headers: &HeaderMap,
    body: &[u8],
    memory: usize,
    mut encoded: usize,
    document: &RulesDocument,
) -> Result<Decoded, Problem> {
    let cloudevent =
        |value, remarks: &mut Remarks| cloudevents::read(value, document, &mut encoded, &mut remarks.findings);
    match format {
        Format::Native => object_or_array(body, memory, false, native::event),
        Format::Lines => native::lines(body, memory),
        Format::Structured if opens_with(body, b'[') => Err(Problem::bad_request(
            "a structured CloudEvent is one JSON object; send several as application/cloudevents-batch+json",
        )),
        Format::Batched if opens_with(body, b'{') => {
            Err(Problem::bad_request("a batch of CloudEvents is a JSON array of them"))
        }
        Format::Structured | Format::Batched => object_or_array(body, memory, true, cloudevent),
        Format::Binary => binary::read(headers, body, memory, document).map(|candidate| Decoded::one(candidate, true)),
    }
}

/// Whether the JSON text starts with this byte.
fn opens_with(body: &[u8], byte: u8) -> bool {
    json::without_bom(body).trim_ascii_start().first() == Some(&byte)
}

/// Decodes one event or an array of events. In an array, a faulty event never rejects another one.
fn object_or_array(
    body: &[u8],
    mut memory: usize,
    cloudevents: bool,
    mut read: impl FnMut(Value, &mut Remarks) -> Result<Draft, Rejection>,
) -> Result<Decoded, Problem> {
    if json::without_bom(body).trim_ascii().is_empty() {
        return Err(Problem::bad_request("the body is empty; send an event such as {\"action\": \"login_failed\"}"));
    }
    match json::parse_within(body, memory) {
        Ok(Parsed { value: Value::Array(items), findings, .. }) => Decoded::many(items, findings, cloudevents, read),
        Ok(Parsed { value: value @ Value::Object(_), findings, .. }) => {
            Ok(Decoded::one(Candidate::new(value, findings, read), cloudevents))
        }
        // Parsing the whole array at once is fast. Only if that fails are the items parsed one by one.
        Err(JsonError::Unacceptable { .. } | JsonError::NotUtf8(_)) if opens_with(body, b'[') => {
            let items = json::items(body, MAX_EVENTS).map_err(not_json)?;
            check_count(items.len())?;
            let item = |item| Candidate::parsed(json::parse_within(item, memory), &mut memory, &mut read);
            let candidates = items.into_iter().map(item).collect::<Result<_, _>>()?;
            Ok(Decoded { candidates, shape: RequestShape { many: true, cloudevents } })
        }
        Err(error) if opens_with(body, b'{') && json::is_json_by_grammar(body) => {
            Ok(Decoded::one(Candidate::parsed(Err(error), &mut memory, read)?, cloudevents))
        }
        Ok(_) | Err(JsonError::Unacceptable { .. }) => {
            Err(Problem::bad_request("the body must be an event (a JSON object) or an array of events"))
        }
        Err(error) => Err(refused(error)),
    }
}

impl Decoded {
    fn one(candidate: Candidate, cloudevents: bool) -> Self {
        Self { candidates: vec![candidate], shape: RequestShape { many: false, cloudevents } }
    }

    fn many(
        items: Vec<Value>,
        findings: Vec<Finding>,
        cloudevents: bool,
        mut read: impl FnMut(Value, &mut Remarks) -> Result<Draft, Rejection>,
    ) -> Result<Self, Problem> {
        check_count(items.len())?;
        let mut findings = findings.into_iter().peekable();
        let candidates = items
            .into_iter()
            .enumerate()
            .map(|(index, value)| Candidate::new(value, of_item(&mut findings, index), &mut read))
            .collect();
        Ok(Self { candidates, shape: RequestShape { many: true, cloudevents } })
    }
}

impl Candidate {
    /// `findings` have pointers within the event. `read` may add remarks.
    fn new(
        value: Value,
        findings: Vec<Finding>,
        read: impl FnOnce(Value, &mut Remarks) -> Result<Draft, Rejection>,
    ) -> Self {
        let mut remarks = Remarks { findings, notes: Vec::new() };
        let draft = read(value, &mut remarks);
        let mut notes = remarks.notes;
        for Finding { pointer, kind } in remarks.findings {
            match kind {
                FindingKind::DuplicateKey => {
                    notes.push(Note { pointer, what: "duplicate key, the last value is kept" });
                }
                FindingKind::Nul => return Self { draft: Err(Rejection::nul(pointer)), notes: Vec::new() },
            }
        }
        Self { draft, notes }
    }

    /// An event that was parsed as a JSON text of its own. Subtracts its size from `memory`.
    ///
    /// # Errors
    /// If the fault concerns the request as a whole.
    fn parsed(
        parsed: Result<Parsed, JsonError>,
        memory: &mut usize,
        read: impl FnOnce(Value, &mut Remarks) -> Result<Draft, Rejection>,
    ) -> Result<Self, Problem> {
        match parsed {
            Ok(parsed) => {
                *memory -= parsed.memory;
                Ok(Self::new(parsed.value, parsed.findings, read))
            }
            Err(JsonError::Unacceptable { what, pointer, .. }) => Ok(Self::rejected(pointer, what)),
            Err(error @ JsonError::NotUtf8(_)) => Ok(Self::rejected("", error.to_string())),
            Err(error) => Err(refused(error)),
        }
    }

    fn rejected(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { draft: Err(Rejection::malformed(pointer, detail)), notes: Vec::new() }
    }
}

/// The findings of the item at `index`. The findings must be in the order of the items.
fn of_item(findings: &mut Peekable<impl Iterator<Item = Finding>>, index: usize) -> Vec<Finding> {
    if findings.peek().is_none() {
        return Vec::new();
    }
    let place = format!("/{index}");
    let within = |pointer: &str| {
        pointer.strip_prefix(&place).filter(|rest| rest.is_empty() || rest.starts_with('/')).map(str::to_owned)
    };
    let mut own = Vec::new();
    while let Some(finding) = findings.next_if(|finding| within(&finding.pointer).is_some()) {
        own.push(Finding { pointer: within(&finding.pointer).unwrap_or_default(), kind: finding.kind });
    }
    own
}

fn check_count(events: usize) -> Result<(), Problem> {
    match events {
        0 => Err(Problem::bad_request("the request contains no event")),
        1..=MAX_EVENTS => Ok(()),
        _ => Err(Problem::too_large(format!("the request contains more than {MAX_EVENTS} events; split it"))),
    }
}

/// The problem if parsing failed for the request as a whole.
fn refused(error: JsonError) -> Problem {
    match error {
        JsonError::TooCostly(_) => Problem::too_large(format!("{error}; split the request")),
        other => not_json(other),
    }
}

fn not_json(error: JsonError) -> Problem {
    Problem::bad_request(format!("the body is not JSON: {error}"))
}
