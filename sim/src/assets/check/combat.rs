//! The rules of combat profiles and factions: tables whose rows are there once and whose ranges are ranges, and
//! factions that do not contradict themselves.

use std::collections::BTreeSet;

use super::{Check, Checker};
use crate::assets::{AttackRules, CombatDef, ExperienceRules, FactionDef, Mitigation, report::Code};

/// Highest level of anything.
const LEVEL_MAX: i64 = 100;
/// An hour in ms.
const HOUR_MS: i64 = 3_600_000;

impl Check for CombatDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        for (kind, rules) in [
            ("melee", &self.melee),
            ("ranged", &self.ranged),
            ("spell", &self.spell),
            ("periodic", &self.periodic),
            ("heal", &self.heal),
        ] {
            check_attack(kind, rules, check);
        }
        if !self.heal.table.is_empty() && check.is_original("heal.table") {
            check.pointless("heal.table", "has an attack table for healing, which nobody avoids");
        }
        self.check_damage(check);
        check.duration("recovery.calm_ms", self.recovery.calm_ms, 0..=HOUR_MS);
        check.duration("recovery.respawn_ms", self.recovery.respawn_ms, 100..=HOUR_MS);
        check.whole("recovery.fighting_pct", self.recovery.fighting_pct, 0..=10_000);
        check.whole("recovery.calm_pct", self.recovery.calm_pct, 0..=10_000);
        check.whole("pvp.damage_pct", self.pvp.damage_pct, 0..=1_000);
        check.whole("pvp.healing_pct", self.pvp.healing_pct, 0..=1_000);
        check.duration("pvp.flag_ms", self.pvp.flag_ms, 0..=HOUR_MS);
        check.float("pvp.duel_radius_m", self.pvp.duel_radius_m, 5.0..=200.0);
        check.duration("pvp.duel_countdown_ms", self.pvp.duel_countdown_ms, 0..=60_000);
        check.duration("pvp.duel_offer_ms", self.pvp.duel_offer_ms, 50..=HOUR_MS);
        check.duration("resurrection.offer_ms", self.resurrection.offer_ms, 50..=HOUR_MS);
        check.duration("resurrection.release_after_ms", self.resurrection.release_after_ms, 0..=HOUR_MS);
        check.whole("resurrection.release_pct", self.resurrection.release_pct, 1..=100);
        check_experience(&self.experience, check);
    }
}

impl CombatDef {
    fn check_damage(&self, check: &mut Checker<'_, '_>) {
        check_parts("damage.spread_bp", self.damage.spread_bp, check);
        check_parts("damage.glance_bp", self.damage.glance_bp, check);
        check_parts("heal_spread_bp", self.heal_spread_bp, check);
        check.whole("damage.block_pct", self.damage.block_pct, 0..=100);
        check.whole("damage.minimum", self.damage.minimum, 0..=1_000);
        check.whole("damage.per_level_bp", self.damage.per_level_bp, 0..=10_000);
        check.whole("damage.levels_max", self.damage.levels_max, 0..=LEVEL_MAX);
        if let Mitigation::Armor { half } = self.damage.mitigation {
            check.whole("damage.mitigation.half", half, 1..=1_000_000);
        }
    }
}

fn check_attack(kind: &str, rules: &AttackRules, check: &mut Checker<'_, '_>) {
    let mut rows = BTreeSet::new();
    for (index, row) in rules.table.iter().enumerate() {
        let path = format!("{kind}.table.{index}");
        if !rows.insert(row.row) {
            let message = format!("{} has the row {:?} twice in `{kind}`", check.title, row.row);
            if let Some(note) = check.report(Code::TableRowTwice, &format!("{path}.row"), message) {
                note.label("again");
            }
        }
        for (field, bp) in [("base_bp", row.base_bp), ("per_level_bp", row.per_level_bp)] {
            check.whole(&format!("{path}.{field}"), bp, -10_000..=10_000);
        }
        for (field, bp) in [("min_bp", row.min_bp), ("max_bp", row.max_bp)] {
            check.whole(&format!("{path}.{field}"), bp, 0..=10_000);
        }
        if row.min_bp > row.max_bp {
            let message = format!("`min_bp` is {}, but must not exceed `max_bp`, {}", row.min_bp, row.max_bp);
            check.contradiction(&format!("{path}.min_bp"), &format!("{path}.max_bp"), message);
        }
    }
    check.whole(&format!("{kind}.crit.per_level_bp"), rules.crit.per_level_bp, -10_000..=10_000);
}

/// Least and greatest part of a whole.
fn check_parts(path: &str, parts_bp: (u32, u32), check: &mut Checker<'_, '_>) {
    check.whole(&format!("{path}.0"), parts_bp.0, 0..=100_000);
    check.whole(&format!("{path}.1"), parts_bp.1, 0..=100_000);
    check.ordered(path, parts_bp);
}

fn check_experience(rules: &ExperienceRules, check: &mut Checker<'_, '_>) {
    check.whole("experience.base", rules.base, 0..=1_000_000);
    check.whole("experience.elite_pct", rules.elite_pct, 100..=1_000);
    check.whole("experience.share_m", rules.share_m, 1..=1_000);
    check.whole("experience.level_max", rules.level_max, 1..=LEVEL_MAX);
    for (index, bp) in rules.group_bp.iter().enumerate() {
        check.whole(&format!("experience.group_bp.{index}"), *bp, 0..=100_000);
    }
}

impl Check for FactionDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        let mut said = Vec::new();
        for (list, _, names) in self.lists() {
            for (index, name) in names.iter().enumerate() {
                let path = format!("{list}.{index}");
                if name.name() == self.short_name() {
                    let message = format!("{} says how it stands towards itself", check.title);
                    if let Some(note) = check.report(Code::FactionSaidTwice, &path, message) {
                        note.label("a faction is always its own friend");
                    }
                } else if let Some((earlier, _)) = said.iter().find(|(_, other)| *other == name.name()) {
                    let message = format!("{} lists `{}` as {list}, but also as {earlier}", check.title, name.name());
                    if let Some(note) = check.report(Code::FactionSaidTwice, &path, message) {
                        note.label("said twice");
                    }
                } else {
                    said.push((list, name.name()));
                }
            }
        }
    }
}
