//! Calls, attributes and names.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprAttribute, ExprCall, ExprName};
use ruff_text_size::Ranged;

use super::generators::Consumer;
use super::{Emulator, is_method, purity};
use crate::edit::Edit;
use crate::prelude;

/// Built-ins that consume an iterator at once, so that a list in its place comes to the same.
const CONSUMERS: [&str; 9] = ["list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "min", "max"];
/// Methods that do so.
const CONSUMING_METHODS: [&str; 4] = ["join", "extend", "update", "Counter"];
/// Built-ins that return an iterator; the interpreter's own return a list.
const ITERATORS: [&str; 5] = ["map", "filter", "zip", "enumerate", "reversed"];
/// Built-in types whose methods can be called as `str.lower(text)`.
const TYPES: [&str; 11] =
    ["str", "bytes", "int", "float", "bool", "list", "tuple", "dict", "set", "frozenset", "range"];
/// Methods that only without an argument depend on what white space is.
const SPLITTING: [&str; 5] = ["split", "rsplit", "strip", "lstrip", "rstrip"];
/// What is called on a type itself.
const CLASS_METHODS: [&str; 4] = ["fromkeys", "fromhex", "maketrans", "from_bytes"];
const ASKING: &str = "map or filter with a function that calls others or reads attributes is not supported by Nuncio's Python, unless \
                      any, all, next, sum, list, join or the like takes it at once; use a list comprehension: […]";
const SLICE: &str = "slice objects are not supported by Nuncio's Python; use value[start:stop]";
const BYTES: &str = "bytes of numbers are not supported by Nuncio's Python; use bytes.fromhex";

impl<'a> Emulator<'a> {
    pub(super) fn call(&mut self, call: &'a ExprCall) {
        if self.consumes_some(call) {
            return;
        }
        let is_timedelta = match &*call.func {
            Expr::Name(name) => name.id == "timedelta" || self.deltas.contains(name.id.as_str()),
            Expr::Attribute(attribute) => attribute.attr.as_str() == "timedelta",
            _ => false,
        };
        if is_timedelta && !call.arguments.is_empty() {
            let end = call.arguments.start().to_usize() + 1;
            self.route(call.start().to_usize(), call.func.end().to_usize(), end, "_nuncio_timedelta", ", ");
        }
        let is_calculation = match &*call.func {
            Expr::Name(name) => matches!(name.id.as_str(), "abs" | "sum" | "pow") && self.is_builtin(&name.id),
            Expr::Attribute(attribute) => matches!(&*attribute.value, Expr::Name(name) if name.id == "math"),
            _ => false,
        };
        if self.nans && is_calculation {
            self.wrap(call.range(), "_nuncio_fresh");
        }
        let mut consumes = false;
        match &*call.func {
            Expr::Name(name) => {
                let function = name.id.as_str();
                consumes = self.constructors.get(function).is_some_and(|kind| kind == "Counter");
                if self.is_builtin(function) {
                    consumes = CONSUMERS.contains(&function);
                    self.replaced_call(call, function);
                }
            }
            Expr::Attribute(method) => {
                let name = method.attr.as_str();
                self.platform_function(method);
                let items = call.arguments.args.first();
                let reads = items.is_some_and(|items| Self::reads_receiver(&method.value, items));
                consumes = CONSUMING_METHODS.contains(&name) && !reads;
                let start = call.start().to_usize();
                let arguments = call.arguments.start().to_usize() + 1;
                let routed = replaced_method(call, name).unwrap_or_else(|| format!("_nuncio_call_{name}"));
                if self.is_type(&method.value) && is_method(name) && !CLASS_METHODS.contains(&name) {
                    self.attribute(method);
                } else if prelude::defines(&routed)
                    && !(SPLITTING.contains(&name) && has_separator(call))
                    && !(name == "extend" && (consumes && items.is_some_and(is_made_here)))
                {
                    self.route(start, method.value.end().to_usize(), arguments, &routed, ", ");
                }
                self.visit_expr(&method.value);
            }
            other => self.visit_expr(other),
        }
        if let Expr::Name(name) = &*call.func {
            self.name(name);
            self.asking_iterator(call, name);
            self.asking_key(call, name);
            self.constructed(call, name.id.as_str());
        }
        let is_isinstance =
            matches!(&*call.func, Expr::Name(name) if name.id == "isinstance" && self.is_builtin("isinstance"));
        let first = call.arguments.args.first().filter(|_| consumes);
        for argument in call.arguments.iter_source_order() {
            match argument {
                ruff_python_ast::ArgOrKeyword::Arg(argument)
                    if first.is_some_and(|first| std::ptr::eq(first, argument)) =>
                {
                    self.consumed(argument);
                }
                ruff_python_ast::ArgOrKeyword::Arg(argument) => {
                    self.types = is_isinstance
                        && argument.is_bin_op_expr()
                        && call.arguments.args.get(1).is_some_and(|one| std::ptr::eq(one, argument));
                    self.visit_expr(argument);
                    self.types = false;
                }
                ruff_python_ast::ArgOrKeyword::Keyword(keyword) => self.visit_keyword(keyword),
            }
        }
    }

    /// `any(…)`, `all(…)` and `next(…)` of a generator expression, `map` or `filter`: a loop, which can ask the host.
    /// Returns whether it was one.
    fn consumes_some(&mut self, call: &'a ExprCall) -> bool {
        let Expr::Name(function) = &*call.func else { return false };
        let consumer = match function.id.as_str() {
            "any" => Consumer::AnyOf,
            "all" => Consumer::AllOf,
            "next" => Consumer::Next,
            _ => return false,
        };
        let Some(first) = call.arguments.args.first() else { return false };
        // The loop would come before the default.
        let is_simple = |one: &Expr| one.is_name_expr() || one.is_literal_expr() || is_empty(one);
        if !call.arguments.args.iter().skip(1).all(is_simple) {
            return false;
        }
        if !self.is_builtin(&function.id) || !call.arguments.keywords.is_empty() {
            return false;
        }
        let named = |name: &ExprName| name.start().to_usize()..name.end().to_usize();
        match first {
            Expr::Generator(generator) => self.generator(generator, consumer),
            Expr::Call(inner) => {
                let Expr::Name(iterator) = &*inner.func else { return false };
                let kind = match iterator.id.as_str() {
                    "map" if inner.arguments.args.len() == 2 => "map",
                    "filter" if consumer == Consumer::Next => "filter",
                    _ => return false,
                };
                if !self.is_builtin(kind) || !inner.arguments.keywords.is_empty() {
                    return false;
                }
                let way = match consumer {
                    Consumer::AnyOf => "any",
                    Consumer::AllOf => "all",
                    _ => "find",
                };
                let loops = format!("_nuncio_{way}_{kind}");
                self.need(loops.clone());
                self.edits.push(Edit::replace(named(iterator), loops));
                inner.arguments.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            _ => return false,
        }
        // The loop returns the result of `any` and `all`, and what `next` takes.
        let outer = if consumer == Consumer::Next { "_nuncio_taken" } else { "" };
        self.need(outer);
        self.edits.push(Edit::replace(named(function), outer));
        call.arguments.args.iter().skip(1).for_each(|argument| self.visit_expr(argument));
        true
    }

    /// An argument that is consumed at once: the interpreter's own list does.
    fn consumed(&mut self, argument: &'a Expr) {
        match argument {
            Expr::Generator(generator) => {
                // It may become one of several arguments, which needs parentheses.
                let (open, close) = if generator.parenthesized { ("", "") } else { ("(", ")") };
                self.edits.push(Edit::insert(argument.start().to_usize(), open));
                walk_expr(self, argument);
                self.edits.push(Edit::insert(argument.end().to_usize(), close));
            }
            Expr::Call(call) => {
                if let Expr::Name(name) = &*call.func
                    && ITERATORS.contains(&name.id.as_str())
                    && self.is_builtin(&name.id)
                {
                    let range = name.start().to_usize()..name.end().to_usize();
                    let eager = format!("_nuncio_eager_{}", name.id);
                    self.need(eager.clone());
                    self.edits.push(Edit::replace(range, eager));
                    call.arguments.args.iter().for_each(|argument| self.visit_expr(argument));
                    call.arguments.keywords.iter().for_each(|keyword| self.visit_keyword(keyword));
                } else {
                    self.visit_expr(argument);
                }
            }
            _ => self.visit_expr(argument),
        }
    }

    fn is_type(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Name(name) if TYPES.contains(&name.id.as_str()) && self.is_builtin(&name.id))
    }

    /// Calls of built-in types that cannot be replaced by name, because the name also stands for the type.
    fn replaced_call(&mut self, call: &ExprCall, function: &str) {
        let plain = call.arguments.keywords.is_empty() && call.arguments.args.len() == 1;
        if function == "bytes"
            && plain
            && let Some(Expr::List(_) | Expr::ListComp(_) | Expr::Generator(_) | Expr::Tuple(_)) =
                call.arguments.args.first()
        {
            self.fail(call.range(), BYTES);
        }
        let replacement = match function {
            "float" if plain => "_nuncio_float",
            "int" if plain => "_nuncio_int",
            "dict" if call.arguments.args.len() == 1 && !call.arguments.args[0].is_starred_expr() => "_nuncio_dict_of",
            _ => return,
        };
        self.need(replacement);
        let range = call.func.start().to_usize()..call.func.end().to_usize();
        self.edits.push(Edit::replace(range, replacement));
    }

    pub(super) fn attribute(&mut self, attribute: &'a ExprAttribute) {
        let name = attribute.attr.as_str();
        let own = format!("_nuncio_attribute_{}", name.trim_matches('_'));
        let function = if prelude::defines(&own) {
            own
        } else if is_method(name) {
            format!("_nuncio_method_{name}")
        } else {
            return;
        };
        let (start, end) = (attribute.start().to_usize(), attribute.end().to_usize());
        self.route(start, attribute.value.end().to_usize(), end, &function, ")");
    }

    /// `map(function, …)` and `filter(function, …)` of a function that may ask the host, which an iterator cannot.
    fn asking_iterator(&mut self, call: &ExprCall, function: &ExprName) {
        let id = function.id.as_str();
        let asks = |first: &Expr| !purity::is_pure_function(first, &self.pure, &self.bound);
        if matches!(id, "map" | "filter") && self.is_builtin(id) && call.arguments.args.first().is_some_and(asks) {
            self.fail(call.range(), ASKING);
        }
    }

    /// `sorted`, `min` and `max` with a key that may ask the host.
    fn asking_key(&mut self, call: &ExprCall, function: &ExprName) {
        let id = function.id.as_str();
        let asks = call
            .arguments
            .find_keyword("key")
            .is_some_and(|key| !purity::is_pure_function(&key.value, &self.pure, &self.bound));
        if (asks || self.addresses) && self.is_builtin(id) && matches!(id, "sorted" | "min" | "max") {
            let range = function.start().to_usize()..function.end().to_usize();
            let loops = format!("_nuncio_{id}");
            self.need(loops.clone());
            self.edits.push(Edit::replace(range, loops));
        }
    }

    pub(super) fn name(&mut self, name: &ExprName) {
        let id = name.id.as_str();
        if self.is_builtin(id) && id == "slice" {
            self.fail(name.range, SLICE);
        }
        if self.is_builtin(id) && prelude::defines(id) {
            self.need(id);
        }
    }
}

/// The function of the prelude for a method that the interpreter lacks, or has only without these arguments:
/// `time.isoformat(timespec="seconds")`, `json.dumps(value, default=str)`.
fn replaced_method(call: &ExprCall, name: &str) -> Option<String> {
    let is_replaced = match name {
        "isoformat" => !call.arguments.is_empty(),
        "dumps" => call.arguments.find_keyword("default").is_some(),
        "astimezone" | "fromtimestamp" => true,
        _ => false,
    };
    is_replaced.then(|| format!("_nuncio_{name}"))
}

/// Whether the first argument is a text, as written.
fn has_separator(call: &ExprCall) -> bool {
    call.arguments.args.first().is_some_and(Expr::is_string_literal_expr)
}

/// Whether the value is an empty container, as written.
fn is_empty(value: &Expr) -> bool {
    match value {
        Expr::List(list) => list.elts.is_empty(),
        Expr::Tuple(tuple) => tuple.elts.is_empty(),
        Expr::Dict(dict) => dict.items.is_empty(),
        _ => false,
    }
}

/// Whether the value is a list or tuple, or an iterator that becomes a list where it is consumed.
fn is_made_here(items: &Expr) -> bool {
    matches!(items, Expr::List(_) | Expr::ListComp(_) | Expr::Tuple(_) | Expr::Generator(_))
}
