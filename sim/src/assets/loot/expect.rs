//! What a loot table gives on average: exact, by the rules of probability and not by trying. Rows are independent, of a
//! group one row falls, a table named by a row is rolled as often as its count says. What pity does is given apart: the
//! chance it amounts to over many rolls, one divided by the mean number of rolls until the row falls.

use std::collections::BTreeMap;

use super::super::{Assets, Id, ItemDef};
use super::{LootCondition, LootDef, LootDrop, LootGroup, LootRow};

/// The case an expectation is asked for: which conditions hold.
#[derive(Debug, Clone, Default)]
pub struct LootCase {
    /// Level of the looter, from 1.
    pub level: u16,
    /// Names of the tags that the looter has.
    pub tags: Vec<String>,
    /// Level of the monster, from 1.
    pub monster_level: u16,
    /// How many of the party are near, from 1.
    pub party_size: u32,
    /// Id of the looter's class, such as `class/mage`; empty for none in particular.
    pub class: String,
    /// Whether it is the first kill.
    pub first_kill: bool,
    /// Ids of items in the looter's bags, and how many of each.
    pub carries: Vec<(String, u32)>,
}

impl LootCase {
    /// Whether a condition holds in this case.
    #[must_use]
    pub fn holds(&self, condition: &LootCondition) -> bool {
        match condition {
            LootCondition::MonsterLevel(least, most) => (*least..=*most).contains(&self.monster_level),
            LootCondition::Level(least, most) => (*least..=*most).contains(&self.level),
            LootCondition::HasTag(tag) => self.tags.iter().any(|own| is_tagged(own, tag.name())),
            LootCondition::PartySize(least, most) => (*least..=*most).contains(&self.party_size),
            LootCondition::Class(class) => class.name() == self.class,
            LootCondition::FirstKill => self.first_kill,
            LootCondition::Carries(item, least) => {
                self.carries.iter().any(|(carried, count)| carried == item.name() && count >= least)
            }
            LootCondition::Not(other) => !self.holds(other),
        }
    }
}

/// What a table gives on average, per roll.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Every item it may give, in the order of their names.
    pub items: Vec<ItemExpectation>,
    /// Gold, without the items' values.
    pub gold: f64,
    /// Gold and the items' values.
    pub value: f64,
    /// The same over many rolls, with what pity does.
    pub value_with_pity: f64,
}

/// What a table gives of one item on average, per roll.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ItemExpectation {
    /// Which.
    pub item: Id<ItemDef>,
    /// Probability that there is at least one, for somebody without any bad luck so far.
    pub probability: f64,
    /// How many, likewise.
    pub count: f64,
    /// Probability over many rolls, with what pity does.
    pub probability_with_pity: f64,
    /// How many over many rolls, with what pity does.
    pub count_with_pity: f64,
    /// Value of so many, without pity.
    pub value: f64,
}

/// Whether having one tag means having another: `school.fire` means `school`.
fn is_tagged(own: &str, asked: &str) -> bool {
    own.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Assets {
    /// What a loot table gives on average in a case.
    #[must_use]
    pub fn expect_loot(&self, table: Id<LootDef>, case: &LootCase) -> Expectation {
        let plain = Sum { assets: self, case, pity: false }.table(&self.loots[table]);
        let lucky = Sum { assets: self, case, pity: true }.table(&self.loots[table]);
        let value_of = |sum: &Mean| {
            let items = sum.items.iter().map(|(&item, of)| of.count * f64::from(self.items[item].value));
            sum.gold + items.sum::<f64>()
        };
        let items = plain.items.iter().map(|(&item, of)| {
            let long = lucky.items.get(&item).copied().unwrap_or_default();
            ItemExpectation {
                item,
                probability: 1.0 - of.none,
                count: of.count,
                probability_with_pity: 1.0 - long.none,
                count_with_pity: long.count,
                value: of.count * f64::from(self.items[item].value),
            }
        });
        let (value, value_with_pity) = (value_of(&plain), value_of(&lucky));
        Expectation { items: items.collect(), gold: plain.gold, value, value_with_pity }
    }
}

/// What is found of one item: how many on average, and the probability of none.
#[derive(Debug, Clone, Copy)]
struct Found {
    count: f64,
    none: f64,
}

impl Default for Found {
    fn default() -> Self {
        Self { count: 0.0, none: 1.0 }
    }
}

#[derive(Debug, Clone, Default)]
struct Mean {
    items: BTreeMap<Id<ItemDef>, Found>,
    gold: f64,
}

impl Mean {
    /// Adds something that happens besides, independently, with a probability.
    fn add(&mut self, probability: f64, other: &Self) {
        self.gold += probability * other.gold;
        for (&item, found) in &other.items {
            let own = self.items.entry(item).or_default();
            own.count += probability * found.count;
            own.none *= 1.0 - probability * (1.0 - found.none);
        }
    }

    /// Adds one of several things that exclude one another.
    fn add_instead(&mut self, probability: f64, other: &Self) {
        self.gold += probability * other.gold;
        for (&item, found) in &other.items {
            let own = self.items.entry(item).or_default();
            own.count += probability * found.count;
            own.none -= probability * (1.0 - found.none);
        }
    }

    /// The same, so many times: any number in a range, all equally probable.
    fn times(mut self, (least, most): (u32, u32)) -> Self {
        let mean = f64::midpoint(f64::from(least), f64::from(most));
        self.gold *= mean;
        for found in self.items.values_mut() {
            found.count *= mean;
            let none = found.none;
            let power = |times: u32| none.powi(i32::try_from(times).unwrap_or(i32::MAX));
            found.none = (least..=most).map(power).sum::<f64>() / f64::from(most - least + 1);
        }
        self
    }
}

struct Sum<'a> {
    assets: &'a Assets,
    case: &'a LootCase,
    pity: bool,
}

impl Sum<'_> {
    fn table(&self, def: &LootDef) -> Mean {
        let gold = f64::midpoint(f64::from(def.gold.0), f64::from(def.gold.1));
        let mut sum = Mean { gold, ..Mean::default() };
        for row in def.rows.iter().filter(|row| self.hold(&row.when)) {
            sum.add(self.chance(row), &self.drop(&row.drop, row.count));
        }
        for group in def.groups.iter().filter(|group| self.hold(&group.when)) {
            sum.add(f64::from(group.chance_bp) / 10_000.0, &self.group(group));
        }
        sum
    }

    fn group(&self, group: &LootGroup) -> Mean {
        let (parts, whole) = group.shares(|condition| self.case.holds(condition));
        let mut once = Mean::default();
        for (row, part) in group.rows.iter().zip(parts) {
            #[allow(clippy::cast_precision_loss, reason = "weights are far below 2^52")]
            once.add_instead(part as f64 / whole as f64, &self.drop(&row.drop, row.count));
        }
        once.times(group.times)
    }

    fn drop(&self, drop: &LootDrop, count: (u32, u32)) -> Mean {
        let mean = f64::midpoint(f64::from(count.0), f64::from(count.1));
        match drop {
            LootDrop::Item(item) => Mean { items: [(item.id(), Found { count: mean, none: 0.0 })].into(), gold: 0.0 },
            LootDrop::Gold => Mean { gold: mean, ..Mean::default() },
            LootDrop::Table(table) => self.table(&self.assets.loots[table.id()]).times(count),
            LootDrop::Nothing => Mean::default(),
        }
    }

    fn chance(&self, row: &LootRow) -> f64 {
        if !self.pity {
            return f64::from(row.chance_bp) / 10_000.0;
        }
        // The mean number of rolls until it falls: the sum of the probabilities that it has not fallen before each of them.
        let (mut reached, mut rolls, mut misses) = (1.0, 0.0, 0);
        while reached > 1e-12 && misses < 1_000_000 {
            rolls += reached;
            reached *= 1.0 - f64::from(row.chance_after_bp(misses)) / 10_000.0;
            misses += 1;
            if row.pity.is_none() {
                return f64::from(row.chance_bp) / 10_000.0;
            }
        }
        1.0 / rolls
    }

    fn hold(&self, conditions: &[LootCondition]) -> bool {
        conditions.iter().all(|condition| self.case.holds(condition))
    }
}
