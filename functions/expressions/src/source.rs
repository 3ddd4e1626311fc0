//! Wraps a body into a function, so that it is a valid module and `return` works at its top level.
//!
//! Owns the wrapping and the translation of positions in the wrapped text back to positions in the body. Refuses bodies
//! that are too long or too deeply nested for the parser.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{ModModule, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed, lexer, parse_unchecked};
use ruff_text_size::{Ranged, TextRange, TextSize};
use serde::{Deserialize, Serialize};

use crate::edit::Edit;

/// The maximum length of a body in bytes.
pub const MAX_SOURCE_BYTES: usize = 32 * 1024;
/// The maximum depth for the parser, which recurses once per level. Its own limit is too high for a small stack.
const MAX_DEPTH: u16 = 100;
/// The maximum length of a chain such as `a.b.c` or `a + b + c`. The parser does not recurse for a chain, but the
/// visitors of the tree do.
const MAX_CHAIN: usize = 200;

const INDENT: &str = "    ";
const HEADER_LINES: usize = 1;

/// Why a body cannot be run, with the position in the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxFault {
    /// The line of the body as written, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong. Quotes at most the faulty name or character of the body.
    pub message: String,
}

/// A body wrapped in a function.
pub(crate) struct Wrapped {
    /// The text; its first line is the `def`, and the body follows.
    pub(crate) text: String,
    pub(crate) parsed: Parsed<ModModule>,
    /// Edits that remove the added indent inside multi-line strings.
    pub(crate) edits: Vec<Edit>,
}

/// Wraps the body in a function with these parameters and parses it.
pub(crate) fn wrap(source: &str, parameters: &str) -> Result<Wrapped, SyntaxFault> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(fault(1, 1, format!("the body is longer than {MAX_SOURCE_BYTES} bytes")));
    }
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(at) = source.find('\0') {
        let line = source[..at].matches('\n').count() + 1;
        return Err(fault(line, 1, "source code cannot contain null bytes"));
    }
    let mut text = format!("def {BODY}({parameters}):\n");
    let mut indented = vec![false];
    for line in source.split('\n') {
        let blank = line.trim_ascii().is_empty();
        if !blank {
            text.push_str(INDENT);
        }
        text.push_str(line);
        text.push('\n');
        indented.push(!blank);
    }
    if source.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Err(fault(1, 1, "the body is empty; return a value"));
    }
    check_depth(&text)?;
    let options = ParseOptions::from(Mode::Module).with_max_recursion_depth(MAX_DEPTH);
    let parsed = parse_unchecked(&text, options);
    if let Some(error) = parsed.errors().iter().min_by_key(|error| error.location.start()) {
        return Err(at(&text, error.location, error.error.to_string()));
    }
    let Some(parsed) = parsed.try_into_module() else {
        return Err(fault(1, 1, "not a body of statements"));
    };
    if let Some(stray) = parsed.suite().get(1) {
        return Err(at(&text, stray.range(), "unindent does not match any outer indentation level"));
    }
    if !matches!(parsed.suite().first(), Some(Stmt::FunctionDef(_))) {
        return Err(fault(1, 1, "not a body of statements"));
    }
    let edits = unindent_strings(&text, &parsed, &indented);
    Ok(Wrapped { text, parsed, edits })
}

/// The name of the wrapping function.
pub(crate) const BODY: &str = "_nuncio_body";

/// Converts a position in the wrapped text to one in the body.
pub(crate) fn to_body_position(line: usize, column: usize) -> (usize, usize) {
    (line.saturating_sub(HEADER_LINES).max(1), column.saturating_sub(INDENT.len()).max(1))
}

/// A fault at a range of the wrapped text.
pub(crate) fn at(text: &str, range: TextRange, message: impl Into<String>) -> SyntaxFault {
    let (line, column) = position(text, range.start());
    fault(line, column, message)
}

/// The line and column in the body of an offset in the wrapped text. An offset after the end becomes the position after
/// the last character.
pub(crate) fn position(text: &str, offset: TextSize) -> (usize, usize) {
    let end = text.trim_end().len();
    let before = text.get(..offset.to_usize().min(end)).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    to_body_position(line, column)
}

fn fault(line: usize, column: usize, message: impl Into<String>) -> SyntaxFault {
    SyntaxFault { line, column, message: message.into() }
}

/// Refuses a text whose syntax tree would be too deep for its visitors, before it is parsed.
fn check_depth(text: &str) -> Result<(), SyntaxFault> {
    let mut lexer = lexer::lex(text, Mode::Module);
    // The length of the chain at each level of brackets.
    let mut chains = vec![];
    let mut chain = 0_usize;
    let mut line = 1;
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                chains.push(chain + 1);
                chain = 0;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => chain = chains.pop().unwrap_or_default(),
            TokenKind::Newline => {
                chains.clear();
                chain = 0;
                line += 1;
            }
            TokenKind::NonLogicalNewline => line += 1,
            TokenKind::Comma | TokenKind::Semi => chain = 0,
            TokenKind::Dot | TokenKind::Not | TokenKind::Lambda | TokenKind::If => chain += 1,
            other if other.is_operator() => chain += 1,
            _ => {}
        }
        if chain + chains.iter().sum::<usize>() > MAX_CHAIN {
            let (line, column) = to_body_position(line, 0);
            return Err(fault(line, column, "too deeply nested; use variables for the parts"));
        }
    }
}

/// The edits that remove the added indent from lines inside a string.
fn unindent_strings(text: &str, parsed: &Parsed<ModModule>, indented: &[bool]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut line = 0;
    let mut counted = 0;
    for token in parsed.tokens() {
        if !matches!(token.kind(), TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle) {
            continue;
        }
        let (start, end) = (token.start().to_usize(), token.end().to_usize());
        for (offset, _) in text[start..end].match_indices('\n') {
            let newline = start + offset;
            line += text[counted..=newline].matches('\n').count();
            counted = newline + 1;
            if indented.get(line).copied().unwrap_or_default() {
                edits.push(Edit::replace(newline + 1..newline + 1 + INDENT.len(), ""));
            }
        }
    }
    edits
}
