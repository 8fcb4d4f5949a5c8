//! Intervals: the least and the greatest value an expression can take. Every function here encloses what the operation of
//! the same name in `program` does with any operands out of the intervals, its rounding included.

use super::{MICRO, divide, multiply, power, root, round_whole, written};

/// All values from `lo` to `hi`, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The least.
    pub lo: i128,
    /// The greatest.
    pub hi: i128,
}

impl Interval {
    /// From one whole number to another.
    #[must_use]
    pub const fn whole(lo: i64, hi: i64) -> Self {
        Self { lo: lo as i128 * MICRO, hi: hi as i128 * MICRO }
    }

    pub(super) const fn only(value: i128) -> Self {
        Self { lo: value, hi: value }
    }

    /// Whether a value in millionths lies in it.
    #[must_use]
    pub const fn contains(self, value: i128) -> bool {
        self.lo <= value && value <= self.hi
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    pub(super) const fn negate(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }

    pub(super) const fn add(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, hi: self.hi + other.hi }
    }

    pub(super) const fn subtract(self, other: Self) -> Self {
        self.add(other.negate())
    }

    /// The least and the greatest of an operation that is monotonous in each operand.
    fn corners(self, other: Self, operation: impl Fn(i128, i128) -> i128) -> Self {
        let corners = [(self.lo, other.lo), (self.lo, other.hi), (self.hi, other.lo), (self.hi, other.hi)]
            .map(|(a, b)| operation(a, b));
        Self { lo: corners.into_iter().min().unwrap_or(0), hi: corners.into_iter().max().unwrap_or(0) }
    }

    pub(super) fn multiply(self, other: Self) -> Self {
        self.corners(other, multiply)
    }

    /// `other` does not contain zero.
    pub(super) fn divide(self, other: Self) -> Self {
        self.corners(other, divide)
    }

    /// `other` does not contain zero.
    pub(super) fn remainder(self, other: Self) -> Self {
        let below = other.lo.abs().max(other.hi.abs()) - 1;
        let is_itself = self.lo >= 0 && other.lo > 0 && self.hi < other.lo;
        if is_itself { self } else { Self { lo: 0, hi: if self.lo >= 0 { below.min(self.hi) } else { below } } }
    }

    pub(super) fn min(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.min(other.hi) }
    }

    pub(super) fn max(self, other: Self) -> Self {
        Self { lo: self.lo.max(other.lo), hi: self.hi.max(other.hi) }
    }

    /// An operation that never falls as its operand grows.
    pub(super) fn rising(self, operation: impl Fn(i128) -> i128) -> Self {
        Self { lo: operation(self.lo), hi: operation(self.hi) }
    }

    pub(super) fn round(self) -> Self {
        self.rising(round_whole)
    }

    pub(super) fn abs(self) -> Self {
        let (lo, hi) = (self.lo.abs(), self.hi.abs());
        if self.contains(0) { Self { lo: 0, hi: lo.max(hi) } } else { Self { lo: lo.min(hi), hi: lo.max(hi) } }
    }

    /// `self` is not below zero.
    pub(super) fn root(self) -> Self {
        self.rising(root)
    }

    pub(super) fn power(self, exponent: u8) -> Self {
        match (exponent, exponent % 2) {
            (0, _) => Self::only(MICRO),
            (_, 1) => self.rising(|base| power(base, exponent)),
            _ => self.abs().rising(|base| power(base, exponent)),
        }
    }

    /// What a comparison can come to, given when it is surely true and when surely false.
    pub(super) const fn flag(surely: bool, never: bool) -> Self {
        match (surely, never) {
            (true, _) => Self::only(MICRO),
            (_, true) => Self::only(0),
            _ => Self { lo: 0, hi: MICRO },
        }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", written(self.lo), written(self.hi))
    }
}
