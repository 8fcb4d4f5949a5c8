//! The short way through a formula: the same operations on 64 bits. Most values are whole (attributes, levels, points), and
//! whole numbers are kept whole: their sums and products need no rounding and no millionths, and a quotient by a constant
//! that divides a million is a product. Constants are folded, and an operand that is a name is read where it is needed.
//!
//! Every step is checked: where a value does not fit, there is no answer, and the wide program is asked instead. Where there
//! is one, it is that of the wide program to the millionth; a property test holds the two together.

use super::program::{Op, Program, Scope, attribute_of};
use super::{MICRO, multiply, root};

/// Millionths in one, on 64 bits.
const ONE: i64 = MICRO as i64;
/// Deepest stack; a formula that needs more goes the wide way.
const DEPTH: usize = 16;

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole ones.
    Whole,
    /// Millionths.
    Micro,
}

impl Unit {
    /// The unit in which both can be written.
    fn with(self, other: Self) -> Self {
        if self == Self::Whole { other } else { self }
    }
}

/// A formula on 64 bits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quick {
    steps: Vec<Step>,
    /// What the result counts.
    pub(super) unit: Unit,
}

/// A value that needs no working out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaf {
    Constant(i64),
    Source(u16),
    Target(u16),
    Input(super::program::Input),
}

/// One step; `acc` is the value at hand, the others wait on the stack.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// What is at hand waits; this is next.
    Load(Leaf),
    /// What is at hand and a value.
    With(Two, Leaf),
    /// What waits and what is at hand.
    Take(Two),
    /// Whole ones become millionths.
    Scale,
    Negate,
    Abs,
    Floor,
    Ceil,
    Round,
    Root,
    PowerWhole(u8),
    PowerMicro(u8),
    Curve(u16),
    Clamp,
    Select,
}

/// Operations of two values of the units they were chosen for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Two {
    Add,
    Subtract,
    /// One of them is whole.
    Multiply,
    /// Both are millionths.
    MultiplyMicro,
    /// Both are whole, the result is millionths.
    DivideWholes,
    /// By whole ones.
    DivideBy,
    /// Both are millionths.
    DivideMicro,
    Remainder,
    Less,
    AtMost,
    Equal,
    Min,
    Max,
}

/// A formula as a tree again, with the unit of each part.
struct Tree {
    op: Op,
    parts: Vec<Tree>,
    unit: Unit,
}

/// The short way of a wide program; `None` when it is too deep for it.
pub(super) fn compile(ops: &[Op]) -> Option<Quick> {
    let mut trees: Vec<Tree> = Vec::new();
    for op in ops {
        let parts = trees.split_off(trees.len().checked_sub(op.operands())?);
        trees.push(Tree::of(op.clone(), parts));
    }
    let tree = trees.pop().filter(|_| trees.is_empty())?;
    let mut writer = Writer { steps: Vec::new(), depth: 0, deepest: 0 };
    writer.tree(&tree, tree.unit)?;
    (writer.deepest <= DEPTH).then_some(Quick { steps: writer.steps, unit: tree.unit })
}

impl Tree {
    fn of(op: Op, parts: Vec<Self>) -> Self {
        let is_constant = !parts.is_empty() && parts.iter().all(|part| matches!(part.op, Op::Constant(_)));
        if is_constant && !matches!(op, Op::Curve(_)) {
            let ops = parts.into_iter().map(|part| part.op).chain([op]).collect();
            let value = Program { ops, ..Program::default() }.eval_wide_micro(&Scope::of(&[]));
            return Self::of(Op::Constant(value), Vec::new());
        }
        let both = |parts: &[Self]| parts.iter().fold(Unit::Whole, |unit, part| unit.with(part.unit));
        let unit = match op {
            Op::Constant(value) if value % MICRO != 0 => Unit::Micro,
            Op::Constant(_) | Op::Source(_) | Op::Target(_) | Op::Input(_) | Op::Floor | Op::Ceil | Op::Round => {
                Unit::Whole
            }
            Op::Less | Op::AtMost | Op::Equal => Unit::Whole,
            Op::Divide | Op::Root | Op::Curve(_) => Unit::Micro,
            Op::Select => both(&parts[1..]),
            _ => both(&parts),
        };
        Self { op, parts, unit }
    }

    /// The value, if it needs no working out and can be had in a unit.
    fn leaf(&self, unit: Unit) -> Option<Leaf> {
        match self.op {
            Op::Constant(value) => {
                let value = if unit == Unit::Micro { value } else { value / MICRO };
                Some(Leaf::Constant(i64::try_from(value).ok()?))
            }
            _ if unit == Unit::Micro => None,
            Op::Source(index) => Some(Leaf::Source(index)),
            Op::Target(index) => Some(Leaf::Target(index)),
            Op::Input(input) => Some(Leaf::Input(input)),
            _ => None,
        }
    }
}

struct Writer {
    steps: Vec<Step>,
    depth: usize,
    deepest: usize,
}

impl Writer {
    fn load(&mut self, leaf: Leaf) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        self.steps.push(Step::Load(leaf));
    }

    /// Writes what works a part out in a unit.
    fn tree(&mut self, tree: &Tree, unit: Unit) -> Option<()> {
        if let Some(leaf) = tree.leaf(unit) {
            self.load(leaf);
            return Some(());
        }
        match (&tree.op, &tree.parts[..]) {
            (Op::Constant(_), _) => return None,
            (_, []) => self.load(tree.leaf(Unit::Whole)?),
            (op, [part]) => self.one(op, part)?,
            (op, [left, right]) => self.two(op, left, right)?,
            (op, parts) => self.three(op, parts, tree.unit)?,
        }
        if tree.unit == Unit::Whole && unit == Unit::Micro {
            self.steps.push(Step::Scale);
        }
        Some(())
    }

    fn one(&mut self, op: &Op, part: &Tree) -> Option<()> {
        let is_whole = part.unit == Unit::Whole;
        let (unit, step) = match *op {
            Op::Negate => (part.unit, Step::Negate),
            Op::Abs => (part.unit, Step::Abs),
            // A whole number is its own floor.
            Op::Floor | Op::Ceil | Op::Round if is_whole => return self.tree(part, Unit::Whole),
            Op::Floor => (Unit::Micro, Step::Floor),
            Op::Ceil => (Unit::Micro, Step::Ceil),
            Op::Round => (Unit::Micro, Step::Round),
            Op::Root => (Unit::Micro, Step::Root),
            Op::Power(exponent) if is_whole => (Unit::Whole, Step::PowerWhole(exponent)),
            Op::Power(exponent) => (Unit::Micro, Step::PowerMicro(exponent)),
            Op::Curve(index) => (Unit::Micro, Step::Curve(index)),
            _ => return None,
        };
        self.tree(part, unit)?;
        self.steps.push(step);
        Some(())
    }

    fn two(&mut self, op: &Op, left: &Tree, right: &Tree) -> Option<()> {
        let same = left.unit.with(right.unit);
        let (left_unit, right_unit, two) = match (op, left.unit, right.unit) {
            (Op::Add, ..) => (same, same, Two::Add),
            (Op::Subtract, ..) => (same, same, Two::Subtract),
            (Op::Multiply, Unit::Micro, Unit::Micro) => (same, same, Two::MultiplyMicro),
            (Op::Multiply, own, other) => (own, other, Two::Multiply),
            (Op::Divide, Unit::Whole, Unit::Whole) => {
                if let Op::Constant(by) = right.op
                    && let Some(times) = whole_inverse(by)
                {
                    self.tree(left, Unit::Whole)?;
                    self.steps.push(Step::With(Two::Multiply, Leaf::Constant(times)));
                    return Some(());
                }
                (Unit::Whole, Unit::Whole, Two::DivideWholes)
            }
            (Op::Divide, Unit::Micro, Unit::Whole) => (Unit::Micro, Unit::Whole, Two::DivideBy),
            (Op::Divide, _, Unit::Micro) => (Unit::Micro, Unit::Micro, Two::DivideMicro),
            (Op::Remainder, ..) => (same, same, Two::Remainder),
            (Op::Less, ..) => (same, same, Two::Less),
            (Op::AtMost, ..) => (same, same, Two::AtMost),
            (Op::Equal, ..) => (same, same, Two::Equal),
            (Op::Min, ..) => (same, same, Two::Min),
            (Op::Max, ..) => (same, same, Two::Max),
            _ => return None,
        };
        self.tree(left, left_unit)?;
        if let Some(leaf) = right.leaf(right_unit) {
            self.steps.push(Step::With(two, leaf));
        } else {
            self.tree(right, right_unit)?;
            self.depth -= 1;
            self.steps.push(Step::Take(two));
        }
        Some(())
    }

    fn three(&mut self, op: &Op, parts: &[Tree], unit: Unit) -> Option<()> {
        let [first, second, third] = parts else { return None };
        let (first_unit, step) = match op {
            Op::Clamp => (unit, Step::Clamp),
            // Whether it is 0 is the same in both units.
            Op::Select => (first.unit, Step::Select),
            _ => return None,
        };
        self.tree(first, first_unit)?;
        self.tree(second, unit)?;
        self.tree(third, unit)?;
        self.depth -= 2;
        self.steps.push(step);
        Some(())
    }
}

/// How many millionths a whole one is in parts of a constant, if that is a whole number.
fn whole_inverse(by: i128) -> Option<i64> {
    let by = by / MICRO;
    (by > 0 && MICRO % by == 0).then(|| i64::try_from(MICRO / by).ok())?
}

impl Quick {
    /// The value in [`Self::unit`]; `None` where 64 bits are too few.
    #[inline]
    pub(super) fn run(&self, program: &Program, scope: &Scope<'_>) -> Option<i64> {
        let mut stack = [0_i64; DEPTH];
        let (mut top, mut acc) = (0_usize, 0_i64);
        for step in &self.steps {
            match *step {
                Step::Load(leaf) => {
                    stack[top % DEPTH] = acc;
                    top += 1;
                    acc = leaf.value(program, scope);
                }
                Step::With(two, leaf) => acc = two.of(acc, leaf.value(program, scope))?,
                Step::Take(two) => {
                    top = top.wrapping_sub(1);
                    acc = two.of(stack[top % DEPTH], acc)?;
                }
                Step::Scale => acc = acc.checked_mul(ONE)?,
                Step::Negate => acc = acc.checked_neg()?,
                Step::Abs => acc = acc.checked_abs()?,
                Step::Floor => acc = acc.div_euclid(ONE),
                Step::Ceil => acc = -acc.checked_neg()?.div_euclid(ONE),
                Step::Round => acc = rounded(acc, ONE)?,
                Step::Root => acc = i64::try_from(root(i128::from(acc))).ok()?,
                Step::PowerWhole(exponent) => acc = acc.checked_pow(u32::from(exponent))?,
                Step::PowerMicro(exponent) => acc = power(acc, exponent)?,
                Step::Curve(index) => {
                    let curve = program.curves.get(usize::from(index));
                    acc = i64::try_from(curve.map_or(0, |curve| curve.at_micro(i128::from(acc)))).ok()?;
                }
                Step::Clamp => {
                    top = top.wrapping_sub(2);
                    acc = stack[top % DEPTH].max(stack[top.wrapping_add(1) % DEPTH]).min(acc);
                }
                Step::Select => {
                    top = top.wrapping_sub(2);
                    if stack[top % DEPTH] != 0 {
                        acc = stack[top.wrapping_add(1) % DEPTH];
                    }
                }
            }
        }
        Some(acc)
    }
}

impl Leaf {
    #[inline]
    fn value(self, program: &Program, scope: &Scope<'_>) -> i64 {
        match self {
            Self::Constant(value) => value,
            Self::Source(index) => attribute_of(scope.source, index),
            Self::Target(index) => attribute_of(scope.target.unwrap_or(scope.source), index),
            Self::Input(input) => program.input(input, scope),
        }
    }
}

impl Two {
    #[inline]
    fn of(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Self::Add => a.checked_add(b),
            Self::Subtract => a.checked_sub(b),
            Self::Multiply => a.checked_mul(b),
            Self::MultiplyMicro => multiplied(a, b),
            Self::DivideWholes => rounded(a.checked_mul(ONE)?, b),
            Self::DivideBy => rounded(a, b),
            Self::DivideMicro => match a.checked_mul(ONE) {
                Some(scaled) => rounded(scaled, b),
                None => i64::try_from(super::divide(i128::from(a), i128::from(b))).ok(),
            },
            Self::Remainder if b == 0 => Some(0),
            Self::Remainder => a.checked_rem_euclid(b),
            Self::Less => Some(i64::from(a < b)),
            Self::AtMost => Some(i64::from(a <= b)),
            Self::Equal => Some(i64::from(a == b)),
            Self::Min => Some(a.min(b)),
            Self::Max => Some(a.max(b)),
        }
    }
}

/// `a x b` of millionths, rounded to the nearest, halves away from zero.
#[inline]
fn multiplied(a: i64, b: i64) -> Option<i64> {
    match a.checked_mul(b) {
        Some(product) => {
            let half = if product < 0 { -ONE / 2 } else { ONE / 2 };
            Some(product.checked_add(half)? / ONE)
        }
        None => i64::try_from(multiply(i128::from(a), i128::from(b))).ok(),
    }
}

/// `a / b` rounded to the nearest, halves away from zero; 0 by 0.
#[inline]
fn rounded(a: i64, b: i64) -> Option<i64> {
    if b == 0 {
        return Some(0);
    }
    let (quotient, rest) = (a.checked_div(b)?, a % b);
    let up = i64::from(rest.unsigned_abs() >= b.unsigned_abs().div_ceil(2));
    if (a < 0) == (b < 0) { quotient.checked_add(up) } else { quotient.checked_sub(up) }
}

fn power(base: i64, exponent: u8) -> Option<i64> {
    (0..exponent).try_fold(ONE, |product, _| multiplied(product, base))
}
