//! The rules of movement profiles, classes, items and monsters.
//! A limit is what the simulation and the wire can represent and what makes sense to play, whichever is less; durations
//! end at an hour, distances at what one scene can show.

use super::{Check, Checker, check_table};
use crate::assets::{ClassDef, MonsterDef, MovementDef, kinds::Records};

/// Highest level of anything; what grows with the level is checked up to here.
const LEVEL_MAX: u16 = 100;

/// Longest duration: an hour.
const DURATION_MS_MAX: i64 = 3_600_000;

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
