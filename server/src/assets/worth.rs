//! What a kill of each monster is worth on average: the loot tables of all monsters side by side, for
//! `mainspring loot expect --all` and `mainspring assets check --verbose`.

use std::fmt::Write;

use serde::Serialize;
use sim::assets::{Assets, LootCase};

/// What one kill of a monster gives on average, in gold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kill {
    /// The monster.
    pub monster: String,
    /// The level it is asked for: its own, in the middle.
    pub level: u16,
    /// Its loot table.
    pub table: String,
    /// Coins.
    pub gold: f64,
    /// Coins and the items' values.
    pub value: f64,
    /// The same over many kills, with what pity does.
    pub value_with_pity: f64,
    /// Items that a kill may give.
    pub item_count: usize,
}

/// Every monster that leaves something, by its id. `case` is the looter's; of the monster each has its own level, and so has
/// a looter without one.
#[must_use]
pub fn kills(assets: &Assets, case: &LootCase) -> Vec<Kill> {
    let kill = |monster: &sim::assets::MonsterDef| {
        let table = monster.loot.as_ref()?;
        let own = monster.level.0.midpoint(monster.level.1);
        let level = if case.level > 0 { case.level } else { own };
        let found = assets.expect_loot(table.id(), &LootCase { level, monster_level: own, ..case.clone() });
        Some(Kill {
            monster: monster.id.clone(),
            level: own,
            table: table.name().to_owned(),
            gold: found.gold,
            value: found.value,
            value_with_pity: found.value_with_pity,
            item_count: found.items.len(),
        })
    };
    assets.monsters.iter().filter_map(|(_, monster)| kill(monster)).collect()
}

/// The same as a table for people.
#[must_use]
pub fn text(kills: &[Kill]) -> String {
    let width = |of: fn(&Kill) -> &str| kills.iter().map(|kill| of(kill).len()).max().unwrap_or(0).max(7);
    let (monster, table) = (width(|kill| &kill.monster), width(|kill| &kill.table));
    let mut out = format!(
        "{:monster$}  {:>5}  {:table$}  {:>9}  {:>9}  {:>9}  {:>5}\n",
        "per kill", "level", "table", "coins", "value", "with pity", "items"
    );
    for kill in kills {
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            out,
            "{:monster$}  {:>5}  {:table$}  {:>9.2}  {:>9.2}  {:>9.2}  {:>5}",
            kill.monster, kill.level, kill.table, kill.gold, kill.value, kill.value_with_pity, kill.item_count
        );
    }
    out
}
