//! Keys of dicts that equal another one of another type, such as `1` and `True`: CPython keeps the first, the
//! interpreter the last.
//!
//! Owns where a body may write such a key. Keys that are texts are left to the interpreter.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{Expr, ExprCall, ExprDict, ExprDictComp, ExprSubscript, Operator};
use ruff_text_size::Ranged;

use super::Emulator;
use crate::edit::Edit;

/// Built-ins and helpers that return texts.
const TEXTS: [&str; 4] = ["str", "repr", "format", "slugify"];
/// Methods that return texts, whatever has them.
const TEXT_METHODS: [&str; 8] = ["lower", "upper", "strip", "title", "casefold", "join", "replace", "isoformat"];

/// Whether the key may equal one of another type.
pub(super) fn may_equal_another(key: &Expr) -> bool {
    match key {
        Expr::StringLiteral(_) | Expr::FString(_) | Expr::BytesLiteral(_) | Expr::NoneLiteral(_) => false,
        Expr::BinOp(binary) if matches!(binary.op, Operator::Add | Operator::Mod) => {
            may_equal_another(&binary.left) && may_equal_another(&binary.right)
        }
        Expr::Call(call) => match &*call.func {
            Expr::Name(function) => !TEXTS.contains(&function.id.as_str()),
            Expr::Attribute(method) => !TEXT_METHODS.contains(&method.attr.as_str()),
            _ => true,
        },
        _ => true,
    }
}

impl<'a> Emulator<'a> {
    /// `of[key] = …`: stores under the key that the dict has already.
    pub(super) fn stored_key(&mut self, subscript: &'a ExprSubscript) {
        if subscript.slice.is_slice_expr() || !may_equal_another(&subscript.slice) {
            return;
        }
        let of = &*subscript.value;
        let named = if let Expr::Name(name) = of {
            name.id.to_string()
        } else {
            self.splits += 1;
            let part = format!("_nuncio_part_{}", self.splits);
            self.edits.push(Edit::insert(subscript.start().to_usize(), format!("({part} := ")));
            self.edits.push(Edit::insert(of.end().to_usize(), ")"));
            part
        };
        let open = self.parsed.tokens().in_range(ruff_text_size::TextRange::new(of.end(), subscript.slice.start()));
        let Some(open) = open.iter().find(|token| token.kind() == TokenKind::Lsqb).map(Ranged::range) else { return };
        self.need("_nuncio_key");
        let (open, end) = (open.start().to_usize(), subscript.end().to_usize());
        self.edits.push(Edit::replace(open..open + 1, format!("[_nuncio_key({named}, (")));
        self.edits.push(Edit::replace(end - 1..end, "))]"));
    }

    /// `{a: 1, **b, c: 2}`: merges one dict per entry.
    pub(super) fn dict_display(&mut self, dict: &'a ExprDict) {
        let mut keys = dict.items.iter().filter(|item| item.key.as_ref().is_none_or(may_equal_another));
        let is_whole = |key: &Expr| matches!(key, Expr::NumberLiteral(number) if number.value.is_int());
        if keys.clone().count() < 2 || keys.all(|item| item.key.as_ref().is_some_and(is_whole)) {
            return;
        }
        for pair in dict.items.windows(2) {
            let next = pair[1].key.as_ref().map_or(pair[1].value.start(), Ranged::start);
            if let Some(comma) = self.token(&[TokenKind::Comma], pair[0].value.end(), next) {
                self.edits.push(Edit::replace(comma.start().to_usize()..comma.end().to_usize(), "}, {"));
            }
        }
        self.wrap(dict.range(), "_nuncio_dict");
    }

    /// `{key: value for …}`: collects the pairs first.
    pub(super) fn dict_comprehension(&mut self, made: &'a ExprDictComp) {
        let (Some(key), Some(first)) = (made.key.as_deref(), made.generators.first()) else { return };
        if !may_equal_another(key) {
            return;
        }
        let colon = self.token(&[TokenKind::Colon], key.end(), made.value.start());
        let r#for = self.token(&[TokenKind::For], made.value.end(), first.target.start());
        let (Some(colon), Some(r#for)) = (colon, r#for) else { return };
        self.need("_nuncio_pairs");
        let (start, end) = (made.start().to_usize(), made.end().to_usize());
        self.edits.push(Edit::replace(start..start + 1, "_nuncio_pairs([("));
        self.edits.push(Edit::replace(colon.start().to_usize()..colon.end().to_usize(), ","));
        self.edits.push(Edit::insert(r#for.start().to_usize(), ") "));
        self.edits.push(Edit::replace(end - 1..end, "])"));
    }

    /// `Counter(items)` and `defaultdict(kind, items)` under a name of the body.
    pub(super) fn constructed(&mut self, call: &'a ExprCall, name: &str) {
        let Some(kind) = self.constructors.get(name) else { return };
        let (at, function) = if kind == "Counter" { (0, "_nuncio_same") } else { (1, "_nuncio_dict_of") };
        if let Some(items) = call.arguments.args.get(at)
            && !items.is_starred_expr()
        {
            self.need(function);
            self.edits.push(Edit::insert(items.start().to_usize(), format!("{function}(")));
            self.edits.push(Edit::insert(items.end().to_usize(), ")"));
        }
    }

    /// Whether an argument is a generator, or another iterator made here, that reads what it is added to.
    pub(super) fn reads_receiver(receiver: &Expr, argument: &Expr) -> bool {
        let is_lazy = match argument {
            Expr::Generator(_) => true,
            Expr::Call(call) => matches!(&*call.func, Expr::Name(name) if matches!(name.id.as_str(), "map" | "filter")),
            _ => false,
        };
        let mut names = Names::default();
        names.visit_expr(receiver);
        let mut read = Names::default();
        read.visit_expr(argument);
        is_lazy && read.0.iter().any(|name| names.0.contains(name))
    }
}

/// The names in an expression.
#[derive(Default)]
struct Names<'a>(Vec<&'a str>);

impl<'a> ruff_python_ast::visitor::Visitor<'a> for Names<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression {
            self.0.push(name.id.as_str());
        }
        ruff_python_ast::visitor::walk_expr(self, expression);
    }
}
