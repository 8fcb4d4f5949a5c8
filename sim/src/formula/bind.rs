//! From tree to program: names become places, functions operations, and every part gets the interval of what it can come to.
//! Faults name the part and its interval. What holds for every value in the intervals holds for every evaluation.

use std::ops::Range;
use std::sync::Arc;

use super::interval::Interval;
use super::parse::{Binary, Node, What, parse};
use super::program::{Input, Op, Program, STACK_MAX};
use super::{FormulaError, FormulaFault, LIMIT_MICRO, MICRO};
use crate::assets::CurveLine;

/// Highest level of anything.
pub(super) const LEVEL_MAX: u16 = 100;
/// Most stacks of an effect.
pub(super) const STACKS_MAX: u32 = 1_000;
/// Most points in one happening.
pub(super) const AMOUNT_MAX: i64 = 1_000_000_000;
/// Greatest whole power.
const EXPONENT_MAX: i128 = 8;

/// What names stand for; the data behind a formula.
pub trait Names {
    /// Index and range of the attribute called so.
    fn attribute(&self, name: &str) -> Option<(u16, Range<i64>)>;
    /// The curve called so, without `curve/`.
    fn curve(&self, name: &str) -> Option<Arc<CurveLine>>;
    /// The name of an attribute or input that is spelled most like `name`.
    fn nearest(&self, name: &str) -> Option<String>;
}

/// What a formula may ask about, and how far its own inputs range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// Least and greatest coefficient.
    pub coef: (i32, i32),
    /// Whether it is about a deed, with a target, a coefficient, stacks and an amount; else only about one unit's
    /// attributes and level.
    pub deed: bool,
}

/// Parses, binds and checks a formula; the interval is what it can come to.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn compile(text: &str, names: &dyn Names, ranges: Ranges) -> Result<(Program, Interval), FormulaError> {
    let tree = parse(text)?;
    let program = Program { coef: ranges.coef, ..Program::default() };
    let mut binder = Binder { names, ranges, program, depth: 0 };
    let interval = binder.node(&tree)?;
    Ok((binder.program.finished(), interval))
}

struct Binder<'n> {
    names: &'n dyn Names,
    ranges: Ranges,
    program: Program,
    depth: usize,
}

impl Binder<'_> {
    fn node(&mut self, node: &Node) -> Result<Interval, FormulaError> {
        let interval = match &node.what {
            What::Number(value) => {
                self.push(Op::Constant(*value), node)?;
                Interval::only(*value)
            }
            What::Name(name) => self.name(name, node)?,
            What::Text(_) => return Err(syntax(node, "a text is only accepted as the name of a curve")),
            What::Negate(inner) => {
                let inner = self.node(inner)?;
                self.program.ops.push(Op::Negate);
                inner.negate()
            }
            What::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            What::Call(function, name, arguments) => self.call(function, name, arguments, node)?,
        };
        if interval.lo < -LIMIT_MICRO
            || interval.hi > LIMIT_MICRO
            || interval.lo == -LIMIT_MICRO
            || interval.hi == LIMIT_MICRO
        {
            let message = format!("this can come to {interval}, beyond the limit of 10^15 either way");
            return Err(FormulaError::new(FormulaFault::Range, node.span.clone(), message)
                .help("divide earlier, or bound a part with `min`, `max` or `clamp`".to_owned()));
        }
        Ok(interval)
    }

    fn push(&mut self, op: Op, node: &Node) -> Result<(), FormulaError> {
        self.depth += 1;
        if self.depth > STACK_MAX {
            return Err(syntax(node, "this formula keeps too many intermediate results at once"));
        }
        self.program.ops.push(op);
        Ok(())
    }

    /// An operation that replaces so many operands by one result.
    fn reduce(&mut self, op: Op, operands: usize) {
        self.depth -= operands - 1;
        self.program.ops.push(op);
    }

    fn name(&mut self, name: &str, node: &Node) -> Result<Interval, FormulaError> {
        let input = match name {
            "level" => Some(Input::Level),
            "coef" => Some(Input::Coef),
            "stacks" => Some(Input::Stacks),
            "amount" => Some(Input::Amount),
            "absorbed" => Some(Input::Absorbed),
            "crit" => Some(Input::Crit),
            "hp" => Some(Input::Hp),
            "mana" => Some(Input::Mana),
            "target.level" => Some(Input::TargetLevel),
            "target.hp" => Some(Input::TargetHp),
            "target.mana" => Some(Input::TargetMana),
            _ => None,
        };
        if let Some(input) = input.filter(|input| self.ranges.deed || *input == Input::Level) {
            self.push(Op::Input(input), node)?;
            return Ok(self.input_range(input));
        }
        let (own, is_target) = name.strip_prefix("target.").map_or((name, false), |own| (own, self.ranges.deed));
        let found = self.names.attribute(own).filter(|_| input.is_none() && (own == name || is_target));
        let Some((index, range)) = found else {
            let what = if self.ranges.deed { "" } else { " of a derived attribute" };
            let message = format!("`{name}` is neither an attribute nor an input{what}");
            let prefix = if own == name { "" } else { "target." };
            let help = self
                .names
                .nearest(own)
                .filter(|near| near != own)
                .map(|near| format!("did you mean `{prefix}{near}`?"));
            return Err(FormulaError::new(FormulaFault::UnknownName, node.span.clone(), message).help(help));
        };
        self.push(if is_target { Op::Target(index) } else { Op::Source(index) }, node)?;
        Ok(Interval::whole(range.start, range.end))
    }

    fn input_range(&self, input: Input) -> Interval {
        let most = |attribute: &str| self.names.attribute(attribute).map_or(0, |(_, range)| range.end);
        match input {
            Input::Coef => Interval::whole(self.ranges.coef.0.into(), self.ranges.coef.1.into()),
            Input::Stacks => Interval::whole(1, STACKS_MAX.into()),
            Input::Amount | Input::Absorbed => Interval::whole(0, AMOUNT_MAX),
            Input::Crit => Interval::whole(0, 1),
            Input::Level | Input::TargetLevel => Interval::whole(1, LEVEL_MAX.into()),
            Input::Hp | Input::TargetHp => Interval::whole(0, most("hp_max")),
            Input::Mana | Input::TargetMana => Interval::whole(0, most("mana_max")),
        }
    }

    fn binary(&mut self, operator: Binary, left: &Node, right: &Node) -> Result<Interval, FormulaError> {
        // `a > b` is `b < a`, and `a != b` is one less `a == b`.
        if matches!(operator, Binary::Greater | Binary::AtLeast) {
            let turned = if operator == Binary::Greater { Binary::Less } else { Binary::AtMost };
            return self.binary(turned, right, left);
        }
        if operator == Binary::Unequal {
            self.depth += 1;
            self.program.ops.push(Op::Constant(MICRO));
            let equal = self.binary(Binary::Equal, left, right)?;
            self.reduce(Op::Subtract, 2);
            return Ok(Interval::only(MICRO).subtract(equal));
        }
        let (a, b) = (self.node(left)?, self.node(right)?);
        if matches!(operator, Binary::Divide | Binary::Remainder) && b.contains(0) {
            let message = format!("this divisor can be 0: it lies in {b}");
            return Err(FormulaError::new(FormulaFault::Range, right.span.clone(), message)
                .help("write `max(1, ..)` around it, or add what keeps it away from 0".to_owned()));
        }
        let (op, interval) = match operator {
            Binary::Add => (Op::Add, a.add(b)),
            Binary::Subtract => (Op::Subtract, a.subtract(b)),
            Binary::Multiply => (Op::Multiply, a.multiply(b)),
            Binary::Divide => (Op::Divide, a.divide(b)),
            Binary::Remainder => (Op::Remainder, a.remainder(b)),
            Binary::Less => (Op::Less, Interval::flag(a.hi < b.lo, a.lo >= b.hi)),
            Binary::AtMost => (Op::AtMost, Interval::flag(a.hi <= b.lo, a.lo > b.hi)),
            _ => (Op::Equal, Interval::flag(a == b && a.lo == a.hi, a.hi < b.lo || b.hi < a.lo)),
        };
        self.reduce(op, 2);
        Ok(interval)
    }

    fn call(
        &mut self,
        function: &str,
        name: &Range<usize>,
        arguments: &[Node],
        node: &Node,
    ) -> Result<Interval, FormulaError> {
        match (function, arguments) {
            ("min" | "max", [first, rest @ ..]) if !rest.is_empty() => self.extreme(function, first, rest),
            ("clamp", [value, lo, hi]) => {
                let (value, lo, hi) = (self.node(value)?, self.node(lo)?, self.node(hi)?);
                self.reduce(Op::Clamp, 3);
                Ok(value.max(lo).min(hi))
            }
            ("if", [condition, yes, no]) => {
                let (condition, yes, no) = (self.node(condition)?, self.node(yes)?, self.node(no)?);
                self.reduce(Op::Select, 3);
                Ok(if !condition.contains(0) {
                    yes
                } else if condition == Interval::only(0) {
                    no
                } else {
                    yes.join(no)
                })
            }
            ("floor", [value]) => self.one(Op::Floor, value, |x| x.rising(|x| x.div_euclid(MICRO) * MICRO)),
            ("ceil", [value]) => self.one(Op::Ceil, value, |x| x.rising(|x| -((-x).div_euclid(MICRO)) * MICRO)),
            ("round", [value]) => self.one(Op::Round, value, Interval::round),
            ("abs", [value]) => self.one(Op::Abs, value, Interval::abs),
            ("sqrt", [value]) => self.square_root(value),
            ("pow", [base, exponent]) => self.power_of(base, exponent),
            ("curve", [curve, at]) => self.along(curve, at),
            _ => Err(self.not_a_call(function, name, arguments.len(), node)),
        }
    }

    fn extreme(&mut self, function: &str, first: &Node, rest: &[Node]) -> Result<Interval, FormulaError> {
        let mut interval = self.node(first)?;
        for other in rest {
            let other = self.node(other)?;
            let is_min = function == "min";
            self.reduce(if is_min { Op::Min } else { Op::Max }, 2);
            interval = if is_min { interval.min(other) } else { interval.max(other) };
        }
        Ok(interval)
    }

    fn one(
        &mut self,
        op: Op,
        value: &Node,
        enclose: impl FnOnce(Interval) -> Interval,
    ) -> Result<Interval, FormulaError> {
        let interval = self.node(value)?;
        self.program.ops.push(op);
        Ok(enclose(interval))
    }

    fn square_root(&mut self, value: &Node) -> Result<Interval, FormulaError> {
        let interval = self.node(value)?;
        if interval.lo < 0 {
            let message = format!("the root of something below 0: this lies in {interval}");
            return Err(FormulaError::new(FormulaFault::Range, value.span.clone(), message)
                .help("write `max(0, ..)` around it".to_owned()));
        }
        self.program.ops.push(Op::Root);
        Ok(interval.root())
    }

    fn power_of(&mut self, base: &Node, exponent: &Node) -> Result<Interval, FormulaError> {
        let interval = self.node(base)?;
        match exponent.what {
            What::Number(value) if value % MICRO == 0 && (0..=EXPONENT_MAX).contains(&(value / MICRO)) => {
                let exponent = u8::try_from(value / MICRO).unwrap_or(0);
                self.program.ops.push(Op::Power(exponent));
                Ok(interval.power(exponent))
            }
            _ => Err(syntax(exponent, format!("an exponent is a whole number from 0 to {EXPONENT_MAX}"))),
        }
    }

    fn along(&mut self, curve: &Node, at: &Node) -> Result<Interval, FormulaError> {
        let What::Text(name) = &curve.what else {
            return Err(syntax(curve, "the name of a curve stands in quotes: `curve('name', x)`"));
        };
        let Some(line) = self.names.curve(name) else {
            let message = format!("there is no curve `{name}`");
            return Err(FormulaError::new(FormulaFault::UnknownName, curve.span.clone(), message));
        };
        let at = self.node(at)?;
        let interval = line.enclose(at);
        let index = self.program.curves.len() as u16;
        self.program.curves.push(line);
        self.program.ops.push(Op::Curve(index));
        Ok(interval)
    }

    fn not_a_call(&self, function: &str, name: &Range<usize>, count: usize, node: &Node) -> FormulaError {
        let functions = [
            ("min", "at least 2 values"),
            ("max", "at least 2 values"),
            ("clamp", "3 values: value, least, greatest"),
            ("if", "3 values: condition, then, else"),
            ("floor", "1 value"),
            ("ceil", "1 value"),
            ("round", "1 value"),
            ("abs", "1 value"),
            ("sqrt", "1 value"),
            ("pow", "2 values: base, exponent"),
            ("curve", "2 values: 'name', x"),
        ];
        if let Some((_, takes)) = functions.iter().find(|(known, _)| *known == function) {
            return syntax(node, format!("`{function}` takes {takes}, found {count}"));
        }
        let listed = functions.map(|(known, _)| known).join(", ");
        FormulaError::new(FormulaFault::UnknownName, name.clone(), format!("there is no function `{function}`"))
            .help(format!("there are {listed}"))
    }
}

fn syntax(node: &Node, message: impl Into<String>) -> FormulaError {
    FormulaError::new(FormulaFault::Syntax, node.span.clone(), message)
}
