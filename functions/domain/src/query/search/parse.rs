//! Parses the words of a query by recursive descent, with one function for each level of precedence.

use super::super::AddressRange;
use super::evaluate::period;
use super::hints;
use super::lex::{Lexeme, Word, words};
use super::query::{Comparison, FieldTest, Literal, SearchField, SearchQuery};
use crate::text::truncate;

/// The deepest nesting of parentheses.
pub const MAX_DEPTH: usize = 32;

/// Why a text is not a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at column {column}")]
pub struct SyntaxError {
    /// The fault in words, such as `expected )`, without its position.
    pub what: String,
    /// The position of the fault in characters, from 1. A line break is a character.
    pub column: usize,
}

impl SearchQuery {
    /// Parses a query.
    ///
    /// # Errors
    /// If the text is not a query.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let words = words(text)?;
        let mut reader = QueryParser { words: &words, depth: 0 };
        let query = reader.any()?;
        match reader.peek() {
            Lexeme::End => Ok(query),
            _ => Err(reader.expected("and, or, or the end")),
        }
    }
}

struct QueryParser<'a> {
    /// Never empty: the last word is [`Lexeme::End`], and the parser never advances past it.
    words: &'a [Word],
    depth: usize,
}

impl QueryParser<'_> {
    fn any(&mut self) -> Result<SearchQuery, SyntaxError> {
        let mut parts = vec![self.all()?];
        while self.took_keyword("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, SearchQuery::Any))
    }

    fn all(&mut self) -> Result<SearchQuery, SyntaxError> {
        let mut parts = vec![self.term()?];
        while self.took_keyword("and") {
            parts.push(self.term()?);
        }
        Ok(one_or(parts, SearchQuery::All))
    }

    fn term(&mut self) -> Result<SearchQuery, SyntaxError> {
        if *self.peek() != Lexeme::Open {
            return self.comparison().map(SearchQuery::Comparison);
        }
        if self.depth == MAX_DEPTH {
            return Err(self.fault(format!("parentheses are nested deeper than {MAX_DEPTH}")));
        }
        self.next();
        self.depth += 1;
        let inner = self.any()?;
        self.depth -= 1;
        self.take(&Lexeme::Close, ")")?;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Comparison, SyntaxError> {
        let field = self.field()?;
        let mut denied = self.took_keyword("not");
        let test = match self.peek().clone() {
            Lexeme::Operator(operator) if !denied => {
                self.next();
                denied = operator.starts_with('!');
                match operator {
                    "=" | "!=" => FieldTest::Equals(self.value(&field)?),
                    "~" | "!~" => FieldTest::Contains(self.text()?),
                    _ => self.ordered(&field, operator)?,
                }
            }
            _ if self.took_keyword("startswith") => FieldTest::Starts(self.text()?),
            _ if self.took_keyword("endswith") => FieldTest::Ends(self.text()?),
            _ if self.took_keyword("in") => FieldTest::Among(self.list(&field)?),
            _ if denied => return Err(self.expected("startswith, endswith or in")),
            found => return Err(self.fault(hints::not_an_operator(&found))),
        };
        Ok(Comparison { field, denied, test })
    }

    fn ordered(&mut self, field: &SearchField, operator: &str) -> Result<FieldTest, SyntaxError> {
        let before = self.words;
        let value = self.value(field)?;
        if matches!(value, Literal::Bool(_) | Literal::None) {
            self.words = before;
            return Err(self.fault(format!("{value} cannot be compared by size; use = or !=")));
        }
        Ok(match operator {
            ">" => FieldTest::Above(value),
            ">=" => FieldTest::AtLeast(value),
            "<" => FieldTest::Below(value),
            _ => FieldTest::AtMost(value),
        })
    }

    fn field(&mut self) -> Result<SearchField, SyntaxError> {
        let (name, keys) = match self.peek().clone() {
            Lexeme::Name(name) => (name, Vec::new()),
            Lexeme::Path(name, keys) => (name, keys),
            _ => return Err(self.expected("a field such as action")),
        };
        let field = match (name.as_str(), keys.is_empty()) {
            ("action", true) => SearchField::Action,
            ("app", true) => SearchField::App,
            ("client_ip", true) => SearchField::ClientIp,
            ("created", true) => SearchField::Created,
            ("event_uuid" | "pk", true) => SearchField::Pk,
            ("expires", true) => SearchField::Expires,
            ("id", true) => SearchField::Id,
            ("source", true) => SearchField::Source,
            ("user", false) => SearchField::User(keys),
            ("brand", false) => SearchField::Brand(keys),
            ("context", false) => SearchField::Context(keys),
            ("user" | "brand" | "context", true) => {
                return Err(self.fault(format!("{name} is a whole object; add a key, such as {name}.name")));
            }
            ("action" | "app" | "client_ip" | "created" | "event_uuid" | "pk" | "expires" | "id" | "source", false) => {
                return Err(self.fault(format!("{name} has no keys; write {name} alone")));
            }
            _ => return Err(self.fault(hints::not_a_field(&name))),
        };
        self.next();
        Ok(field)
    }

    /// Parses a value that the field can have. Any other value would never match, or always if negated, so it is an
    /// error.
    fn value(&mut self, field: &SearchField) -> Result<Literal, SyntaxError> {
        let Lexeme::Value(value) = self.peek().clone() else {
            return Err(self.fault(hints::not_a_value(self.peek())));
        };
        match field {
            SearchField::Created | SearchField::Expires if !is_date(&value) => {
                return Err(self.expected("a date such as \"2026-01-02\" or \"2026-01-02 03:04:05\""));
            }
            SearchField::ClientIp if !is_address(&value) => {
                return Err(self.expected(
                    "an address such as \"192.0.2.7\" or a network such as \"192.0.2.0/24\"; ~ searches for a part of an \
                     address",
                ));
            }
            SearchField::Action | SearchField::App | SearchField::Pk | SearchField::Id | SearchField::Source
                if matches!(value, Literal::Number(_) | Literal::Bool(_)) =>
            {
                let shown = truncate(&value.to_string(), hints::MAX_SHOWN);
                return Err(self.fault(format!("{field} is a text; put the value in quotes: {shown:?}")));
            }
            _ => {}
        }
        self.next();
        Ok(value)
    }

    fn text(&mut self) -> Result<String, SyntaxError> {
        let Lexeme::Value(Literal::Text(text)) = self.peek().clone() else {
            return Err(self.fault(hints::not_a_text(self.peek())));
        };
        self.next();
        Ok(text)
    }

    fn list(&mut self, field: &SearchField) -> Result<Vec<Literal>, SyntaxError> {
        self.take(&Lexeme::Open, "a list in parentheses, such as (\"a\", \"b\")")?;
        let mut values = vec![self.value(field)?];
        while *self.peek() == Lexeme::Comma {
            self.next();
            values.push(self.value(field)?);
        }
        self.take(&Lexeme::Close, ", or )")?;
        Ok(values)
    }

    fn took_keyword(&mut self, keyword: &str) -> bool {
        let there = matches!(self.peek(), Lexeme::Name(name) if name.eq_ignore_ascii_case(keyword));
        if there {
            self.next();
        }
        there
    }

    fn take(&mut self, token: &Lexeme, name: &str) -> Result<(), SyntaxError> {
        if self.peek() != token {
            return Err(self.expected(name));
        }
        self.next();
        Ok(())
    }

    fn peek(&self) -> &Lexeme {
        self.words.first().map_or(&Lexeme::End, |word| &word.token)
    }

    fn next(&mut self) {
        self.words = self.words.get(1..).unwrap_or_default();
    }

    fn expected(&self, what: &str) -> SyntaxError {
        self.fault(format!("expected {what}"))
    }

    fn fault(&self, what: String) -> SyntaxError {
        SyntaxError { what, column: self.words.first().map_or(1, |word| word.column) }
    }
}

fn is_date(value: &Literal) -> bool {
    match value {
        Literal::Text(text) => period(text).is_some(),
        Literal::None => true,
        Literal::Number(_) | Literal::Bool(_) => false,
    }
}

fn is_address(value: &Literal) -> bool {
    match value {
        Literal::Text(text) => text.parse::<AddressRange>().is_ok(),
        Literal::None => true,
        Literal::Number(_) | Literal::Bool(_) => false,
    }
}

fn one_or(mut parts: Vec<SearchQuery>, many: impl Fn(Vec<SearchQuery>) -> SearchQuery) -> SearchQuery {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}
