//! Luck with a memory: after N - 1 failures in a row the chance of a success is `C x N`, where C is such that successes
//! are as frequent as promised. Streaks of either kind become rare, the frequency stays. C has no closed form: it is
//! found by bisection once per process for every tenth of a percent, and interpolated between (error below 0.01 % of the
//! chance from 1 % on). Counters are per attacker and kind of attack, and part of the state.

use std::sync::LazyLock;

use bevy_ecs::prelude::*;

use crate::assets::AttackKind;
use crate::digest::{Digest, Digester};
use crate::random::Draw;

/// Parts of a whole in which C is kept.
const PARTS: u32 = 1_000_000_000;
/// Basis points between two entries of the table of constants.
const STEP_BP: usize = 10;
/// Chances in basis points: a whole.
const WHOLE_BP: usize = 10_000;

/// C in billionths for 0 %, 0.1 %, ... 100 %.
static CONSTANTS: LazyLock<Vec<u32>> =
    LazyLock::new(|| (0..=WHOLE_BP / STEP_BP).map(|step| constant_for(step * STEP_BP)).collect());

/// The frequency of successes that a constant leads to: one over the mean number of attempts.
fn frequency(constant: f64) -> f64 {
    let (mut survival, mut mean, mut attempt) = (1.0_f64, 0.0_f64, 0.0_f64);
    while survival > 1e-12 {
        attempt += 1.0;
        let chance = (constant * attempt).min(1.0);
        mean += attempt * survival * chance;
        survival *= 1.0 - chance;
    }
    1.0 / mean
}

/// C for a chance, in billionths. Only additions, multiplications and divisions: the same on every machine.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e9")]
fn constant_for(chance_bp: usize) -> u32 {
    if chance_bp == 0 || chance_bp >= WHOLE_BP {
        return if chance_bp == 0 { 0 } else { PARTS };
    }
    let chance = chance_bp as f64 / WHOLE_BP as f64;
    let (mut low, mut high) = (0.0, chance);
    for _ in 0..48 {
        let middle = (low + high) * 0.5;
        if middle > 0.0 && frequency(middle) < chance {
            low = middle;
        } else {
            high = middle;
        }
    }
    ((low + high) * 0.5 * f64::from(PARTS) + 0.5) as u32
}

/// C for a chance in basis points, in billionths; 0 below a chance of 0, a whole from 10,000 on.
#[must_use]
pub fn streak_constant(chance_bp: i32) -> u32 {
    let chance_bp = usize::try_from(chance_bp).unwrap_or(0).min(WHOLE_BP);
    let (step, rest) = (chance_bp / STEP_BP, chance_bp % STEP_BP);
    let at = |step: usize| u64::from(CONSTANTS.get(step).copied().unwrap_or(PARTS));
    let between = (at(step) * (STEP_BP - rest) as u64 + at(step + 1) * rest as u64) / STEP_BP as u64;
    u32::try_from(between).unwrap_or(PARTS)
}

/// Failures in a row, by kind of attack. Written in the Resolve stage, one count per roll.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Luck {
    failures: [u16; AttackKind::COUNT],
}

impl Luck {
    /// Rolls for a success whose chance is `chance_bp` in the long run.
    pub fn roll(&mut self, kind: AttackKind, chance_bp: i32, draw: &mut Draw) -> bool {
        let failures = &mut self.failures[kind.index()];
        let attempt = u64::from(*failures) + 1;
        let success = u64::from(draw.below(PARTS)) < u64::from(streak_constant(chance_bp)) * attempt;
        *failures = if success { 0 } else { failures.saturating_add(1) };
        success
    }
}

impl Digest for Luck {
    fn digest(&self, digester: &mut Digester) {
        self.failures.iter().for_each(|&count| digester.u32(u32::from(count)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    #[test]
    fn the_constants_are_the_published_ones_to_six_places() {
        let published = [
            (500, 3_802),
            (1_000, 14_746),
            (1_500, 32_221),
            (2_000, 55_704),
            (2_500, 84_744),
            (3_000, 118_949),
            (5_000, 302_103),
        ];
        for (chance_bp, millionths) in published {
            assert_eq!((streak_constant(chance_bp) + 500) / 1_000, millionths, "{chance_bp} bp");
        }
        assert_eq!((streak_constant(-5), streak_constant(0)), (0, 0));
        assert_eq!((streak_constant(10_000), streak_constant(20_000)), (PARTS, PARTS));
    }

    /// Successes and the longest run of failures in so many rolls.
    fn play(chance_bp: i32, rolls: u32) -> (u32, u32) {
        let (mut luck, random) = (Luck::default(), Random::new(3));
        let (mut successes, mut run, mut longest) = (0, 0, 0);
        for tick in 0..rolls {
            let mut draw = random.draw(tick, SimId::new(1, 0), Stream("test"), 0);
            if luck.roll(AttackKind::Melee, chance_bp, &mut draw) {
                (successes, run) = (successes + 1, 0);
            } else {
                run += 1;
                longest = longest.max(run);
            }
        }
        (successes, longest)
    }

    #[test]
    fn successes_are_as_frequent_as_promised_and_no_streak_is_longer_than_the_constant_allows() {
        for (chance_bp, longest_possible) in [(500, 263), (2_000, 17), (2_505, 11), (5_000, 3), (9_995, 1)] {
            let (successes, longest) = play(chance_bp, 100_000);
            let expected = chance_bp.unsigned_abs() * 10;
            assert!(successes.abs_diff(expected) < 700, "{chance_bp} bp: {successes} of 100,000");
            assert!(longest <= longest_possible, "{chance_bp} bp: {longest} failures in a row");
        }
        assert_eq!(play(0, 1_000), (0, 1_000));
        assert_eq!(play(10_000, 1_000), (1_000, 0));
    }

    #[test]
    fn kinds_of_attacks_have_streaks_of_their_own() {
        let mut luck = Luck::default();
        let mut draw = Random::new(1).draw(1, SimId::new(1, 0), Stream("test"), 0);
        luck.roll(AttackKind::Spell, 0, &mut draw);
        assert_eq!((luck.failures[AttackKind::Spell.index()], luck.failures[AttackKind::Melee.index()]), (1, 0));
    }
}
