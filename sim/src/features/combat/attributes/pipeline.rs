//! The arithmetic of modifiers, pure: `(base + flat) x (1 + sum of increased) x product of more`, then the greatest override,
//! then the bounds, then rounding into the attribute's range. Integers throughout: the running value is kept in
//! ten-thousandths, factors of "more" are taken in ascending order, intermediate rounding is half away from zero.
//! The result does not depend on the order in which modifiers come.

use smallvec::SmallVec;

use super::Change;
use crate::assets::{AttributeDef, ModifierOp, Rounding};

/// Ten-thousandths in one, and basis points in a whole.
const BP: i128 = 10_000;
/// Bound of every intermediate value: far above any attribute, and its square root of `i128` still has room.
const VALUE_MAX: i128 = 1_000_000_000_000_000_000;

/// What an attribute may be, as the pipeline needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) min: i32,
    pub(super) max: i32,
    pub(super) round: Rounding,
}

impl From<&AttributeDef> for Limits {
    fn from(def: &AttributeDef) -> Self {
        Self { min: def.min, max: def.max.max(def.min), round: def.round }
    }
}

/// The sums of all modifiers of one attribute.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) flat: i64,
    pub(super) increased_bp: i64,
    /// Ascending.
    pub(super) more_bp: SmallVec<[i64; 4]>,
    pub(super) fixed: Option<i64>,
    pub(super) at_least: Option<i64>,
    pub(super) at_most: Option<i64>,
}

impl Sums {
    pub(super) fn of<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Self {
        let mut sums = Self::default();
        for change in changes {
            let amount = change.amount();
            match change.op {
                ModifierOp::Flat(_) => sums.flat = sums.flat.saturating_add(amount),
                ModifierOp::Increased(_) => sums.increased_bp = sums.increased_bp.saturating_add(amount),
                ModifierOp::More(_) => sums.more_bp.push(amount),
                ModifierOp::Override(_) => sums.fixed = sums.fixed.max(Some(amount)),
                ModifierOp::ClampMin(_) => sums.at_least = sums.at_least.max(Some(amount)),
                ModifierOp::ClampMax(_) => sums.at_most = Some(sums.at_most.map_or(amount, |least| least.min(amount))),
            }
        }
        sums.more_bp.sort_unstable();
        sums
    }

    /// What a base value becomes.
    pub(super) fn apply(&self, base: i64, limits: Limits) -> i32 {
        let combined = match self.fixed {
            Some(fixed) => i128::from(fixed) * BP,
            None => combine(base, self.flat, self.increased_bp, &self.more_bp),
        };
        let raised = combined.max(self.at_least.map_or(i128::MIN, |least| i128::from(least) * BP));
        let bounded = raised.min(self.at_most.map_or(i128::MAX, |most| i128::from(most) * BP));
        let whole = limits.round.divide(bounded, BP);
        i32::try_from(whole.clamp(i128::from(limits.min), i128::from(limits.max))).unwrap_or(limits.max)
    }
}

/// The product in ten-thousandths; `more_bp` is ascending. Saturates far above any attribute.
pub(super) fn combine(base: i64, flat: i64, increased_bp: i64, more_bp: &[i64]) -> i128 {
    let mut value = (i128::from(base) + i128::from(flat)) * factor(increased_bp);
    value = value.clamp(-VALUE_MAX, VALUE_MAX);
    for &bp in more_bp {
        value = scaled(value, bp);
    }
    value
}

/// One step of "more" on a value in ten-thousandths.
pub(super) fn scaled(value: i128, more_bp: i64) -> i128 {
    Rounding::HalfUp.divide(value * factor(more_bp), BP).clamp(-VALUE_MAX, VALUE_MAX)
}

/// Nothing is taken away more than all of it.
fn factor(bp: i64) -> i128 {
    (BP + i128::from(bp)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(base: i64, flat: i64, increased_bp: i64, more_bp: &[i64]) -> i128 {
        Rounding::HalfUp.divide(combine(base, flat, increased_bp, more_bp), BP)
    }

    #[test]
    fn the_published_example_comes_out_to_the_thousandth() {
        // 10 flat, +30 % and -20 % increased, 10 % more, 5 % less = 11.495; in thousandths.
        assert_eq!(rounded(0, 10_000, 3_000 - 2_000, &[-500, 1_000]), 11_495);
        // {1.1, 0.5} multiplied are 0.55, not 0.6.
        assert_eq!(rounded(1_000, 0, 0, &[-5_000, 1_000]), 550);
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!([5, -5, 4].map(|base| rounded(base, 0, 1_000, &[])), [6, -6, 4]);
    }

    #[test]
    fn reductions_beyond_all_of_it_leave_nothing_and_not_less() {
        assert_eq!(rounded(100, 0, -20_000, &[]), 0);
        assert_eq!(rounded(100, 0, 0, &[-20_000, 5_000]), 0);
    }
}
