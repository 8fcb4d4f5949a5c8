//! Whom a monster hates, and how much. The rule of the change of victims is the published one (gameplay notes:
//! 110 % in melee range, 130 % otherwise, walking down the list and stopping at the current victim). Pure.

use bevy_ecs::prelude::*;

use crate::digest::{Digest, Digester};
use crate::ids::SimId;

/// Names a table holds; who comes when it is full is not remembered, which is counted.
pub const THREATS_MAX: usize = 64;

/// Threat by name in thousandths of a point, sorted by id. Written in Think and Resolve.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreatTable {
    entries: Vec<(SimId, u64)>,
}

impl ThreatTable {
    /// Adds thousandths of a point; false when the table is full.
    pub fn add(&mut self, id: SimId, milli: u64) -> bool {
        match self.entries.binary_search_by_key(&id, |entry| entry.0) {
            Ok(place) => self.entries[place].1 = self.entries[place].1.saturating_add(milli),
            Err(_) if self.entries.len() >= THREATS_MAX => return false,
            Err(place) => self.entries.insert(place, (id, milli)),
        }
        true
    }

    /// Thousandths of a point against someone.
    #[must_use]
    pub fn of(&self, id: SimId) -> Option<u64> {
        self.entries.binary_search_by_key(&id, |entry| entry.0).ok().map(|place| self.entries[place].1)
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

    /// The victim from now on. `in_melee` answers `None` for someone who cannot be attacked now, else whether
    /// it is within melee range. Equal threat goes by id.
    #[must_use]
    pub fn choose(&self, current: Option<SimId>, in_melee: impl Fn(SimId) -> Option<bool>) -> Option<SimId> {
        let usable = self.entries.iter().filter_map(|&(id, milli)| Some((id, milli, in_melee(id)?)));
        let mut usable: Vec<(SimId, u64, bool)> = usable.collect();
        usable.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let Some(&(victim, held, _)) = usable.iter().find(|(id, ..)| Some(*id) == current) else {
            return usable.first().map(|&(id, ..)| id);
        };
        let exceeds = |milli: u64, percent: u64| u128::from(milli) * 100 > u128::from(held) * u128::from(percent);
        let rivals = usable.iter().take_while(|(id, ..)| *id != victim);
        let mut rivals = rivals.filter(|&&(_, milli, melee)| exceeds(milli, if melee { 110 } else { 130 }));
        Some(rivals.next().map_or(victim, |&(id, ..)| id))
    }
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

    fn id(index: u32) -> SimId {
        SimId::new(index, 0)
    }

    fn table(entries: &[(u32, u64)]) -> ThreatTable {
        let mut table = ThreatTable::default();
        entries.iter().for_each(|&(index, points)| assert!(table.add(id(index), points * 1_000)));
        table
    }

    #[test]
    fn a_rival_needs_110_percent_in_melee_and_130_at_range() {
        let victim = Some(id(1));
        for (points, melee, expected) in
            [(110, true, 1), (111, true, 2), (129, false, 1), (130, false, 1), (131, false, 2)]
        {
            let chosen = table(&[(1, 100), (2, points)]).choose(victim, |_| Some(melee));
            assert_eq!(chosen, Some(id(expected)), "{points} points, melee {melee}");
        }
    }

    #[test]
    fn the_list_is_walked_down_to_the_first_who_qualifies() {
        // The top is far away with 120 %; the second is near with 115 %.
        let chosen = table(&[(1, 100), (2, 120), (3, 115)]).choose(Some(id(1)), |other| Some(other == id(3)));
        assert_eq!(chosen, Some(id(3)));
    }

    #[test]
    fn when_the_victim_is_gone_the_most_hated_of_the_rest_follows() {
        let table = table(&[(1, 100), (2, 30), (3, 30)]);
        assert_eq!(table.choose(Some(id(1)), |other| (other != id(1)).then_some(true)), Some(id(2)));
        assert_eq!(table.choose(None, |_| None), None);
    }

    #[test]
    fn a_full_table_still_counts_for_those_on_it() {
        let mut table = table(&(1..=64).map(|index| (index, 1)).collect::<Vec<_>>());
        assert!(!table.add(id(65), 1));
        assert!(table.add(id(64), 1_000));
        assert_eq!(table.of(id(64)), Some(2_000));
    }
}
