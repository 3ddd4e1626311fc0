//! Evaluates the part of `CloudWatch`'s metric math that the template uses: `+`, `*`, `/`, parentheses, numbers, the ids
//! of metrics, and `FILL(id, number)`.
//!
//! As in `CloudWatch`, an operation on a missing value has no value, and neither has a division by zero.

use std::collections::BTreeMap;

/// The value of an expression within one period; `None` if there is none. `values` has each metric's value by its id.
pub(crate) fn evaluate(expression: &str, values: &BTreeMap<&str, Option<f64>>) -> Option<f64> {
    let mut parser = Parser { rest: expression, values };
    let value = parser.sum();
    assert!(parser.rest.trim().is_empty(), "{expression}: what is {:?}?", parser.rest);
    value
}

struct Parser<'e> {
    rest: &'e str,
    values: &'e BTreeMap<&'e str, Option<f64>>,
}

impl<'e> Parser<'e> {
    fn sum(&mut self) -> Option<f64> {
        let mut sum = self.product();
        while self.takes('+') {
            let next = self.product();
            sum = sum.zip(next).map(|(sum, next)| sum + next);
        }
        sum
    }

    fn product(&mut self) -> Option<f64> {
        let mut product = self.operand();
        loop {
            if self.takes('*') {
                let next = self.operand();
                product = product.zip(next).map(|(product, next)| product * next);
            } else if self.takes('/') {
                let next = self.operand().filter(|next| *next != 0.0);
                product = product.zip(next).map(|(product, next)| product / next);
            } else {
                return product;
            }
        }
    }

    fn operand(&mut self) -> Option<f64> {
        if self.takes('(') {
            let value = self.sum();
            self.expect(')');
            return value;
        }
        let word = self.word();
        if let Ok(number) = word.parse() {
            return Some(number);
        }
        if word == "FILL" {
            self.expect('(');
            let value = self.sum();
            self.expect(',');
            let filling = self.sum();
            self.expect(')');
            return value.or(filling);
        }
        *self.values.get(word).unwrap_or_else(|| panic!("no metric has the id {word:?}"))
    }

    fn word(&mut self) -> &'e str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn takes(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, sign: char) {
        assert!(self.takes(sign), "{sign:?} is missing before {:?}", self.rest);
    }
}

#[test]
fn an_expression_is_evaluated_as_cloudwatch_does() {
    let values = BTreeMap::from([("a", Some(3.0)), ("b", Some(0.0)), ("none", None)]);
    let value = |expression| evaluate(expression, &values);
    assert_eq!(value("100 * (a + FILL(none, 0)) / (FILL(a, 1) + 1)"), Some(75.0));
    assert_eq!(value("a + none"), None);
    assert_eq!(value("a / b"), None);
    assert_eq!(value("FILL(none, 2.5)"), Some(2.5));
}
