//! Assignments to parts of a list or an object, and in-place operators.

use std::fmt::Write as _;

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{
    Expr, ExprSlice, ExprSubscript, Operator, Stmt, StmtAssign, StmtAugAssign, StmtClassDef, StmtDelete,
};
use ruff_text_size::{Ranged, TextRange};

use super::{Emulator, keys, operators};
use crate::edit::Edit;

/// The special methods that the interpreter calls.
const CALLED: [&str; 11] = [
    "__init__",
    "__repr__",
    "__str__",
    "__eq__",
    "__hash__",
    "__iter__",
    "__next__",
    "__contains__",
    "__index__",
    "__enter__",
    "__exit__",
];
const SPECIAL: &str = "this special method is not called by Nuncio's Python; use a method with a name of its own";
const FOR_TARGET: &str =
    "this target of a for loop is not supported by Nuncio's Python; use a name, and assign it in the loop";

impl<'a> Emulator<'a> {
    /// Rewrites the statement with its parts; returns whether it did.
    pub(super) fn statement(&mut self, statement: &'a Stmt) -> bool {
        match statement {
            Stmt::AugAssign(assign) => self.in_place(assign),
            Stmt::Assign(assign) => self.assign(assign),
            Stmt::Delete(delete) => self.delete(delete),
            Stmt::ClassDef(class) => {
                self.special_methods(class);
                false
            }
            Stmt::ImportFrom(import) if import.module.as_ref().is_some_and(|module| module.as_str() == "math") => {
                import.names.iter().for_each(|alias| self.unequal_function(&alias.name, alias.range));
                false
            }
            Stmt::For(r#for) => {
                let mut parts = Vec::new();
                parts_of(&r#for.target, &mut parts);
                if let Some(part) = parts.first() {
                    self.fail(part.range(), FOR_TARGET);
                }
                false
            }
            _ => false,
        }
    }

    /// Methods that the interpreter never calls: an object would silently behave as if it did not have them.
    fn special_methods(&mut self, class: &StmtClassDef) {
        let methods = class.body.iter().filter_map(Stmt::as_function_def_stmt);
        let is_special = |name: &str| name.starts_with("__") && name.ends_with("__") && !CALLED.contains(&name);
        if let Some(method) = methods.into_iter().find(|method| is_special(&method.name)) {
            self.fail(method.name.range(), SPECIAL);
        }
    }

    /// Rewrites `names |= more` to `names = function(names, more)`. A target whose parts have effects is assigned to
    /// names first.
    fn in_place(&mut self, assign: &'a StmtAugAssign) -> bool {
        let value = &*assign.value;
        let is_known = matches!(&*assign.target, Expr::Name(name) if self.numbers.contains(name.id.as_str()));
        let is_number = is_known && value.is_number_literal_expr();
        let function = match assign.op {
            // What the interpreter does itself, with any target of these values.
            Operator::Add if !self.large && ((is_number && !self.nans) || operators::is_text(value)) => return false,
            Operator::Sub if !self.large && !self.nans && is_number => return false,
            Operator::Add => "_nuncio_iadd",
            Operator::Sub => "_nuncio_isub",
            Operator::Mult => "_nuncio_imul",
            Operator::Div => "_nuncio_div",
            Operator::FloorDiv => "_nuncio_floordiv",
            Operator::Mod => "_nuncio_percent",
            Operator::Pow => "_nuncio_pow",
            Operator::BitOr => "_nuncio_ior",
            Operator::BitAnd => "_nuncio_iand",
            Operator::BitXor => "_nuncio_ixor",
            _ => return false,
        };
        let (start, end) = (assign.target.start().to_usize(), assign.target.end().to_usize());
        let (mut before, mut target) = (String::new(), self.text[start..end].to_owned());
        let has_key = matches!(&*assign.target, Expr::Subscript(one) if keys::may_equal_another(&one.slice));
        if has_key || !is_simple(&assign.target) {
            self.splits += 1;
            let part = format!("_nuncio_part_{}", self.splits);
            match &*assign.target {
                Expr::Attribute(attribute) => {
                    self.visit_expr(&attribute.value);
                    let of = self.take(attribute.value.start().to_usize(), attribute.value.end().to_usize());
                    before = format!("{part} = ({of}); ");
                    target = format!("{part}.{}", attribute.attr);
                }
                Expr::Subscript(subscript) if !subscript.slice.is_slice_expr() => {
                    self.visit_expr(&subscript.value);
                    self.visit_expr(&subscript.slice);
                    let of = self.take(subscript.value.start().to_usize(), subscript.value.end().to_usize());
                    let key = self.take(subscript.slice.start().to_usize(), subscript.slice.end().to_usize());
                    self.need("_nuncio_key");
                    before = format!("{part} = ({of}); {part}_key = _nuncio_key({part}, ({key})); ");
                    target = format!("{part}[{part}_key]");
                }
                _ => return false,
            }
        }
        self.visit_expr(value);
        self.need(function);
        let middle = end..value.start().to_usize();
        let brackets = "(".repeat(self.text[middle.clone()].matches('(').count());
        if !before.is_empty() {
            self.edits.push(Edit::replace(start..end, format!("{before}{target}")));
        }
        let (fresh, close) = if self.nans { ("_nuncio_fresh(", "))") } else { ("", ")") };
        if self.nans {
            self.need("_nuncio_fresh");
        }
        self.edits.push(Edit::replace(middle, format!(" = {fresh}{function}({target}, {brackets}")));
        self.edits.push(Edit::insert(assign.end().to_usize(), close));
        true
    }

    /// `a[0], b.c = …` assigns to names first; `a[1:2] = …` calls a function.
    fn assign(&mut self, assign: &'a StmtAssign) -> bool {
        let [target] = &assign.targets[..] else { return false };
        match target {
            Expr::Subscript(subscript) => {
                let Expr::Slice(slice) = &*subscript.slice else { return false };
                self.visit_expr(&assign.value);
                let value = self.take(assign.value.start().to_usize(), assign.value.end().to_usize());
                self.slice_call(assign.range(), "_nuncio_set_slice", subscript, slice, &value);
                true
            }
            Expr::Tuple(_) | Expr::List(_) => {
                let mut parts = Vec::new();
                parts_of(target, &mut parts);
                if parts.is_empty() {
                    return false;
                }
                self.visit_expr(&assign.value);
                let mut after = String::new();
                for part in parts {
                    self.splits += 1;
                    let name = format!("_nuncio_part_{}", self.splits);
                    let (start, end) = (part.start().to_usize(), part.end().to_usize());
                    self.visit_expr(part);
                    let text = self.take(start, end).replace('\n', " ");
                    let _ = write!(after, "; {text} = {name}");
                    let lines = self.breaks(start, end);
                    self.edits.push(Edit::replace(start..end, format!("{name}{lines}")));
                }
                self.edits.push(Edit::insert(assign.end().to_usize(), after));
                true
            }
            _ => false,
        }
    }

    /// The statement `del a[1:2], b[0], c`, which the interpreter lacks: the name is bound to `None`, and the check does
    /// not let the body read it.
    fn delete(&mut self, delete: &'a StmtDelete) -> bool {
        if let [Expr::Subscript(subscript)] = &delete.targets[..]
            && let Expr::Slice(slice) = &*subscript.slice
        {
            self.slice_call(delete.range(), "_nuncio_set_slice", subscript, slice, "()");
            return true;
        }
        let is_possible = |target: &Expr| match target {
            Expr::Name(_) => true,
            Expr::Subscript(subscript) => !subscript.slice.is_slice_expr(),
            _ => false,
        };
        if !delete.targets.iter().all(is_possible) {
            return false;
        }
        let mut parts = Vec::new();
        for target in &delete.targets {
            if let Expr::Subscript(subscript) = target {
                self.visit_expr(&subscript.value);
                self.visit_expr(&subscript.slice);
                let of = self.take(subscript.value.start().to_usize(), subscript.value.end().to_usize());
                let key = self.take(subscript.slice.start().to_usize(), subscript.slice.end().to_usize());
                self.need("_nuncio_delete");
                parts.push(format!("_nuncio_delete(({of}), ({key}))").replace('\n', " "));
            } else {
                let range = target.start().to_usize()..target.end().to_usize();
                parts.push(format!("{} = None", &self.text[range]));
            }
        }
        let range = delete.start().to_usize()..delete.end().to_usize();
        let mut text = parts.join("; ");
        let lines = self.breaks(range.start, range.end);
        if !lines.is_empty() {
            // The parentheses allow line breaks without ending the statement.
            text.extend(["; (", &lines, "None)"]);
        }
        self.edits.push(Edit::replace(range, text));
        true
    }

    fn slice_call(
        &mut self,
        whole: TextRange,
        function: &str,
        subscript: &'a ExprSubscript,
        slice: &'a ExprSlice,
        value: &str,
    ) {
        self.visit_expr(&subscript.value);
        let mut bound = |part: &'a Option<Box<Expr>>| match part {
            Some(part) => {
                self.visit_expr(part);
                self.take(part.start().to_usize(), part.end().to_usize())
            }
            None => "None".to_owned(),
        };
        let bounds = [bound(&slice.lower), bound(&slice.upper), bound(&slice.step)].join(", ");
        let list = self.take(subscript.value.start().to_usize(), subscript.value.end().to_usize());
        self.need(function);
        let lines = self.breaks(whole.start().to_usize(), whole.end().to_usize());
        let text = format!("{function}({list}, {bounds}, ({value}){lines})");
        self.edits.push(Edit::replace(whole.start().to_usize()..whole.end().to_usize(), text));
    }
}

/// A target that can be read and written again without another effect.
fn is_simple(target: &Expr) -> bool {
    match target {
        Expr::Name(_) => true,
        Expr::Attribute(attribute) => is_simple(&attribute.value),
        Expr::Subscript(subscript) => {
            is_simple(&subscript.value)
                && matches!(&*subscript.slice, Expr::Name(_) | Expr::StringLiteral(_) | Expr::NumberLiteral(_))
        }
        _ => false,
    }
}

/// The parts of a target that are neither names nor tuples.
fn parts_of<'a>(target: &'a Expr, parts: &mut Vec<&'a Expr>) {
    match target {
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|one| parts_of(one, parts)),
        Expr::List(list) => list.elts.iter().for_each(|one| parts_of(one, parts)),
        Expr::Starred(starred) => parts_of(&starred.value, parts),
        Expr::Subscript(_) | Expr::Attribute(_) => parts.push(target),
        _ => {}
    }
}
