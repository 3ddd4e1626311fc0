//! Repetitions: `*`, `+`, `?` and `{m,n}`.

use super::{Node, Parser, Translation, VERBOSE, invalid};

impl Parser {
    /// The item with the repetition that follows it, if one does.
    pub(super) fn repeated(&mut self, item: Node) -> Translation<Node> {
        while self.has(VERBOSE) && self.peek().is_some_and(|letter| self.skip_blanks(letter)) {}
        let at = self.at;
        let Some((least, most)) = self.bounds()? else { return Ok(item) };
        if item.is_assertion || item.text.is_empty() {
            return Err(invalid("nothing to repeat", at));
        }
        let mut quantifier = match (least, most) {
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (0, Some(1)) => "?".to_owned(),
            (least, None) => format!("{{{least},}}"),
            (least, Some(most)) => format!("{{{least},{most}}}"),
        };
        let is_possessive = !self.skip("?") && self.skip("+");
        if self.letters.get(self.at.wrapping_sub(1)) == Some(&'?') && self.at > at + 1 && !is_possessive {
            quantifier.push('?');
        }
        let after = self.at;
        if self.bounds()?.is_some() {
            return Err(invalid("multiple repeat", after));
        }
        if item.most == Some(0) {
            // What matches nothing does so once; the engine does not repeat it.
            let text = if least == 0 { format!("(?:{}|)", item.text) } else { item.text };
            return Ok(Node { text, least: 0, most: Some(0), is_assertion: false });
        }
        let repeated = format!("(?:{}){quantifier}", item.text);
        let text = if is_possessive { format!("(?>{repeated})") } else { repeated };
        let most = item.most.zip(most).map(|(one, times)| one.saturating_mul(times));
        Ok(Node { text, least: item.least.saturating_mul(least), most, is_assertion: false })
    }

    /// The least and the most times, and moves behind them; `None` if no repetition begins here.
    fn bounds(&mut self) -> Translation<Option<(usize, Option<usize>)>> {
        let start = self.at;
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.braces(start),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(bounds))
    }

    /// `{m}`, `{m,}`, `{,n}`, `{m,n}`; anything else is a literal brace.
    fn braces(&mut self, start: usize) -> Translation<Option<(usize, Option<usize>)>> {
        self.at += 1;
        let low = self.digits();
        let comma = self.skip(",");
        let high = if comma { self.digits() } else { low.clone() };
        if !self.skip("}") || (low.is_empty() && !comma) {
            self.at = start;
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().ok().map(|number| number as usize);
        let least = if low.is_empty() { 0 } else { number(&low).unwrap_or(usize::MAX) };
        let most = if high.is_empty() { None } else { number(&high) };
        if most.is_some_and(|most| most < least) {
            return Err(invalid("min repeat greater than max repeat", start));
        }
        Ok(Some((least, most)))
    }

    fn digits(&mut self) -> String {
        let digits: String = self.letters[self.at..].iter().take_while(|letter| letter.is_ascii_digit()).collect();
        self.at += digits.len();
        digits
    }
}
