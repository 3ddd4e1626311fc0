//! Rewrites Python whose result would differ from CPython's into calls of the prelude, which come to the same.
//!
//! Owns which expressions and statements that concerns: iterators, which the interpreter makes lists; methods as
//! values; operators on sets, dicts, addresses and matches; assignments to slices; and methods that the interpreter
//! lacks. Keeps every line number. Runs after [`rewrite`](crate::rewrite), whose edits it takes along when it moves a
//! part of the text.

mod calls;
mod generators;
mod keys;
mod operators;
mod purity;
mod statements;

use std::collections::{HashMap, HashSet};

use ruff_python_ast::ModModule;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Number, Operator, Stmt, UnaryOp};
use ruff_python_parser::Parsed;
use ruff_text_size::TextRange;

use crate::cpython;
use crate::edit::{self, Edit};
use generators::Consumer;

/// The edits of a body, and the pieces of the prelude that they call.
pub(crate) struct Emulated {
    pub(crate) edits: Vec<Edit>,
    pub(crate) needs: HashSet<String>,
    /// The first thing that cannot be rewritten, and why.
    pub(crate) fault: Option<(TextRange, &'static str)>,
}

/// Rewrites the body. `edits` are those of the earlier passes, and `mentions` the names in the body.
pub(crate) fn rewrite(
    text: &str,
    parsed: &Parsed<ModModule>,
    edits: Vec<Edit>,
    mentions: &HashSet<String>,
) -> Emulated {
    let body = parsed.suite().first().and_then(Stmt::as_function_def_stmt).map_or(&[][..], |function| &function.body);
    let mut names = BoundNames::default();
    names.visit_body(body);
    let has = |names: &[&str]| names.iter().any(|name| mentions.contains(*name));
    let pure = purity::functions(body, &names.bound);
    let numbers = names.assigned_numbers();
    let mut emulator = Emulator {
        pure,
        text,
        parsed,
        edits,
        needs: HashSet::new(),
        bound: names.bound,
        deltas: names.deltas,
        constructors: names.constructors,
        counters: has(&["Counter"]),
        fault: None,
        orders: names.has_sets
            || has(&["set", "frozenset", "keys", "items"])
            || has(&["ip_address", "ip_network", "ak_client_ip", "_ipaddress"]),
        addresses: has(&["ip_address", "ip_network", "ak_client_ip", "_ipaddress"]),
        matches: has(&["_re"]),
        mixes: has(&["frozenset"]),
        large: names.has_powers
            || has(&["pow", "factorial", "from_bytes", "comb", "perm", "lcm", "reduce", "accumulate"]),
        nans: names.has_infinities || has(&["inf", "nan", "float", "loads"]),
        methods: names.methods,
        has_math: names.has_math,
        numbers,
        types: false,
        splits: 0,
    };
    emulator.visit_body(body);
    let Emulator { edits, needs, fault, .. } = emulator;
    Emulated { edits, needs, fault }
}

#[expect(clippy::struct_excessive_bools, reason = "each says one thing about the body, independently of the others")]
struct Emulator<'a> {
    text: &'a str,
    parsed: &'a Parsed<ModModule>,
    edits: Vec<Edit>,
    needs: HashSet<String>,
    /// The names that the body binds anywhere.
    bound: HashSet<String>,
    /// Other names under which the body imports `timedelta`.
    deltas: HashSet<String>,
    /// Under which names the body imports `Counter` and `defaultdict`.
    constructors: HashMap<String, String>,
    /// Whether the body may have counters.
    counters: bool,
    /// The functions of the body that never ask the host.
    pure: HashSet<String>,
    fault: Option<(TextRange, &'static str)>,
    /// Whether the body may compare sets or addresses.
    orders: bool,
    addresses: bool,
    /// Whether the body may have matches of `re`.
    matches: bool,
    /// Whether the body may combine frozen sets with the keys of a dict.
    mixes: bool,
    /// Whether the body may calculate integers that no float can hold.
    large: bool,
    /// Whether the body may have floats that are no number.
    nans: bool,
    /// The names of methods that the body defines, and of variables that are a method.
    methods: HashSet<String>,
    /// Whether the body imports `math`.
    has_math: bool,
    /// The names that are always a number, and never a `bool`.
    numbers: HashSet<String>,
    /// Whether the visited place is the second argument of `isinstance`.
    types: bool,
    /// How many assignments were split so far, for names of their own.
    splits: usize,
}

impl<'a> Visitor<'a> for Emulator<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if !self.statement(statement) {
            walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Generator(generator) => {
                self.generator(generator, Consumer::Any);
                return;
            }
            Expr::Call(call) => {
                self.call(call);
                return;
            }
            Expr::Attribute(attribute) if attribute.ctx == ExprContext::Load => {
                self.platform_function(attribute);
                self.attribute(attribute);
            }
            Expr::UnaryOp(unary)
                if self.nans && unary.op == UnaryOp::USub && !unary.operand.is_number_literal_expr() =>
            {
                self.wrap(unary.range, "_nuncio_fresh");
            }
            Expr::Subscript(subscript) if subscript.ctx == ExprContext::Load && subscript.slice.is_slice_expr() => {
                self.sliced(subscript);
            }
            Expr::BinOp(binary) => self.binary(expression, binary),
            Expr::Compare(compare) => self.compare(expression, compare),
            Expr::Subscript(subscript) if subscript.ctx == ExprContext::Load => self.subscript(expression, subscript),
            Expr::Name(name) if name.ctx == ExprContext::Load => self.name(name),
            Expr::Dict(dict) => self.dict_display(dict),
            Expr::DictComp(made) => self.dict_comprehension(made),
            Expr::Subscript(subscript) if subscript.ctx == ExprContext::Store => self.stored_key(subscript),
            Expr::FString(text) => self.formatted(text),
            _ => {}
        }
        walk_expr(self, expression);
    }

    // What stands in an annotation is not evaluated.
    fn visit_annotation(&mut self, _: &'a Expr) {}
}

impl Emulator<'_> {
    fn need(&mut self, piece: impl Into<String>) {
        self.needs.insert(piece.into());
    }

    /// Whether the name means the built-in everywhere in the body.
    fn is_builtin(&self, name: &str) -> bool {
        !self.bound.contains(name)
    }

    /// The text of the range with the edits inside it, which it removes from the list.
    fn take(&mut self, start: usize, end: usize) -> String {
        let (inner, outer) = std::mem::take(&mut self.edits).into_iter().partition(|edit| edit.is_within(start, end));
        self.edits = outer;
        let inner: Vec<Edit> = inner;
        edit::apply(&self.text[start..end], inner.into_iter().map(|edit| edit.without_first(start)).collect())
    }

    /// Wraps the expression into a call: `name(expression)`. A plus sign is also such a function.
    fn wrap(&mut self, whole: TextRange, function: &str) {
        if function != "+" {
            self.need(function);
        }
        self.edits.push(Edit::insert(whole.start().to_usize(), format!("{function}(")));
        self.edits.push(Edit::insert(whole.end().to_usize(), ")"));
    }

    /// Replaces `value.name` up to `end` by `function(value` and `rest`, and keeps brackets around the value.
    fn route(&mut self, start: usize, value_end: usize, end: usize, function: &str, rest: &str) {
        let middle = &self.text[value_end..end];
        let brackets = ")".repeat(middle.matches(')').count());
        let lines = "\n".repeat(middle.matches('\n').count());
        self.need(function);
        self.edits.push(Edit::insert(start, format!("{function}(")));
        self.edits.push(Edit::replace(value_end..end, format!("{brackets}{lines}{rest}")));
    }

    /// The line breaks between two offsets.
    fn breaks(&self, start: usize, end: usize) -> String {
        "\n".repeat(self.text[start..end].matches('\n').count())
    }

    /// Remembers the first construct that cannot be rewritten.
    fn fail(&mut self, range: TextRange, why: &'static str) {
        self.fault.get_or_insert((range, why));
    }
}

/// The names that a body binds, and what it writes.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing about the body, independently of the others")]
struct BoundNames {
    bound: HashSet<String>,
    has_sets: bool,
    /// Other names under which it imports `timedelta`.
    deltas: HashSet<String>,
    /// Under which names it imports `Counter` and `defaultdict`.
    constructors: HashMap<String, String>,
    /// The names of methods that it defines, and of variables that are a method.
    methods: HashSet<String>,
    /// Whether it writes an infinite float, or one that is no number.
    has_infinities: bool,
    /// Whether it imports `math`.
    has_math: bool,
    /// How often it stores each name, and how often a number.
    stored: HashMap<String, (usize, usize)>,
    /// Whether it has `**` or `<<`, or multiplies in place.
    has_powers: bool,
}

impl BoundNames {
    /// The names that are only assigned numbers, and changed in place.
    fn assigned_numbers(&self) -> HashSet<String> {
        let only_numbers = self.stored.iter().filter(|(_, (all, numbers))| all == numbers);
        only_numbers.map(|(name, _)| name.clone()).collect()
    }

    fn store_number(&mut self, target: &Expr) {
        if let Expr::Name(name) = target {
            self.stored.entry(name.id.to_string()).or_default().1 += 1;
        }
    }
}

impl<'a> Visitor<'a> for BoundNames {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bound.insert(function.name.to_string());
                for parameter in function.parameters.iter().map(|parameter| parameter.name().to_string()) {
                    self.stored.entry(parameter.clone()).or_default().0 += 1;
                    self.bound.insert(parameter);
                }
            }
            Stmt::ClassDef(class) => {
                self.bound.insert(class.name.to_string());
                let methods = class.body.iter().filter_map(Stmt::as_function_def_stmt);
                self.methods.extend(methods.map(|method| method.name.to_string()));
            }
            Stmt::Assign(assign) if assign.value.as_attribute_expr().is_some_and(|one| is_method(&one.attr)) => {
                self.methods
                    .extend(assign.targets.iter().filter_map(Expr::as_name_expr).map(|name| name.id.to_string()));
            }
            Stmt::Assign(assign) if operators::is_number(&assign.value) => {
                assign.targets.iter().for_each(|target| self.store_number(target));
            }
            Stmt::Import(import) => {
                self.has_math |= import.names.iter().any(|alias| alias.name.as_str() == "math");
                self.bound
                    .extend(import.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()));
            }
            Stmt::ImportFrom(import) => {
                self.has_math |= import.module.as_ref().is_some_and(|module| module.as_str() == "math");
                let deltas = import.names.iter().filter(|alias| alias.name.as_str() == "timedelta");
                let made = import.names.iter().filter(|one| matches!(one.name.as_str(), "Counter" | "defaultdict"));
                self.constructors.extend(
                    made.map(|one| (one.asname.as_ref().unwrap_or(&one.name).to_string(), one.name.to_string())),
                );
                self.deltas.extend(deltas.filter_map(|alias| alias.asname.as_ref()).map(ToString::to_string));
                self.bound
                    .extend(import.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()));
            }
            Stmt::AugAssign(assign) => {
                self.store_number(&assign.target);
                self.has_powers |= matches!(assign.op, Operator::Pow | Operator::LShift | Operator::Mult);
            }
            Stmt::Try(attempt) => {
                self.bound.extend(attempt.handlers.iter().filter_map(|handler| {
                    handler.as_except_handler().and_then(|handler| handler.name.as_ref()).map(ToString::to_string)
                }));
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Load => {
                self.bound.insert(name.id.to_string());
                self.stored.entry(name.id.to_string()).or_default().0 += 1;
            }
            Expr::Lambda(lambda) => {
                self.bound.extend(
                    lambda.parameters.iter().flat_map(|parameters| parameters.iter()).map(|one| one.name().to_string()),
                );
            }
            Expr::Set(_) | Expr::SetComp(_) => self.has_sets = true,
            Expr::StringLiteral(text) => {
                let text = text.value.to_str().trim().trim_start_matches(['+', '-']);
                self.has_infinities |= ["inf", "infinity", "nan"].iter().any(|word| text.eq_ignore_ascii_case(word));
            }
            Expr::NumberLiteral(number) => {
                self.has_infinities |= matches!(number.value, Number::Float(number) if number.is_infinite());
            }
            Expr::BinOp(binary) => self.has_powers |= matches!(binary.op, Operator::Pow | Operator::LShift),
            _ => {}
        }
        walk_expr(self, expression);
    }
}

/// Whether a built-in type has a method of this name.
fn is_method(name: &str) -> bool {
    const DATA: [&str; 7] = ["real", "imag", "numerator", "denominator", "start", "stop", "step"];
    !name.starts_with("__") && !DATA.contains(&name) && !cpython::types_with(name).is_empty()
}
