//! A formula ready to run: operations on a small stack of 128 bits, no allocation, no branch on data, and the same on 64
//! bits (`quick`), which is asked first. Inputs are clamped to the ranges the formula was checked with, so what the check
//! proved always holds.

use std::sync::Arc;

use super::quick::{self, Quick, Unit};
use super::{MICRO, divide, limited, multiply, power, root, round_whole};
use crate::assets::{AttributeId, CurveLine, Rounding};

/// Deepest stack of a program; the binder refuses what needs more.
pub(super) const STACK_MAX: usize = 24;

/// One operation; operands come from the stack, results go there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    /// A constant in millionths.
    Constant(i128),
    /// An attribute of the source.
    Source(u16),
    /// An attribute of the target.
    Target(u16),
    Input(Input),
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    AtMost,
    Equal,
    Min,
    Max,
    /// `clamp(x, lo, hi)`; the upper bound wins.
    Clamp,
    /// `if(c, a, b)`.
    Select,
    Floor,
    Ceil,
    Round,
    Abs,
    Root,
    Power(u8),
    Curve(u16),
}

impl Op {
    /// How many values it takes.
    pub(super) const fn operands(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Source(_) | Self::Target(_) | Self::Input(_) => 0,
            Self::Negate | Self::Floor | Self::Ceil | Self::Round | Self::Abs | Self::Root => 1,
            Self::Power(_) | Self::Curve(_) => 1,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder => 2,
            Self::Less | Self::AtMost | Self::Equal | Self::Min | Self::Max => 2,
            Self::Clamp | Self::Select => 3,
        }
    }
}

/// What a formula may ask about besides attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Coef,
    Stacks,
    Amount,
    Absorbed,
    Crit,
    Level,
    TargetLevel,
    Hp,
    Mana,
    TargetHp,
    TargetMana,
}

/// What a formula is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Values of the source, by the index of their attributes.
    pub source: &'a [i32],
    /// Values of the target; without one the source stands for it.
    pub target: Option<&'a [i32]>,
    /// Level of the source, 1 to 100.
    pub level: u16,
    /// Level of the target.
    pub target_level: u16,
    /// Hit points and mana points the source has now.
    pub pools: (u32, u32),
    /// Hit points and mana points the target has now.
    pub target_pools: (u32, u32),
    /// What the action says, thousandths by convention.
    pub coef: i32,
    /// Stacks of the effect behind it, from 1.
    pub stacks: u32,
    /// What happened: for what reacts to a blow.
    pub cause: Trigger,
}

/// What happened that a formula reacts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trigger {
    /// Points that arrived.
    pub amount: u32,
    /// Points that shields took before that.
    pub absorbed: u32,
    /// Whether it was critical.
    pub crit: bool,
}

impl<'a> Scope<'a> {
    /// A source of level 1 alone, with nothing else said.
    #[must_use]
    pub const fn of(source: &'a [i32]) -> Self {
        Self {
            source,
            target: None,
            level: 1,
            target_level: 1,
            pools: (0, 0),
            target_pools: (0, 0),
            coef: 0,
            stacks: 1,
            cause: Trigger { amount: 0, absorbed: 0, crit: false },
        }
    }
}

/// A formula that has been parsed, bound and checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) curves: Vec<Arc<CurveLine>>,
    pub(super) coef: (i32, i32),
    /// The same on 64 bits, unless it is too deep for that.
    pub(super) quick: Option<Quick>,
}

impl Program {
    /// The attributes of the source it asks for, each as often as it does.
    pub fn sources(&self) -> impl Iterator<Item = AttributeId> {
        self.ops.iter().filter_map(|op| match op {
            Op::Source(index) => Some(AttributeId::new(*index)),
            _ => None,
        })
    }

    /// The program of these operations, with its short way.
    pub(super) fn finished(mut self) -> Self {
        self.quick = quick::compile(&self.ops);
        self
    }

    /// The value in millionths; 0 for a formula without text.
    #[must_use]
    pub fn eval_micro(&self, scope: &Scope<'_>) -> i128 {
        match self.short(scope) {
            Some((value, Unit::Micro)) => i128::from(value),
            Some((value, Unit::Whole)) => i128::from(value) * MICRO,
            None => self.eval_wide_micro(scope),
        }
    }

    /// The value in millionths by the wide program, which the short way has to agree with: the reference of tests.
    #[must_use]
    pub fn eval_wide_micro(&self, scope: &Scope<'_>) -> i128 {
        let mut stack = [0_i128; STACK_MAX];
        let mut top = 0;
        for op in &self.ops {
            let operands = self.step(op, scope, &mut stack, top);
            top = top + 1 - operands;
        }
        stack[0]
    }

    /// The value in millionths on 64 bits; `None` where those are too few.
    #[must_use]
    pub fn eval_short_micro(&self, scope: &Scope<'_>) -> Option<i64> {
        match self.short(scope)? {
            (value, Unit::Micro) => Some(value),
            (value, Unit::Whole) => value.checked_mul(MICRO as i64),
        }
    }

    #[inline]
    fn short(&self, scope: &Scope<'_>) -> Option<(i64, Unit)> {
        let quick = self.quick.as_ref()?;
        Some((quick.run(self, scope)?, quick.unit))
    }

    /// The value as a whole number, rounded as told.
    #[must_use]
    pub fn eval(&self, scope: &Scope<'_>, round: Rounding) -> i64 {
        match self.short(scope) {
            Some((value, Unit::Whole)) => value,
            Some((value, Unit::Micro)) => round.divide_short(value, MICRO as i64),
            None => i64::try_from(round.divide(self.eval_wide_micro(scope), MICRO)).unwrap_or(i64::MAX),
        }
    }

    /// Carries out one operation on the operands below `top` and returns how many it took.
    #[inline]
    fn step(&self, op: &Op, scope: &Scope<'_>, stack: &mut [i128; STACK_MAX], top: usize) -> usize {
        // Operands the operation does not have read an unused place; the binder proved the depth.
        let at = |back: usize| stack[top.wrapping_sub(back) % STACK_MAX];
        let (c, b, a) = (at(3), at(2), at(1));
        let flag = |is: bool| if is { MICRO } else { 0 };
        let (operands, value) = match *op {
            Op::Constant(value) => (0, value),
            Op::Source(index) => (0, attribute(scope.source, index)),
            Op::Target(index) => (0, attribute(scope.target.unwrap_or(scope.source), index)),
            Op::Input(input) => (0, i128::from(self.input(input, scope)) * MICRO),
            Op::Negate => (1, -a),
            Op::Floor => (1, a.div_euclid(MICRO) * MICRO),
            Op::Ceil => (1, -((-a).div_euclid(MICRO)) * MICRO),
            Op::Round => (1, round_whole(a)),
            Op::Abs => (1, a.abs()),
            Op::Root => (1, root(a)),
            Op::Power(exponent) => (1, power(a, exponent)),
            Op::Curve(index) => (1, self.curves.get(usize::from(index)).map_or(0, |curve| curve.at_micro(a))),
            Op::Add => (2, limited(b + a)),
            Op::Subtract => (2, limited(b - a)),
            Op::Multiply => (2, multiply(b, a)),
            Op::Divide => (2, divide(b, a)),
            Op::Remainder => (2, if a == 0 { 0 } else { b.rem_euclid(a) }),
            Op::Less => (2, flag(b < a)),
            Op::AtMost => (2, flag(b <= a)),
            Op::Equal => (2, flag(b == a)),
            Op::Min => (2, b.min(a)),
            Op::Max => (2, b.max(a)),
            Op::Clamp => (3, c.max(b).min(a)),
            Op::Select => (3, if c != 0 { b } else { a }),
        };
        stack[(top - operands) % STACK_MAX] = value;
        operands
    }

    /// An input, whole.
    #[inline]
    pub(super) fn input(&self, input: Input, scope: &Scope<'_>) -> i64 {
        match input {
            Input::Coef => i64::from(scope.coef.clamp(self.coef.0, self.coef.1)),
            Input::Stacks => i64::from(scope.stacks.clamp(1, super::bind::STACKS_MAX)),
            Input::Amount => i64::from(scope.cause.amount).min(super::bind::AMOUNT_MAX),
            Input::Absorbed => i64::from(scope.cause.absorbed).min(super::bind::AMOUNT_MAX),
            Input::Crit => i64::from(scope.cause.crit),
            Input::Level => i64::from(scope.level.clamp(1, super::bind::LEVEL_MAX)),
            Input::TargetLevel => i64::from(scope.target_level.clamp(1, super::bind::LEVEL_MAX)),
            Input::Hp => i64::from(scope.pools.0),
            Input::Mana => i64::from(scope.pools.1),
            Input::TargetHp => i64::from(scope.target_pools.0),
            Input::TargetMana => i64::from(scope.target_pools.1),
        }
    }
}

fn attribute(values: &[i32], index: u16) -> i128 {
    i128::from(attribute_of(values, index)) * MICRO
}

/// An attribute, whole.
#[inline]
pub(super) fn attribute_of(values: &[i32], index: u16) -> i64 {
    i64::from(values.get(usize::from(index)).copied().unwrap_or(0))
}
