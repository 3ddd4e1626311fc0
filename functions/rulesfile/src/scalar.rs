//! What a scalar is, by the core schema of YAML 1.2.
//!
//! Only `true` and `false` are booleans: `yes`, `no`, `on` and `off` are texts. What stands in quotes
//! is a text.

/// A scalar as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes, and no block.
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// A block behind `|`.
    Literal,
    /// A block behind `>`.
    Folded,
}

/// A scalar as it is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Meaning<'a> {
    Nothing,
    Boolean(bool),
    Integer(i64),
    /// A fraction, or an integer beyond 64 bits.
    Number,
    Text(&'a str),
}

impl Scalar {
    pub(crate) fn meaning(&self) -> Meaning<'_> {
        let text = self.text.as_str();
        if self.style != Style::Plain {
            return Meaning::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Meaning::Nothing,
            "true" | "True" | "TRUE" => Meaning::Boolean(true),
            "false" | "False" | "FALSE" => Meaning::Boolean(false),
            _ => number(text).unwrap_or(Meaning::Text(text)),
        }
    }
}

fn number(text: &str) -> Option<Meaning<'static>> {
    let based = |digits: &str, radix| {
        let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        all.then(|| i64::from_str_radix(digits, radix).map_or(Meaning::Number, Meaning::Integer))
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Meaning::Number);
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(Meaning::Number, Meaning::Integer));
    }
    // Rust also reads "inf" and "nan" as numbers; YAML wants a digit.
    let float = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok();
    float.then_some(Meaning::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        for (text, meaning) in [
            ("", Meaning::Nothing),
            ("~", Meaning::Nothing),
            ("null", Meaning::Nothing),
            ("true", Meaning::Boolean(true)),
            ("FALSE", Meaning::Boolean(false)),
            ("yes", Meaning::Text("yes")),
            ("on", Meaning::Text("on")),
            ("tRUE", Meaning::Text("tRUE")),
            ("10", Meaning::Integer(10)),
            ("-7", Meaning::Integer(-7)),
            ("+7", Meaning::Integer(7)),
            ("0o17", Meaning::Integer(15)),
            ("0xff", Meaning::Integer(255)),
            ("0o8", Meaning::Text("0o8")),
            ("99999999999999999999", Meaning::Number),
            ("1.5", Meaning::Number),
            (".5", Meaning::Number),
            ("1e3", Meaning::Number),
            ("-.inf", Meaning::Number),
            ("inf", Meaning::Text("inf")),
            ("nan", Meaning::Text("nan")),
            ("-", Meaning::Text("-")),
            (".", Meaning::Text(".")),
            ("192.0.2.7", Meaning::Text("192.0.2.7")),
            ("1_000", Meaning::Text("1_000")),
        ] {
            assert_eq!(Scalar { text: text.to_owned(), style: Style::Plain }.meaning(), meaning, "{text:?}");
            assert_eq!(Scalar { text: text.to_owned(), style: Style::Literal }.meaning(), Meaning::Text(text));
        }
    }
}
