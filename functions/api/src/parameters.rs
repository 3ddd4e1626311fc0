//! Says what a parameter takes, in the terms of the API's description.
//!
//! Owns the wording of faults in query strings, paths and JSON bodies, for every route alike. The extractors find the faults.

use std::sync::OnceLock;

use axum::extract::MatchedPath;
use domain::text::truncate;
use http::request::Parts;
use serde_json::Value;

use crate::openapi::document;

/// The most characters of a caller's word that a fault repeats.
const MAX_SHOWN: usize = 40;

/// What a field takes that takes any text, as far as the description says.
const TEXT: &str = "a text";

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
    let shown = truncate(name, MAX_SHOWN);
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

/// Words a fault of a JSON body. `fault` is serde's: `PATH: reason`, or the reason alone; its position is left out, because
/// the path says more.
pub(crate) fn body_fault(parts: &Parts, body: &[u8], fault: &str) -> String {
    let fault = fault.rsplit_once(" at line ").map_or(fault, |(fault, _)| fault);
    let given: Value = serde_json::from_slice(body).unwrap_or_default();
    let body = RequestBody::requested(parts);
    let is_path = |path: &&str| !path.is_empty() && !path.contains([' ', '`']);
    let (path, reason) = match fault.split_once(": ").filter(|(path, _)| is_path(path)) {
        Some((path, reason)) => (path, reason),
        None => ("", fault),
    };
    // Serde does not know the path inside a body with variants.
    let mistyped = if path.is_empty() && reason.starts_with("invalid type: ") { body.mistyped(&given) } else { None };
    let path = mistyped.unwrap_or(path);
    let quoted = |before: &str| Some(reason.strip_prefix(before)?.split_once('`')?.0);
    let inside = |path: &str| if path.is_empty() { String::new() } else { format!("{path}.") };
    if let Some(name) = quoted("missing field `") {
        let takes = body.takes(&format!("{}{name}", inside(path)));
        return format!(
            "{}{name} is required{}",
            inside(path),
            takes.map(|it| format!("; it is {it}")).unwrap_or_default()
        );
    }
    if let Some(name) = quoted("unknown field `") {
        let around = path.rsplit_once('.').map_or("", |(around, _)| around);
        let names = body.names(around).join(", ");
        let known = if names.is_empty() { "none".to_owned() } else { names };
        return format!("there is no field {:?}; {} takes {known}", truncate(name, MAX_SHOWN), named(around));
    }
    let is_of_serde = ["invalid type: ", "invalid value: ", "unknown variant ", "data did not match"];
    // A text that is none of the texts that the field takes: the field's own words say why.
    let is_own = !is_of_serde.iter().any(|words| reason.starts_with(words));
    if is_own && !path.is_empty() && body.takes(path).is_none_or(|takes| takes == TEXT) {
        return format!("{path}: {reason}");
    }
    let path = if reason.starts_with("unknown variant ") && path.is_empty() { body.discriminator() } else { path };
    match body.takes(path) {
        Some(takes) => format!("{} must be {takes}", named(path)),
        None => format!("{}: {reason}", named(path)),
    }
}

/// What a message calls a place in a body.
fn named(path: &str) -> &str {
    if path.is_empty() { "the body" } else { path }
}

/// The JSON body of a route, as the description has it.
struct RequestBody(&'static Value);

impl RequestBody {
    fn requested(parts: &Parts) -> Self {
        let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let operation = &description()["paths"][path][parts.method.as_str().to_ascii_lowercase()];
        Self(&operation["requestBody"]["content"]["application/json"]["schema"])
    }

    /// The schemas at a path of field names; several if the body has variants.
    fn at(&self, path: &str) -> Vec<&'static Value> {
        let names = path.split('.').filter(|name| !name.is_empty());
        names.fold(variants(self.0), |schemas, name| {
            let fields = schemas.iter().filter_map(|schema| schema["properties"].get(name));
            fields.flat_map(variants).collect()
        })
    }

    /// The names of the fields at a path.
    fn names(&self, path: &str) -> Vec<&'static str> {
        let mut names: Vec<&str> = Vec::new();
        for schema in self.at(path) {
            for name in schema["properties"].as_object().into_iter().flat_map(serde_json::Map::keys) {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The field that says which variant the body is; empty if there are no variants.
    fn discriminator(&self) -> &'static str {
        let fields = self.at("").into_iter().filter_map(|schema| schema["properties"].as_object());
        let constant = fields.flatten().find(|(_, schema)| schema["const"].is_string());
        constant.map_or("", |(name, _)| name)
    }

    /// The first field of the body whose type is not that of the description.
    fn mistyped(&self, body: &Value) -> Option<&'static str> {
        let schemas = self.at("").into_iter().filter_map(|schema| schema["properties"].as_object());
        let is_wrong = |name: &str, schema: &Value| {
            body.get(name).is_some_and(|value| match schema["type"].as_str() {
                Some("boolean") => !value.is_boolean(),
                Some("integer") => !value.is_i64() && !value.is_u64(),
                Some("array") => !value.is_array(),
                Some("object") => !value.is_object(),
                Some("string") => !value.is_string(),
                _ => schema["const"].is_string() && !value.is_string(),
            })
        };
        schemas.flatten().find(|(name, schema)| is_wrong(name, schema)).map(|(name, _)| name.as_str())
    }

    /// What the place takes; `None` if the description does not say it.
    fn takes(&self, path: &str) -> Option<String> {
        let schemas = self.at(path);
        let constants: Vec<&str> = schemas.iter().filter_map(|schema| schema["const"].as_str()).collect();
        if !constants.is_empty() {
            return Some(format!("one of {}", constants.join(", ")));
        }
        let schema = schemas.first()?;
        let kind = match schema["type"].as_str() {
            Some("object") => "a JSON object",
            Some("array") => "a list",
            Some("string") if schema["anyOf"][0]["format"] == "ipv4" => "an IP address",
            Some("string") if schema["enum"].is_null() && schema["format"].is_null() => TEXT,
            // In a query, a plus sign would be a space.
            _ => return schema_in_words(schema).map(|words| words.replace("%2B", "+")),
        };
        Some(kind.to_owned())
    }
}

/// The schemas of which one applies.
fn variants(schema: &'static Value) -> Vec<&'static Value> {
    let schema = resolved(schema);
    match schema["oneOf"].as_array() {
        Some(schemas) => schemas.iter().flat_map(variants).collect(),
        None if schema.is_null() => Vec::new(),
        None => vec![schema],
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
    schema_in_words(resolved(&parameter["schema"])).or_else(|| parameter["description"].as_str().map(lowered))
}

/// The values of a schema; `None` if it does not say them.
fn schema_in_words(schema: &'static Value) -> Option<String> {
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
        _ => lowered(schema["description"].as_str()?),
    })
}

/// A description without its capital letter.
fn lowered(described: &str) -> String {
    let mut letters = described.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}
