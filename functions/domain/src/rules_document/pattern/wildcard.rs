//! Wildcards: texts in which `*` matches any number of characters, including none.
//!
//! Owns their escapes. Refuses to match: the rules crate does.

/// A text with wildcards. `\*` and `\\` are the characters themselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wildcard {
    pieces: Vec<String>,
}

/// Why a text is not a valid wildcard. Positions are in characters, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WildcardError {
    /// Two wildcards in succession, as in `a**`. The number is the position of the second one.
    #[error("the wildcard has two * in a row at character {0}")]
    Consecutive(usize),
    /// A backslash before a character other than `*` and `\`, or at the end.
    #[error("the backslash at character {0} of the wildcard is followed by neither * nor a backslash")]
    Escape(usize),
}

impl Wildcard {
    /// Parses a text with wildcards.
    ///
    /// # Errors
    /// If the text has two consecutive `*`, or a backslash before a character other than `*` and `\`.
    pub fn parse(text: &str) -> Result<Self, WildcardError> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut after_star = false;
        let mut characters = text.chars().zip(1..);
        while let Some((character, at)) = characters.next() {
            let star = character == '*';
            match character {
                '*' if after_star => return Err(WildcardError::Consecutive(at)),
                '*' => pieces.push(std::mem::take(&mut piece)),
                '\\' => match characters.next() {
                    Some((escaped @ ('*' | '\\'), _)) => piece.push(escaped),
                    _ => return Err(WildcardError::Escape(at)),
                },
                plain => piece.push(plain),
            }
            after_star = star;
        }
        pieces.push(piece);
        Ok(Self { pieces })
    }

    /// The texts before, between and after the wildcards, unescaped: always one more than there are wildcards.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }
}

impl std::fmt::Display for Wildcard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let escaped = self.pieces.iter().map(|piece| piece.replace('\\', r"\\").replace('*', r"\*"));
        formatter.write_str(&escaped.collect::<Vec<_>>().join("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_come_apart_and_together_again() {
        for (text, pieces) in [
            ("", vec![""]),
            ("*", vec!["", ""]),
            ("a*b", vec!["a", "b"]),
            ("*a*", vec!["", "a", ""]),
            (r"a\*b", vec!["a*b"]),
            (r"\\*", vec![r"\", ""]),
            (r"*\**", vec!["", "*", ""]),
            ("é*ü", vec!["é", "ü"]),
        ] {
            let wildcard = Wildcard::parse(text).unwrap();
            assert_eq!(wildcard.pieces(), pieces, "{text}");
            assert_eq!(wildcard.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_wildcard_is_refused_with_its_place() {
        assert_eq!(Wildcard::parse("é**"), Err(WildcardError::Consecutive(3)));
        assert_eq!(Wildcard::parse(r"a\b"), Err(WildcardError::Escape(2)));
        assert_eq!(Wildcard::parse(r"*\"), Err(WildcardError::Escape(2)));
    }
}
