//! The rules of patrols: how many places, how long they stay there, and what can be done while they do.

use std::ops::RangeInclusive;

use super::Checker;
use crate::assets::kinds::Records;
use crate::assets::report::Code;
use crate::assets::{Filter, SkillDef, SkillTarget, SpawnerDef, StopDeed};

/// Fewest and most places of a patrol.
const STOPS: RangeInclusive<usize> = 2..=64;
/// Most deeds at one place.
const DEEDS_MAX: i64 = 8;
/// Most bytes of what is said.
const SAY_BYTES_MAX: usize = 200;
/// An hour, the longest stay.
const WAIT_MS_MAX: i64 = 3_600_000;

/// Checks what a patrol says by itself; its places are the scene's to check.
pub(super) fn check_patrol(spawner: &SpawnerDef, path: &str, check: &mut Checker<'_, '_>) {
    let count = spawner.patrol.len();
    if count > 0 && !STOPS.contains(&count) {
        let (least, most) = (STOPS.start(), STOPS.end());
        let places = if count == 1 { "place" } else { "places" };
        let message = format!("`patrol` has {count} {places}, but needs {least} to {most}, or none at all");
        check.report(Code::OutOfRange, &format!("{path}.patrol"), message);
    }
    if count == 0 && spawner.patrol_round && check.is_original(&format!("{path}.patrol_round")) {
        let message = "`patrol_round` says how a patrol goes on, but there is no `patrol`".to_owned();
        check.report(Code::Pointless, &format!("{path}.patrol_round"), message);
    }
    for (index, stop) in spawner.patrol.iter().enumerate() {
        let path = format!("{path}.patrol.{index}");
        check.duration(&format!("{path}.wait_ms"), stop.wait_ms, 0..=WAIT_MS_MAX);
        if stop.deeds.len() as i64 > DEEDS_MAX {
            check.whole(&format!("{path}.do"), stop.deeds.len() as i64, 0..=DEEDS_MAX);
        }
        for (place, deed) in stop.deeds.iter().enumerate() {
            let path = format!("{path}.do.{place}.0");
            match deed {
                StopDeed::Face(deg) => check.float(&path, *deg, -360.0..=360.0),
                StopDeed::Say(text) if text.is_empty() || text.len() > SAY_BYTES_MAX => {
                    check.whole(&path, text.len() as i64, 1..=SAY_BYTES_MAX as i64);
                }
                StopDeed::Say(_) | StopDeed::Cast(_) => {}
            }
        }
    }
}

/// Checks what a patrol says about skills.
pub(super) fn check_patrol_casts(spawner: &SpawnerDef, path: &str, records: &Records, check: &mut Checker<'_, '_>) {
    for (index, stop) in spawner.patrol.iter().enumerate() {
        let mut needed_ms = 0;
        for (place, deed) in stop.deeds.iter().enumerate() {
            let StopDeed::Cast(skill) = deed else { continue };
            let Some(skill) = skill.found().and_then(|id| records.skills.get(id)) else { continue };
            let at = format!("{path}.patrol.{index}.do.{place}");
            if !needs_no_enemy(skill) {
                let message = format!("`{}` needs an enemy, and there is none on a patrol", skill.id);
                if let Some(note) = check.report(Code::Contradiction, &at, message) {
                    note.label("cannot be cast here")
                        .help("use a skill for its caster, for friends, or around it".to_owned());
                }
            }
            needed_ms += skill.cast.length_ms();
        }
        if needed_ms > stop.wait_ms {
            let wait_ms = stop.wait_ms;
            let message = format!("its casts take {needed_ms} ms, but it walks on after {wait_ms} ms");
            let (stop, wait) = (format!("{path}.patrol.{index}"), format!("{path}.patrol.{index}.wait_ms"));
            if check.is_original(&wait)
                && let Some(note) = check.report(Code::Contradiction, &stop, message)
            {
                note.label("walks on too soon").help(format!("`wait_ms: {needed_ms}` is long enough"));
            }
        }
    }
}

const fn needs_no_enemy(skill: &SkillDef) -> bool {
    !skill.target.names_unit() && !matches!(skill.target, SkillTarget::Ground { .. })
        || matches!(skill.target, SkillTarget::Unit { filter: Filter::Ally, dead: false, .. })
}
