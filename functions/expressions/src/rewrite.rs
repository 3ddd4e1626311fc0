//! Rewrites Python that the interpreter does not support into Python that it does: imports of modules that the host
//! supplies. Also replaces the frequent `ip_address(…) in ip_network(…)` by
//! one faster call.
//!
//! Owns these rewrites and the list of names that a body mentions. Keeps every line number.

pub(crate) mod group_filter;

use std::collections::HashSet;
use std::ops::Range;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Alias, CmpOp, Expr, ExprCall, ExprContext, ModModule, Stmt};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange};

use self::group_filter::GroupFilters;
use crate::edit::Edit;
use crate::python_pattern;

/// The edits of a body, and what the walk found in it.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) edits: Vec<Edit>,
    /// The names that are read, the attributes, and the short string literals.
    pub(crate) mentions: HashSet<String>,
    /// The first invalid pattern of `regex_match` or `regex_replace`, and why it is invalid.
    pub(crate) pattern: Option<(TextRange, String)>,
}

/// Modules of the interpreter that need neither files nor a clock.
const NATIVE: [&str; 10] = [
    "json",
    "datetime",
    "math",
    "base64",
    "binascii",
    "itertools",
    "functools",
    "collections",
    "typing",
    "dataclasses",
];
/// Modules that the host supplies, each as a global with an underscore before its name.
pub(crate) const SUPPLIED: [&str; 4] = ["hmac", "hashlib", "ipaddress", "re"];

/// Walks the body once and collects its rewrites.
pub(crate) fn walk(text: &str, parsed: &Parsed<ModModule>) -> Rewritten {
    let mut walk = Rewriter {
        text,
        rewritten: Rewritten::default(),
        read: Vec::new(),
        bound: HashSet::new(),
        group_filters: GroupFilters::default(),
    };
    for statement in parsed.suite() {
        if let Stmt::FunctionDef(function) = statement {
            walk.visit_body(&function.body);
        }
    }
    let Rewriter { mut rewritten, read, bound, group_filters, .. } = walk;
    rewritten.edits.extend(group_filters.edits());
    rewritten.mentions.extend(read);
    if bound.contains("regex_match") || bound.contains("regex_replace") {
        rewritten.pattern = None;
    }
    rewritten
}

struct Rewriter<'a> {
    text: &'a str,
    rewritten: Rewritten,
    read: Vec<String>,
    bound: HashSet<String>,
    group_filters: GroupFilters,
}

impl<'a> Visitor<'a> for Rewriter<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.group_filters.statement(statement);
        match statement {
            Stmt::Import(import) => self.import(statement, &import.names),
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                self.import_from(statement, module, &import.names);
            }
            Stmt::FunctionDef(function) => {
                self.bound.insert(function.name.to_string());
                self.bound.extend(function.parameters.iter().map(|parameter| parameter.name().to_string()));
            }
            Stmt::ClassDef(class) => {
                self.bound.insert(class.name.to_string());
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx == ExprContext::Load => {
                self.read.push(name.id.to_string());
                self.group_filters.read(name.id.as_str());
            }
            Expr::Name(name) => {
                self.bound.insert(name.id.to_string());
            }
            Expr::Attribute(attribute) => {
                if attribute.attr.as_str() == "context"
                    && !matches!(&*attribute.value, Expr::Name(name) if name.id == "request")
                {
                    self.rewritten.mentions.insert("event.context".to_owned());
                }
                self.rewritten.mentions.insert(attribute.attr.to_string());
                self.group_filters.attribute_of(&attribute.value);
            }
            // A string may name an attribute, as in `getattr(event, "context")`.
            Expr::StringLiteral(literal) if literal.value.len() <= 32 => {
                self.rewritten.mentions.insert(literal.value.to_str().to_owned());
            }
            Expr::Call(call) => {
                self.method(call);
                self.pattern(call);
                self.group_filters.call(call);
            }
            Expr::Compare(compare) => {
                if let ([op @ (CmpOp::In | CmpOp::NotIn)], [right]) = (&*compare.ops, &*compare.comparators)
                    && self.membership(expression, &compare.left, *op, right)
                {
                    return;
                }
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

impl<'a> Rewriter<'a> {
    fn import(&mut self, statement: &Stmt, names: &[Alias]) {
        let mut parts = Vec::new();
        for alias in names {
            let module = alias.name.as_str();
            let bound = alias.asname.as_ref().map_or(module, |name| name.as_str());
            self.bound.insert(bound.to_owned());
            if NATIVE.contains(&module) {
                parts.push(match &alias.asname {
                    Some(name) => format!("import {module} as {name}"),
                    None => format!("import {module}"),
                });
            } else if SUPPLIED.contains(&module) {
                self.rewritten.mentions.insert(format!("_{module}"));
                parts.push(format!("{bound} = _{module}"));
            } else {
                self.rewritten.mentions.insert("_nuncio_missing".to_owned());
                parts.push(format!("_nuncio_missing({module:?})"));
            }
        }
        self.replace_statement(statement, &parts);
    }

    fn import_from(&mut self, statement: &Stmt, module: &str, names: &[Alias]) {
        self.bound.extend(names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()));
        if NATIVE.contains(&module) || module == "__future__" {
            return;
        }
        if !SUPPLIED.contains(&module) {
            self.rewritten.mentions.insert("_nuncio_missing".to_owned());
            self.replace_statement(statement, &[format!("_nuncio_missing({module:?})")]);
            return;
        }
        self.rewritten.mentions.insert(format!("_{module}"));
        let mut parts = Vec::new();
        for alias in names {
            let name = alias.name.as_str();
            self.rewritten.mentions.insert(name.to_owned());
            let bound = alias.asname.as_ref().map_or(name, |name| name.as_str());
            if (module, name) == ("re", "error") {
                self.rewritten.mentions.insert("_nuncio_attribute_error".to_owned());
                parts.push(format!("{bound} = _nuncio_attribute_error(_re)"));
            } else {
                parts.push(format!("{bound} = _{module}.{name}"));
            }
        }
        self.replace_statement(statement, &parts);
    }

    /// `utcnow()`: `now()` of the host also returns a naive time in UTC.
    fn method(&mut self, call: &ExprCall) {
        if let Expr::Attribute(method) = &*call.func
            && method.attr.as_str() == "utcnow"
        {
            self.rewritten.edits.push(Edit::replace(usize_range(method.attr.range()), "now"));
        }
    }

    /// Checks the pattern of `regex_match(value, "…")` if it is a literal.
    fn pattern(&mut self, call: &ExprCall) {
        let Expr::Name(function) = &*call.func else { return };
        if self.rewritten.pattern.is_none()
            && ["regex_match", "regex_replace"].contains(&function.id.as_str())
            && let Some(Expr::StringLiteral(pattern)) = call.arguments.find_argument_value("regex", 1)
            && let Err(invalid) = python_pattern::translate(pattern.value.to_str(), 0)
        {
            self.rewritten.pattern =
                Some((pattern.range(), format!("this is not a valid pattern: {}", invalid.message)));
        }
    }

    /// Rewrites `ip_address(a) in ip_network(b)` to one host call, which creates no objects. Returns whether it did.
    fn membership(&mut self, whole: &'a Expr, left: &'a Expr, op: CmpOp, right: &'a Expr) -> bool {
        let (Some(address), Some(network)) = (sole_argument(left, "ip_address"), sole_argument(right, "ip_network"))
        else {
            return false;
        };
        // Do not rewrite if a side is in parentheses, if a comment is in between, or if the body redefines the
        // functions.
        let middle = address.end().to_usize()..network.start().to_usize();
        if self.bound.contains("ip_address")
            || self.bound.contains("ip_network")
            || self.text[middle.clone()].contains('#')
            || whole.start() != left.start()
            || whole.end() != right.end()
        {
            return false;
        }
        let open = match op {
            CmpOp::NotIn => "not _nuncio_ip_in(",
            _ => "_nuncio_ip_in(",
        };
        let lines = "\n".repeat(self.text[middle.clone()].matches('\n').count());
        let edits = [
            Edit::replace(whole.start().to_usize()..address.start().to_usize(), open),
            Edit::replace(middle, format!(", {lines}")),
        ];
        if self.text[whole.start().to_usize()..address.start().to_usize()].contains('\n')
            || self.text[network.end().to_usize()..whole.end().to_usize()].trim() != ")"
        {
            return false;
        }
        self.rewritten.edits.extend(edits);
        self.rewritten.mentions.insert("_nuncio_ip_in".to_owned());
        self.visit_expr(address);
        self.visit_expr(network);
        true
    }

    /// Replaces the statement by `parts`, on the same number of lines.
    fn replace_statement(&mut self, statement: &Stmt, parts: &[String]) {
        let range = usize_range(statement.range());
        let lines = self.text[range.clone()].matches('\n').count();
        let mut text = parts.join("; ");
        if lines > 0 {
            // The parentheses allow line breaks without ending the statement, so that the line count stays the same.
            text.extend(["; (", &"\n".repeat(lines), "None)"]);
        }
        self.rewritten.edits.push(Edit::replace(range, text));
    }
}

/// The argument, if the expression is `name(argument)`.
fn sole_argument<'a>(expression: &'a Expr, name: &str) -> Option<&'a Expr> {
    let Expr::Call(ExprCall { func, arguments, .. }) = expression else {
        return None;
    };
    match (&**func, &*arguments.args, &*arguments.keywords) {
        (Expr::Name(called), [argument], []) if called.id == name && !argument.is_starred_expr() => Some(argument),
        _ => None,
    }
}

fn usize_range(range: ruff_text_size::TextRange) -> Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}
