//! The numbers of an actor and how modifiers change them: `(base + flat) x (1 + sum of increased) x product of
//! more`, then rounded and clamped to the attribute's range. Integers throughout: the running value is kept in
//! ten-thousandths, factors of "more" are taken in ascending order, every rounding is half away from zero.
//! The result does not depend on the order in which modifiers came.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::Worth;
use crate::actor::Faction;
use crate::assets::{Attribute, AttributeTable, ModifierOp};
use crate::digest::{Digest, Digester};

/// Ten-thousandths in one, and basis points in a whole.
const BP: i128 = 10_000;
/// Bound of every intermediate value: far above any attribute, and its square root of `i128` still has room.
const VALUE_MAX: i128 = 1_000_000_000_000_000_000;

/// Base and current values of an actor. Written when it appears and, by buffs, when their list changes.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    base: [i32; Attribute::COUNT],
    current: [i32; Attribute::COUNT],
}

/// Nothing but normal speed: an actor that can neither be hurt nor hurt.
impl Default for Attributes {
    fn default() -> Self {
        let mut base = [0; Attribute::COUNT];
        base[Attribute::MoveSpeedBp.index()] = 10_000;
        Self { base, current: base }
    }
}

/// One modifier in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which attribute.
    pub attribute: Attribute,
    /// How.
    pub op: ModifierOp,
    /// What its amount is multiplied by (stacks), from 1.
    pub times: u8,
}

impl Attributes {
    /// The base values of a class or a monster, nothing modified.
    #[must_use]
    pub fn of(table: &AttributeTable) -> Self {
        let base = Attribute::ALL.map(|attribute| table.get(attribute));
        Self { base, current: base }
    }

    /// The value without modifiers.
    #[must_use]
    pub fn base(&self, attribute: Attribute) -> i32 {
        self.base[attribute.index()]
    }

    /// The value in force.
    #[must_use]
    pub fn current(&self, attribute: Attribute) -> i32 {
        self.current[attribute.index()]
    }

    /// The same base with these modifiers in force, in any order.
    #[must_use]
    pub fn with(&self, changes: &[Change]) -> Self {
        let mut current = self.base;
        for attribute in Attribute::ALL {
            let own: Vec<&Change> = changes.iter().filter(|change| change.attribute == attribute).collect();
            if !own.is_empty() {
                current[attribute.index()] = modified(attribute, self.base(attribute), &own);
            }
        }
        Self { base: self.base, current }
    }

    /// What its owner's deeds are worth now.
    #[must_use]
    pub fn worth(&self, faction: Faction) -> Worth {
        Worth { attributes: Arc::from(self.current), faction }
    }
}

fn modified(attribute: Attribute, base: i32, changes: &[&Change]) -> i32 {
    let (mut flat, mut increased_bp, mut more_bp) = (0_i64, 0_i64, Vec::new());
    for change in changes {
        let times = i64::from(change.times);
        match change.op {
            ModifierOp::Flat(amount) => flat += i64::from(amount) * times,
            ModifierOp::Increased(amount) => increased_bp += i64::from(amount) * times,
            ModifierOp::More(amount) => more_bp.push(i64::from(amount) * times),
        }
    }
    let (min, max) = range(attribute);
    let value = combine(i64::from(base), flat, increased_bp, &mut more_bp);
    i32::try_from(value.clamp(i64::from(min), i64::from(max))).unwrap_or(max)
}

/// The pipeline for one value; `more_bp` is sorted on the way. Saturates at ten to the 14th.
#[must_use]
pub fn combine(base: i64, flat: i64, increased_bp: i64, more_bp: &mut [i64]) -> i64 {
    let factor = |bp: i64| (BP + i128::from(bp)).max(0);
    let mut value = (i128::from(base) + i128::from(flat)) * factor(increased_bp);
    value = value.clamp(-VALUE_MAX, VALUE_MAX);
    more_bp.sort_unstable();
    for &bp in more_bp.iter() {
        value = divide(value * factor(bp), BP).clamp(-VALUE_MAX, VALUE_MAX);
    }
    i64::try_from(divide(value, BP)).unwrap_or(i64::MAX)
}

/// Division rounded half away from zero.
const fn divide(value: i128, by: i128) -> i128 {
    let half = if value < 0 { -by / 2 } else { by / 2 };
    (value + half) / by
}

const fn range(attribute: Attribute) -> (i32, i32) {
    match attribute {
        Attribute::HpMax => (1, 100_000_000),
        Attribute::MpMax => (0, 10_000_000),
        Attribute::Attack | Attribute::Defence => (0, 1_000_000),
        Attribute::CritRateBp => (0, 10_000),
        Attribute::CritDamageBp => (10_000, 100_000),
        Attribute::MoveSpeedBp => (0, 30_000),
        Attribute::HpRegenMilli | Attribute::MpRegenMilli => (0, 1_000_000_000),
    }
}

impl Digest for Attributes {
    fn digest(&self, digester: &mut Digester) {
        for value in self.base.iter().chain(&self.current) {
            digester.i64(i64::from(*value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_example_comes_out_to_the_thousandth() {
        // 10 flat, +30 % and -20 % increased, 10 % more, 5 % less = 11.495; in thousandths.
        assert_eq!(combine(0, 10_000, 3_000 - 2_000, &mut [1_000, -500]), 11_495);
        // {1.1, 0.5} multiplied are 0.55, not 0.6.
        assert_eq!(combine(1_000, 0, 0, &mut [1_000, -5_000]), 550);
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(combine(5, 0, 1_000, &mut []), 6);
        assert_eq!(combine(-5, 0, 1_000, &mut []), -6);
        assert_eq!(combine(4, 0, 1_000, &mut []), 4);
    }

    #[test]
    fn reductions_beyond_all_of_it_leave_nothing_and_not_less() {
        assert_eq!(combine(100, 0, -20_000, &mut []), 0);
        assert_eq!(combine(100, 0, 0, &mut [-20_000, 5_000]), 0);
    }

    fn any_change() -> impl Strategy<Value = Change> {
        let op = prop_oneof![
            any::<i32>().prop_map(ModifierOp::Flat),
            any::<i32>().prop_map(ModifierOp::Increased),
            any::<i32>().prop_map(ModifierOp::More),
            (-9_000..9_000).prop_map(ModifierOp::More),
        ];
        (prop::sample::select(&Attribute::ALL[..]), op, 1_u8..).prop_map(|(attribute, op, times)| Change {
            attribute,
            op,
            times,
        })
    }

    proptest! {
        #[test]
        fn the_order_of_modifiers_never_matters(
            (changes, shuffled) in prop::collection::vec(any_change(), 0..40)
                .prop_flat_map(|changes| (Just(changes.clone()), Just(changes).prop_shuffle())),
        ) {
            let base = Attributes::default();
            prop_assert_eq!(base.with(&changes), base.with(&shuffled));
        }
    }
}
