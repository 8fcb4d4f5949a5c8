//! Whom a monster hates, and how much. The order and the rule of the change of victims are the published ones (gameplay
//! notes): by state, then by taunts, then by amount; 110 % in melee range, 130 % anywhere, walking down the list and
//! stopping at the current victim. Pure.

use bevy_ecs::prelude::*;

use crate::assets::ThreatDef;
use crate::digest::{Digest, Digester};
use crate::ids::SimId;

/// Names a table holds; who comes when it is full is not remembered, which is counted.
pub const THREATS_MAX: usize = 64;

/// Threat by name in thousandths of a point, sorted by id. Written in Think and Resolve.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreatTable {
    entries: Vec<(SimId, u64)>,
}

/// How someone on the list stands with the monster at the moment. Greater is attacked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Standing {
    /// Not suppressed: neither out of harm's way nor held by crowd control that a blow would break.
    pub online: bool,
    /// Taunts the monster, or the contrary.
    pub taunt: Taunt,
}

/// Whether someone has made a monster attack them, or leave them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Taunt {
    /// Comes after all others.
    Detaunt,
    /// Neither.
    #[default]
    None,
    /// Comes before all others.
    Taunt,
}

/// Someone on the list who can be attacked now; whoever cannot is offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rival {
    /// How it stands.
    pub standing: Standing,
    /// Within melee range.
    pub melee: bool,
    /// The monster is fixed on it: nothing else counts.
    pub fixate: bool,
}

impl ThreatTable {
    /// Adds thousandths of a point, or takes them away, down to 0; false when the table is full.
    pub fn add(&mut self, id: SimId, milli: i64) -> bool {
        match self.entries.binary_search_by_key(&id, |entry| entry.0) {
            Ok(place) => self.entries[place].1 = self.entries[place].1.saturating_add_signed(milli),
            Err(_) if self.entries.len() >= THREATS_MAX => return false,
            Err(place) => self.entries.insert(place, (id, milli.max(0).unsigned_abs())),
        }
        true
    }

    /// Raises someone to the highest on the list, or leaves it there; false when the table is full.
    pub fn taunt(&mut self, id: SimId) -> bool {
        let highest = self.entries.iter().map(|entry| entry.1).max().unwrap_or(0);
        let missing = highest.saturating_sub(self.of(id).unwrap_or(0));
        self.add(id, i64::try_from(missing).unwrap_or(i64::MAX))
    }

    /// Multiplies what is on it against someone, in percent, rounded down.
    pub fn scale(&mut self, id: SimId, pct: u32) {
        if let Ok(place) = self.entries.binary_search_by_key(&id, |entry| entry.0) {
            let milli = &mut self.entries[place].1;
            *milli = u64::try_from(u128::from(*milli) * u128::from(pct) / 100).unwrap_or(u64::MAX);
        }
    }

    /// Thousandths of a point against someone.
    #[must_use]
    pub fn of(&self, id: SimId) -> Option<u64> {
        self.entries.binary_search_by_key(&id, |entry| entry.0).ok().map(|place| self.entries[place].1)
    }

    /// Everyone on it with thousandths of a point, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SimId, u64)> {
        self.entries.iter().copied()
    }

    /// True when nobody is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everyone.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Forgets those a rule names.
    pub fn forget(&mut self, gone: impl Fn(SimId) -> bool) {
        self.entries.retain(|&(id, _)| !gone(id));
    }

    /// The victim from now on. `rival` answers `None` for someone offline. Equals go by id.
    #[must_use]
    pub fn choose(
        &self,
        current: Option<SimId>,
        rules: &ThreatDef,
        rival: impl Fn(SimId) -> Option<Rival>,
    ) -> Option<SimId> {
        let usable = self.entries.iter().filter_map(|&(id, milli)| Some((id, milli, rival(id)?)));
        let mut usable: Vec<(SimId, u64, Rival)> = usable.collect();
        usable.sort_by(|a, b| (b.2.standing, b.1).cmp(&(a.2.standing, a.1)).then(a.0.cmp(&b.0)));
        if let Some((fixed, ..)) = usable.iter().find(|(.., rival)| rival.fixate) {
            return Some(*fixed);
        }
        let Some(&(victim, held, own)) = usable.iter().find(|(id, ..)| Some(*id) == current) else {
            return usable.first().map(|&(id, ..)| id);
        };
        let exceeds = |milli: u64, percent: u32| u128::from(milli) * 100 > u128::from(held) * u128::from(percent);
        let outranks = |rival: &Rival| rival.standing > own.standing;
        let rivals = usable.iter().take_while(|(id, ..)| *id != victim);
        // Only the top may take over from afar; behind it the first in melee range does.
        for (place, (id, milli, rival)) in rivals.enumerate() {
            let far = place == 0 && exceeds(*milli, rules.ranged_pct);
            if outranks(rival) || far || (rival.melee && exceeds(*milli, rules.melee_pct)) {
                return Some(*id);
            }
        }
        Some(victim)
    }
}

/// What healing adds to the threat of each of so many engaged enemies, in thousandths of a point.
#[must_use]
pub(super) fn split_heal(healed: u32, rules: &ThreatDef, engaged: usize) -> i64 {
    let milli = i64::from(healed) * 10 * i64::from(rules.heal_pct);
    milli / i64::try_from(engaged.max(1)).unwrap_or(1)
}

impl Digest for ThreatTable {
    fn digest(&self, digester: &mut Digester) {
        for &(id, milli) in &self.entries {
            digester.u32(id.bits());
            digester.u64(milli);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: ThreatDef = ThreatDef {
        id: String::new(),
        melee_pct: 110,
        ranged_pct: 130,
        melee_m: 5.0,
        reevaluate_ms: 1_000,
        damage_pct: 100,
        heal_pct: 50,
    };

    fn id(index: u32) -> SimId {
        SimId::new(index, 0)
    }

    fn table(entries: &[(u32, i64)]) -> ThreatTable {
        let mut table = ThreatTable::default();
        entries.iter().for_each(|&(index, points)| assert!(table.add(id(index), points * 1_000)));
        table
    }

    const NEAR: Rival = Rival { standing: Standing { online: true, taunt: Taunt::None }, melee: true, fixate: false };
    const FAR: Rival = Rival { melee: false, ..NEAR };

    fn chosen(entries: &[(u32, i64)], rival: impl Fn(u32) -> Option<Rival>) -> Option<u32> {
        let find = |who: SimId| (1..10).find(|&index| id(index) == who).and_then(&rival);
        let victim = table(entries).choose(Some(id(1)), &RULES, find)?;
        (1..10).find(|&index| id(index) == victim)
    }

    #[test]
    fn a_rival_needs_110_percent_in_melee_and_130_at_range() {
        for (points, rival, expected) in [(110, NEAR, 1), (111, NEAR, 2), (129, FAR, 1), (130, FAR, 1), (131, FAR, 2)] {
            assert_eq!(chosen(&[(1, 100), (2, points)], |_| Some(rival)), Some(expected), "{points} {rival:?}");
        }
    }

    #[test]
    fn between_the_two_the_list_is_walked_down_to_the_first_in_melee_and_ends_at_the_victim() {
        // The top is far away with 120 %; the second is near with 115 %.
        let second = |who| Some(if who == 3 { NEAR } else { FAR });
        assert_eq!(chosen(&[(1, 100), (2, 120), (3, 115)], second), Some(3));
        assert_eq!(chosen(&[(1, 100), (2, 120), (3, 109)], second), Some(1), "109 % are not enough");
        assert_eq!(chosen(&[(1, 100), (2, 120), (3, 90)], second), Some(1), "behind the victim nobody is asked");
    }

    #[test]
    fn states_come_before_taunts_and_taunts_before_amounts() {
        let stands = |online, taunt| Rival { standing: Standing { online, taunt }, ..FAR };
        let taunts = |who| Some(if who == 2 { stands(true, Taunt::Taunt) } else { FAR });
        assert_eq!(chosen(&[(1, 100), (2, 1)], taunts), Some(2), "a taunt from afar with hardly any threat");
        let both = |who| Some(if who < 3 { stands(true, Taunt::Taunt) } else { FAR });
        assert_eq!(chosen(&[(1, 100), (2, 120), (3, 900)], both), Some(1), "two taunts: amounts decide, by the rule");
        let suppressed = |who| Some(if who == 1 { stands(false, Taunt::Taunt) } else { NEAR });
        assert_eq!(chosen(&[(1, 100), (2, 1)], suppressed), Some(2), "suppressed comes after online, taunt or not");
        let detaunts = |who| Some(if who == 1 { stands(true, Taunt::Detaunt) } else { FAR });
        assert_eq!(chosen(&[(1, 100), (2, 1)], detaunts), Some(2));
        let offline = |who| (who != 1).then_some(stands(false, Taunt::Detaunt));
        assert_eq!(chosen(&[(1, 100), (2, 1)], offline), Some(2), "offline comes last: not at all");
    }

    #[test]
    fn fixate_wins_over_everything() {
        let fixed = |who| {
            let taunt = if who == 2 { Taunt::Taunt } else { Taunt::None };
            Some(Rival { fixate: who == 3, standing: Standing { online: who != 3, taunt }, ..NEAR })
        };
        assert_eq!(chosen(&[(1, 100), (2, 900), (3, 0)], fixed), Some(3));
    }

    #[test]
    fn when_the_victim_is_gone_the_most_hated_of_the_rest_follows() {
        assert_eq!(chosen(&[(1, 100), (2, 30), (3, 30)], |who| (who != 1).then_some(NEAR)), Some(2));
        assert_eq!(chosen(&[(1, 100)], |_| None), None);
    }

    #[test]
    fn amounts_are_never_below_0() {
        let mut table = table(&[(1, 5)]);
        table.add(id(1), -9_000);
        table.add(id(2), -1);
        assert_eq!((table.of(id(1)), table.of(id(2))), (Some(0), Some(0)));
    }

    #[test]
    fn half_of_a_heal_is_split_evenly() {
        assert_eq!([1, 2, 3].map(|engaged| split_heal(90, &RULES, engaged)), [45_000, 22_500, 15_000]);
    }

    #[test]
    fn a_full_table_still_counts_for_those_on_it() {
        let mut table = table(&(1..=64).map(|index| (index, 1)).collect::<Vec<_>>());
        assert!(!table.add(id(65), 1));
        assert!(table.add(id(64), 1_000));
        assert_eq!(table.of(id(64)), Some(2_000));
    }
}
