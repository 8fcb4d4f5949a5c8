//! The rules of loot tables: ranges of each, and that no table leads back to itself or gives more than can lie in one place.

use super::{Check, Checker};
use crate::assets::{LootCondition, LootDef, LootDrop, Pity, Share, kinds::Records, loot::LootTables, report::Code};

/// Most of one item, or times a table is rolled.
const COUNT_MAX: i64 = 10_000;
/// Most gold.
const GOLD_MAX: i64 = 1_000_000_000;
/// Most times one roll of a table rolls a group or another table.
const TIMES_MAX: i64 = 100;
/// Most stacks that one roll of a table may give.
const DROPS_MAX: u64 = 128;

impl Check for LootDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.whole("gold.1", self.gold.1, 0..=GOLD_MAX);
        check.ordered("gold", self.gold);
        for (index, row) in self.rows.iter().enumerate() {
            let path = format!("rows.{index}");
            check.chance(&format!("{path}.chance_bp"), row.chance_bp);
            check_drop(&row.drop, row.count, &path, check);
            check_conditions(&row.when, &path, check);
            match row.pity {
                Some(Pity::Guarantee { misses }) => {
                    check.whole(&format!("{path}.pity.misses"), misses, 1..=100_000);
                }
                Some(Pity::Rising { step_bp }) => check.whole(&format!("{path}.pity.step_bp"), step_bp, 1..=10_000),
                None => {}
            }
            if row.pity.is_some() && matches!(row.drop, LootDrop::Gold | LootDrop::Nothing) {
                let message = format!("{} counts bad luck for a row that gives no item and no table", check.title);
                check.report(Code::Contradiction, &format!("{path}.pity"), message);
            }
        }
        for (index, group) in self.groups.iter().enumerate() {
            let path = format!("groups.{index}");
            check.chance(&format!("{path}.chance_bp"), group.chance_bp);
            check_range(&format!("{path}.times"), group.times, TIMES_MAX, check);
            check_conditions(&group.when, &path, check);
            let mut chances_bp = 0;
            for (row_index, row) in group.rows.iter().enumerate() {
                let path = format!("{path}.rows.{row_index}");
                check_drop(&row.drop, row.count, &path, check);
                check_conditions(&row.when, &path, check);
                match row.share {
                    Share::Chance(chance_bp) => {
                        check.chance(&format!("{path}.share.0"), chance_bp);
                        chances_bp += u64::from(chance_bp);
                    }
                    Share::Weight(weight) => check.whole(&format!("{path}.share.0"), weight, 1..=1_000_000),
                }
            }
            // Rows with conditions may take one another's place.
            let certain = group.rows.iter().all(|row| row.when.is_empty());
            if certain && chances_bp > 10_000 {
                let message = format!("the chances of this group add up to {chances_bp} basis points of 10,000");
                check.report(Code::Contradiction, &format!("{path}.rows"), message);
            }
            if group.rows.is_empty() && check.is_original(&format!("{path}.rows")) {
                check.pointless(&format!("{path}.rows"), "has a group without rows");
            }
        }
        if self.rows.is_empty() && self.groups.is_empty() && self.gold.1 == 0 && check.is_original("rows") {
            check.pointless("id", "gives nothing");
        }
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        let tables = LootTables { find: &|name| records.loots.iter().find(|table| table.id == name) };
        if let Some((path, way)) = tables.cycle(self) {
            let message = format!("{} leads back to itself", check.title);
            if let Some(note) = check.report(Code::LootCycle, &path, message) {
                note.label("begins here").help(format!("the way is {}", way.join(" > ")));
            }
            return;
        }
        let most = tables.drops_max(self);
        if most > DROPS_MAX {
            let message =
                format!("{} can give {most} stacks at once, but at most {DROPS_MAX} can lie in one place", check.title);
            check.report(Code::LootFlood, "id", message);
        }
    }
}

fn check_drop(drop: &LootDrop, count: (u32, u32), path: &str, check: &mut Checker<'_, '_>) {
    let most = match drop {
        LootDrop::Item(_) | LootDrop::Nothing => COUNT_MAX,
        LootDrop::Table(_) => TIMES_MAX,
        LootDrop::Gold => GOLD_MAX,
    };
    check_range(&format!("{path}.count"), count, most, check);
}

fn check_range(path: &str, range: (u32, u32), most: i64, check: &mut Checker<'_, '_>) {
    check.whole(&format!("{path}.0"), range.0, 1..=most);
    check.whole(&format!("{path}.1"), range.1, 1..=most);
    check.ordered(path, range);
}

fn check_conditions(conditions: &[LootCondition], path: &str, check: &mut Checker<'_, '_>) {
    for (index, condition) in conditions.iter().enumerate() {
        check_condition(condition, &format!("{path}.when.{index}"), check);
    }
}

fn check_condition(condition: &LootCondition, path: &str, check: &mut Checker<'_, '_>) {
    match condition {
        LootCondition::Level(least, most) | LootCondition::MonsterLevel(least, most) => {
            check.ordered(path, (u32::from(*least), u32::from(*most)))
        }
        LootCondition::PartySize(least, most) => check.ordered(path, (*least, *most)),
        LootCondition::Carries(_, least) => check.whole(&format!("{path}.1"), *least, 1..=COUNT_MAX),
        LootCondition::Not(other) => check_condition(other, &format!("{path}.0"), check),
        LootCondition::Class(_) | LootCondition::HasTag(_) | LootCondition::FirstKill => {}
    }
}
