//! The rules of world events: a timetable with times in it, announcements before the next time, a place in the scene.

use super::{Check, Checker};
use crate::assets::report::Code;
use crate::assets::{Timetable, WorldEventDef};

/// Longest a boss stays: a day.
const LIFETIME_MS_MAX: i64 = 24 * 3_600_000;
/// Longest step of a steady timetable: four weeks, in minutes.
const MINUTES_MAX: i64 = 4 * 7 * 24 * 60;
/// Most announcements before the start.
const ANNOUNCEMENTS_MAX: usize = 8;

impl Check for WorldEventDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.duration("lifetime_ms", self.lifetime_ms, 1_000..=LIFETIME_MS_MAX);
        check.point("at", [self.at.0, self.at.1], -16_384.0..=16_384.0);
        match &self.when {
            Timetable::Every { minutes, .. } => check.whole("when.minutes", *minutes, 1..=MINUTES_MAX),
            Timetable::Daily { at } if at.is_empty() => check.pointless("when", "has a timetable without times"),
            Timetable::Weekly { days, at } if days.is_empty() || at.is_empty() => {
                check.pointless("when", "has a timetable without times");
            }
            Timetable::Daily { .. } | Timetable::Weekly { .. } => {}
        }
        for (index, minutes) in self.announce_min.iter().enumerate() {
            check.whole(&format!("announce_min.{index}"), *minutes, 1..=1_440);
        }
        if self.announce_min.len() > ANNOUNCEMENTS_MAX {
            let message =
                format!("`announce_min` has {} entries, but at most {ANNOUNCEMENTS_MAX}", self.announce_min.len());
            check.report(Code::OutOfRange, "announce_min", message);
        }
    }
}
