//! The rules of monsters and of threat.

use super::{Check, Checker, ai::check_deed, check_table, rings::check_summons};
use crate::assets::kinds::Records;
use crate::assets::report::Code;
use crate::assets::{Deed, MonsterDef, PhaseDef, PhaseStart, ThreatDef};

/// An hour, the longest time a monster takes for anything but coming back.
const DURATION_MS_MAX: i64 = 3_600_000;
/// Most phases of a fight.
const PHASES_MAX: usize = 16;

impl Check for ThreatDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.whole("melee_pct", self.melee_pct, 100..=1_000);
        check.whole("ranged_pct", self.ranged_pct, 100..=1_000);
        if self.melee_pct > self.ranged_pct {
            let message = format!("`melee_pct` is {} and more than `ranged_pct`, {}", self.melee_pct, self.ranged_pct);
            check.contradiction("melee_pct", "ranged_pct", message);
        }
        check.float("melee_m", self.melee_m, 0.0..=50.0);
        check.duration("reevaluate_ms", self.reevaluate_ms, 50..=60_000);
        check.whole("damage_pct", self.damage_pct, 0..=10_000);
        check.whole("heal_pct", self.heal_pct, 0..=10_000);
    }
}

impl Check for MonsterDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.whole("level.0", self.level.0, 1..=100);
        check.whole("level.1", self.level.1, 1..=100);
        check.ordered("level", (self.level.0.into(), self.level.1.into()));
        if let Some(run_mps) = self.movement.run_mps {
            check.float("move.run_mps", run_mps, 0.1..=20.0);
        }
        if let Some(radius_m) = self.movement.radius_m {
            check.float("move.radius_m", radius_m, 0.1..=5.0);
        }
        check.float("senses.aggro_m", self.senses.aggro_m, 0.0..=60.0);
        check.float("senses.per_level_m", self.senses.per_level_m, 0.0..=10.0);
        check.float("senses.limits_m.0", self.senses.limits_m.0, 0.0..=60.0);
        check.float("senses.limits_m.1", self.senses.limits_m.1, 0.0..=60.0);
        if self.senses.limits_m.0 > self.senses.limits_m.1 {
            let (least_m, most_m) = self.senses.limits_m;
            let message = format!("`senses.limits_m` begins at {least_m} m and ends at {most_m} m, nearer");
            check.contradiction("senses.limits_m.0", "senses.limits_m.1", message);
        }
        check.float("senses.z_m", self.senses.z_m, 0.0..=100.0);
        check.float("senses.assist_m", self.senses.assist_m, 0.0..=60.0);
        check.float("leash.radius_m", self.leash.radius_m, 1.0..=200.0);
        check.duration("leash.timer_ms", self.leash.timer_ms, 50..=DURATION_MS_MAX);
        check.duration("leash.unreachable_ms", self.leash.unreachable_ms, 0..=DURATION_MS_MAX);
        check.float("wander_m", self.wander_m, 0.0..=100.0);
        if self.skills.is_empty() && check.is_original("skills") {
            check.pointless("skills", "has no skills");
        }
        check.duration("respawn_ms", self.respawn_ms, 50..=24 * DURATION_MS_MAX);
        check.duration("corpse_ms", self.corpse_ms, 0..=DURATION_MS_MAX);
        self.check_distances(check);
        self.check_phases(check);
        if let Some(enrage) = &self.enrage {
            check.duration("enrage.after_ms", enrage.after_ms, 50..=DURATION_MS_MAX);
        }
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        let ends = [self.level.0, self.level.1];
        let levels = if ends[0] == ends[1] { &ends[..1] } else { &ends };
        check_table("attributes", &self.attributes, levels, records, check);
        self.check_phase_names(records, check);
        self.check_killable(records, check);
        check_summons(self, records, check);
    }
}

impl MonsterDef {
    fn check_distances(&self, check: &mut Checker<'_, '_>) {
        if self.corpse_ms > self.respawn_ms {
            let message = format!(
                "`corpse_ms` is {} ms, but must not exceed `respawn_ms`, {} ms",
                self.corpse_ms, self.respawn_ms
            );
            check.contradiction("corpse_ms", "respawn_ms", message);
        }
        let radius_m = self.leash.radius_m;
        if radius_m < self.senses.aggro_m {
            let message = format!(
                "`leash.radius_m` is {radius_m} m, but must reach at least as far as it attacks unasked, {} m",
                self.senses.aggro_m
            );
            check.contradiction("leash.radius_m", "senses.aggro_m", message);
        }
        if self.wander_m > radius_m {
            let message =
                format!("`wander_m` is {} m, but must not exceed `leash.radius_m`, {radius_m} m", self.wander_m);
            check.contradiction("wander_m", "leash.radius_m", message);
        }
    }

    fn check_phases(&self, check: &mut Checker<'_, '_>) {
        if self.phases.len() > PHASES_MAX {
            check.whole("phases", self.phases.len() as i64, 0..=PHASES_MAX as i64);
        }
        let mut below = 101;
        for (index, phase) in self.phases.iter().enumerate() {
            let path = format!("phases.{index}");
            match phase.when {
                PhaseStart::HpBelow(pct) => {
                    check.whole(&format!("{path}.when.0"), pct, 1..=100);
                    if pct >= below {
                        let message = format!("phase `{}` begins at {pct} %, after one at {below} %", phase.name);
                        check.report(Code::PhaseNeverBegins, &format!("{path}.when"), message);
                    }
                    below = below.min(pct);
                }
                PhaseStart::After(ms) => check.duration(&format!("{path}.when.0"), ms, 50..=DURATION_MS_MAX),
                PhaseStart::AddsDead | PhaseStart::Told => {}
            }
            for (place, deed) in phase.deeds.iter().enumerate() {
                check_deed(deed, &format!("{path}.do.{place}"), check);
                if !deed.is_immediate() {
                    let message = format!("{} cannot be done in the moment a phase begins", deed.word());
                    check.report(Code::NotImmediate, &format!("{path}.do.{place}"), message);
                }
            }
        }
    }

    /// Trees may only go over to phases that there are.
    fn check_phase_names(&self, records: &Records, check: &mut Checker<'_, '_>) {
        let has = |name: &str| self.phases.iter().any(|phase: &PhaseDef| phase.name == name);
        let trees = self.phases.iter().filter_map(|phase| phase.ai.as_ref()).chain([&self.ai]);
        for tree in trees.filter_map(|tree| tree.found().and_then(|id| records.ai.get(id))) {
            for deed in tree.tree().deeds() {
                let Deed::SetPhase(name) = deed else { continue };
                if !has(name) {
                    let message =
                        format!("`{}` goes over to phase `{name}`, which {} does not have", tree.id, check.title);
                    check.report(Code::UnknownPhase, "ai", message);
                }
            }
        }
    }
}
