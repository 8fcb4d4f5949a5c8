//! What hit points may come back without a word in the combat log: regeneration is not told, only seen.

use sim::assets::{Assets, AttributeId, CombatDef, Modifier, ModifierOp};
use sim::features::combat::Attributes;

/// Whole points that somebody may regain in a second: at its highest level, with all that effects, things and sets of the game
/// data can add together. Without a bound where something multiplies it.
pub(super) fn regained_max(assets: &Assets, rules: &CombatDef, is_player: bool) -> i64 {
    let at_level = |table, level| Attributes::at_level(assets, table, level).current(AttributeId::HP_REGEN_MILLI);
    let own = if is_player {
        assets.classes.iter().map(|(_, class)| at_level(&class.attributes, rules.experience.level_max)).max()
    } else {
        assets.monsters.iter().map(|(_, monster)| at_level(&monster.attributes, monster.level.1)).max()
    };
    let effects = assets.effects.iter().map(|(_, effect)| (&effect.modifiers, i64::from(effect.stack.max)));
    let worn = assets.items.iter().filter_map(|(_, item)| item.equip.as_ref());
    let items = worn.map(|equip| (&equip.modifiers, 1));
    let sets = assets.sets.iter().flat_map(|(_, set)| set.bonuses.iter().map(|bonus| (&bonus.modifiers, 1)));
    let added = effects.chain(items).chain(sets).map(|(modifiers, times)| added_milli(modifiers).saturating_mul(times));
    let milli = added.fold(i64::from(own.unwrap_or(0).max(0)), i64::saturating_add);
    let pct = rules.recovery.calm_pct.max(rules.recovery.fighting_pct);
    milli.saturating_mul(pct.into()).saturating_div(100_000).saturating_add(1)
}

fn added_milli(modifiers: &[Modifier]) -> i64 {
    let those = modifiers.iter().filter(|modifier| modifier.attr.attribute() == AttributeId::HP_REGEN_MILLI);
    let added = those.map(|modifier| match modifier.op {
        ModifierOp::Flat(amount) => i64::from(amount.max(0)),
        ModifierOp::ClampMax(_) => 0,
        op if op.amount() <= 0 => 0,
        _ => i64::MAX,
    });
    added.fold(0, i64::saturating_add)
}
