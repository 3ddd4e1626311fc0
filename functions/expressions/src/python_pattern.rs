//! Python's regular expressions in the syntax of the engine, which differs.
//!
//! Owns the syntax of the module `re`: what a pattern means, and the errors of CPython for what is no pattern. Matches
//! nothing.

mod class;
mod group;
mod repeat;

use std::fmt::Write as _;

pub(crate) const ASCII: i64 = 256;
pub(crate) const IGNORECASE: i64 = 2;
pub(crate) const MULTILINE: i64 = 8;
pub(crate) const DOTALL: i64 = 16;
pub(crate) const UNICODE: i64 = 32;
pub(crate) const VERBOSE: i64 = 64;

/// The deepest nesting of groups.
const MAX_DEPTH: usize = 50;

/// A pattern in the syntax of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated {
    pub(crate) text: String,
    /// The flags, those of the pattern included.
    pub(crate) flags: i64,
    /// The name of each group, if it has one.
    pub(crate) groups: Vec<Option<String>>,
    /// The groups in the order in which they end.
    pub(crate) ends: Vec<usize>,
}

/// Why a text is no pattern, in CPython's words, and where, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) message: String,
    pub(crate) position: Option<usize>,
}

type Translation<T> = Result<T, Invalid>;

/// Translates a pattern with these flags.
///
/// # Errors
/// What CPython says about a text that is no pattern.
pub(crate) fn translate(pattern: &str, flags: i64) -> Translation<Translated> {
    let mut parser = Parser {
        letters: pattern.chars().collect(),
        at: 0,
        flags,
        groups: Vec::new(),
        open: Vec::new(),
        ends: Vec::new(),
        depth: 0,
    };
    // Flags at the start hold for the whole pattern, so that they are read first.
    while let Some(length) = parser.global_flags() {
        parser.at += length;
    }
    let node = parser.alternatives()?;
    if parser.at < parser.letters.len() {
        return Err(invalid("unbalanced parenthesis", parser.at));
    }
    let Parser { flags, groups, ends, .. } = parser;
    let flags = if flags & ASCII == 0 { flags | UNICODE } else { flags };
    Ok(Translated { text: node.text, flags, groups, ends })
}

/// A part of a pattern, and how many characters it matches.
#[derive(Debug, Clone, Default)]
struct Node {
    text: String,
    least: usize,
    /// `None` if there is no limit.
    most: Option<usize>,
    /// Whether it is an assertion, which cannot be repeated, or nothing.
    is_assertion: bool,
}

impl Node {
    fn one(text: impl Into<String>) -> Self {
        Self { text: text.into(), least: 1, most: Some(1), is_assertion: false }
    }

    fn assertion(text: impl Into<String>) -> Self {
        Self { text: text.into(), least: 0, most: Some(0), is_assertion: true }
    }

    fn empty() -> Self {
        Self { most: Some(0), ..Self::default() }
    }

    fn then(&mut self, next: &Self) {
        self.text.push_str(&next.text);
        self.least = self.least.saturating_add(next.least);
        self.most = self.most.zip(next.most).map(|(one, other)| one.saturating_add(other));
    }
}

fn invalid(message: impl Into<String>, position: usize) -> Invalid {
    Invalid { message: message.into(), position: Some(position) }
}

struct Parser {
    letters: Vec<char>,
    at: usize,
    flags: i64,
    groups: Vec<Option<String>>,
    /// The groups that have begun and not ended.
    open: Vec<usize>,
    ends: Vec<usize>,
    depth: usize,
}

impl Parser {
    fn has(&self, flag: i64) -> bool {
        self.flags & flag != 0
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn looks_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, letter)| self.letters.get(self.at + offset) == Some(&letter))
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.looks_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn alternatives(&mut self) -> Translation<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid("too many nested groups for Nuncio's Python", self.at));
        }
        let mut whole = self.sequence()?;
        while self.skip("|") {
            let next = self.sequence()?;
            let _ = write!(whole.text, "|{}", next.text);
            whole.least = whole.least.min(next.least);
            whole.most = whole.most.zip(next.most).map(|(one, other)| one.max(other));
        }
        self.depth -= 1;
        Ok(whole)
    }

    fn sequence(&mut self) -> Translation<Node> {
        let mut sequence = Node::empty();
        while let Some(letter) = self.peek() {
            if letter == '|' || letter == ')' {
                break;
            }
            if self.has(VERBOSE) && self.skip_blanks(letter) {
                continue;
            }
            let item = self.item(letter)?;
            let item = self.repeated(item)?;
            sequence.then(&item);
        }
        Ok(sequence)
    }

    fn skip_blanks(&mut self, letter: char) -> bool {
        if letter.is_ascii_whitespace() || letter == '\u{b}' {
            self.at += 1;
            return true;
        }
        if letter == '#' {
            while self.peek().is_some_and(|letter| letter != '\n') {
                self.at += 1;
            }
            return true;
        }
        false
    }

    fn item(&mut self, letter: char) -> Translation<Node> {
        match letter {
            '(' => return self.group(),
            '[' => return self.class(),
            '\\' => return self.escape(),
            _ => {}
        }
        let start = self.at;
        self.at += 1;
        Ok(match letter {
            '.' if self.has(DOTALL) => Node::one("(?s:.)"),
            '.' => Node::one(r"[^\n]"),
            '^' if self.has(MULTILINE) => Node::assertion("(?m:^)"),
            '^' => Node::assertion(r"\A"),
            '$' if self.has(MULTILINE) => Node::assertion("(?m:$)"),
            '$' => Node::assertion(r"(?=\n?\z)"),
            '*' | '+' | '?' => return Err(invalid("nothing to repeat", start)),
            other => Node::one(self.literal(other)),
        })
    }

    /// A character as itself.
    fn literal(&self, letter: char) -> String {
        let code = u32::from(letter);
        let mut text =
            if letter.is_ascii_alphanumeric() || code > 0x7f { letter.to_string() } else { format!(r"\x{{{code:X}}}") };
        if self.has(IGNORECASE) {
            text = match letter {
                // Without Unicode, only the letters of ASCII have two cases.
                _ if self.has(ASCII) && letter.is_ascii_alphabetic() => {
                    format!("[{}{}]", letter.to_ascii_lowercase(), letter.to_ascii_uppercase())
                }
                _ if self.has(ASCII) => text,
                _ => format!("(?i:{text})"),
            };
        }
        text
    }

    /// What stands after a backslash, outside a class.
    fn escape(&mut self) -> Translation<Node> {
        let start = self.at;
        let Some(letter) = self.letters.get(start + 1).copied() else {
            return Err(invalid("bad escape (end of pattern)", start));
        };
        self.at += 2;
        let word = if self.has(ASCII) { "[0-9A-Za-z_]" } else { r"[\p{L}\p{N}_]" };
        Ok(match letter {
            'A' => Node::assertion(r"\A"),
            'Z' => Node::assertion(r"\z"),
            'b' => Node::assertion(format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))")),
            // Not in an empty text.
            'B' => Node::assertion(format!(r"(?:(?<={word})(?={word})|(?<!{word})(?!{word})(?!\A\z))")),
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Node::one(self.category(letter)),
            '1'..='9' => return self.reference_or_octal(letter, start),
            other => Node::one({
                self.at = start;
                let code = self.character(other)?;
                self.literal(code)
            }),
        })
    }

    /// `\d` and its kind.
    fn category(&self, letter: char) -> &'static str {
        match (letter, self.has(ASCII)) {
            ('d', true) => "[0-9]",
            ('D', true) => "[^0-9]",
            ('w', true) => "[0-9A-Za-z_]",
            ('W', true) => "[^0-9A-Za-z_]",
            ('s', true) => r"[\x20\t\n\r\x0B\x0C]",
            ('S', true) => r"[^\x20\t\n\r\x0B\x0C]",
            ('d', false) => r"[\p{Nd}]",
            ('D', false) => r"[^\p{Nd}]",
            ('w', false) => r"[\p{L}\p{N}_]",
            ('W', false) => r"[^\p{L}\p{N}_]",
            ('s', false) => r"[\s\x1C-\x1F]",
            (_, _) => r"[^\s\x1C-\x1F]",
        }
    }

    /// The character that an escape stands for; the position is at its backslash.
    fn character(&mut self, letter: char) -> Translation<char> {
        let start = self.at;
        self.at += 2;
        let simple = match letter {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => return self.hexadecimal(start, 2),
            'u' => return self.hexadecimal(start, 4),
            'U' => return self.hexadecimal(start, 8),
            '0' => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|digit| digit.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value).unwrap_or_default()
            }
            'N' => {
                return Err(invalid(r"\N{…} is not supported by Nuncio's Python; use the character", start));
            }
            other if other.is_ascii_alphanumeric() => {
                return Err(invalid(format!("bad escape \\{other}"), start));
            }
            other => other,
        };
        Ok(simple)
    }

    fn hexadecimal(&mut self, start: usize, digits: usize) -> Translation<char> {
        let text: String =
            self.letters.iter().skip(self.at).take(digits).take_while(|one| one.is_ascii_hexdigit()).collect();
        let shown: String = self.letters[start..self.at].iter().collect();
        let code = u32::from_str_radix(&text, 16).ok().filter(|_| text.len() == digits).and_then(char::from_u32);
        self.at += text.len();
        code.ok_or_else(|| invalid(format!("incomplete escape {shown}{text}"), start))
    }

    /// `\1`, or three octal digits.
    fn reference_or_octal(&mut self, first: char, start: usize) -> Translation<Node> {
        let mut digits = String::from(first);
        if let Some(next) = self.peek().filter(char::is_ascii_digit) {
            digits.push(next);
            self.at += 1;
            let octal = |text: &str| text.chars().all(|digit| digit.is_digit(8));
            if let Some(last) = self.peek().filter(|last| last.is_digit(8))
                && octal(&digits)
            {
                digits.push(last);
                self.at += 1;
                let code = u32::from_str_radix(&digits, 8).unwrap_or_default();
                return match char::from_u32(code).filter(|_| code <= 0o377) {
                    Some(letter) => Ok(Node::one(self.literal(letter))),
                    None => Err(invalid(format!("octal escape value \\{digits} outside of range 0-0o377"), start)),
                };
            }
        }
        let group = digits.parse().unwrap_or(usize::MAX);
        self.reference(group, start + 1, &digits)
    }

    fn reference(&self, group: usize, start: usize, shown: &str) -> Translation<Node> {
        if group == 0 || group > self.groups.len() {
            return Err(invalid(format!("invalid group reference {shown}"), start));
        }
        if self.open.contains(&group) {
            return Err(invalid("cannot refer to an open group", start));
        }
        Ok(Node { text: format!(r"(?:\{group})"), least: 0, most: None, is_assertion: false })
    }
}

#[cfg(test)]
#[path = "python_pattern_tests.rs"]
mod tests;
