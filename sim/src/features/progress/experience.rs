//! Experience for a kill, by the published formulas: what is far below gives nothing (it is gray), what is above gives a
//! little more, up to four levels; a group shares by level, and gets more than one would alone. Pure; integers, every
//! rounding stated. The numbers that a designer may want to change come from the combat profile.

use crate::assets::ExperienceRules;

/// Greatest level difference upwards that still adds experience.
const ABOVE_MAX: i64 = 4;

/// The highest level whose kill is worth nothing to a player of `level`.
#[must_use]
pub const fn gray_level(level: u16) -> u16 {
    match level {
        0..=5 => 0,
        6..=39 => level - 5 - level / 10,
        40..=59 => level - 1 - level / 5,
        _ => level - 9,
    }
}

/// How many levels below itself a kill is worth nothing any more, as a divisor of the base gain.
const fn zero_difference(level: u16) -> i64 {
    match level {
        0..=7 => 5,
        8..=9 => 6,
        10..=11 => 7,
        12..=15 => 8,
        16..=19 => 9,
        20..=29 => 11,
        30..=39 => 12,
        40..=44 => 13,
        45..=49 => 14,
        50..=54 => 15,
        55..=59 => 16,
        _ => 17,
    }
}

/// Experience of one player for a normal kill alone. Rounded half up above its own level, down below it.
#[must_use]
pub fn base_gain(level: u16, victim_level: u16, base: u32) -> u32 {
    let (own, victim) = (i64::from(level), i64::from(victim_level));
    let full = own * 5 + i64::from(base);
    let gain = if victim >= own {
        (full * (20 + (victim - own).min(ABOVE_MAX)) / 10 + 1) / 2
    } else if victim_level > gray_level(level) {
        let zero = zero_difference(level);
        full * (zero + victim - own) / zero
    } else {
        0
    };
    u32::try_from(gain.max(0)).unwrap_or(u32::MAX)
}

/// What each of a group gets for a kill, in their order; `elite` kills give the rules' more. The base is that of the
/// highest level to whom the kill is worth something; it is shared by level and raised by the size of the group. Whoever
/// finds it gray gets nothing, and its share is lost. Rounded down, once.
#[must_use]
pub fn shares(rules: &ExperienceRules, levels: &[u16], victim_level: u16, elite: bool) -> Vec<u32> {
    let worth_it = |&&level: &&u16| base_gain(level, victim_level, rules.base) > 0;
    let Some(&highest) = levels.iter().filter(worth_it).max() else { return vec![0; levels.len()] };
    let sum: u64 = levels.iter().map(|&level| u64::from(level)).sum::<u64>().max(1);
    let rate_bp = match levels.len() {
        0 | 1 => 10_000,
        count => rules.group_bp.get(count - 2).or(rules.group_bp.last()).copied().unwrap_or(10_000),
    };
    let elite_pct = u64::from(if elite { rules.elite_pct } else { 100 });
    let whole = u64::from(base_gain(highest, victim_level, rules.base)) * u64::from(rate_bp) * elite_pct;
    let share = |&level: &u16| match base_gain(level, victim_level, rules.base) {
        0 => 0,
        _ => u32::try_from(whole * u64::from(level) / (sum * 1_000_000)).unwrap_or(u32::MAX),
    };
    levels.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> ExperienceRules {
        ExperienceRules::default()
    }

    #[test]
    fn gray_levels_are_the_published_ones() {
        let published = [(5, 0), (6, 1), (39, 31), (60, 51), (80, 71)];
        for (level, gray) in published {
            assert_eq!(gray_level(level), gray, "level {level}");
        }
    }

    #[test]
    fn base_gains_are_the_published_ones() {
        for ((level, victim), gain) in [((60, 60), 345), ((50, 60), 354), ((60, 40), 0)] {
            assert_eq!(base_gain(level, victim, rules().base), gain, "({level}, {victim})");
        }
        assert!(base_gain(60, 52, 45) > 0 && base_gain(60, 51, 45) == 0);
    }

    #[test]
    fn a_kill_far_above_gives_no_more_than_four_levels_above() {
        assert_eq!(base_gain(10, 14, 45), base_gain(10, 80, 45));
    }

    #[test]
    fn a_group_of_equals_shares_evenly_and_larger_groups_get_more_in_all() {
        let each = |count: usize| shares(&rules(), &vec![60; count], 60, false);
        assert_eq!(each(1), [345]);
        assert_eq!(each(2), [172, 172]);
        // 345 x 1.166 / 3 = 134.09, 345 x 1.3 / 4 = 112.125, 345 x 1.4 / 5 = 96.6
        assert_eq!((each(3)[0], each(4)[0], each(5)[0]), (134, 112, 96));
    }

    #[test]
    fn levels_weigh_and_whoever_finds_it_gray_gets_nothing_and_does_not_set_the_base() {
        // 60 finds a 40 gray; the base is that of the 40: 245 x 40/100.
        assert_eq!(shares(&rules(), &[60, 40], 40, false), [0, 98]);
        assert_eq!(shares(&rules(), &[60], 40, true), [0]);
        assert_eq!(shares(&rules(), &[60], 60, true), [690]);
        assert!(shares(&rules(), &[], 60, true).is_empty());
    }
}
