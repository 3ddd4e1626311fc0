//! Text for people: JSON values in words, and texts of bounded length.

use serde_json::Value;

/// A JSON value in words: `none`, `yes`, `a, b`, `(key: value)`. Strings have no quotes.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(describe).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let pairs: Vec<_> = object.iter().map(|(key, value)| format!("{key}: {}", describe(value))).collect();
            format!("({})", pairs.join(", "))
        }
    }
}

/// The first `chars` characters. If the text is longer, the last of them is an ellipsis.
pub fn truncate(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}
