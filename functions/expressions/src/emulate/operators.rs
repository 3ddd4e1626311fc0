//! Operators on sets, dicts, floats, addresses and matches.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{
    CmpOp, ConversionFlag, Expr, ExprAttribute, ExprBinOp, ExprCompare, ExprFString, ExprSubscript,
    InterpolatedElement, InterpolatedStringElement, Operator, UnaryOp,
};
use ruff_text_size::{Ranged, TextRange};

use super::Emulator;
use crate::edit::Edit;

/// Functions of `math` that the interpreter calculates by itself, with other last digits than CPython.
const UNEQUAL: [(&str, &str); 8] = [
    ("acosh", "math.acosh is not supported by Nuncio's Python; use math.log(x + math.sqrt(x * x - 1))"),
    ("asinh", "math.asinh is not supported by Nuncio's Python; use math.log(x + math.sqrt(x * x + 1))"),
    ("atanh", "math.atanh is not supported by Nuncio's Python; use math.log((1 + x) / (1 - x)) / 2"),
    ("cbrt", "math.cbrt is not supported by Nuncio's Python; use x ** (1 / 3)"),
    ("erf", "math.erf is not supported by Nuncio's Python; use a table of values"),
    ("erfc", "math.erfc is not supported by Nuncio's Python; use a table of values"),
    ("gamma", "math.gamma is not supported by Nuncio's Python; use math.factorial(n - 1) with a whole number"),
    (
        "lgamma",
        "math.lgamma is not supported by Nuncio's Python; use math.log(math.factorial(n - 1)) with a whole number",
    ),
];
const DEBUG: &str =
    "= with a format in an f-string is not supported by Nuncio's Python for this expression; use a name";

const MOMENT: &str = "%f, %z and %Z in an f-string are not supported by Nuncio's Python; use strftime";

impl Emulator<'_> {
    pub(super) fn binary(&mut self, whole: &Expr, binary: &ExprBinOp) {
        let (left, right) = (&*binary.left, &*binary.right);
        let has_text = is_text(left) || is_text(right);
        let may_be_float = !(has_text || is_int(left) && is_int(right));
        let calculates = matches!(
            binary.op,
            Operator::Add | Operator::Sub | Operator::Mult | Operator::Div | Operator::FloorDiv | Operator::Pow
        );
        if self.nans && may_be_float && calculates {
            self.wrap(whole.range(), "_nuncio_fresh");
        }
        let (function, token) = match binary.op {
            Operator::BitOr if self.types => ("_nuncio_union", TokenKind::Vbar),
            Operator::BitOr => ("_nuncio_or", TokenKind::Vbar),
            Operator::BitAnd if self.mixes => ("_nuncio_and", TokenKind::Amper),
            Operator::BitXor if self.mixes => ("_nuncio_xor", TokenKind::CircumFlex),
            Operator::Mod if !is_number(left) => ("_nuncio_percent", TokenKind::Percent),
            Operator::Mod if !is_number(right) => return self.wrap(right.range(), "+"),
            Operator::Pow if !is_int(left) || !is_int(right) => ("_nuncio_pow", TokenKind::DoubleStar),
            Operator::FloorDiv if !is_int(left) || !is_int(right) => ("_nuncio_floordiv", TokenKind::DoubleSlash),
            Operator::Div if self.large || (!is_float(left) && !is_float(right)) => ("_nuncio_div", TokenKind::Slash),
            Operator::Mult if self.large && !has_text => ("_nuncio_mul", TokenKind::Star),
            Operator::Add if (self.addresses || self.large || self.counters) && !has_text => {
                ("_nuncio_add", TokenKind::Plus)
            }
            Operator::Sub if (self.addresses || self.large || self.mixes) && !has_text => {
                ("_nuncio_sub", TokenKind::Minus)
            }
            Operator::Add | Operator::Sub if has_text => return,
            Operator::Add | Operator::Sub if is_number(left) || is_number(right) => {
                // The other side is a number as well, which may be a `bool`.
                [left, right].into_iter().filter(|side| !is_number(side)).for_each(|side| self.wrap(side.range(), "+"));
                return;
            }
            Operator::Add => ("_nuncio_plus", TokenKind::Plus),
            Operator::Sub => ("_nuncio_minus", TokenKind::Minus),
            Operator::Mult if !(has_text || is_number(left) && is_number(right)) => ("_nuncio_times", TokenKind::Star),
            _ => return,
        };
        self.operator(whole, (left, right), function, token);
    }

    pub(super) fn compare(&mut self, whole: &Expr, compare: &ExprCompare) {
        self.compared(&compare.left);
        compare.comparators.iter().for_each(|operand| self.compared(operand));
        let ([op], [right]) = (&*compare.ops, &*compare.comparators) else { return };
        let (function, token) = match op {
            CmpOp::Lt => ("_nuncio_lt", TokenKind::Less),
            CmpOp::LtE => ("_nuncio_le", TokenKind::LessEqual),
            CmpOp::Gt => ("_nuncio_gt", TokenKind::Greater),
            CmpOp::GtE => ("_nuncio_ge", TokenKind::GreaterEqual),
            _ => return,
        };
        let is_plain = |side: &Expr| is_text(side) || side.is_number_literal_expr() || is_len(side);
        if self.orders && !is_plain(&compare.left) && !is_plain(right) {
            self.operator(whole, (&compare.left, right), function, token);
        }
    }

    /// An operand that may be a method: the interpreter makes a new one at each access.
    fn compared(&mut self, operand: &Expr) {
        let is_method = match operand {
            Expr::Attribute(attribute) => super::is_method(&attribute.attr) || self.methods.contains(&*attribute.attr),
            Expr::Name(name) => self.methods.contains(&*name.id),
            Expr::List(list) => return list.elts.iter().for_each(|one| self.compared(one)),
            Expr::Tuple(tuple) => return tuple.elts.iter().for_each(|one| self.compared(one)),
            Expr::Set(set) => return set.elts.iter().for_each(|one| self.compared(one)),
            _ => false,
        };
        if is_method {
            self.wrap(operand.range(), "_nuncio_compared");
        }
    }

    /// `value[a:b]`: the interpreter would look for the slice among the keys of a dict.
    pub(super) fn sliced(&mut self, subscript: &ExprSubscript) {
        if is_text(&subscript.value) {
            return;
        }
        let Some(open) = self.token(&[TokenKind::Lsqb], subscript.value.end(), subscript.slice.start()) else { return };
        self.need("_nuncio_sliced");
        self.edits.push(Edit::insert(subscript.start().to_usize(), "_nuncio_sliced("));
        self.edits.push(Edit::insert(open.start().to_usize(), ")"));
    }

    /// Functions of `math` whose last digits differ.
    pub(super) fn platform_function(&mut self, attribute: &ExprAttribute) {
        if self.has_math {
            self.unequal_function(&attribute.attr, attribute.range);
        }
    }

    pub(super) fn unequal_function(&mut self, name: &str, range: TextRange) {
        if let Some((_, why)) = UNEQUAL.iter().find(|(function, _)| *function == name) {
            self.fail(range, why);
        }
    }

    /// Rewrites `left op right` to `function(left, right)`.
    fn operator(&mut self, whole: &Expr, (left, right): (&Expr, &Expr), function: &str, token: TokenKind) {
        let between = self.parsed.tokens().in_range(TextRange::new(left.end(), right.start()));
        let Some(operator) = between.iter().find(|found| found.kind() == token).map(Ranged::range) else { return };
        self.wrap(whole.range(), function);
        self.edits.push(Edit::replace(operator.start().to_usize()..operator.end().to_usize(), ","));
    }

    /// `{value:spec}`: only some types take a specification.
    pub(super) fn formatted(&mut self, text: &ExprFString) {
        for element in text.value.elements() {
            if let InterpolatedStringElement::Interpolation(part) = element
                && part.format_spec.is_some()
                && part.conversion == ConversionFlag::None
                && !is_plain_number(&part.expression)
            {
                let spec = part.format_spec.as_ref().map_or(part.range, |spec| spec.range);
                let spec = &self.text[spec.start().to_usize()..spec.end().to_usize()];
                if ["%f", "%z", "%Z"].iter().any(|code| spec.contains(code)) {
                    self.fail(part.range, MOMENT);
                }
                self.wrap(part.expression.range(), "_nuncio_formatted");
                if let Some(debug) = &part.debug_text {
                    self.debug(part, debug.leading(), debug.trailing());
                }
            }
        }
    }

    /// `{value=:spec}`: writes the text before the value, as `value={value:spec}` does.
    fn debug(&mut self, part: &InterpolatedElement, leading: &str, trailing: &str) {
        let (start, end) = (part.expression.start().to_usize(), part.expression.end().to_usize());
        let written = format!("{leading}{}{trailing}", &self.text[start..end]);
        if written.contains(['{', '}', '\'', '"', '\\', '\n', '#']) {
            self.fail(part.range, DEBUG);
        }
        self.edits.push(Edit::replace(part.range.start().to_usize()..start, format!("{written}{{")));
        self.edits.push(Edit::replace(end..end + trailing.len(), ""));
    }

    /// `match[1]` and `network[0]`: the interpreter has no subscripts of objects.
    pub(super) fn subscript(&mut self, whole: &Expr, subscript: &ExprSubscript) {
        let is_key = match &*subscript.slice {
            Expr::NumberLiteral(_) | Expr::UnaryOp(_) => self.matches || self.addresses,
            Expr::StringLiteral(_) | Expr::Name(_) => self.matches,
            _ => false,
        };
        if !is_key {
            return;
        }
        let open = self.parsed.tokens().in_range(TextRange::new(subscript.value.end(), subscript.slice.start()));
        let Some(open) = open.iter().rev().find(|token| token.kind() == TokenKind::Lsqb).map(Ranged::range) else {
            return;
        };
        let (start, end) = (whole.start().to_usize(), whole.end().to_usize());
        self.need("_nuncio_item");
        self.edits.push(Edit::insert(start, "_nuncio_item("));
        self.edits.push(Edit::replace(open.start().to_usize()..open.end().to_usize(), ","));
        self.edits.push(Edit::replace(end - 1..end, ")"));
    }
}

fn is_plain_number(side: &Expr) -> bool {
    side.is_number_literal_expr() || side.is_string_literal_expr()
}

fn is_int(side: &Expr) -> bool {
    matches!(side, Expr::NumberLiteral(number) if number.value.is_int())
}

fn is_float(side: &Expr) -> bool {
    matches!(side, Expr::NumberLiteral(number) if number.value.is_float())
}

/// Whether the value is a text or a list, as written.
pub(super) fn is_text(side: &Expr) -> bool {
    matches!(
        side,
        Expr::StringLiteral(_) | Expr::FString(_) | Expr::BytesLiteral(_) | Expr::List(_) | Expr::ListComp(_)
    )
}

fn is_len(side: &Expr) -> bool {
    matches!(side, Expr::Call(call) if matches!(&*call.func, Expr::Name(name) if name.id == "len"))
}

/// Whether the value is a number, and no `bool`.
pub(super) fn is_number(side: &Expr) -> bool {
    match side {
        Expr::NumberLiteral(_) => true,
        Expr::UnaryOp(unary) => unary.op == UnaryOp::USub && is_number(&unary.operand),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if matches!(&*name.id, "len" | "int" | "float" | "ord"))
        }
        _ => false,
    }
}
