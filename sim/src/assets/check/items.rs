//! The rules of items and of sets.

use super::{Check, Checker};
use crate::assets::{
    Duration, EffectDef, ItemDef, Modifier, RandomDef, Ref, SetDef, Uses, kinds::Records, report::Code,
};

/// Greatest amount of a modifier.
const AMOUNT_MAX: i64 = 10_000_000;
/// Most pieces of a set: the places where something can be worn.
const PIECES_MAX: i64 = 16;

impl Check for ItemDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.whole("stack_max", self.stack_max, 1..=10_000);
        check.whole("value", self.value, 0..=1_000_000_000);
        check.whole("level", self.level, 1..=100);
        if self.stack_max > 1 && (self.unique || self.is_piece()) {
            let why = if self.unique { "is unique" } else { "has something of its own in every piece" };
            let message = format!("{} {why}, but {} of it make a stack", check.title, self.stack_max);
            if let Some(note) = check.report(Code::ItemConflict, "stack_max", message) {
                note.label("must be 1").help("leave `stack_max` out".to_owned());
            }
        }
        if let Some(equip) = &self.equip {
            check.whole("equip.weapon", equip.weapon, 0..=AMOUNT_MAX);
            check_modifiers("equip.modifiers", &equip.modifiers, check);
        }
        if let Some(on_use) = &self.on_use {
            if let Uses::Charges(charges) = on_use.uses {
                check.whole("on_use.uses.0", charges, 1..=10_000);
            }
            if let Some(cooldown) = &on_use.cooldown {
                check.duration("on_use.cooldown.ms", cooldown.ms, 50..=86_400_000);
                if cooldown.group.is_empty() {
                    check.pointless("on_use.cooldown.group", "has a cooldown of no group");
                }
            }
        }
        if self.set.is_some() && self.equip.is_none() {
            let message = format!("{} belongs to a set, but cannot be worn", check.title);
            if let Some(note) = check.report(Code::ItemConflict, "set", message) {
                note.help("add `equip`, or leave `set` out".to_owned());
            }
        }
        if self.bind == crate::assets::Bind::OnEquip && self.equip.is_none() {
            let message = format!("{} is bound when it is worn, but cannot be worn", check.title);
            check.report(Code::ItemConflict, "bind", message);
        }
        if let Some(random) = &self.random {
            check_random(random, self.equip.is_some(), check);
        }
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        let effects = self.equip.iter().flat_map(|equip| &equip.effects).enumerate();
        for (index, effect) in effects {
            check_lasting(effect, &format!("equip.effects.{index}"), records, check);
        }
    }
}

/// An effect of something worn lasts as long as it is worn, so it must have no end of its own.
fn check_lasting(effect: &Ref<EffectDef>, path: &str, records: &Records, check: &mut Checker<'_, '_>) {
    let def = effect.found().and_then(|effect| records.effects.get(effect));
    if def.is_some_and(|def| def.duration != Duration::Infinite) {
        let message =
            format!("{} brings `{}` as long as it is worn, but that ends by itself", check.title, effect.name());
        if let Some(note) = check.report(Code::ItemConflict, path, message) {
            note.label("not infinite").help("say `duration: Infinite` in the effect".to_owned());
        }
    }
}

fn check_random(random: &RandomDef, worn: bool, check: &mut Checker<'_, '_>) {
    check.ordered("random.pick", random.pick);
    let most = random.of.len() as u64;
    if u64::from(random.pick.1) > most {
        let message = format!("up to {} of {most} lines are picked, but no line twice", random.pick.1);
        check.contradiction("random.pick", "random.of", message);
    }
    for (index, roll) in random.of.iter().enumerate() {
        let path = format!("random.of.{index}");
        check.whole(&format!("{path}.range.0"), roll.range.0, -AMOUNT_MAX..=AMOUNT_MAX);
        check.whole(&format!("{path}.range.1"), roll.range.1, -AMOUNT_MAX..=AMOUNT_MAX);
        check.whole(&format!("{path}.weight"), roll.weight, 1..=1_000_000);
        if roll.range.0 > roll.range.1 {
            let message = format!(
                "`range` goes from {} to {}, but the least must not exceed the most",
                roll.range.0, roll.range.1
            );
            check.contradiction(&format!("{path}.range"), &format!("{path}.range"), message);
        }
    }
    if !worn {
        let message = format!("{} has rolls, which count only while it is worn, but cannot be worn", check.title);
        check.report(Code::ItemConflict, "random", message);
    }
}

fn check_modifiers(path: &str, modifiers: &[Modifier], check: &mut Checker<'_, '_>) {
    for (index, modifier) in modifiers.iter().enumerate() {
        check.whole(&format!("{path}.{index}.op.0"), modifier.op.amount(), -AMOUNT_MAX..=AMOUNT_MAX);
    }
}

impl Check for SetDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        for (index, bonus) in self.bonuses.iter().enumerate() {
            check.whole(&format!("bonuses.{index}.pieces"), bonus.pieces, 2..=PIECES_MAX);
            check_modifiers(&format!("bonuses.{index}.modifiers"), &bonus.modifiers, check);
            if bonus.modifiers.is_empty() && bonus.effects.is_empty() {
                check.pointless(&format!("bonuses.{index}"), "has a bonus that does nothing");
            }
        }
        if self.bonuses.is_empty() && check.is_original("bonuses") {
            check.pointless("bonuses", "has no bonuses");
        }
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        for (index, bonus) in self.bonuses.iter().enumerate() {
            for (place, effect) in bonus.effects.iter().enumerate() {
                check_lasting(effect, &format!("bonuses.{index}.effects.{place}"), records, check);
            }
        }
    }
}
