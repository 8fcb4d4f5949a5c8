//! What a player's luck has been: rolls in a row without what was hoped for, and monsters looted before. It is counted by
//! names (see [`crate::assets::pity_key`]), so it outlives any change of the game data, and it travels with the character.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;

use crate::assets::Assets;
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::wire::{Reader, put_varint};

/// Counters a player has at most; with more, further bad luck is not counted. The bundled data has a handful.
pub const COUNTERS_MAX: usize = 1_024;

/// A player's luck with loot. Written in the Resolve stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct LootHistory {
    misses: BTreeMap<u64, u32>,
    firsts: BTreeSet<u64>,
}

impl LootHistory {
    /// Rolls in a row without what the key stands for.
    #[must_use]
    pub fn misses(&self, key: u64) -> u32 {
        self.misses.get(&key).copied().unwrap_or(0)
    }

    /// Whether the monster of a name has been looted before.
    #[must_use]
    pub fn knows(&self, monster: u64) -> bool {
        self.firsts.contains(&monster)
    }

    /// Notes that the monster of a name has been looted.
    pub(super) fn meet(&mut self, monster: u64) {
        if self.firsts.len() < COUNTERS_MAX {
            self.firsts.insert(monster);
        }
    }

    /// Takes in how rolls went.
    pub(super) fn take_in(&mut self, fortune: &Fortune) {
        for (&key, luck) in &fortune.rolled {
            let before = if luck.fell { 0 } else { self.misses(key) };
            match before.saturating_add(luck.since) {
                0 => drop(self.misses.remove(&key)),
                misses if self.misses.len() < COUNTERS_MAX || self.misses.contains_key(&key) => {
                    self.misses.insert(key, misses);
                }
                _ => {}
            }
        }
    }
}

/// How the rolls of one kill went, on top of the past of those who loot. Who loots together shares the luck of the
/// unluckiest, and a roll counts for all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fortune<'a> {
    past: Vec<&'a LootHistory>,
    rolled: BTreeMap<u64, Luck>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Luck {
    fell: bool,
    /// Rolls without, since it fell or since the beginning.
    since: u32,
}

impl<'a> Fortune<'a> {
    /// The past of those who loot.
    pub(super) fn of(past: impl IntoIterator<Item = &'a LootHistory>) -> Self {
        Self { past: past.into_iter().collect(), rolled: BTreeMap::new() }
    }

    /// Rolls in a row without.
    pub(super) fn misses(&self, key: u64) -> u32 {
        let luck = self.rolled.get(&key).copied().unwrap_or_default();
        let past = if luck.fell { None } else { self.past.iter().map(|history| history.misses(key)).max() };
        past.unwrap_or(0).saturating_add(luck.since)
    }

    /// Notes a roll.
    pub(super) fn note(&mut self, key: u64, fell: bool) {
        let luck = self.rolled.entry(key).or_default();
        luck.fell |= fell;
        luck.since = if fell { 0 } else { luck.since + 1 };
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.rolled.is_empty()
    }

    /// How the rolls went, without the past.
    pub(super) fn settled(self) -> Fortune<'static> {
        Fortune { past: Vec::new(), rolled: self.rolled }
    }
}

/// Varint count of counters and for each key `u64` and varint misses, then a key `u64` for each monster.
impl Carry for LootHistory {
    const NAME: &'static str = "loot_history";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, u32::try_from(self.misses.len()).unwrap_or(0));
        for (key, &misses) in &self.misses {
            out.extend_from_slice(&key.to_le_bytes());
            put_varint(&mut out, misses);
        }
        self.firsts.iter().for_each(|key| out.extend_from_slice(&key.to_le_bytes()));
        out
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let count = reader.varint().filter(|&count| count as usize <= COUNTERS_MAX)?;
        let misses = (0..count).map(|_| Some((reader.u64()?, reader.varint()?))).collect::<Option<_>>()?;
        let mut firsts = BTreeSet::new();
        while !reader.is_empty() {
            firsts.insert(reader.u64()?);
        }
        Some(Self { misses, firsts })
    }
}

impl Digest for LootHistory {
    fn digest(&self, digester: &mut Digester) {
        for (&key, &misses) in &self.misses {
            digester.u64(key);
            digester.u32(misses);
        }
        self.firsts.iter().for_each(|&key| digester.u64(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_misses(misses: u32) -> LootHistory {
        let mut history = LootHistory::default();
        let mut fortune = Fortune::default();
        (0..misses).for_each(|_| fortune.note(7, false));
        history.take_in(&fortune);
        history
    }

    #[test]
    fn bad_luck_adds_up_until_it_ends() {
        let mut history = with_misses(3);
        assert_eq!((history.misses(7), history.misses(8)), (3, 0));
        let mut fortune = Fortune::of([&history]);
        fortune.note(7, false);
        assert_eq!(fortune.misses(7), 4);
        fortune.note(7, true);
        fortune.note(7, false);
        assert_eq!(fortune.misses(7), 1, "counted anew");
        let fortune = fortune.settled();
        history.take_in(&fortune);
        assert_eq!(history.misses(7), 1);
    }

    #[test]
    fn who_loots_together_shares_the_luck_of_the_unluckiest() {
        let (mut lucky, mut unlucky) = (with_misses(0), with_misses(5));
        let mut fortune = Fortune::of([&lucky, &unlucky]);
        assert_eq!(fortune.misses(7), 5);
        fortune.note(7, false);
        let fortune = fortune.settled();
        lucky.take_in(&fortune);
        unlucky.take_in(&fortune);
        assert_eq!((lucky.misses(7), unlucky.misses(7)), (1, 6));
    }

    #[test]
    fn a_history_travels() {
        let mut history = with_misses(2);
        history.meet(99);
        let assets = crate::testing::test_assets(&[]);
        assert_eq!(LootHistory::load(&history.save(0, &assets), 0, &assets), Some(history));
        assert_eq!(LootHistory::load(&[1, 2], 0, &assets), None);
    }
}
