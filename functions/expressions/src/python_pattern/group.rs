//! Groups, look-around, conditions and flags: everything in parentheses.

use super::{ASCII, DOTALL, IGNORECASE, MULTILINE, Node, Parser, Translation, UNICODE, VERBOSE, invalid};

const FLAGS: [(char, i64); 6] =
    [('i', IGNORECASE), ('m', MULTILINE), ('s', DOTALL), ('x', VERBOSE), ('a', ASCII), ('u', UNICODE)];

fn flag(letter: char) -> Option<i64> {
    FLAGS.iter().find(|(of, _)| *of == letter).map(|(_, flag)| *flag)
}

impl Parser {
    /// Reads `(?flags)` at the start of the pattern and sets the flags; returns its length, or `None` for something
    /// else.
    pub(super) fn global_flags(&mut self) -> Option<usize> {
        if !self.looks_at("(?") {
            return None;
        }
        let rest: Vec<char> = self.letters[self.at + 2..].iter().copied().take_while(|letter| *letter != ')').collect();
        let flags: Vec<i64> = rest.iter().map(|letter| flag(*letter)).collect::<Option<_>>()?;
        if flags.is_empty() || self.letters.len() < self.at + rest.len() + 3 {
            return None;
        }
        self.flags |= flags.iter().fold(0, |all, one| all | one);
        Some(rest.len() + 3)
    }

    pub(super) fn group(&mut self) -> Translation<Node> {
        let start = self.at;
        self.at += 1;
        if !self.skip("?") {
            return self.capture(None, start);
        }
        if self.skip("P<") {
            let name_at = self.at;
            let name = self.name('>', "group name")?;
            if self.groups.iter().any(|group| group.as_deref() == Some(name.as_str())) {
                let first = self.groups.iter().position(|group| group.as_deref() == Some(name.as_str()));
                let (next, first) = (self.groups.len() + 1, first.unwrap_or_default() + 1);
                let message = format!("redefinition of group name '{name}' as group {next}; was group {first}");
                return Err(invalid(message, name_at));
            }
            return self.capture(Some(name), start);
        }
        if self.skip("P=") {
            let name_at = self.at;
            let name = self.name(')', "group name")?;
            let Some(group) = self.groups.iter().position(|group| group.as_deref() == Some(name.as_str())) else {
                return Err(invalid(format!("unknown group name '{name}'"), name_at));
            };
            return self.reference(group + 1, name_at, &name);
        }
        if self.skip("#") {
            while self.peek().is_some_and(|letter| letter != ')') {
                self.at += 1;
            }
            if !self.skip(")") {
                return Err(invalid("missing ), unterminated comment", start));
            }
            return Ok(Node::empty());
        }
        for (written, is_behind) in [("=", false), ("!", false), ("<=", true), ("<!", true)] {
            if self.skip(written) {
                let inner = self.inside(start)?;
                if is_behind && inner.most != Some(inner.least) {
                    return Err(super::Invalid {
                        message: "look-behind requires fixed-width pattern".to_owned(),
                        position: None,
                    });
                }
                // An assertion of this kind may be repeated.
                return Ok(Node { is_assertion: false, ..Node::assertion(format!("(?{written}{})", inner.text)) });
            }
        }
        if self.skip(">") {
            let inner = self.inside(start)?;
            return Ok(Node { text: format!("(?>{})", inner.text), ..inner });
        }
        if self.skip(":") {
            let inner = self.inside(start)?;
            return Ok(Node { text: format!("(?:{})", inner.text), is_assertion: false, ..inner });
        }
        if self.skip("(") {
            return self.condition(start);
        }
        self.local_flags(start)
    }

    fn capture(&mut self, name: Option<String>, start: usize) -> Translation<Node> {
        self.groups.push(name);
        let group = self.groups.len();
        self.open.push(group);
        let inner = self.inside(start)?;
        self.open.pop();
        self.ends.push(group);
        Ok(Node { text: format!("({})", inner.text), is_assertion: false, ..inner })
    }

    /// What is inside, up to the closing parenthesis.
    fn inside(&mut self, start: usize) -> Translation<Node> {
        let inner = self.alternatives()?;
        if self.skip(")") { Ok(inner) } else { Err(invalid("missing ), unterminated subpattern", start)) }
    }

    fn name(&mut self, end: char, what: &str) -> Translation<String> {
        let start = self.at;
        let name: String = self.letters[start..].iter().take_while(|letter| **letter != end).collect();
        self.at += name.chars().count();
        if self.peek() != Some(end) {
            let message =
                if name.is_empty() { format!("missing {what}") } else { format!("missing {end}, unterminated name") };
            return Err(invalid(message, start));
        }
        self.at += 1;
        let mut letters = name.chars();
        let begins = letters.next().is_some_and(|letter| letter == '_' || letter.is_alphabetic());
        if name.is_empty() {
            return Err(invalid(format!("missing {what}"), start));
        }
        if !begins || !letters.all(|letter| letter == '_' || letter.is_alphanumeric()) {
            return Err(invalid(format!("bad character in {what} '{name}'"), start));
        }
        Ok(name)
    }

    /// A condition on a group: `(?(1)yes|no)`.
    fn condition(&mut self, start: usize) -> Translation<Node> {
        let name_at = self.at;
        let name: String = self.letters[name_at..].iter().take_while(|letter| **letter != ')').collect();
        self.at += name.chars().count() + 1;
        let by_name = || self.groups.iter().position(|group| group.as_deref() == Some(name.as_str())).map(|at| at + 1);
        let group = name.parse().ok().or_else(by_name);
        let Some(group) = group.filter(|group| (1..=self.groups.len()).contains(group)) else {
            return Err(invalid(format!("invalid group reference {name}"), name_at));
        };
        let yes = self.sequence()?;
        let no = if self.skip("|") { self.sequence()? } else { Node::empty() };
        if self.peek() == Some('|') {
            return Err(invalid("conditional backref with more than two branches", self.at));
        }
        if !self.skip(")") {
            return Err(invalid("missing ), unterminated subpattern", start));
        }
        let most = yes.most.zip(no.most).map(|(one, other)| one.max(other));
        let text = format!("(?({group}){}|{})", yes.text, no.text);
        Ok(Node { text, least: yes.least.min(no.least), most, is_assertion: false })
    }

    /// `(?i:…)`, `(?-i:…)`, or flags in the wrong place.
    fn local_flags(&mut self, start: usize) -> Translation<Node> {
        let before = self.flags;
        let mut removes = false;
        loop {
            let Some(letter) = self.peek() else {
                return Err(invalid("unexpected end of pattern", self.at));
            };
            self.at += 1;
            match (letter, flag(letter)) {
                (':', _) => break,
                (')', _) => {
                    return Err(invalid("global flags not at the start of the expression", start));
                }
                ('-', _) if !removes => removes = true,
                (_, Some(flag)) if removes => self.flags &= !flag,
                (_, Some(flag)) => self.flags |= flag,
                _ => {
                    self.flags = before;
                    let shown: String = self.letters[start + 1..self.at].iter().collect();
                    return Err(invalid(format!("unknown extension {shown}"), start + 1));
                }
            }
        }
        let inner = self.inside(start)?;
        self.flags = before;
        Ok(Node { text: format!("(?:{})", inner.text), is_assertion: false, ..inner })
    }
}
