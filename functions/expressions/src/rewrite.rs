//! What the interpreter does not do, said in what it does: imports of modules that are supplied here,
//! `del`, `%` formatting; and a short way for the most common question, `ip_address(…) in ip_network(…)`.
//!
//! Owns these changes and the list of what a body mentions. Moves no line.

use std::collections::HashSet;
use std::ops::Range;

use domain::expression::ExpressionKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Alias, CmpOp, Expr, ExprCall, ExprContext, ModModule, Operator, Stmt};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::edit::Edit;
use crate::host::pattern_fault;
use crate::unavailable::{self, Missing};

/// What the body is made of, as far as it matters here.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) edits: Vec<Edit>,
    /// Names that are read, and attributes.
    pub(crate) mentions: HashSet<String>,
    /// What the body asks for and Nuncio does not have.
    pub(crate) missing: Vec<Missing>,
    /// The first pattern of `regex_match` or `regex_replace` that is none, and why.
    pub(crate) pattern: Option<(TextRange, String)>,
}

/// Modules of the interpreter's own that need neither files nor a clock.
const NATIVE: [&str; 11] = [
    "json",
    "re",
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
/// Modules that the host supplies, each as a global of this name with an underscore before it.
pub(crate) const SUPPLIED: [&str; 3] = ["hmac", "hashlib", "ipaddress"];

/// Walks the body once.
pub(crate) fn walk(text: &str, parsed: &Parsed<ModModule>, kind: ExpressionKind) -> Findings {
    let mut walk = Walk { text, parsed, findings: Findings::default(), read: Vec::new(), bound: HashSet::new() };
    for statement in parsed.suite() {
        if let Stmt::FunctionDef(function) = statement {
            walk.visit_body(&function.body);
        }
    }
    let Walk { mut findings, read, bound, .. } = walk;
    for (name, start) in read {
        if !bound.contains(&name)
            && let Some(hint) = unavailable::name(&name, kind)
        {
            let (line, column) = crate::source::position(text, start);
            findings.missing.push(Missing { name: name.clone(), line, column, hint });
        }
        findings.mentions.insert(name);
    }
    if bound.contains("regex_match") || bound.contains("regex_replace") {
        findings.pattern = None;
    }
    findings.missing.sort_by_key(|missing| (missing.line, missing.column));
    findings
}

struct Walk<'a> {
    text: &'a str,
    parsed: &'a Parsed<ModModule>,
    findings: Findings,
    read: Vec<(String, TextSize)>,
    bound: HashSet<String>,
}

impl<'a> Visitor<'a> for Walk<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => self.import(statement, &import.names),
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                self.import_from(statement, module, &import.names);
            }
            Stmt::Delete(delete) => self.delete(statement, &delete.targets),
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
                self.read.push((name.id.to_string(), name.start()));
            }
            Expr::Name(name) => {
                self.bound.insert(name.id.to_string());
            }
            Expr::Attribute(attribute) => {
                if attribute.attr.as_str() == "context"
                    && !matches!(&*attribute.value, Expr::Name(name) if name.id == "request")
                {
                    self.findings.mentions.insert("event.context".to_owned());
                }
                self.findings.mentions.insert(attribute.attr.to_string());
            }
            // Attributes may be named by a string there.
            Expr::StringLiteral(literal) if literal.value.len() <= 32 => {
                self.findings.mentions.insert(literal.value.to_str().to_owned());
            }
            Expr::BinOp(binary) if binary.op == Operator::Mod => self.percent(expression, &binary.left, &binary.right),
            Expr::Call(call) => {
                self.method(call);
                self.pattern(call);
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

impl<'a> Walk<'a> {
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
                self.findings.mentions.insert(format!("_{module}"));
                parts.push(format!("{bound} = _{module}"));
            } else {
                self.missing_module(module, alias);
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
            if let Some(first) = names.first() {
                self.missing_module(module, first);
            }
            self.replace_statement(statement, &[format!("_nuncio_missing({module:?})")]);
            return;
        }
        self.findings.mentions.insert(format!("_{module}"));
        let mut parts = Vec::new();
        for alias in names {
            let name = alias.name.as_str();
            self.findings.mentions.insert(name.to_owned());
            let bound = alias.asname.as_ref().map_or(name, |name| name.as_str());
            parts.push(format!("{bound} = _{module}.{name}"));
        }
        self.replace_statement(statement, &parts);
    }

    fn missing_module(&mut self, module: &str, alias: &Alias) {
        let (line, column) = crate::source::position(self.text, alias.start());
        self.findings.missing.push(Missing {
            name: module.to_owned(),
            line,
            column,
            hint: unavailable::module(module),
        });
        self.findings.mentions.insert("_nuncio_missing".to_owned());
    }

    /// `del a[b], c`: the interpreter knows no `del`.
    fn delete(&mut self, statement: &Stmt, targets: &[Expr]) {
        let mut parts = Vec::new();
        for target in targets {
            match target {
                Expr::Subscript(subscript) if !subscript.slice.is_slice_expr() => {
                    let (value, key) = (self.slice(subscript.value.range()), self.slice(subscript.slice.range()));
                    parts.push(format!("{value}.pop({key})"));
                }
                Expr::Name(name) => parts.push(format!("{} = None", name.id)),
                _ => return,
            }
        }
        self.replace_statement(statement, &parts);
    }

    /// `"%s of %s" % (a, b)`: a function that does what the operator does in Python.
    fn percent(&mut self, whole: &Expr, left: &Expr, right: &Expr) {
        if left.is_number_literal_expr() {
            return;
        }
        let between = self.parsed.tokens().in_range(TextRange::new(left.end(), right.start()));
        let Some(operator) = between.iter().find(|token| token.kind() == ruff_python_ast::token::TokenKind::Percent)
        else {
            return;
        };
        self.findings.mentions.insert("_nuncio_percent".to_owned());
        self.findings.edits.push(Edit::insert(whole.start().to_usize(), "_nuncio_percent("));
        self.findings.edits.push(Edit::replace(usize_range(operator.range()), ","));
        self.findings.edits.push(Edit::insert(whole.end().to_usize(), ")"));
    }

    /// Methods that the interpreter lacks, or whose arguments it does: functions that take the object
    /// first. `moment.isoformat(timespec="seconds")`, `json.dumps(value, default=str)`.
    fn method(&mut self, call: &ExprCall) {
        let Expr::Attribute(method) = &*call.func else {
            return;
        };
        let function = match method.attr.as_str() {
            "isoformat" if !call.arguments.is_empty() => "_nuncio_isoformat",
            "dumps" if call.arguments.find_keyword("default").is_some() => "_nuncio_dumps",
            "astimezone" => "_nuncio_astimezone",
            "fromtimestamp" => "_nuncio_fromtimestamp",
            // Naive, and in UTC: that is what `now()` is here.
            "utcnow" => {
                self.findings.edits.push(Edit::replace(usize_range(method.attr.range()), "now"));
                return;
            }
            _ => return,
        };
        let middle = method.value.end().to_usize()..call.arguments.start().to_usize() + 1;
        // Brackets around the value end in the middle.
        let brackets = ")".repeat(self.text[middle.clone()].matches(')').count());
        let lines = "\n".repeat(self.text[middle.clone()].matches('\n').count());
        self.findings.mentions.insert(function.to_owned());
        self.findings.edits.push(Edit::insert(call.start().to_usize(), format!("{function}(")));
        self.findings.edits.push(Edit::replace(middle, format!("{brackets}, {lines}")));
    }

    /// `regex_match(value, "…")`, where the pattern stands there.
    fn pattern(&mut self, call: &ExprCall) {
        let Expr::Name(function) = &*call.func else { return };
        if self.findings.pattern.is_none()
            && ["regex_match", "regex_replace"].contains(&function.id.as_str())
            && let Some(Expr::StringLiteral(pattern)) = call.arguments.find_argument_value("regex", 1)
            && let Some(why) = pattern_fault(pattern.value.to_str())
        {
            self.findings.pattern = Some((pattern.range(), format!("this is no pattern: {why}")));
        }
    }

    /// `ip_address(a) in ip_network(b)` as one question to the host instead of two objects.
    fn membership(&mut self, whole: &'a Expr, left: &'a Expr, op: CmpOp, right: &'a Expr) -> bool {
        let (Some(address), Some(network)) = (sole_argument(left, "ip_address"), sole_argument(right, "ip_network"))
        else {
            return false;
        };
        // Brackets around either side, or names of the body's own, are left as they are.
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
        self.findings.edits.extend(edits);
        self.findings.mentions.insert("_nuncio_ip_in".to_owned());
        self.visit_expr(address);
        self.visit_expr(network);
        true
    }

    /// The statements instead of the one, on as many lines.
    fn replace_statement(&mut self, statement: &Stmt, parts: &[String]) {
        let range = usize_range(statement.range());
        let lines = self.text[range.clone()].matches('\n').count();
        let mut text = parts.join("; ");
        if lines > 0 {
            // Brackets hold the lines together, whatever follows on the last of them.
            text.extend(["; (", &"\n".repeat(lines), "None)"]);
        }
        self.findings.edits.push(Edit::replace(range, text));
    }

    fn slice(&self, range: ruff_text_size::TextRange) -> &str {
        &self.text[usize_range(range)]
    }
}

/// The argument of `name(argument)`.
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
