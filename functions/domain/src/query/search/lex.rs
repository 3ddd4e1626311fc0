//! Splits the text of a query into words.

use serde_json::Number;

use super::hints;
use super::parse::SyntaxError;
use super::query::Literal;
use crate::text::truncate;

/// A word, and the column at which it begins, in characters from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) token: Lexeme,
    pub(super) column: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lexeme {
    /// A field without a path, or a keyword.
    Name(String),
    /// A name followed by the keys of a path.
    Path(String, Vec<String>),
    Value(Literal),
    Operator(&'static str),
    Open,
    Close,
    Comma,
    End,
}

/// The operators, longer ones first, so that `>=` is not read as `>`.
const OPERATORS: [&str; 8] = ["!=", ">=", "<=", "!~", "=", ">", "<", "~"];

/// Splits the text into words; the last one is [`Lexeme::End`].
pub(super) fn words(text: &str) -> Result<Vec<Word>, SyntaxError> {
    let mut rest = Rest { text, column: 1 };
    let mut words = Vec::new();
    loop {
        rest.skip(char::is_whitespace);
        let column = rest.column;
        let token = rest.token()?;
        let ended = token == Lexeme::End;
        words.push(Word { token, column });
        if ended {
            return Ok(words);
        }
    }
}

fn begins_name(letter: char) -> bool {
    letter == '_' || letter.is_alphabetic()
}

fn continues_name(letter: char) -> bool {
    letter == '_' || letter == '-' || letter.is_alphanumeric()
}

/// Whether a key can be written in a path without quotes.
pub(super) fn is_name(key: &str) -> bool {
    key.starts_with(begins_name) && key.chars().all(continues_name)
}

struct Rest<'a> {
    text: &'a str,
    column: usize,
}

impl<'a> Rest<'a> {
    fn token(&mut self) -> Result<Lexeme, SyntaxError> {
        let Some(first) = self.text.chars().next() else { return Ok(Lexeme::End) };
        match first {
            '(' | ')' | ',' => {
                self.advance(1);
                return Ok(match first {
                    '(' => Lexeme::Open,
                    ')' => Lexeme::Close,
                    _ => Lexeme::Comma,
                });
            }
            '"' | '\'' => return self.string(first).map(|text| Lexeme::Value(Literal::Text(text))),
            '-' | '0'..='9' => return self.number().map(|number| Lexeme::Value(Literal::Number(number))),
            _ if begins_name(first) => return self.name(),
            _ => {}
        }
        if let Some(what) = hints::wrong_operator(self.text) {
            return Err(self.fault(what));
        }
        let found = OPERATORS.iter().copied().find(|operator| self.text.starts_with(operator));
        let operator = found.ok_or_else(|| self.fault(format!("unexpected {first:?}")))?;
        self.advance(operator.len());
        Ok(Lexeme::Operator(operator))
    }

    fn name(&mut self) -> Result<Lexeme, SyntaxError> {
        let name = self.skip(continues_name);
        let mut keys = Vec::new();
        while self.text.starts_with('.') {
            self.advance(1);
            keys.push(match self.text.chars().next() {
                Some(quote @ ('"' | '\'')) => self.string(quote)?,
                Some(first) if begins_name(first) => self.skip(continues_name).to_owned(),
                _ => {
                    return Err(self.fault(
                        "a key must follow the dot, such as context.geo; quote a key that is not a \
                     name: context.\"0\""
                            .to_owned(),
                    ));
                }
            });
        }
        Ok(match name {
            _ if !keys.is_empty() => Lexeme::Path(name.to_owned(), keys),
            "True" => Lexeme::Value(Literal::Bool(true)),
            "False" => Lexeme::Value(Literal::Bool(false)),
            "None" => Lexeme::Value(Literal::None),
            name => Lexeme::Name(name.to_owned()),
        })
    }

    fn number(&mut self) -> Result<Number, SyntaxError> {
        let (column, whole) = (self.column, self.text);
        let mut before = ' ';
        let digits = self.skip(|letter| {
            let sign = matches!(letter, '+' | '-') && matches!(before, ' ' | 'e' | 'E');
            before = letter;
            sign || matches!(letter, '.' | 'e' | 'E') || letter.is_ascii_digit()
        });
        // What follows without a blank belongs to the same word, such as the rest of a date.
        self.skip(|letter| continues_name(letter) || matches!(letter, '.' | ':' | '/'));
        let word = &whole[..whole.len() - self.text.len()];
        serde_json::from_str(digits).ok().filter(|_| word == digits).ok_or_else(|| {
            let what = format!("{} is not a number; put a text in quotes", truncate(word, hints::MAX_SHOWN));
            SyntaxError { what, column }
        })
    }

    fn string(&mut self, quote: char) -> Result<String, SyntaxError> {
        let mut text = String::new();
        let column = self.column;
        self.advance(1);
        loop {
            text.push_str(self.skip(|letter| letter != quote && letter != '\\'));
            let Some(letter) = self.text.chars().next() else {
                let what = format!("the text that begins with this {quote} has no {quote} at its end");
                return Err(SyntaxError { what, column });
            };
            self.advance(1);
            if letter == quote {
                return Ok(text);
            }
            let escaped = self.text.chars().next().unwrap_or(' ');
            let meant = match escaped {
                '"' | '\'' | '\\' | '/' => escaped,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    text.push(self.unicode()?);
                    continue;
                }
                _ => return Err(self.fault(format!("\\{escaped} is not an escape; write \\\\ for a backslash"))),
            };
            text.push(meant);
            self.advance(1);
        }
    }

    /// The character of an escape `\uXXXX`, or of a surrogate pair of two such escapes.
    fn unicode(&mut self) -> Result<char, SyntaxError> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high)
                .ok_or_else(|| self.fault("half of a surrogate pair is not a character".to_owned()));
        }
        if !self.text.starts_with("\\u") {
            return Err(self.fault("half of a surrogate pair is not a character".to_owned()));
        }
        self.advance(1);
        let low = self.hex()?;
        let code =
            low.checked_sub(0xdc00).filter(|low| *low < 0x400).map(|low| 0x10000 + ((high - 0xd800) << 10) + low);
        code.and_then(char::from_u32)
            .ok_or_else(|| self.fault("half of a surrogate pair is not a character".to_owned()))
    }

    fn hex(&mut self) -> Result<u32, SyntaxError> {
        let digits = self.text.get(1..5).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.fault("\\u needs four hexadecimal digits".to_owned()))?;
        self.advance(5);
        Ok(code)
    }

    /// Skips the characters for which `wanted` is true, and returns them.
    fn skip(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'a str {
        let end = self.text.find(|letter| !wanted(letter)).unwrap_or(self.text.len());
        let (skipped, rest) = self.text.split_at(end);
        self.text = rest;
        self.column += skipped.chars().count();
        skipped
    }

    /// Skips `by` ASCII characters.
    fn advance(&mut self, by: usize) {
        self.text = self.text.get(by..).unwrap_or_default();
        self.column += by;
    }

    fn fault(&self, what: String) -> SyntaxError {
        SyntaxError { what, column: self.column }
    }
}
