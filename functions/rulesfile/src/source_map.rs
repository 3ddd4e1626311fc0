//! Maps positions in the text of a scalar to positions in the file.
//!
//! Owns the translation from a scalar's text back to its notation in the file: indented, folded, quoted or escaped. A
//! position in white space that YAML has folded maps to the adjacent character.

use crate::scalar::{Scalar, Style};

/// A position in the file: line and column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// How many characters all translations together may visit. Without this limit, a file full of faults would take time
/// quadratic in its size.
const MAX_STEPS: usize = 20_000_000;

/// The text of the file with the start of each line.
#[derive(Debug)]
pub(crate) struct SourceMap {
    text: String,
    /// The byte offset of each line.
    lines: Vec<usize>,
    steps_left: usize,
}

impl SourceMap {
    pub(crate) fn new(text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text: text.to_owned(), lines: std::iter::once(0).chain(starts).collect(), steps_left: MAX_STEPS }
    }

    /// The position in the file of a line and column (counted from 1) in the text of the scalar at `at`. Returns `at`
    /// itself if the position cannot be found.
    pub(crate) fn position(&mut self, scalar: &Scalar, at: Position, line: usize, column: usize) -> Position {
        let found = match scalar.style {
            Style::Literal => self.in_literal(scalar, at, line, column),
            Style::Folded | Style::Plain => self.by_visible_chars(scalar, at, line, column, plain),
            Style::SingleQuoted => self.by_visible_chars(scalar, at, line, column, single_quoted),
            Style::DoubleQuoted => self.by_visible_chars(scalar, at, line, column, double_quoted),
        };
        found.unwrap_or(at)
    }

    /// A literal block is written line by line, each with the same indent. Its position is that of its first line that
    /// is not empty, or that of its anchor if it has one. Both cases are tried.
    fn in_literal(&self, scalar: &Scalar, at: Position, line: usize, column: usize) -> Option<Position> {
        let empty = scalar.text.len() - scalar.text.trim_start_matches('\n').len();
        let text = scalar.text.split('\n').nth(line - 1)?;
        let candidates = [(at.line + line).checked_sub(empty + 1)?, at.line + line];
        let indent = |number| Some((number, self.line(number)?.strip_suffix(text)?.chars().count()));
        let (number, indent) = candidates.into_iter().find_map(indent)?;
        Some(Position { line: number, column: indent + column })
    }

    /// Counts the characters other than white space: folding changes only white space, so that the others keep their
    /// order.
    fn by_visible_chars(
        &mut self,
        scalar: &Scalar,
        from: Position,
        line: usize,
        column: usize,
        next: NextChar,
    ) -> Option<Position> {
        let (wanted, is_after) = visible_chars_before(&scalar.text, line, column)?;
        self.steps_left = self.steps_left.checked_sub(from.column)?;
        let start = self.lines.get(from.line - 1)?;
        let mut rest = self.text[*start..].chars();
        let mut at = Position { line: from.line, column: 1 };
        while at.column < from.column {
            advance(&mut at, rest.next()?);
        }
        if rest.as_str().starts_with('&') {
            while !rest.as_str().starts_with(char::is_whitespace) || next_two_are_blank(&rest) {
                advance(&mut at, rest.next()?);
            }
            advance(&mut at, rest.next()?);
        }
        match scalar.style {
            Style::SingleQuoted | Style::DoubleQuoted => advance(&mut at, rest.next()?),
            Style::Folded if rest.as_str().starts_with('>') => {
                while at.line == from.line {
                    advance(&mut at, rest.next()?);
                }
            }
            _ => {}
        }
        let mut seen = 0;
        loop {
            self.steps_left = self.steps_left.checked_sub(1)?;
            let before = at;
            let ahead = rest.as_str();
            let meant = next(&mut rest)?;
            ahead[..ahead.len() - rest.as_str().len()].chars().for_each(|character| advance(&mut at, character));
            if meant.is_whitespace() {
                continue;
            }
            seen += 1;
            if is_after && seen == wanted {
                return Some(at);
            }
            if !is_after && seen == wanted + 1 {
                return Some(before);
            }
        }
    }

    fn line(&self, number: usize) -> Option<&str> {
        let rest = &self.text[*self.lines.get(number - 1)?..];
        rest.split('\n').next().map(|line| line.strip_suffix('\r').unwrap_or(line))
    }
}

/// Consumes the notation of one character and returns the character, or white space for an escape of white space.
type NextChar = fn(&mut std::str::Chars<'_>) -> Option<char>;

fn plain(rest: &mut std::str::Chars<'_>) -> Option<char> {
    rest.next()
}

fn single_quoted(rest: &mut std::str::Chars<'_>) -> Option<char> {
    match rest.next()? {
        '\'' => rest.next(),
        other => Some(other),
    }
}

fn double_quoted(rest: &mut std::str::Chars<'_>) -> Option<char> {
    const BLANK: char = ' ';
    if rest.as_str().starts_with('\\') {
        rest.next();
        let digits = match rest.next()? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0' | 'a' | 'b' | 'e' => return Some('\0'),
            't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P' => return Some(BLANK),
            other => return Some(other),
        };
        let code = u32::from_str_radix(&rest.by_ref().take(digits).collect::<String>(), 16).ok()?;
        // JSON writes a character beyond U+FFFF as two escapes.
        let pair = rest.as_str().strip_prefix("\\u").and_then(|next| u32::from_str_radix(next.get(..4)?, 16).ok());
        if let (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) = (code, pair) {
            rest.by_ref().take(6).for_each(drop);
            return char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        }
        return char::from_u32(code);
    }
    rest.next()
}

/// Whether the next two characters are white space.
fn next_two_are_blank(rest: &std::str::Chars<'_>) -> bool {
    let mut two = rest.clone();
    two.next().zip(two.next()).is_some_and(|(one, other)| one.is_whitespace() && other.is_whitespace())
}

fn advance(at: &mut Position, character: char) {
    if character == '\n' {
        *at = Position { line: at.line + 1, column: 1 };
    } else {
        at.column += 1;
    }
}

/// The number of characters other than white space before a position in the text, and whether the position is directly
/// after the last of them instead of at the next one.
fn visible_chars_before(text: &str, line: usize, column: usize) -> Option<(usize, bool)> {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(start..)?;
    let own = rest.split('\n').next().unwrap_or_default();
    let before: String = own.chars().take(column - 1).collect();
    let count = |text: &str| text.chars().filter(|character| !character.is_whitespace()).count();
    let visible = count(&text[..start]) + count(&before);
    let here = own[before.len()..].chars().next();
    let is_indent = before.trim().is_empty() && !own.trim().is_empty();
    let at_next = is_indent || here.is_some_and(|character| !character.is_whitespace());
    Some((visible, !at_next && visible > 0))
}
