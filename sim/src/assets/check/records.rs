//! The rules of movement profiles, classes, items and monsters.
//! A limit is what the simulation and the wire can represent and what makes sense to play, whichever is less; durations
//! end at an hour, distances at what one scene can show.

use super::{Check, Checker, check_table};
use crate::assets::{ClassDef, MovementDef, kinds::Records};

/// Highest level of anything; what grows with the level is checked up to here.
const LEVEL_MAX: u16 = 100;

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
