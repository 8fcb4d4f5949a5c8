//! `mainspring loot expect`: what a loot table gives on average, as a table for people or as JSON. It only prints; the
//! arithmetic is `sim::assets::Assets::expect_loot`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use sim::assets::{Assets, Expectation, Id, LootCase, LootDef};

use crate::assets::worth;

/// What is asked about loot tables.
#[derive(Subcommand, Debug)]
pub(super) enum LootCommand {
    /// What a table gives on average, per roll: exact, with what pity does over many rolls
    Expect(ExpectArgs),
}

/// A table and the case it is asked for.
#[derive(Args, Debug)]
pub(super) struct ExpectArgs {
    /// The table, such as `loot/wolf`, or a monster that names one
    #[arg(required_unless_present = "all")]
    table: Option<String>,
    /// What a kill of every monster is worth, side by side, each at its own level
    #[arg(long, conflicts_with_all = ["table", "monster_level"])]
    all: bool,
    /// Level of the looter, and of the monster unless --monster-level says another [default: 1; with --all the monster's]
    #[arg(long)]
    level: Option<u16>,
    /// Level of the monster
    #[arg(long)]
    monster_level: Option<u16>,
    /// How many of the looter's party are near, the looter too
    #[arg(long, default_value_t = 1)]
    party: u32,
    /// Class of the looter, such as `class/mage`
    #[arg(long, default_value = "")]
    class: String,
    /// Tags that the looter has
    #[arg(long)]
    tag: Vec<String>,
    /// Whether it is the first kill
    #[arg(long)]
    first_kill: bool,
    /// Items of which the looter carries as many as anything asks for
    #[arg(long)]
    carries: Vec<String>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The game data; without it the data built into the program
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

/// Does what is asked.
pub(super) fn run(command: &LootCommand) -> anyhow::Result<ExitCode> {
    let LootCommand::Expect(args) = command;
    let assets = crate::assets::load(args.assets.as_deref())?;
    let level = args.level.unwrap_or(1);
    let case = LootCase {
        level: if args.all { args.level.unwrap_or(0) } else { level },
        tags: args.tag.clone(),
        monster_level: args.monster_level.unwrap_or(level),
        party_size: args.party,
        class: args.class.clone(),
        first_kill: args.first_kill,
        carries: args.carries.iter().map(|item| (item.clone(), u32::MAX)).collect(),
    };
    let Some(table) = &args.table else {
        let kills = worth::kills(&assets, &case);
        super::say(&if args.json { format!("{}\n", serde_json::to_string(&kills)?) } else { worth::text(&kills) });
        return Ok(ExitCode::SUCCESS);
    };
    let table = table_of(&assets, table)?;
    let expectation = assets.expect_loot(table, &case);
    let text = match args.json {
        true => format!("{}\n", as_json(&assets, table, &expectation)),
        false => as_text(&assets, table, &expectation),
    };
    super::say(&text);
    Ok(ExitCode::SUCCESS)
}

fn table_of(assets: &Assets, name: &str) -> anyhow::Result<Id<LootDef>> {
    let of_monster = || assets.monsters[assets.monsters.by_name(name)?].loot.as_ref().map(sim::assets::Ref::id);
    let found = assets.loots.by_name(name).or_else(of_monster);
    found.ok_or_else(|| {
        let names: Vec<&str> = assets.loots.iter().map(|(_, def)| def.id.as_str()).collect();
        anyhow::anyhow!(
            "there is no loot table `{name}`, and no monster of that name that leaves anything; the tables are {}",
            names.join(", ")
        )
    })
}

fn as_text(assets: &Assets, table: Id<LootDef>, expectation: &Expectation) -> String {
    let mut text = format!(
        "{}, per roll on average: {:.2} gold in all, {:.2} with pity; {:.2} of it in coins\n\n",
        assets.loots[table].id, expectation.value, expectation.value_with_pity, expectation.gold
    );
    let width = expectation.items.iter().map(|of| assets.items[of.item].id.len()).max().unwrap_or(0).max(4);
    text += &format!(
        "{:width$}  {:>11}  {:>9}  {:>9}  {:>11}  {:>9}\n",
        "item", "probability", "count", "value", "prob. pity", "count pity"
    );
    for of in &expectation.items {
        text += &format!(
            "{:width$}  {:>9.3} %  {:>9.4}  {:>9.2}  {:>9.3} %  {:>10.4}\n",
            assets.items[of.item].id,
            of.probability * 100.0,
            of.count,
            of.value,
            of.probability_with_pity * 100.0,
            of.count_with_pity
        );
    }
    text
}

fn as_json(assets: &Assets, table: Id<LootDef>, expectation: &Expectation) -> serde_json::Value {
    let items = expectation.items.iter().map(|of| {
        json!({
            "item": assets.items[of.item].id,
            "probability": of.probability,
            "count": of.count,
            "value": of.value,
            "probability_with_pity": of.probability_with_pity,
            "count_with_pity": of.count_with_pity,
        })
    });
    json!({
        "table": assets.loots[table].id,
        "gold": expectation.gold,
        "value": expectation.value,
        "value_with_pity": expectation.value_with_pity,
        "items": items.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_bundled_data_can_be_asked_by_its_name_or_its_monsters() {
        let assets = crate::assets::load(None).expect("the bundled data is good");
        for (id, def) in assets.loots.iter() {
            assert_eq!(table_of(&assets, &def.id).expect("it is there"), id);
            let expectation = assets.expect_loot(id, &LootCase { level: 1, party_size: 1, ..LootCase::default() });
            let text = as_text(&assets, id, &expectation);
            assert!(text.lines().count() == 3 + expectation.items.len(), "{text}");
            assert_eq!(as_json(&assets, id, &expectation)["table"], def.id);
        }
        let monster =
            assets.monsters.iter().find(|(_, def)| def.loot.is_some()).expect("some monster leaves something").1;
        assert!(table_of(&assets, &monster.id).is_ok());
        let error = table_of(&assets, "loot/nowhere").expect_err("there is none").to_string();
        assert!(error.contains("`loot/nowhere`"), "{error}");
    }
}
