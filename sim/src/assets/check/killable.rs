//! Whether a monster can be killed at all: how long forty players of its level would take with their hardest blows, and
//! whether it puts something on itself that keeps everything off and that nothing takes away. Estimates are in favour of
//! the data: who fails here could not be killed by anybody.

use std::collections::BTreeSet;

use super::Checker;
use crate::assets::{
    Action, AttributeId, AttributeTable, ClassDef, CombatDef, Deed, DispelKind, Duration, EffectDef, Mitigation,
    MonsterDef, Ref, School, SkillTarget, TagId, kinds::Records, report::Code,
};

/// As many players as can be expected to fight one monster together.
const PLAYERS: f64 = 40.0;
/// Blows of one player in a second, at most.
const BLOWS_PER_S: f64 = 4.0;
/// Longest that a fight may take, in seconds.
const FIGHT_S_MAX: f64 = 3_600.0;
/// What the rules leave of a resistance, in basis points.
const RESIST_BP: (i64, i64) = (-10_000, 9_500);

impl MonsterDef {
    pub(super) fn check_killable(&self, records: &Records, check: &mut Checker<'_, '_>) {
        if records.classes.iter().next().is_none() {
            return;
        }
        let levels = [self.level.0, self.level.1];
        if let Some((level, hours)) =
            levels.into_iter().find_map(|level| Some((level, self.too_long_h(level, records)?)))
        {
            let time = if hours.is_finite() { format!("{hours:.0} hours") } else { "for ever".to_owned() };
            let message = format!("{} cannot be killed: forty players of level {level} would need {time}", check.title);
            if let Some(note) = check.report(Code::Unkillable, "attributes", message) {
                let help = "what counts are `hp_max`, `armor`, the resistances, `damage_taken_bp` and `hp_regen_milli`";
                note.label("too much").help(help.to_owned());
            }
        }
        self.check_shelter(records, check);
    }

    /// Hours that forty players of a level would take, if those are too many.
    fn too_long_h(&self, level: u16, records: &Records) -> Option<f64> {
        let rules = records.combat.iter().find(|rules| rules.id == CombatDef::DEFAULT)?;
        let own = |attribute| value(&self.attributes, attribute, level, records);
        let per_blow = records.classes.iter().map(|class| self.hardest_blow(class, level, rules, records));
        let per_blow = per_blow.fold(f64::from(rules.damage.minimum), f64::max);
        let regained =
            own(AttributeId::HP_REGEN_MILLI)? as f64 / 1_000.0 * f64::from(rules.recovery.fighting_pct) / 100.0;
        let lost = PLAYERS * BLOWS_PER_S * per_blow - regained;
        let time_s = if lost > 0.0 { own(AttributeId::HP_MAX)? as f64 / lost } else { f64::INFINITY };
        (time_s > FIGHT_S_MAX).then_some(time_s / 3_600.0)
    }

    /// Points that the hardest blow of a class takes, critical as it may be.
    fn hardest_blow(&self, class: &ClassDef, level: u16, rules: &CombatDef, records: &Records) -> f64 {
        let own = |attribute| value(&class.attributes, attribute, level, records).unwrap_or(0).max(0) as f64;
        let strength = own(AttributeId::ATTACK) + own(AttributeId::POWER) + own(AttributeId::WEAPON);
        let strength = strength * own(AttributeId::CRIT_DAMAGE_BP).max(10_000.0) / 10_000.0;
        let strength = strength * own(AttributeId::DAMAGE_DONE_BP) / 10_000.0;
        let blows = blows(class, records);
        let taken = blows.into_iter().map(|(school, coef)| {
            strength * f64::from(coef) / 1_000.0 * self.lets_through(school, level, rules, records)
        });
        taken.fold(0.0, f64::max)
    }

    /// The part of a blow that arrives, without immunity.
    fn lets_through(&self, school: School, level: u16, rules: &CombatDef, records: &Records) -> f64 {
        let own = |attribute| value(&self.attributes, attribute, level, records).unwrap_or(0);
        let resisted = school.resistance().map_or(0, own).clamp(RESIST_BP.0, RESIST_BP.1);
        let stopped = match rules.damage.mitigation {
            Mitigation::Armor { half } if school == School::Physical => {
                f64::from(half) / (own(AttributeId::ARMOR).max(0) as f64 + f64::from(half.max(1)))
            }
            _ => 1.0,
        };
        let taken = own(AttributeId::DAMAGE_TAKEN_BP).max(0) as f64 / 10_000.0;
        stopped * taken * (10_000 - resisted) as f64 / 10_000.0
    }

    /// Whatever it puts on itself must let somebody through in the end.
    fn check_shelter(&self, records: &Records, check: &mut Checker<'_, '_>) {
        let schools: BTreeSet<School> =
            records.classes.iter().flat_map(|class| blows(class, records)).map(|(school, _)| school).collect();
        for (path, effect) in self.own_effects(records) {
            let Some(def) = effect.found().and_then(|id| records.effects.get(id)) else { continue };
            let keeps_off = |school: &School| {
                let grants = |tag| def.grants.set().has(tag);
                grants(TagId::INVULNERABLE)
                    || grants(TagId::UNTARGETABLE)
                    || grants(school.immunity())
                    || (*school != School::Physical && grants(TagId::IMMUNE_MAGIC))
            };
            if !schools.is_empty() && schools.iter().all(keeps_off) && stays(def, records) {
                let message = format!(
                    "{} cannot be killed: `{}` keeps off everything that a class does, and nothing ends it",
                    check.title, def.id
                );
                if let Some(note) = check.report(Code::Unkillable, &path, message) {
                    note.label("for ever").help("give the effect a duration, or something that removes it".to_owned());
                }
            }
        }
    }

    /// What it puts on itself, each with the place in its record that leads there.
    fn own_effects<'r>(&'r self, records: &'r Records) -> Vec<(String, &'r Ref<EffectDef>)> {
        let mut found = Vec::new();
        found.extend(self.enrage.iter().map(|enrage| ("enrage.effect".to_owned(), &enrage.effect)));
        let gained = |deed: &'r Deed| match deed {
            Deed::Gain(effect) => Some(effect),
            _ => None,
        };
        for (index, phase) in self.phases.iter().enumerate() {
            let deeds = phase.deeds.iter().enumerate();
            found.extend(deeds.filter_map(|(at, deed)| Some((format!("phases.{index}.do.{at}"), gained(deed)?))));
        }
        let trees = [("ai".to_owned(), &self.ai)].into_iter();
        let trees = trees.chain(
            self.phases
                .iter()
                .enumerate()
                .filter_map(|(at, phase)| Some((format!("phases.{at}.ai"), phase.ai.as_ref()?))),
        );
        for (path, tree) in trees {
            let Some(tree) = tree.found().and_then(|id| records.ai.get(id)) else { continue };
            found.extend(tree.tree().deeds().filter_map(gained).map(|effect| (path.clone(), effect)));
        }
        for (at, skill) in self.skills.iter().enumerate() {
            let skill = skill.found().and_then(|id| records.skills.get(id));
            let own = skill.filter(|skill| matches!(skill.target, SkillTarget::Caster));
            let effects = own.into_iter().flat_map(|skill| skill.actions()).filter_map(Action::applied);
            found.extend(effects.map(|effect| (format!("skills.{at}"), effect)));
        }
        found
    }
}

/// Whether nothing ends an effect but the death of its bearer.
fn stays(def: &EffectDef, records: &Records) -> bool {
    let is_taken = |other: &EffectDef| {
        other.removes.set().intersects(def.tags.set())
            || other.action_lists().flat_map(|(_, actions)| actions).any(|action| takes(action, def))
    };
    def.duration == Duration::Infinite
        && def.dispel == DispelKind::None
        && def.break_bar.is_none()
        && def.absorb.is_none()
        && !records.effects.iter().any(is_taken)
        && !records.skills.iter().flat_map(|skill| skill.actions()).any(|action| takes(action, def))
}

fn takes(action: &Action, def: &EffectDef) -> bool {
    matches!(action, Action::Remove { effect, .. } if effect.name() == def.id)
}

/// A value at a level, within the attribute's range; `None` where something could not be read.
fn value(table: &AttributeTable, attribute: AttributeId, level: u16, records: &Records) -> Option<i64> {
    let (_, def) = records.attributes.entries().find(|(id, _)| AttributeId::from(*id) == attribute)?;
    let own = table.iter().find(|(own, _)| own.found().is_some_and(|id| AttributeId::from(id) == attribute));
    let value = match own {
        Some((_, value)) => value.at(level, &|curve| records.curves.get(curve))?,
        None => i64::from(def.base),
    };
    Some(value.clamp(i64::from(def.min), i64::from(def.max.max(def.min))))
}

/// The schools in which a class does damage by its skills and all that they lead to, with the coefficients.
fn blows(class: &ClassDef, records: &Records) -> Vec<(School, u32)> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let skills = class.skills.iter().filter_map(|skill| records.skills.get(skill.found()?));
    let mut open: Vec<&Action> = skills.flat_map(|skill| skill.actions()).collect();
    while let Some(action) = open.pop() {
        match action {
            Action::Damage { school, coef, .. } => found.push((*school, *coef)),
            Action::Launch { projectile } if seen.insert(projectile.name()) => {
                let def = projectile.found().and_then(|id| records.projectiles.get(id));
                open.extend(def.into_iter().flat_map(|def| def.on_hit.iter().chain(&def.on_miss)));
            }
            Action::Area { area } if seen.insert(area.name()) => {
                let def = area.found().and_then(|id| records.areas.get(id));
                open.extend(
                    def.into_iter().flat_map(|def| def.on_enter.iter().chain(&def.on_leave).chain(&def.on_tick)),
                );
            }
            _ => {
                let effect = action.applied().filter(|effect| seen.insert(effect.name()));
                let def = effect.and_then(|effect| records.effects.get(effect.found()?));
                open.extend(def.into_iter().flat_map(|def| def.action_lists()).flat_map(|(_, actions)| actions));
            }
        }
    }
    found
}
