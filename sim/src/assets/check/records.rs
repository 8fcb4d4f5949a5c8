//! The rules of skills, effects, movement profiles, classes, items and monsters.
//! A limit is what the simulation and the wire can represent and what makes sense to play, whichever is less; durations
//! end at an hour, distances at what one scene can show.

use super::{Check, Checker, actions::check_action, check_table};
use crate::assets::{ClassDef, MonsterDef, MovementDef, SkillDef, SkillTarget, kinds::Records};

/// Highest level of anything; what grows with the level is checked up to here.
const LEVEL_MAX: u16 = 100;

/// Longest duration: an hour.
const DURATION_MS_MAX: i64 = 3_600_000;
/// Farthest a skill can reach, below the area of interest, so that nobody is hit by what cannot be seen.
const REACH_M_MAX: f32 = 60.0;
/// Smallest distance that counts as one.
const LENGTH_M_MIN: f32 = 0.1;

impl Check for SkillDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.duration("cast_ms", self.cast_ms, 0..=60_000);
        check.duration("gcd_ms", self.gcd_ms, 0..=60_000);
        check.duration("cooldown_ms", self.cooldown_ms, 0..=DURATION_MS_MAX);
        check.whole("cost_mp", self.cost_mp, 0..=1_000_000);
        if let Some(facing_deg) = self.facing_deg {
            check.float("facing_deg", facing_deg, 1.0..=360.0);
        }
        check_target(&self.target, check);
        if self.actions.is_empty() && check.is_original("actions") {
            check.pointless("actions", "has no actions");
        }
        for (index, action) in self.actions.iter().enumerate() {
            check_action(action, &format!("actions.{index}"), check);
        }
    }
}

fn check_target(target: &SkillTarget, check: &mut Checker<'_, '_>) {
    let reach_m = LENGTH_M_MIN..=REACH_M_MAX;
    let targets = |check: &mut Checker<'_, '_>, targets_max: u16| {
        check.whole("target.targets_max", targets_max, 1..=64);
    };
    match target {
        SkillTarget::Caster => {}
        SkillTarget::Unit { range_m, .. } => check.float("target.range_m", *range_m, reach_m),
        SkillTarget::Ground { range_m, radius_m, targets_max, .. } => {
            check.float("target.range_m", *range_m, reach_m.clone());
            check.float("target.radius_m", *radius_m, reach_m);
            targets(check, *targets_max);
        }
        SkillTarget::Around { radius_m, targets_max, .. } => {
            check.float("target.radius_m", *radius_m, reach_m);
            targets(check, *targets_max);
        }
        SkillTarget::Cone { radius_m, angle_deg, targets_max, .. } => {
            check.float("target.radius_m", *radius_m, reach_m);
            check.float("target.angle_deg", *angle_deg, 1.0..=360.0);
            targets(check, *targets_max);
        }
    }
}

impl Check for MovementDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.float("run_mps", self.run_mps, 0.1..=30.0);
        check.float("walk_mps", self.walk_mps, 0.1..=30.0);
        check.float("acceleration", self.acceleration, 0.1..=100.0);
        check.float("friction", self.friction, 0.1..=20.0);
        check.float("stop_speed_mps", self.stop_speed_mps, 0.0..=30.0);
        check.float("radius_m", self.radius_m, 0.1..=5.0);
        check.float("height_m", self.height_m, 0.2..=20.0);
        check.float("step_height_m", self.step_height_m, 0.0..=2.0);
        check.float("slope_max_deg", self.slope_max_deg, 0.0..=80.0);
        if self.walk_mps > self.run_mps {
            let message = format!(
                "`walk_mps` is {} m/s, but must not exceed the running speed of {} m/s",
                self.walk_mps, self.run_mps
            );
            check.contradiction("walk_mps", "run_mps", message);
        }
        if self.height_m < 2.0 * self.radius_m {
            let message = format!(
                "`height_m` is {} m, but a capsule of radius {} m is at least twice that high",
                self.height_m, self.radius_m
            );
            check.contradiction("height_m", "radius_m", message);
        }
    }
}

impl Check for ClassDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        if self.skills.is_empty() && check.is_original("skills") {
            check.pointless("skills", "has no skills");
        }
        if self.skills.len() > 32 {
            check.whole("skills", self.skills.len() as i64, 1..=32);
        }
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        check_table("attributes", &self.attributes, &[1, LEVEL_MAX / 2, LEVEL_MAX], records, check);
    }
}

impl Check for MonsterDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.whole("level", self.level, 1..=100);
        check.float("senses.aggro_m", self.senses.aggro_m, 0.0..=60.0);
        check.float("senses.z_m", self.senses.z_m, 0.0..=100.0);
        check.float("assist_m", self.assist_m, 0.0..=60.0);
        check.float("leash_m", self.leash_m, 1.0..=200.0);
        check.float("wander_m", self.wander_m, 0.0..=100.0);
        if self.skills.is_empty() && check.is_original("skills") {
            check.pointless("skills", "has no skills");
        }
        check.duration("respawn_ms", self.respawn_ms, 50..=24 * DURATION_MS_MAX);
        check.duration("corpse_ms", self.corpse_ms, 0..=DURATION_MS_MAX);
        self.check_distances(check);
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        check_table("attributes", &self.attributes, &[self.level], records, check);
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
        if self.leash_m < self.senses.aggro_m {
            let message = format!(
                "`leash_m` is {} m, but must reach at least as far as it attacks unasked, {} m",
                self.leash_m, self.senses.aggro_m
            );
            check.contradiction("leash_m", "senses.aggro_m", message);
        }
        if self.wander_m > self.leash_m {
            let message =
                format!("`wander_m` is {} m, but must not exceed `leash_m`, {} m", self.wander_m, self.leash_m);
            check.contradiction("wander_m", "leash_m", message);
        }
    }
}
