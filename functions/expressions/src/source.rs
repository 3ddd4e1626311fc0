//! A body as its author wrote it, made into a module that the interpreter accepts, line for line.
//!
//! Owns the wrapping into a function (so that `return` works at the top), and the way back from the
//! interpreter's positions to the author's. Refuses what no parser should be given.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{ModModule, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed, lexer, parse_unchecked};
use ruff_text_size::{Ranged, TextRange, TextSize};
use serde::{Deserialize, Serialize};

use crate::edit::Edit;

/// The longest body, in bytes.
pub const MAX_SOURCE_BYTES: usize = 32 * 1024;
/// The parser recurses once for each level; its own bound lies above what a small stack bears.
const MAX_DEPTH: u16 = 100;
/// `a.b.c` and `a + b + c` nest too, without the parser recursing: what walks the tree does.
const MAX_CHAIN: usize = 200;

const INDENT: &str = "    ";
const HEADER_LINES: usize = 1;

/// Why a body is no Python that can be run here, and where in the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxFault {
    /// From 1, of the body as written.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, without any of the body's text beyond the name or sign at fault.
    pub message: String,
}

/// A body inside its function.
pub(crate) struct Wrapped {
    /// One line more than the body: the first is the `def`.
    pub(crate) text: String,
    pub(crate) parsed: Parsed<ModModule>,
    /// Takes back what indenting did to the inside of strings.
    pub(crate) edits: Vec<Edit>,
}

/// Puts a body into a function of these parameters and parses it.
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
        return Err(fault(1, 1, "the body is empty; return something"));
    }
    refuse_deep(&text)?;
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

/// The function's name.
pub(crate) const BODY: &str = "_nuncio_body";

/// The body's own place for one in the wrapped text.
pub(crate) fn place(line: usize, column: usize) -> (usize, usize) {
    (line.saturating_sub(HEADER_LINES).max(1), column.saturating_sub(INDENT.len()).max(1))
}

/// A fault at a place of the wrapped text.
pub(crate) fn at(text: &str, range: TextRange, message: impl Into<String>) -> SyntaxFault {
    let (line, column) = position(text, range.start());
    fault(line, column, message)
}

/// Line and column of the body. What is found missing at the very end is missing after the last sign.
pub(crate) fn position(text: &str, offset: TextSize) -> (usize, usize) {
    let end = text.trim_end().len();
    let before = text.get(..offset.to_usize().min(end)).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    place(line, column)
}

fn fault(line: usize, column: usize, message: impl Into<String>) -> SyntaxFault {
    SyntaxFault { line, column, message: message.into() }
}

/// Refuses what would make a tree deeper than those who walk it can bear, before there is a tree.
fn refuse_deep(text: &str) -> Result<(), SyntaxFault> {
    let mut lexer = lexer::lex(text, Mode::Module);
    // How long the chain is on each level of brackets.
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
            let (line, column) = place(line, 0);
            return Err(fault(line, column, "too deeply nested; use variables for the parts"));
        }
    }
}

/// Lines that go on inside a string got an indent that their author did not write.
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
