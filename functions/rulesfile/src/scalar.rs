//! Interprets scalars by the core schema of YAML 1.2.
//!
//! Only `true` and `false` are booleans; `yes`, `no`, `on` and `off` are texts. A quoted scalar is always a text.

/// A scalar as it is written in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// The notation of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes and not a block.
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

/// The value of a scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ScalarValue<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A fraction, or an integer that does not fit into 64 bits.
    Number,
    Text(&'a str),
}

impl Scalar {
    /// The value by the core schema.
    pub(crate) fn value(&self) -> ScalarValue<'_> {
        let text = self.text.as_str();
        if self.style != Style::Plain {
            return ScalarValue::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => ScalarValue::Null,
            "true" | "True" | "TRUE" => ScalarValue::Boolean(true),
            "false" | "False" | "FALSE" => ScalarValue::Boolean(false),
            _ => number(text).unwrap_or(ScalarValue::Text(text)),
        }
    }
}

fn number(text: &str) -> Option<ScalarValue<'static>> {
    let based = |digits: &str, radix| {
        let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        all.then(|| i64::from_str_radix(digits, radix).map_or(ScalarValue::Number, ScalarValue::Integer))
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(ScalarValue::Number);
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(ScalarValue::Number, ScalarValue::Integer));
    }
    // Rust also parses "inf" and "nan" as numbers; YAML requires a digit.
    let float = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok();
    float.then_some(ScalarValue::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        for (text, meaning) in [
            ("", ScalarValue::Null),
            ("~", ScalarValue::Null),
            ("null", ScalarValue::Null),
            ("true", ScalarValue::Boolean(true)),
            ("FALSE", ScalarValue::Boolean(false)),
            ("yes", ScalarValue::Text("yes")),
            ("on", ScalarValue::Text("on")),
            ("tRUE", ScalarValue::Text("tRUE")),
            ("10", ScalarValue::Integer(10)),
            ("-7", ScalarValue::Integer(-7)),
            ("+7", ScalarValue::Integer(7)),
            ("0o17", ScalarValue::Integer(15)),
            ("0xff", ScalarValue::Integer(255)),
            ("0o8", ScalarValue::Text("0o8")),
            ("99999999999999999999", ScalarValue::Number),
            ("1.5", ScalarValue::Number),
            (".5", ScalarValue::Number),
            ("1e3", ScalarValue::Number),
            ("-.inf", ScalarValue::Number),
            ("inf", ScalarValue::Text("inf")),
            ("nan", ScalarValue::Text("nan")),
            ("-", ScalarValue::Text("-")),
            (".", ScalarValue::Text(".")),
            ("192.0.2.7", ScalarValue::Text("192.0.2.7")),
            ("1_000", ScalarValue::Text("1_000")),
        ] {
            assert_eq!(Scalar { text: text.to_owned(), style: Style::Plain }.value(), meaning, "{text:?}");
            assert_eq!(Scalar { text: text.to_owned(), style: Style::Literal }.value(), ScalarValue::Text(text));
        }
    }
}
