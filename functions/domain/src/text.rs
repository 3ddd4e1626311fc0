//! Text for people: JSON values in words, and texts of bounded length.

use serde_json::Value;

/// A value as a person would write it: `key: value` pairs, no braces around the whole.
pub fn readable(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(readable).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let pairs: Vec<_> = object.iter().map(|(key, value)| format!("{key}: {}", readable(value))).collect();
            format!("({})", pairs.join(", "))
        }
    }
}

/// The first `chars` characters, with an ellipsis in the last one's place where something is cut.
pub fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}
