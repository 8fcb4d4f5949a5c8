//! The numbers of an actor and how modifiers change them: `(base + flat) x (1 + sum of increased) x product of
//! more`, then rounded and clamped to the attribute's range. Integers throughout: the running value is kept in
//! ten-thousandths, factors of "more" are taken in ascending order, every rounding is half away from zero.
//! The result does not depend on the order in which modifiers came.

use std::sync::{Arc, LazyLock};

use bevy_ecs::prelude::*;

use super::{Level, Worth};
use crate::actor::Faction;
use crate::assets::{AttributeDef, AttributeId, AttributeRegistry, CORE_ATTRIBUTES, ModifierOp, Rounding};
use crate::digest::{Digest, Digester};

/// Ten-thousandths in one, and basis points in a whole.
const BP: i128 = 10_000;
/// Bound of every intermediate value: far above any attribute, and its square root of `i128` still has room.
const VALUE_MAX: i128 = 1_000_000_000_000_000_000;

/// Base and current values of an actor. Written when it appears and, by buffs, when their list changes.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    base: Arc<[i32]>,
    current: Arc<[i32]>,
}

/// Nothing but normal speed: an actor that can neither be hurt nor hurt.
static NOTHING: LazyLock<Arc<[i32]>> = LazyLock::new(|| {
    let mut base = vec![0; CORE_ATTRIBUTES.len()];
    base[AttributeId::SPEED_BP.index()] = 10_000;
    base.into()
});

impl Default for Attributes {
    fn default() -> Self {
        Self::of(NOTHING.clone())
    }
}

/// One modifier in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which attribute.
    pub attribute: AttributeId,
    /// How.
    pub op: ModifierOp,
    /// What its amount is multiplied by (stacks), from 1.
    pub times: u8,
}

impl Attributes {
    /// The base values of a class or a monster at its level ([`AttributeRegistry::at_level`]), nothing modified.
    #[must_use]
    pub fn of(base: Arc<[i32]>) -> Self {
        Self { current: base.clone(), base }
    }

    /// The value without modifiers.
    #[must_use]
    pub fn base(&self, attribute: AttributeId) -> i32 {
        self.base.get(attribute.index()).copied().unwrap_or(0)
    }

    /// The value in force; 0 for an attribute the actor does not have.
    #[must_use]
    pub fn current(&self, attribute: AttributeId) -> i32 {
        self.current.get(attribute.index()).copied().unwrap_or(0)
    }

    /// All values in force, by the index of their attributes. Shared: a snapshot is a clone of the pointer.
    #[must_use]
    pub const fn all(&self) -> &Arc<[i32]> {
        &self.current
    }

    /// The same base with these modifiers in force, in any order.
    #[must_use]
    pub fn with(&self, changes: &[Change], registry: &AttributeRegistry) -> Self {
        if changes.is_empty() {
            return Self::of(self.base.clone());
        }
        let mut current = self.base.to_vec();
        for (attribute, def) in registry.iter() {
            let own: Vec<&Change> = changes.iter().filter(|change| change.attribute == attribute).collect();
            if let Some(value) = current.get_mut(attribute.index()).filter(|_| !own.is_empty()) {
                *value = modified(def, *value, &own);
            }
        }
        Self { base: self.base.clone(), current: current.into() }
    }

    /// What its owner's deeds are worth now.
    #[must_use]
    pub fn worth(&self, level: Level, faction: Faction) -> Worth {
        Worth { attributes: self.current.clone(), level: level.0, faction }
    }
}

fn modified(def: &AttributeDef, base: i32, changes: &[&Change]) -> i32 {
    let (mut flat, mut increased_bp, mut more_bp) = (0_i64, 0_i64, Vec::new());
    for change in changes {
        let times = i64::from(change.times);
        match change.op {
            ModifierOp::Flat(amount) => flat += i64::from(amount) * times,
            ModifierOp::Increased(amount) => increased_bp += i64::from(amount) * times,
            ModifierOp::More(amount) => more_bp.push(i64::from(amount) * times),
        }
    }
    let value = combine(i64::from(base), flat, increased_bp, &mut more_bp, def.round);
    i32::try_from(value.clamp(i64::from(def.min), i64::from(def.max))).unwrap_or(def.max)
}

/// The pipeline for one value; `more_bp` is sorted on the way. Saturates at ten to the 14th.
#[must_use]
pub fn combine(base: i64, flat: i64, increased_bp: i64, more_bp: &mut [i64], round: Rounding) -> i64 {
    let factor = |bp: i64| (BP + i128::from(bp)).max(0);
    let mut value = (i128::from(base) + i128::from(flat)) * factor(increased_bp);
    value = value.clamp(-VALUE_MAX, VALUE_MAX);
    more_bp.sort_unstable();
    for &bp in more_bp.iter() {
        value = Rounding::HalfUp.divide(value * factor(bp), BP).clamp(-VALUE_MAX, VALUE_MAX);
    }
    i64::try_from(round.divide(value, BP)).unwrap_or(i64::MAX)
}

impl Digest for Attributes {
    fn digest(&self, digester: &mut Digester) {
        for value in self.base.iter().chain(self.current.iter()) {
            digester.i64(i64::from(*value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{AssetSources, Assets};
    use proptest::prelude::*;

    static BUILT_IN: LazyLock<Assets> = LazyLock::new(|| Assets::load(&AssetSources::new("")).expect("no faults"));

    #[test]
    fn the_published_example_comes_out_to_the_thousandth() {
        // 10 flat, +30 % and -20 % increased, 10 % more, 5 % less = 11.495; in thousandths.
        assert_eq!(combine(0, 10_000, 3_000 - 2_000, &mut [1_000, -500], Rounding::HalfUp), 11_495);
        // {1.1, 0.5} multiplied are 0.55, not 0.6.
        assert_eq!(combine(1_000, 0, 0, &mut [1_000, -5_000], Rounding::HalfUp), 550);
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(combine(5, 0, 1_000, &mut [], Rounding::HalfUp), 6);
        assert_eq!(combine(-5, 0, 1_000, &mut [], Rounding::HalfUp), -6);
        assert_eq!(combine(4, 0, 1_000, &mut [], Rounding::HalfUp), 4);
    }

    #[test]
    fn reductions_beyond_all_of_it_leave_nothing_and_not_less() {
        assert_eq!(combine(100, 0, -20_000, &mut [], Rounding::HalfUp), 0);
        assert_eq!(combine(100, 0, 0, &mut [-20_000, 5_000], Rounding::HalfUp), 0);
    }

    fn any_change() -> impl Strategy<Value = Change> {
        let op = prop_oneof![
            any::<i32>().prop_map(ModifierOp::Flat),
            any::<i32>().prop_map(ModifierOp::Increased),
            any::<i32>().prop_map(ModifierOp::More),
            (-9_000..9_000).prop_map(ModifierOp::More),
        ];
        (0..CORE_ATTRIBUTES.len() as u16, op, 1_u8..).prop_map(|(attribute, op, times)| Change {
            attribute: AttributeId::new(attribute),
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
            let (base, registry) = (Attributes::default(), &BUILT_IN.attributes);
            prop_assert_eq!(base.with(&changes, registry), base.with(&shuffled, registry));
        }
    }
}
