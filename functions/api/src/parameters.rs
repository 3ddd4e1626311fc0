//! Says what a parameter takes, in the terms of the API's description.
//!
//! Owns the wording of faults in query strings and paths, for every route alike. The extractors find the faults.

use std::sync::OnceLock;

use axum::extract::MatchedPath;
use http::request::Parts;
use serde_json::Value;

use crate::openapi::document;

/// The most characters of a caller's word that a fault repeats.
const MAX_SHOWN: usize = 40;

/// Words a fault of the query string. `fault` is serde's: `NAME: reason`.
pub(crate) fn query_fault(parts: &Parts, fault: &str) -> String {
    let operation = Operation::requested(parts);
    // Serde's two faults that are not about the value of one parameter.
    let quoted = |before| fault.strip_prefix(before).and_then(|rest| rest.strip_suffix('`'));
    if let Some(name) = quoted("missing field `") {
        return format!("{name} is required{}", operation.takes(name, "; it is "));
    }
    if let Some(name) = quoted("duplicate field `") {
        return format!("{name} is given more than once; give it once");
    }
    let Some((name, reason)) = fault.split_once(": ") else { return format!("the query string: {fault}") };
    let shown = domain::text::truncate(name, MAX_SHOWN);
    if reason.starts_with("unknown field") {
        let names = operation.names("query").join(", ");
        let known = if names.is_empty() { "none".to_owned() } else { names };
        return format!("there is no parameter {shown:?}; this route takes {known}");
    }
    match operation.takes(name, " must be ") {
        takes if takes.is_empty() => format!("{shown}: {reason}"),
        takes => format!("{shown}{takes}"),
    }
}

/// Words a fault of the path.
pub(crate) fn path_fault(parts: &Parts, fault: &str) -> String {
    let operation = Operation::requested(parts);
    match operation.names("path").as_slice() {
        [name] => match operation.takes(name, " must be ") {
            takes if takes.is_empty() => format!("{name}: {fault}"),
            takes => format!("{name}, in the path,{takes}"),
        },
        _ => fault.to_owned(),
    }
}

/// The description of the API.
fn description() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(document)
}

/// The parameters of a route, as the description has them.
struct Operation(Vec<&'static Value>);

impl Operation {
    fn requested(parts: &Parts) -> Self {
        let document = description();
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let own = &document["paths"][path][parts.method.as_str().to_ascii_lowercase()]["parameters"];
        Self(own.as_array().into_iter().flatten().map(resolved).collect())
    }

    fn names(&self, location: &str) -> Vec<&'static str> {
        let names = self.0.iter().filter(|parameter| parameter["in"] == location);
        names.filter_map(|parameter| parameter["name"].as_str()).collect()
    }

    /// What the parameter takes, after `lead`; empty if the description says nothing about it.
    fn takes(&self, name: &str, lead: &str) -> String {
        let parameter = self.0.iter().find(|parameter| parameter["name"] == name);
        let takes = parameter.copied().and_then(in_words);
        takes.map(|takes| format!("{lead}{takes}")).unwrap_or_default()
    }
}

/// The description, or what its `$ref` refers to.
fn resolved(value: &'static Value) -> &'static Value {
    let target = value["$ref"].as_str().and_then(|reference| description().pointer(reference.trim_start_matches('#')));
    target.unwrap_or(value)
}

/// The values of a parameter; `None` if every text is one.
fn in_words(parameter: &'static Value) -> Option<String> {
    let schema = resolved(&parameter["schema"]);
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        return Some(format!("one of {}", values.join(", ")));
    }
    Some(match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("integer"), _) => match (&schema["minimum"], &schema["maximum"]) {
            (least, most) if least.is_number() && most.is_number() => format!("a whole number from {least} to {most}"),
            _ => "a whole number".to_owned(),
        },
        (_, Some("uuid")) => "a UUID, such as 018653ab-3bf8-7000-8000-000000000000".to_owned(),
        (_, Some("date-time")) => {
            "a date, a time and an offset, such as 2026-03-01T00:00:00Z or 2026-03-01T00:00:00%2B01:00".to_owned()
        }
        _ => {
            let described = schema["description"].as_str().or_else(|| parameter["description"].as_str())?;
            let mut letters = described.chars();
            letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
        }
    })
}
