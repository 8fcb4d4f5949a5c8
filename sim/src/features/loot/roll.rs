//! Rolling a loot table: pure, from the table, the case and a run of random numbers to what is found. Every row draws
//! its numbers whether it can fall or not, so that one row's luck does not depend on another's.

use smallvec::SmallVec;

use super::history::Fortune;
use super::{Bag, Piece, Roll, Stack};
use crate::assets::{
    Assets, ClassDef, Id, ItemDef, LootCondition, LootDef, LootDrop, LootGroup, LootRow, RandomDef, RollDef, TagSet,
    pity_key,
};
use crate::ids::Mint;
use crate::random::Draw;

/// Which rows are rolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them, for one looter.
    All,
    /// What those who loot together find together; rows that are rolled for each of them are noted for later.
    Shared,
}

/// What conditions are judged by.
#[derive(Debug, Clone, Default)]
pub(super) struct Case<'a> {
    /// Levels of the looters.
    pub(super) levels: SmallVec<[u16; 5]>,
    /// Tags that any of them has.
    pub(super) tags: TagSet,
    /// Level of the monster.
    pub(super) monster_level: u16,
    /// Looters near, 0 when nobody's player killed it.
    pub(super) party_size: u32,
    /// Whose classes count.
    pub(super) classes: Vec<Id<ClassDef>>,
    /// Whether it is the first kill for one of them.
    pub(super) first_kill: bool,
    /// What the looters carry.
    pub(super) bags: SmallVec<[&'a Bag; 5]>,
}

impl Case<'_> {
    fn holds(&self, condition: &LootCondition) -> bool {
        match condition {
            LootCondition::MonsterLevel(least, most) => (*least..=*most).contains(&self.monster_level),
            LootCondition::Level(least, most) => self.levels.iter().any(|level| (*least..=*most).contains(level)),
            LootCondition::HasTag(tag) => self.tags.has(tag.id()),
            LootCondition::PartySize(least, most) => (*least..=*most).contains(&self.party_size),
            LootCondition::Class(class) => self.classes.contains(&class.id()),
            LootCondition::FirstKill => self.first_kill,
            LootCondition::Carries(item, least) => {
                self.bags.iter().any(|bag| bag.count(item.id()) >= u64::from(*least))
            }
            LootCondition::Not(other) => !self.holds(other),
        }
    }
}

/// What is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Found {
    /// Gold.
    pub(super) gold: u32,
    /// Items, each once, in the order they were found first.
    pub(super) items: Vec<(Id<ItemDef>, u32)>,
}

impl Found {
    fn add(&mut self, item: Id<ItemDef>, count: u32) {
        match self.items.iter_mut().find(|(other, _)| *other == item) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => self.items.push((item, count)),
        }
    }

    /// The found items as stacks; each piece with something of its own is made here, once.
    pub(super) fn stacks(&self, assets: &Assets, draw: &mut Draw, mint: &mut Mint) -> Vec<Stack> {
        let mut stacks = Vec::new();
        for &(item, count) in &self.items {
            let def = &assets.items[item];
            if def.is_piece() {
                stacks.extend((0..count).map(|_| made(item, def, draw, mint.next())));
            } else {
                stacks.push(Stack::plain(item, count));
            }
        }
        stacks
    }
}

/// A new piece, with what differs from piece to piece.
fn made(item: Id<ItemDef>, def: &ItemDef, draw: &mut Draw, serial: u128) -> Stack {
    let rolls = def.random.as_ref().map(|random| picked(random, draw)).unwrap_or_default();
    let piece = Piece { serial, charges: def.charges(), rolls };
    Stack { item, count: 1, bound: false, piece: Some(Box::new(piece)) }
}

/// Some lines by weight, none twice, in the order they are written.
fn picked(random: &RandomDef, draw: &mut Draw) -> SmallVec<[Roll; 2]> {
    let mut left: Vec<usize> = (0..random.of.len()).collect();
    let mut chosen = Vec::new();
    for _ in 0..between(draw, random.pick) {
        let weights: u64 = left.iter().map(|&line| u64::from(random.of[line].weight)).sum();
        let mut place = below(draw, weights);
        let found = left.iter().position(|&line| {
            let weight = u64::from(random.of[line].weight);
            let here = place < weight;
            place = place.saturating_sub(weight);
            here
        });
        let Some(found) = found else { break };
        let line = left.remove(found);
        let RollDef { attr, op, range, .. } = &random.of[line];
        chosen.push((line, Roll { attribute: attr.attribute(), op: *op, amount: draw.between(range.0, range.1) }));
    }
    chosen.sort_unstable_by_key(|&(line, _)| line);
    chosen.into_iter().map(|(_, roll)| roll).collect()
}

/// Rolls tables for those who loot.
pub(super) struct Roller<'a, 'b, 'c> {
    pub(super) assets: &'a Assets,
    pub(super) case: Case<'b>,
    pub(super) fortune: Fortune<'c>,
    pub(super) draw: Draw,
    pub(super) found: Found,
    /// Rows that are still to be rolled for each looter, with their tables, as often as they came up.
    pub(super) personal: Vec<(&'a LootDef, &'a LootRow)>,
}

impl<'a> Roller<'a, '_, '_> {
    /// Rolls a table.
    pub(super) fn table(&mut self, def: &'a LootDef, part: Part) {
        let gold = between(&mut self.draw, def.gold);
        self.found.gold = self.found.gold.saturating_add(gold);
        for row in &def.rows {
            let later = row.personal && part == Part::Shared;
            if later {
                self.personal.push((def, row));
            }
            self.row(def, row, part, !later);
        }
        def.groups.iter().for_each(|group| self.group(group, part));
    }

    /// Rolls rows that came up when those who loot together rolled, for one of them.
    pub(super) fn personal_rows(&mut self, rows: &[(&'a LootDef, &'a LootRow)]) {
        rows.iter().for_each(|(def, row)| self.row(def, row, Part::All, true));
    }

    fn row(&mut self, table: &LootDef, row: &'a LootRow, part: Part, asked: bool) {
        let asked = asked && self.hold(&row.when);
        let key = row.pity.and_then(|_| gives(&row.drop)).map(|gives| pity_key(&table.id, gives));
        let misses = key.map_or(0, |key| self.fortune.misses(key));
        let falls = self.draw.chance_bp(row.chance_after_bp(misses));
        let count = between(&mut self.draw, row.count);
        if !asked {
            return;
        }
        if let Some(key) = key {
            self.fortune.note(key, falls);
        }
        if falls {
            self.give(&row.drop, count, part);
        }
    }

    fn group(&mut self, group: &'a LootGroup, part: Part) {
        let (falls, times) = (self.draw.chance_bp(group.chance_bp), between(&mut self.draw, group.times));
        if !falls || !self.hold(&group.when) {
            return;
        }
        let (shares, whole) = group.shares(|condition| self.case.holds(condition));
        for _ in 0..times {
            let mut place = below(&mut self.draw, whole);
            for (row, &share) in group.rows.iter().zip(&shares) {
                if place < share {
                    let count = between(&mut self.draw, row.count);
                    self.give(&row.drop, count, part);
                    break;
                }
                place -= share;
            }
        }
    }

    fn give(&mut self, drop: &LootDrop, count: u32, part: Part) {
        match drop {
            LootDrop::Item(item) => self.found.add(item.id(), count),
            LootDrop::Gold => self.found.gold = self.found.gold.saturating_add(count),
            LootDrop::Table(table) => {
                let assets = self.assets;
                let def = &assets.loots[table.id()];
                (0..count).for_each(|_| self.table(def, part));
            }
            LootDrop::Nothing => {}
        }
    }

    fn hold(&self, conditions: &[LootCondition]) -> bool {
        conditions.iter().all(|condition| self.case.holds(condition))
    }
}

fn gives(drop: &LootDrop) -> Option<&str> {
    match drop {
        LootDrop::Item(item) => Some(item.name()),
        LootDrop::Table(table) => Some(table.name()),
        LootDrop::Gold | LootDrop::Nothing => None,
    }
}

fn between(draw: &mut Draw, (least, most): (u32, u32)) -> u32 {
    least + draw.below(most.saturating_sub(least).saturating_add(1))
}

/// A number in `0..end`; the bias is below 2^-20 for any sum of weights.
fn below(draw: &mut Draw, end: u64) -> u64 {
    let wide = u128::from(draw.next_u64()) * u128::from(end);
    u64::try_from(wide >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests;
