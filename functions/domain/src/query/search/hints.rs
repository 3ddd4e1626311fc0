//! Says what to write where a query has something else: words and signs of other query languages.
//!
//! Owns the texts. Does not decide what a query may contain.

use super::lex::Lexeme;
use super::query::Literal;
use crate::event::EVENT_KEYS;
use crate::text::truncate;

/// The most characters of a word that a fault repeats.
pub(super) const MAX_SHOWN: usize = 40;

/// Signs at the beginning of the text that are not operators of AKQL, longer ones first, with what to write instead.
const WRONG_OPERATORS: [(&str, &str); 20] = [
    ("===", "write ="),
    ("==", "write ="),
    ("=~", "write ~"),
    ("=>", "write >="),
    ("=<", "write <="),
    ("<>", "write !="),
    ("&&", "write and"),
    ("||", "write or"),
    ("&", "write and"),
    ("|", "write or"),
    (":", "write ="),
    ("*", "use ~ or startswith to find a part of a text"),
    ("%", "use ~ or startswith to find a part of a text"),
    ("[", "write a list in parentheses, such as (\"a\", \"b\")"),
    ("“", "put a text in straight quotes, such as \"login\""),
    ("”", "put a text in straight quotes, such as \"login\""),
    ("„", "put a text in straight quotes, such as \"login\""),
    ("‘", "put a text in straight quotes, such as 'login'"),
    ("’", "put a text in straight quotes, such as 'login'"),
    ("`", "put a text in straight quotes, such as 'login'"),
];

/// What is wrong with the sign at the beginning of the text; `None` if nothing is known about it.
pub(super) fn wrong_operator(text: &str) -> Option<String> {
    if let Some((sign, hint)) = WRONG_OPERATORS.iter().find(|(sign, _)| text.starts_with(sign)) {
        return Some(format!("{sign} has no meaning here; {hint}"));
    }
    let is_lone_not = text.starts_with('!') && !text.starts_with("!=") && !text.starts_with("!~");
    is_lone_not.then(|| "! alone has no meaning here; negate a test with !=, !~ or not in".to_owned())
}

/// What is wrong with a field of this name.
pub(super) fn not_a_field(name: &str) -> String {
    let shown = truncate(name, MAX_SHOWN);
    match name.to_ascii_lowercase().as_str() {
        "not" => {
            "not stands behind a field; negate a test with !=, !~, not in, not startswith or not endswith".to_owned()
        }
        "and" | "or" | "in" | "startswith" | "endswith" => format!("expected a field such as action before {shown}"),
        _ if EVENT_KEYS.contains(&name) => format!("a query cannot test {shown}; search for its value alone"),
        _ => format!(
            "an event has no field {shown}; write context.{shown} or user.{shown}, or one of action, app, client_ip, \
             created, event_uuid, expires, id, source"
        ),
    }
}

/// What is wrong with a word in the place of an operator.
pub(super) fn not_an_operator(found: &Lexeme) -> String {
    let expected = "expected an operator such as =, ~ or in";
    let Lexeme::Name(word) = found else { return expected.to_owned() };
    match word.to_ascii_lowercase().as_str() {
        "is" | "eq" | "equals" => format!("{expected}; write = for {word}"),
        "like" | "ilike" | "contains" | "matches" | "has" => format!("{expected}; write ~ for {word}"),
        _ => expected.to_owned(),
    }
}

/// What is wrong with a word in the place of a value.
pub(super) fn not_a_value(found: &Lexeme) -> String {
    let expected = "expected a value such as \"text\" or 7";
    let word = match found {
        Lexeme::Name(name) => name.clone(),
        Lexeme::Path(name, keys) => format!("{name}.{}", keys.join(".")),
        Lexeme::Open => return format!("{expected}; write in before a list"),
        _ => return expected.to_owned(),
    };
    match word.to_ascii_lowercase().as_str() {
        "true" => format!("{expected}; write True for {word}"),
        "false" => format!("{expected}; write False for {word}"),
        "none" | "null" | "nil" => format!("{expected}; write None for {word}"),
        _ => format!("{expected}; put a text in quotes: {:?}", truncate(&word, MAX_SHOWN)),
    }
}

/// What is wrong with a word in the place of a text.
pub(super) fn not_a_text(found: &Lexeme) -> String {
    let expected = "expected a text such as \"text\"";
    match found {
        Lexeme::Name(word) => format!("{expected}; put it in quotes: {:?}", truncate(word, MAX_SHOWN)),
        Lexeme::Value(Literal::Number(number)) => {
            format!("{expected}; put it in quotes: {:?}", truncate(&number.to_string(), MAX_SHOWN))
        }
        _ => expected.to_owned(),
    }
}
