//! From text to tree. Lowest first: one comparison, then `+ -`, then `* / %`, then unary `-`, then numbers, names, calls and
//! parentheses. Every node keeps its place in the text. Limits on length and depth keep any text harmless.

use std::ops::Range;

use super::{FormulaError, FormulaFault, MICRO};

/// Longest text in bytes.
const LENGTH_MAX: usize = 1_000;
/// Deepest nesting.
const DEPTH_MAX: usize = 24;

/// A part of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) what: What,
}

/// What a part of a formula is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A number in millionths.
    Number(i128),
    Name(String),
    Text(String),
    Negate(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(String, Range<usize>, Vec<Node>),
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Node, FormulaError> {
    if text.len() > LENGTH_MAX {
        let message = format!("this formula has {} bytes, but at most {LENGTH_MAX} are accepted", text.len());
        return Err(FormulaError::new(FormulaFault::Syntax, 0..text.len(), message));
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let node = parser.comparison()?;
    parser.skip_blank();
    match parser.rest().chars().next() {
        None => Ok(node),
        Some(')') => Err(parser.fault("this `)` closes nothing")),
        Some(_) => Err(parser.fault("expected an operator or the end of the formula here")),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn comparison(&mut self) -> Result<Node, FormulaError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault(format!("this formula is nested more than {DEPTH_MAX} deep")));
        }
        let operators = [
            ("<=", Binary::AtMost),
            (">=", Binary::AtLeast),
            ("==", Binary::Equal),
            ("!=", Binary::Unequal),
            ("<", Binary::Less),
            (">", Binary::Greater),
        ];
        let left = self.sum()?;
        let node = match self.operator(&operators) {
            Some(operator) => {
                let right = self.sum()?;
                if self.operator(&operators).is_some() {
                    return Err(self.fault("comparisons cannot be chained"));
                }
                binary(operator, left, right)
            }
            None => left,
        };
        self.depth -= 1;
        Ok(node)
    }

    fn sum(&mut self) -> Result<Node, FormulaError> {
        let mut left = self.product()?;
        while let Some(operator) = self.operator(&[("+", Binary::Add), ("-", Binary::Subtract)]) {
            left = binary(operator, left, self.product()?);
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Node, FormulaError> {
        let mut left = self.unary()?;
        let operators = [("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)];
        while let Some(operator) = self.operator(&operators) {
            left = binary(operator, left, self.unary()?);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, FormulaError> {
        self.skip_blank();
        let start = self.at;
        if !self.take("-") {
            return self.primary();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault(format!("this formula is nested more than {DEPTH_MAX} deep")));
        }
        let inner = self.unary()?;
        self.depth -= 1;
        Ok(Node { span: start..inner.span.end, what: What::Negate(Box::new(inner)) })
    }

    fn primary(&mut self) -> Result<Node, FormulaError> {
        self.skip_blank();
        let start = self.at;
        match self.rest().chars().next() {
            Some('(') => {
                self.at += 1;
                let inner = self.comparison()?;
                self.close(start)?;
                Ok(Node { span: start..self.at, what: inner.what })
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name(),
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some(_) => Err(self.fault("expected a number, a name or `(` here")),
            None => Err(FormulaError::new(
                FormulaFault::Syntax,
                start.saturating_sub(1)..start,
                "the formula ends where a value should be",
            )),
        }
    }

    fn number(&mut self) -> Result<Node, FormulaError> {
        let start = self.at;
        let whole = self.take_while(|c| c.is_ascii_digit() || c == '_').replace('_', "");
        let decimals = if self.take(".") { self.take_while(|c| c.is_ascii_digit()) } else { "" };
        let span = start..self.at;
        let fault = |message: &str| FormulaError::new(FormulaFault::Syntax, span.clone(), message);
        if whole.is_empty() && decimals.is_empty() {
            return Err(fault("expected digits here"));
        }
        if whole.len() > 15 || decimals.len() > 6 {
            return Err(fault("a number has at most 15 digits and 6 decimals"));
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| fault("not a number"))? };
        let micro: i128 = format!("{decimals:0<6}").parse().map_err(|_| fault("not a number"))?;
        Ok(Node { span, what: What::Number(whole * MICRO + micro) })
    }

    fn name(&mut self) -> Result<Node, FormulaError> {
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).to_owned();
        let span = start..self.at;
        self.skip_blank();
        let open = self.at;
        if !self.take("(") {
            return Ok(Node { span, what: What::Name(name) });
        }
        let mut arguments = Vec::new();
        self.skip_blank();
        while !self.rest().starts_with(')') {
            arguments.push(self.comparison()?);
            self.skip_blank();
            if !self.take(",") {
                break;
            }
        }
        self.close(open)?;
        Ok(Node { span: start..self.at, what: What::Call(name, span, arguments) })
    }

    fn quoted(&mut self, quote: char) -> Result<Node, FormulaError> {
        let start = self.at;
        self.at += 1;
        let text = self.take_while(|c| c != quote).to_owned();
        if !self.take(if quote == '"' { "\"" } else { "'" }) {
            return Err(FormulaError::new(FormulaFault::Syntax, start..start + 1, "this text is never closed"));
        }
        Ok(Node { span: start..self.at, what: What::Text(text) })
    }

    fn close(&mut self, open: usize) -> Result<(), FormulaError> {
        self.skip_blank();
        if self.take(")") {
            return Ok(());
        }
        if self.rest().is_empty() {
            return Err(FormulaError::new(FormulaFault::Syntax, open..open + 1, "this `(` is never closed"));
        }
        Err(self.fault("expected an operator, `,` or `)` here"))
    }

    fn operator(&mut self, operators: &[(&str, Binary)]) -> Option<Binary> {
        self.skip_blank();
        let (_, operator) = *operators.iter().find(|(sign, _)| self.take(sign))?;
        Some(operator)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_there = self.rest().starts_with(sign);
        self.at += if is_there { sign.len() } else { 0 };
        is_there
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_blank(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fault(&self, message: impl Into<String>) -> FormulaError {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        FormulaError::new(FormulaFault::Syntax, self.at..self.at + length, message)
    }
}

fn binary(operator: Binary, left: Node, right: Node) -> Node {
    Node { span: left.span.start..right.span.end, what: What::Binary(operator, Box::new(left), Box::new(right)) }
}
