//! `mainspring explain`: why an attribute of a class or a monster is what it is, step by step, under effects and with items
//! of one's choice. The same ledger stands behind the GM console.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use sim::assets::{Assets, AttributeId, AttributeTable, ModifierOp};
use sim::features::combat::{Attributes, Change, ChangeSource, Contributor, Ledger, Modifiers, Subject};
use sim::ids::SimId;

use super::say;

/// Highest level of anything.
const LEVEL_MAX: u16 = 100;

/// Whose attributes, and what is on it.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// The class, such as class/mage
    #[arg(long, value_name = "ID", required_unless_present = "monster", conflicts_with = "monster")]
    class: Option<String>,
    /// The monster, such as monster/wolf
    #[arg(long, value_name = "ID")]
    monster: Option<String>,
    /// Its level
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(LEVEL_MAX)))]
    level: u16,
    /// An effect that rests on it, such as effect/might or effect/might:3 for three stacks; may be repeated
    #[arg(long = "effect", value_name = "ID[:STACKS]")]
    effects: Vec<String>,
    /// An item it wears; may be repeated
    #[arg(long = "item", value_name = "ID")]
    items: Vec<String>,
    /// Only this attribute; without it all that are not 0
    #[arg(long, value_name = "NAME")]
    attr: Option<String>,
    /// One JSON array instead of text
    #[arg(long)]
    json: bool,
    /// The data; without it the data built into the program
    #[arg(long, value_name = "DIR")]
    assets: Option<PathBuf>,
}

/// Explains what was asked for.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let assets = crate::assets::load(args.assets.as_deref())?;
    let ledgers = explain(args, &assets)?;
    if args.json {
        say(&format!("{}\n", serde_json::to_string_pretty(&ledgers)?));
    } else {
        let mut text = String::new();
        for ledger in &ledgers {
            writeln!(text, "{ledger}")?;
        }
        say(&text);
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(args: &ExplainArgs, assets: &Assets) -> anyhow::Result<Vec<Ledger>> {
    let (origin, table) = origin(args, assets)?;
    let mut modifiers = Modifiers::default();
    let effects = args.effects.iter().map(|effect| effect_changes(effect, assets));
    modifiers.replace(Contributor::Effects, effects.collect::<anyhow::Result<Vec<_>>>()?.concat());
    let items = args.items.iter().map(|item| item_changes(item, assets));
    modifiers.replace(Contributor::Equipment, items.collect::<anyhow::Result<Vec<_>>>()?.concat());
    let changes: Vec<Change> = modifiers.iter().cloned().collect();
    let attributes = Attributes::at_level(assets, table, args.level).with(&changes, &assets.attributes);
    let subject = Subject { origin, table, attributes: &attributes, modifiers: &modifiers };
    let wanted: Vec<AttributeId> = match &args.attr {
        Some(name) => vec![assets.attributes.by_name(name).with_context(|| format!("there is no attribute `{name}`"))?],
        None => assets.attributes.iter().map(|(id, _)| id).filter(|id| attributes.current(*id) != 0).collect(),
    };
    Ok(wanted.into_iter().filter_map(|attribute| Ledger::of(assets, &subject, attribute)).collect())
}

fn origin<'a>(args: &'a ExplainArgs, assets: &'a Assets) -> anyhow::Result<(&'a str, &'a AttributeTable)> {
    match (&args.class, &args.monster) {
        (Some(class), _) => {
            let id = assets.classes.by_name(class).with_context(|| format!("there is no class `{class}`"))?;
            Ok((class, &assets.classes[id].attributes))
        }
        (None, Some(monster)) => {
            let id = assets.monsters.by_name(monster).with_context(|| format!("there is no monster `{monster}`"))?;
            Ok((monster, &assets.monsters[id].attributes))
        }
        (None, None) => bail!("say --class or --monster"),
    }
}

fn effect_changes(text: &str, assets: &Assets) -> anyhow::Result<Vec<Change>> {
    let (name, stacks) = match text.split_once(':') {
        Some((name, stacks)) => (name, stacks.parse::<u16>().with_context(|| format!("stacks of `{text}`"))?),
        None => (text, 1),
    };
    ensure!(stacks > 0, "`{text}` has no stacks");
    let id = assets.effects.by_name(name).with_context(|| format!("there is no effect `{name}`"))?;
    let source = ChangeSource::Effect(id, SimId::from_bits(0));
    Ok(assets.effects[id].modifiers.iter().map(|modifier| Change::of(modifier, stacks, source)).collect())
}

fn item_changes(name: &str, assets: &Assets) -> anyhow::Result<Vec<Change>> {
    let id = assets.items.by_name(name).with_context(|| format!("there is no item `{name}`"))?;
    let equip = assets.items[id].equip.as_ref().with_context(|| format!("`{name}` cannot be worn"))?;
    let source = ChangeSource::Item(id);
    let mut changes: Vec<Change> = equip.modifiers.iter().map(|modifier| Change::of(modifier, 1, source)).collect();
    if equip.weapon > 0 {
        let op = ModifierOp::Flat(i32::try_from(equip.weapon).unwrap_or(i32::MAX));
        changes.push(Change { attribute: AttributeId::WEAPON, op, times: 1, source, when: None });
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ExplainArgs,
    }

    fn answer(line: &[&str]) -> anyhow::Result<Vec<Ledger>> {
        let assets = sim::testing::test_assets(&[]);
        explain(&Line::try_parse_from([&["explain"], line].concat())?.args, &assets)
    }

    #[test]
    fn an_attribute_is_explained_under_the_effects_asked_for() {
        let ledgers = answer(&["--class", "class/fighter", "--effect", "effect/might:3", "--attr", "attack"]).unwrap();
        // 50 attack, a tenth more per stack.
        assert_eq!(ledgers.iter().map(|ledger| ledger.value).collect::<Vec<_>>(), [65]);
        let steps: Vec<_> = ledgers[0].steps.iter().map(|step| (step.what.as_str(), step.from.as_str())).collect();
        assert_eq!(steps, [("50", "class/fighter"), ("+30 % increased (3 stacks)", "effect/might")]);
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let error = |line: &[&str]| answer(line).unwrap_err().to_string();
        assert_eq!(error(&["--class", "class/nope"]), "there is no class `class/nope`");
        assert_eq!(error(&["--class", "class/fighter", "--attr", "luck"]), "there is no attribute `luck`");
        assert_eq!(
            error(&["--class", "class/fighter", "--effect", "effect/might:0"]),
            "`effect/might:0` has no stacks"
        );
    }
}
