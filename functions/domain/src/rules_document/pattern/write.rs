//! Writes a checked pattern as the JSON that people write.
//!
//! Owns only the spelling: parsing the result gives the same pattern.

use serde_json::{Map, Number, Value, json};

use super::{AnythingBut, FieldPattern, Interval, ObjectPattern, ValuePattern, Wildcard};

pub(super) fn fields(fields: &ObjectPattern) -> Value {
    let mut object = Map::new();
    for (name, field) in &fields.fields {
        let value = match field {
            FieldPattern::Object(inner) => self::fields(inner),
            FieldPattern::Value(tests) => tests.iter().map(test).collect(),
        };
        object.insert(name.clone(), value);
    }
    if !fields.any_of.is_empty() {
        object.insert("$or".to_owned(), fields.any_of.iter().map(self::fields).collect());
    }
    Value::Object(object)
}

pub(super) fn test(wanted: &ValuePattern) -> Value {
    match wanted {
        ValuePattern::Null => Value::Null,
        ValuePattern::Boolean(value) => json!(value),
        ValuePattern::Number(number) => json!(number),
        ValuePattern::Text(text) => json!(text),
        ValuePattern::EqualsIgnoreCase(text) => json!({ "equals-ignore-case": text }),
        ValuePattern::Prefix(text) => json!({ "prefix": text }),
        ValuePattern::PrefixIgnoreCase(text) => json!({ "prefix": { "equals-ignore-case": text } }),
        ValuePattern::Suffix(text) => json!({ "suffix": text }),
        ValuePattern::SuffixIgnoreCase(text) => json!({ "suffix": { "equals-ignore-case": text } }),
        ValuePattern::Wildcard(wildcard) => json!({ "wildcard": wildcard.to_string() }),
        ValuePattern::WildcardIgnoreCase(wildcard) => {
            json!({ "wildcard": { "equals-ignore-case": wildcard.to_string() } })
        }
        ValuePattern::AnythingBut(but) => json!({ "anything-but": anything_but(but) }),
        ValuePattern::Numeric(interval) => json!({ "numeric": numeric(interval) }),
        ValuePattern::Cidr(net) => json!({ "cidr": net }),
        ValuePattern::Exists(wanted) => json!({ "exists": wanted }),
    }
}

fn anything_but(but: &AnythingBut) -> Value {
    match but {
        AnythingBut::Texts(texts) => one_or_list(texts),
        AnythingBut::Numbers(numbers) => one_or_list(numbers),
        AnythingBut::EqualsIgnoreCase(texts) => json!({ "equals-ignore-case": one_or_list(texts) }),
        AnythingBut::Prefix(texts) => json!({ "prefix": one_or_list(texts) }),
        AnythingBut::Suffix(texts) => json!({ "suffix": one_or_list(texts) }),
        AnythingBut::Wildcard(wildcards) => json!({ "wildcard": one_or_list(&texts(wildcards)) }),
        AnythingBut::WildcardIgnoreCase(wildcards) => {
            json!({ "wildcard": { "equals-ignore-case": one_or_list(&texts(wildcards)) } })
        }
    }
}

fn texts(wildcards: &[Wildcard]) -> Vec<String> {
    wildcards.iter().map(Wildcard::to_string).collect()
}

fn one_or_list<T: serde::Serialize>(values: &[T]) -> Value {
    match values {
        [only] => json!(only),
        several => json!(several),
    }
}

fn numeric(interval: &Interval) -> Value {
    let mut terms = Vec::new();
    let mut term = |sign: &str, value: &Number| terms.extend([json!(sign), json!(value)]);
    match (&interval.lower, &interval.upper) {
        (Some(lower), Some(upper)) if lower == upper => term("=", &lower.value),
        (lower, upper) => {
            if let Some(end) = lower {
                term(if end.included { ">=" } else { ">" }, &end.value);
            }
            if let Some(end) = upper {
                term(if end.included { "<=" } else { "<" }, &end.value);
            }
        }
    }
    Value::Array(terms)
}
