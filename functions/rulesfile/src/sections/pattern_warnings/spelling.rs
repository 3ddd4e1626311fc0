//! Values of a YAML pattern that a reader may take for something else.
//!
//! Owns the warnings about spelling. YAML 1.2 knows what each value is; readers know YAML 1.1, other formats, or an id of
//! digits. A date such as `2026-01-02` is a text, as in JSON, and nobody could mean anything else, so that there is no
//! warning about it.

use crate::diagnostics::Diagnostics;
use crate::names::shown;
use crate::scalar::{Scalar, ScalarValue, Style};
use crate::tree::{Node, NodeValue};

/// Operators whose values can be of one type only.
const OF_ONE_TYPE: [&str; 7] = ["prefix", "suffix", "equals-ignore-case", "wildcard", "numeric", "cidr", "exists"];

/// Adds the warnings about the values in `node`, a pattern or a part of it.
pub(in crate::sections) fn warn(node: &Node, diagnostics: &mut Diagnostics) {
    match &node.value {
        NodeValue::Map(entries) => {
            for (key, value) in entries.iter().filter(|(key, _)| !OF_ONE_TYPE.contains(&key.text.as_str())) {
                if let NodeValue::Scalar(scalar) = &value.value
                    && key.text == "anything-but"
                {
                    warn_of_value(scalar, value, true, diagnostics);
                }
                warn(value, diagnostics);
            }
        }
        NodeValue::List(items) => {
            // Beside other texts, such as the countries SE and DK, NO is certainly a text, too.
            let only_switches =
                items.iter().all(|item| matches!(&item.value, NodeValue::Scalar(own) if is_switch(own)));
            for item in items {
                match &item.value {
                    NodeValue::Scalar(scalar) => warn_of_value(scalar, item, only_switches, diagnostics),
                    NodeValue::List(_) | NodeValue::Map(_) => warn(item, diagnostics),
                }
            }
        }
        NodeValue::Scalar(_) => {}
    }
}

fn warn_of_value(scalar: &Scalar, node: &Node, may_be_switch: bool, diagnostics: &mut Diagnostics) {
    if scalar.style != Style::Plain {
        return;
    }
    let text = scalar.text.as_str();
    let unsigned = text.trim_start_matches(['-', '+']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let spelt = shown(text);
    let quotes = "put it in quotes if the events have a text there";
    let (what, hint) = match scalar.value() {
        ScalarValue::Integer(number) if digits(unsigned) && unsigned.len() > 1 && unsigned.starts_with('0') => {
            (format!("{spelt} without quotes is the number {number}, which has no leading zeros"), quotes.to_owned())
        }
        ScalarValue::Integer(number) if !digits(unsigned) => {
            (format!("{spelt} without quotes is the number {number}"), quotes.to_owned())
        }
        // JSON has such numbers, too, but not texts without quotes.
        ScalarValue::Number
            if diagnostics.is_yaml()
                && text
                    .split_once(['e', 'E'])
                    .is_some_and(|(mantissa, exponent)| digits(mantissa) && digits(exponent)) =>
        {
            (format!("{spelt} without quotes is a number with an exponent"), quotes.to_owned())
        }
        ScalarValue::Text(_) if text.contains('_') && digits(&text.replace('_', "")) && !text.starts_with('_') => {
            let number = text.replace('_', "");
            (
                format!("{spelt} is a text, as numbers have no underscores"),
                format!("write {number} for the number, or put the text in quotes"),
            )
        }
        ScalarValue::Text(_) if may_be_switch && is_switch(scalar) => (
            format!("{spelt} is a text, not true or false"),
            "write true or false, or put the text in quotes".to_owned(),
        ),
        _ => return,
    };
    diagnostics.warning(node.at, what, hint);
}

/// Whether YAML 1.1 reads the value as true or false, but YAML 1.2 as a text.
fn is_switch(scalar: &Scalar) -> bool {
    scalar.style == Style::Plain && ["yes", "no", "on", "off"].iter().any(|word| scalar.text.eq_ignore_ascii_case(word))
}
