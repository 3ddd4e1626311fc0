//! Generator expressions, which the interpreter would evaluate at once.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprGenerator};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::{Emulator, purity};
use crate::edit::Edit;

const ASKING: &str = "a generator expression that calls functions or reads attributes is not supported by Nuncio's Python, \
                      unless any, all, next, sum, list, join or the like takes it at once; use a list comprehension: […]";
const WALRUS: &str = ":= in a generator expression is not supported by Nuncio's Python; use a for loop";

/// `for target in items if condition`, as text.
struct Clause {
    target: String,
    items: String,
    conditions: String,
}

/// What becomes of a generator expression.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Consumer {
    /// The built-ins `any(…)` and `all(…)`.
    AnyOf,
    AllOf,
    /// `next(…)`, which forgets the rest.
    Next,
    /// Something else, which may keep it.
    Any,
}

impl Consumer {
    /// The functions of the prelude for the last clause, and for those before it.
    const fn functions(self) -> (&'static str, &'static str) {
        match self {
            Self::AnyOf => ("_nuncio_any", "_nuncio_any"),
            Self::AllOf => ("_nuncio_all", "_nuncio_all"),
            Self::Next => ("_nuncio_find", "_nuncio_find_in"),
            Self::Any => ("_nuncio_generator", "_nuncio_chained"),
        }
    }
}

impl<'a> Emulator<'a> {
    /// Rewrites `(element for target in items if condition)` to `_nuncio_generator(lambda item: [element for target in
    /// (item,) if condition], items)`. The list is made when the item is asked for; it has at most one element.
    pub(super) fn generator(&mut self, generator: &'a ExprGenerator, consumer: Consumer) {
        let mut walrus = FindWalrus(false);
        walk_expr(&mut walrus, &Expr::Generator(generator.clone()));
        if walrus.0 || generator.generators.iter().any(|one| one.is_async) {
            self.fail(generator.range(), WALRUS);
            return;
        }
        if consumer == Consumer::Any && !purity::is_pure(&Expr::Generator(generator.clone()), &self.pure, &self.bound) {
            // It may ask the host, which an iterator cannot. To make all elements at once would change the order of effects,
            // and what the elements see of them.
            self.fail(generator.range(), ASKING);
            return;
        }
        self.visit_expr(&generator.elt);
        generator.generators.iter().for_each(|one| self.visit_comprehension(one));

        let bracket = TextSize::from(u32::from(generator.parenthesized));
        let (start, end) = (generator.start() + bracket, generator.end() - bracket);
        // Where each clause has its keywords: `for`, `in`, and what follows its items.
        let Some(places) = generator
            .generators
            .iter()
            .map(|one| {
                let r#for = self.token(&[TokenKind::For], before(generator, one.start(), start), one.target.start())?;
                let r#in = self.token(&[TokenKind::In], one.target.end(), one.iter.start())?;
                let next = self.token(&[TokenKind::If, TokenKind::For], one.iter.end(), end);
                Some((r#for, r#in, next.map_or(end, TextRange::start)))
            })
            .collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let ends = places.iter().skip(1).map(|(r#for, ..)| r#for.start()).chain([end]).collect::<Vec<_>>();
        let element = self.take(start.to_usize(), places[0].0.start().to_usize());
        let clauses = places
            .iter()
            .zip(ends)
            .map(|((r#for, r#in, next), end)| Clause {
                target: self.take(r#for.end().to_usize(), r#in.start().to_usize()),
                items: self.take(r#in.end().to_usize(), next.to_usize()),
                conditions: self.take(next.to_usize(), end.to_usize()),
            })
            .collect::<Vec<_>>();
        let mut text = element;
        for (at, Clause { target, items, conditions }) in clauses.into_iter().rev().enumerate() {
            let (last, before) = consumer.functions();
            let function = if at == 0 { last } else { before };
            self.need(function);
            text =
                format!("{function}(lambda _nuncio_item: [{text} for{target}in (_nuncio_item,) {conditions}],{items})");
        }
        self.edits.push(Edit::replace(generator.start().to_usize()..generator.end().to_usize(), text));
    }

    /// The first token of one of these kinds between the offsets.
    pub(super) fn token(&self, kinds: &[TokenKind], start: TextSize, end: TextSize) -> Option<TextRange> {
        let tokens = self.parsed.tokens().in_range(TextRange::new(start, end));
        tokens.iter().find(|token| kinds.contains(&token.kind())).map(Ranged::range)
    }
}

/// The end of what stands before a clause, so that its `for` is the first one after it.
fn before(generator: &ExprGenerator, clause: TextSize, start: TextSize) -> TextSize {
    let ends = std::iter::once(generator.elt.end()).chain(
        generator
            .generators
            .iter()
            .flat_map(|one| std::iter::once(one.iter.end()).chain(one.ifs.last().map(Ranged::end))),
    );
    ends.filter(|end| *end <= clause).max().unwrap_or(start)
}

struct FindWalrus(bool);

impl<'a> Visitor<'a> for FindWalrus {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Named(_) => self.0 = true,
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }
}
