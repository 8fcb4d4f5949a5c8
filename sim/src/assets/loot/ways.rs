//! How loot tables lead to one another: whether one leads back to itself, and how much one may give at most.

use super::super::Record;
use super::{LootDef, LootDrop, LootGroup};

/// Tables deeper than this below another count as a flood, in [`LootTables::drops_max`].
const DEPTH_MAX: usize = 64;

/// Loot tables by their ids, those that could not be read left out.
pub(crate) struct LootTables<'a> {
    pub(crate) find: &'a dyn Fn(&str) -> Option<&'a LootDef>,
}

impl<'a> LootTables<'a> {
    /// The way from a table back to itself, as ids, and the path of its first step; `None` where there is none.
    pub(crate) fn cycle(&self, of: &'a LootDef) -> Option<(String, Vec<&'a str>)> {
        tables_of(of).find_map(|(path, first, _)| {
            let mut way = vec![of.id()];
            self.leads_back(first, &mut way).then_some((path, way))
        })
    }

    /// Extends `way` to a way that ends where it began. A table that was found to lead nowhere is not entered again.
    fn leads_back(&self, from: &'a str, way: &mut Vec<&'a str>) -> bool {
        let mut dead_ends = Vec::new();
        self.search(from, way, &mut dead_ends)
    }

    fn search(&self, from: &'a str, way: &mut Vec<&'a str>, dead_ends: &mut Vec<&'a str>) -> bool {
        if from == way[0] {
            way.push(from);
            return true;
        }
        if way.contains(&from) || dead_ends.contains(&from) {
            return false;
        }
        way.push(from);
        let next = (self.find)(from);
        let found = next.is_some_and(|def| tables_of(def).any(|(_, next, _)| self.search(next, way, dead_ends)));
        if !found {
            way.pop();
            dead_ends.push(from);
        }
        found
    }

    /// The most stacks that one roll of a table can give; saturates, also for a table that leads into a cycle.
    pub(crate) fn drops_max(&self, def: &'a LootDef) -> u64 {
        self.drops_max_below(def, &mut Vec::new())
    }

    fn drops_max_below(&self, def: &'a LootDef, above: &mut Vec<&'a str>) -> u64 {
        if above.contains(&def.id()) || above.len() > DEPTH_MAX {
            // The cycle itself is reported where it is.
            return 0;
        }
        above.push(def.id());
        let items = def.rows.iter().filter(|row| matches!(row.drop, LootDrop::Item(_))).count() as u64;
        let groups: u64 =
            def.groups.iter().filter(|group| has_items(group)).map(|group| u64::from(group.times.1)).sum();
        let mut most = items.saturating_add(groups);
        for (_, name, times) in tables_of(def) {
            let named = (self.find)(name).map_or(0, |def| self.drops_max_below(def, above));
            most = most.saturating_add(named.saturating_mul(times));
        }
        above.pop();
        most
    }
}

/// The tables that a table's rows name, with their paths in its record and how often they are rolled at most.
fn tables_of(def: &LootDef) -> impl Iterator<Item = (String, &str, u64)> {
    let rows = def.rows.iter().enumerate().filter_map(|(index, row)| match &row.drop {
        LootDrop::Table(table) => Some((format!("rows.{index}.drop"), table.name(), u64::from(row.count.1))),
        _ => None,
    });
    let groups = def.groups.iter().enumerate().flat_map(|(index, group)| {
        group.rows.iter().enumerate().filter_map(move |(row_index, row)| match &row.drop {
            LootDrop::Table(table) => {
                let times = u64::from(group.times.1) * u64::from(row.count.1);
                Some((format!("groups.{index}.rows.{row_index}.drop"), table.name(), times))
            }
            _ => None,
        })
    });
    rows.chain(groups)
}

fn has_items(group: &LootGroup) -> bool {
    group.rows.iter().any(|row| matches!(row.drop, LootDrop::Item(_)))
}
