//! Loot tables: what may be found. A table is a list of rows, each rolled on its own, and of groups, of each of which one
//! row falls. Rows name items, gold, or other tables; a table never leads back to itself.
//!
//! The rule of a group: one roll for the whole group. Rows with a `Chance` of their own take their basis points first, in
//! the order they are written; the rest of the 10,000 is shared among the others by weight, equally where none is written.
//! Rows whose conditions do not hold take no part. Where no row takes the rest, it is nothing.

use serde::{Deserialize, Serialize};

use super::{ClassDef, ItemDef, Record, Ref, RefVisitor, Tag};

mod expect;
mod names;
mod ways;

pub use expect::{Expectation, ItemExpectation, LootCase};
pub use names::pity_key;
pub(crate) use ways::LootTables;

/// One loot table, `loot/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LootDef {
    /// `loot/name`.
    pub id: String,
    /// Least and most gold that is found every time.
    #[serde(default)]
    pub gold: (u32, u32),
    /// Each is rolled on its own.
    #[serde(default)]
    pub rows: Vec<LootRow>,
    /// One row of each falls.
    #[serde(default)]
    pub groups: Vec<LootGroup>,
}

/// Something that may be found, with a chance of its own.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LootRow {
    /// What.
    pub drop: LootDrop,
    /// Chance in basis points; certain if it is not written.
    #[serde(default = "certain")]
    pub chance_bp: u32,
    /// Least and most of it: pieces, gold, or times that a table is rolled.
    #[serde(default = "exactly_one")]
    pub count: (u32, u32),
    /// All must hold, else the row is not rolled.
    #[serde(default)]
    pub when: Vec<LootCondition>,
    /// What bad luck in the past does for the chance.
    #[serde(default)]
    pub pity: Option<Pity>,
    /// Rolled for every player who may loot, each for itself, however the party shares: for what a quest asks for. In a
    /// table that a row names it is rolled for each as often as that table comes up for all.
    #[serde(default)]
    pub personal: bool,
}

/// Rows of which one falls.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LootGroup {
    /// Chance in basis points that the group is rolled at all; certain if it is not written.
    #[serde(default = "certain")]
    pub chance_bp: u32,
    /// How often it is rolled, least and most.
    #[serde(default = "exactly_one")]
    pub times: (u32, u32),
    /// All must hold, else the group is not rolled.
    #[serde(default)]
    pub when: Vec<LootCondition>,
    /// One of these falls each time.
    pub rows: Vec<GroupRow>,
}

/// One of the rows of a group.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRow {
    /// What.
    pub drop: LootDrop,
    /// Its part of the roll.
    #[serde(default)]
    pub share: Share,
    /// Least and most of it: pieces, gold, or times that a table is rolled.
    #[serde(default = "exactly_one")]
    pub count: (u32, u32),
    /// All must hold, else the row takes no part.
    #[serde(default)]
    pub when: Vec<LootCondition>,
}

/// What a row gives.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum LootDrop {
    /// So many of an item.
    Item(Ref<ItemDef>),
    /// What another table gives, so many times.
    Table(Ref<LootDef>),
    /// So much gold.
    Gold,
    /// Nothing; in a group, a blank.
    Nothing,
}

/// A row's part of the roll of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Share {
    /// So many basis points of all rolls.
    Chance(u32),
    /// Its part of what the chances leave, by weight.
    Weight(u32),
}

impl Default for Share {
    fn default() -> Self {
        Self::Weight(1)
    }
}

/// What must hold for a row or a group. Where several may loot together, it is enough that it holds for one of them.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum LootCondition {
    /// The monster's level is in this range.
    MonsterLevel(u16, u16),
    /// The looter's level is in this range.
    Level(u16, u16),
    /// The looter has this tag: from an effect, such as one that a quest gives.
    HasTag(Tag),
    /// So many of the party are near, the looter too.
    PartySize(u32, u32),
    /// The looter is of this class.
    Class(Ref<ClassDef>),
    /// The looter's party has not looted such a monster before; known for monsters whose table asks.
    FirstKill,
    /// The looter carries at least so many of an item in its bags: with `Not`, what a quest asks for falls until there is
    /// enough of it.
    Carries(Ref<ItemDef>, u32),
    /// The contrary.
    Not(Box<Self>),
}

/// What bad luck does for a row's chance. It is counted for each player and row, and starts anew when the row falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Pity {
    /// After so many rolls without it in a row the next one has it.
    Guarantee {
        /// Rolls without it.
        misses: u32,
    },
    /// Each roll without it adds to the chance.
    Rising {
        /// Basis points added by each.
        step_bp: u32,
    },
}

impl Pity {
    /// The chance in basis points after so many rolls without.
    #[must_use]
    pub const fn chance_bp(self, base_bp: u32, misses: u32) -> u32 {
        match self {
            Self::Guarantee { misses: enough } if misses >= enough => 10_000,
            Self::Guarantee { .. } => base_bp,
            Self::Rising { step_bp } => {
                let risen = base_bp.saturating_add(step_bp.saturating_mul(misses));
                if risen > 10_000 { 10_000 } else { risen }
            }
        }
    }
}

impl LootRow {
    /// The chance in basis points after so many rolls without; `misses` is 0 for a row without pity.
    #[must_use]
    pub fn chance_after_bp(&self, misses: u32) -> u32 {
        self.pity.map_or(self.chance_bp, |pity| pity.chance_bp(self.chance_bp, misses))
    }
}

impl LootGroup {
    /// What each row takes of the 10,000 basis points of a roll, when `holds` says which conditions hold: as exact
    /// fractions of a common whole, and that whole.
    #[must_use]
    pub fn shares(&self, holds: impl Fn(&LootCondition) -> bool) -> (Vec<u64>, u64) {
        let takes_part = |row: &GroupRow| row.when.iter().all(&holds);
        let weight = |row: &GroupRow| match row.share {
            Share::Weight(weight) if takes_part(row) => u64::from(weight),
            _ => 0,
        };
        let weights: u64 = self.rows.iter().map(weight).sum::<u64>().max(1);
        // Chances beyond the whole get what is left of it, in order.
        let mut left_bp = 10_000_u64;
        let mut chances = self.rows.iter().map(|row| match row.share {
            Share::Chance(chance_bp) if takes_part(row) => {
                let taken = u64::from(chance_bp).min(left_bp);
                left_bp -= taken;
                taken
            }
            _ => 0,
        });
        let chances: Vec<u64> = chances.by_ref().collect();
        let parts = self.rows.iter().zip(chances).map(|(row, chance_bp)| chance_bp * weights + left_bp * weight(row));
        (parts.collect(), 10_000 * weights)
    }
}

impl Record for LootDef {
    const KIND: &'static str = "loot";
    const FOLDER: &'static str = "loots";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.drop.visit(&format!("rows.{index}.drop.0"), visitor);
            visit_conditions(&mut row.when, &format!("rows.{index}.when"), visitor);
        }
        for (index, group) in self.groups.iter_mut().enumerate() {
            visit_conditions(&mut group.when, &format!("groups.{index}.when"), visitor);
            for (row_index, row) in group.rows.iter_mut().enumerate() {
                row.drop.visit(&format!("groups.{index}.rows.{row_index}.drop.0"), visitor);
                visit_conditions(&mut row.when, &format!("groups.{index}.rows.{row_index}.when"), visitor);
            }
        }
    }
}

impl LootDrop {
    fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        match self {
            Self::Item(item) => item.visit(path, visitor),
            Self::Table(table) => table.visit(path, visitor),
            Self::Gold | Self::Nothing => {}
        }
    }
}

fn visit_conditions(conditions: &mut [LootCondition], path: &str, visitor: &mut dyn RefVisitor) {
    for (index, condition) in conditions.iter_mut().enumerate() {
        condition.visit(&format!("{path}.{index}"), visitor);
    }
}

impl LootCondition {
    fn visit(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        match self {
            Self::Class(class) => class.visit(&format!("{path}.0"), visitor),
            Self::Carries(item, _) => item.visit(&format!("{path}.0"), visitor),
            Self::HasTag(tag) => tag.visit(&format!("{path}.0"), visitor),
            Self::Not(other) => other.visit(&format!("{path}.0"), visitor),
            Self::Level(..) | Self::MonsterLevel(..) | Self::PartySize(..) | Self::FirstKill => {}
        }
    }

    /// Whether it, or what it denies, is the condition of a first kill.
    #[must_use]
    pub fn asks_for_first_kill(&self) -> bool {
        match self {
            Self::FirstKill => true,
            Self::Not(other) => other.asks_for_first_kill(),
            _ => false,
        }
    }
}

impl LootDef {
    /// Whether anything in it, not in the tables it names, depends on whether it is the first kill.
    #[must_use]
    pub fn asks_for_first_kill(&self) -> bool {
        let rows = self.rows.iter().flat_map(|row| &row.when);
        let groups =
            self.groups.iter().flat_map(|group| group.when.iter().chain(group.rows.iter().flat_map(|row| &row.when)));
        rows.chain(groups).any(LootCondition::asks_for_first_kill)
    }
}

const fn certain() -> u32 {
    10_000
}

const fn exactly_one() -> (u32, u32) {
    (1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(shares: &[Share]) -> LootGroup {
        let row = |&share| GroupRow { drop: LootDrop::Nothing, share, count: (1, 1), when: Vec::new() };
        LootGroup { chance_bp: 10_000, times: (1, 1), when: Vec::new(), rows: shares.iter().map(row).collect() }
    }

    #[test]
    fn chances_come_first_and_the_rest_is_shared_by_weight() {
        let of = |shares: &[Share]| group(shares).shares(|_| true);
        assert_eq!(of(&[Share::Weight(1), Share::Weight(1)]), (vec![10_000, 10_000], 20_000));
        assert_eq!(
            of(&[Share::Chance(4_000), Share::Weight(1), Share::Weight(2)]),
            (vec![12_000, 6_000, 12_000], 30_000)
        );
        assert_eq!(of(&[Share::Chance(4_000)]), (vec![4_000], 10_000), "the rest is nothing");
        assert_eq!(
            of(&[Share::Chance(8_000), Share::Chance(8_000), Share::Weight(1)]),
            (vec![8_000, 2_000, 0], 10_000)
        );
    }

    #[test]
    fn a_row_whose_condition_does_not_hold_takes_no_part() {
        let mut group = group(&[Share::Chance(5_000), Share::Weight(3), Share::Weight(1)]);
        group.rows[0].when.push(LootCondition::FirstKill);
        assert_eq!(group.shares(|_| false), (vec![0, 30_000, 10_000], 40_000));
    }

    #[test]
    fn pity_rises_or_guarantees_and_never_passes_certainty() {
        let guarantee = Pity::Guarantee { misses: 3 };
        assert_eq!([0, 2, 3, 9].map(|misses| guarantee.chance_bp(500, misses)), [500, 500, 10_000, 10_000]);
        let rising = Pity::Rising { step_bp: 4_000 };
        assert_eq!(
            [0, 1, 2, 3, u32::MAX].map(|misses| rising.chance_bp(500, misses)),
            [500, 4_500, 8_500, 10_000, 10_000]
        );
    }
}
