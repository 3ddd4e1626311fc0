//! Sets of characters: `[a-z]`.

use super::{IGNORECASE, Invalid, Node, Parser, Translation, invalid};

/// One element of a class.
enum Element {
    Letter(char),
    Category(&'static str),
}

impl Parser {
    pub(super) fn class(&mut self) -> Translation<Node> {
        let start = self.at;
        self.at += 1;
        let negated = self.skip("^");
        let mut text = String::from(if negated { "[^" } else { "[" });
        let first = self.at;
        loop {
            let Some(letter) = self.peek() else {
                return Err(invalid("unterminated character set", start));
            };
            if letter == ']' && self.at > first {
                self.at += 1;
                break;
            }
            let from_at = self.at;
            let from = self.element(letter, start)?;
            let is_range = self.peek() == Some('-') && self.letters.get(self.at + 1).is_some_and(|next| *next != ']');
            if !is_range {
                match from {
                    Element::Letter(letter) => text.push_str(&escaped(letter)),
                    Element::Category(category) => text.push_str(category),
                }
                continue;
            }
            self.at += 1;
            let Some(letter) = self.peek() else {
                return Err(invalid("unterminated character set", start));
            };
            let to = self.element(letter, start)?;
            let (Element::Letter(from), Element::Letter(to)) = (from, to) else {
                return Err(self.bad_range(from_at));
            };
            if to < from {
                return Err(self.bad_range(from_at));
            }
            text.push_str(&escaped(from));
            text.push('-');
            text.push_str(&escaped(to));
        }
        text.push(']');
        if self.has(IGNORECASE) {
            text = format!("(?i:{text})");
        }
        Ok(Node::one(text))
    }

    fn bad_range(&self, from: usize) -> Invalid {
        let shown: String = self.letters[from..self.at].iter().collect();
        invalid(format!("bad character range {shown}"), from)
    }

    fn element(&mut self, letter: char, start: usize) -> Translation<Element> {
        if letter != '\\' {
            self.at += 1;
            return Ok(Element::Letter(letter));
        }
        let Some(next) = self.letters.get(self.at + 1).copied() else {
            return Err(invalid("unterminated character set", start));
        };
        match next {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                self.at += 2;
                Ok(Element::Category(self.category(next)))
            }
            'b' => {
                self.at += 2;
                Ok(Element::Letter('\u{8}'))
            }
            '1'..='7' => {
                let digits: String =
                    self.letters.iter().skip(self.at + 1).take(3).take_while(|digit| digit.is_digit(8)).collect();
                self.at += 1 + digits.len();
                let code = u32::from_str_radix(&digits, 8).unwrap_or_default();
                char::from_u32(code).map(Element::Letter).ok_or_else(|| invalid("bad escape", start))
            }
            other => self.character(other).map(Element::Letter),
        }
    }
}

/// A character in a class; the engine knows operators that Python does not.
fn escaped(letter: char) -> String {
    if letter.is_ascii_alphanumeric() { letter.to_string() } else { format!(r"\x{{{:X}}}", u32::from(letter)) }
}
