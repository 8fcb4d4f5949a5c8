//! The seed's formulas, in integers. Damage is `attack x ratio x 100 / (defence + 100)`, times the critical
//! size on a critical hit, times a spread of 95 to 105 %, at least 1; healing is `attack x ratio x spread`.
//! All factors are multiplied first and divided once, so only the end is rounded: half up.

use super::Worth;
use crate::assets::AttributeId;
use crate::random::Draw;

/// Basis points in a whole.
const BP: u128 = 10_000;
/// Thousandths in a whole.
const MILLI: u128 = 1_000;
/// Defence at which half of the damage is kept off.
const DEFENCE_HALF: u32 = 100;
/// Least and greatest spread in basis points.
const SPREAD_BP: (i32, i32) = (9_500, 10_500);

/// The chances of one hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// Whether it is critical.
    pub crit: bool,
    /// Spread in basis points, 9,500 to 10,500.
    pub spread_bp: u32,
}

impl Roll {
    /// No luck at all: not critical, no spread.
    pub const PLAIN: Self = Self { crit: false, spread_bp: 10_000 };

    /// Rolls the spread and then the critical hit.
    pub fn draw(draw: &mut Draw, crit_rate_bp: i32) -> Self {
        let spread_bp = draw.between(SPREAD_BP.0, SPREAD_BP.1).unsigned_abs();
        let crit = draw.chance_bp(u32::try_from(crit_rate_bp).unwrap_or(0));
        Self { crit, spread_bp }
    }
}

/// Points of damage, from 1.
#[must_use]
pub fn damage(worth: &Worth, coef: u32, defence: i32, roll: Roll) -> u32 {
    let crit_bp = if roll.crit { wide(worth.of(AttributeId::CRIT_DAMAGE_BP)) } else { BP };
    let product = wide(worth.of(AttributeId::ATTACK)) * u128::from(coef) * crit_bp * u128::from(roll.spread_bp);
    let half = u128::from(DEFENCE_HALF);
    divide(product * half, MILLI * BP * BP * (wide(defence) + half)).max(1)
}

/// Points of healing.
#[must_use]
pub fn heal(worth: &Worth, coef: u32, roll: Roll) -> u32 {
    divide(wide(worth.of(AttributeId::ATTACK)) * u128::from(coef) * u128::from(roll.spread_bp), MILLI * BP)
}

fn wide(value: i32) -> u128 {
    u128::from(value.max(0).unsigned_abs())
}

fn divide(value: u128, by: u128) -> u32 {
    u32::try_from((value + by / 2) / by).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Faction;
    use crate::assets::CORE_ATTRIBUTES;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    fn worth(attack: i32) -> Worth {
        let mut attributes = [0; CORE_ATTRIBUTES.len()];
        attributes[AttributeId::ATTACK.index()] = attack;
        attributes[AttributeId::CRIT_DAMAGE_BP.index()] = 15_000;
        Worth {
            attributes: attributes.into(),
            qualified: crate::features::combat::Qualified::default(),
            faction: Faction::PLAYERS,
        }
    }

    #[test]
    fn damage_is_what_the_seeds_formula_says() {
        let worth = worth(100);
        let hit = |coef, defence, crit, spread_bp| damage(&worth, coef, defence, Roll { crit, spread_bp });
        // 100 x 1.5 = 150; defence 100 halves it.
        assert_eq!(hit(1_500, 100, false, 10_000), 75);
        // 150 x 100/150 = 100; critical 150.
        assert_eq!(hit(1_500, 50, true, 10_000), 150);
        // 75 x 1.5 = 112.5 rounds up.
        assert_eq!(hit(1_500, 100, true, 10_000), 113);
        // 75 x 0.95 = 71.25 and 75 x 1.05 = 78.75.
        assert_eq!((hit(1_500, 100, false, 9_500), hit(1_500, 100, false, 10_500)), (71, 79));
        // No defence keeps nothing off; a great one leaves at least 1.
        assert_eq!((hit(1_000, 0, false, 10_000), hit(1, 100_000, false, 9_500)), (100, 1));
    }

    #[test]
    fn healing_knows_neither_defence_nor_critical_hits() {
        assert_eq!(heal(&worth(100), 805, Roll { crit: true, spread_bp: 10_000 }), 81);
        assert_eq!(heal(&worth(100), 1_000, Roll { crit: false, spread_bp: 9_500 }), 95);
        assert_eq!(heal(&worth(-5), 1_000, Roll::PLAIN), 0);
    }

    #[test]
    fn the_spread_covers_95_to_105_percent_and_crits_come_as_often_as_promised() {
        let random = Random::new(11);
        let rolls =
            (0..20_000).map(|tick| Roll::draw(&mut random.draw(tick, SimId::new(1, 0), Stream("test"), 0), 2_500));
        let rolls: Vec<Roll> = rolls.collect();
        assert_eq!(rolls.iter().map(|roll| roll.spread_bp).min(), Some(9_500));
        assert_eq!(rolls.iter().map(|roll| roll.spread_bp).max(), Some(10_500));
        let crits = rolls.iter().filter(|roll| roll.crit).count();
        assert!((4_800..5_200).contains(&crits), "{crits}");
    }
}
