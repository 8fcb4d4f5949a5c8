//! The rules of skills, projectiles and areas: what fits into the tick, the wire and the area of interest, and what would
//! never happen.

use super::actions::check_action;
use super::interrupts::check_overrides;
use super::rings::check_combos;
use super::{Check, Checker};
use crate::assets::kinds::Records;
use crate::assets::report::Code;
use crate::assets::{
    Action, AreaDef, AreaShape, At, CastDef, CastMove, CostTime, Flight, Moment, ProjectileDef, SkillDef, SkillTarget,
};

/// Longest cooldown: an hour.
const DURATION_MS_MAX: i64 = 3_600_000;
/// Longest cast.
const CAST_MS_MAX: i64 = 60_000;
/// Farthest a skill can reach, below the area of interest, so that nobody is hit by what cannot be seen.
const REACH_M_MAX: f32 = 60.0;
/// Smallest distance that counts as one.
const LENGTH_M_MIN: f32 = 0.1;
/// Most ticks of a channel.
const TICKS_MAX: u32 = 200;

impl Check for SkillDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check_cast(&self.cast, check);
        if let Some(gcd) = &self.gcd {
            check.whole("gcd.ms", gcd.ms, 0..=60_000);
            check.whole("gcd.min_ms", gcd.min_ms, 0..=i64::from(gcd.ms));
        }
        if let Some(cooldown) = &self.cooldown {
            check.duration("cooldown.ms", cooldown.ms, 50..=DURATION_MS_MAX);
            check.whole("cooldown.charges", cooldown.charges, 1..=100);
        }
        check.duration("queue_window_ms", self.queue_window_ms, 0..=2_000);
        self.check_costs(check);
        if let Some(combo) = &self.requires.combo {
            check.duration("requires.combo.within_ms", combo.within_ms, 50..=CAST_MS_MAX);
            if let Some(bonus_pct) = combo.bonus_pct {
                check.whole("requires.combo.bonus_pct", bonus_pct, 1..=10_000);
            }
        }
        if let Some(becomes) = &self.becomes {
            check.duration("becomes.within_ms", becomes.within_ms, 50..=CAST_MS_MAX);
            if becomes.skill.name() == self.id {
                check.contradiction("becomes.skill", "id", format!("{} becomes itself", check.title));
            }
        }
        check_target(&self.target, check);
        if self.actions().next().is_none() && check.is_original("timeline") {
            check.pointless("timeline", "has nothing to do");
        }
        for (index, moment) in self.timeline.iter().enumerate() {
            self.check_moment(index, moment, check);
        }
    }

    fn check_among(&self, records: &Records, check: &mut Checker<'_, '_>) {
        check_overrides(self, check);
        check_combos(self, records, check);
    }
}

impl SkillDef {
    fn check_costs(&self, check: &mut Checker<'_, '_>) {
        for (index, cost) in self.cost.iter().enumerate() {
            check.whole(&format!("cost.{index}.amount"), cost.amount, 0..=1_000_000);
            check.whole(&format!("cost.{index}.pct_of_max"), cost.pct_of_max, 0..=100);
            let path = format!("cost.{index}.when");
            if cost.when == CostTime::PerTick && !matches!(self.cast, CastDef::Channel { .. }) {
                never(check, &path, "is paid with every tick, but only a `Channel` has ticks");
            }
        }
    }

    fn check_moment(&self, index: usize, moment: &Moment, check: &mut Checker<'_, '_>) {
        let at = format!("timeline.{index}.at");
        match (&self.cast, moment.at) {
            (CastDef::Channel { .. }, At::Tick(0)) => never(check, &at, "counts ticks from 1"),
            (CastDef::Channel { ms, tick_ms, .. }, At::Tick(tick)) if u32::from(tick) > ms / tick_ms.max(&1) + 1 => {
                never(check, &at, "comes after the last tick");
            }
            (CastDef::Channel { .. }, At::Tick(_) | At::EachTick) | (CastDef::Charge { .. }, At::Release) => {}
            (_, At::Tick(_) | At::EachTick) => never(check, &at, "needs a `Channel`, which alone has ticks"),
            (_, At::Release) => never(check, &at, "needs a `Charge`, which alone is let go"),
            (cast, At::Ms(ms)) if ms > cast.length_ms() => never(check, &at, "comes after the cast has ended"),
            _ => {}
        }
        for (number, action) in moment.actions.iter().enumerate() {
            let path = format!("timeline.{index}.do.{number}");
            check_action(action, &path, check);
            if moment.at == At::Hit && matches!(action, Action::Launch { .. }) && self.launches() {
                never(check, &path, "launches when a projectile of the same skill hits");
            }
        }
    }
}

/// Reports something that can never happen.
fn never(check: &mut Checker<'_, '_>, path: &str, why: &str) {
    let message = format!("{} has a moment that {why}", check.title);
    check.report(Code::NeverHappens, path, message);
}

fn check_cast(cast: &CastDef, check: &mut Checker<'_, '_>) {
    if let Some(pushback) = cast.pushback() {
        check.whole("cast.pushback.ms", pushback.ms, 1..=10_000);
        check.whole("cast.pushback.max", pushback.max, 1..=20);
    }
    if let Some(CastMove::Slows(bp)) = cast.movement() {
        check.whole("cast.move.0", bp, 1..=10_000);
    }
    match cast {
        CastDef::Instant => {}
        CastDef::Cast { ms, .. } => check.duration("cast.ms", *ms, 50..=CAST_MS_MAX),
        CastDef::Channel { ms, tick_ms, .. } => {
            check.duration("cast.ms", *ms, 50..=CAST_MS_MAX);
            check.duration("cast.tick_ms", *tick_ms, 50..=CAST_MS_MAX);
            if *tick_ms > 0 && (!ms.is_multiple_of(*tick_ms) || ms / tick_ms > TICKS_MAX) {
                let message = format!(
                    "the channel of {ms} ms must be a whole number of ticks of {tick_ms} ms, at most {TICKS_MAX}"
                );
                check.contradiction("cast.tick_ms", "cast.ms", message);
            }
        }
        CastDef::Charge { min_ms, max_ms, levels, .. } => {
            check.duration("cast.min_ms", *min_ms, 0..=CAST_MS_MAX);
            check.duration("cast.max_ms", *max_ms, 50..=CAST_MS_MAX);
            check.ordered("cast.min_ms", (*min_ms, *max_ms));
            for (index, level) in levels.iter().enumerate() {
                check.whole(&format!("cast.levels.{index}.scale_pct"), level.scale_pct, 1..=10_000);
                let before = index.checked_sub(1).map_or(0, |before| i64::from(levels[before].from_ms) + 1);
                check.whole(&format!("cast.levels.{index}.from_ms"), level.from_ms, before..=i64::from(*max_ms));
            }
        }
    }
}

fn check_target(target: &SkillTarget, check: &mut Checker<'_, '_>) {
    let reach_m = LENGTH_M_MIN..=REACH_M_MAX;
    match target {
        SkillTarget::Caster => return,
        SkillTarget::Unit { range_m, min_range_m, facing_deg, .. } => {
            check.float("target.range_m", *range_m, reach_m);
            check.float("target.min_range_m", *min_range_m, 0.0..=range_m.max(0.0));
            if let Some(facing_deg) = facing_deg {
                check.float("target.facing_deg", *facing_deg, 1.0..=360.0);
            }
            return;
        }
        SkillTarget::Ground { range_m, radius_m, .. } => {
            check.float("target.range_m", *range_m, reach_m.clone());
            check.float("target.radius_m", *radius_m, reach_m);
        }
        SkillTarget::Around { radius_m, .. } => check.float("target.radius_m", *radius_m, reach_m),
        SkillTarget::Cone { radius_m, angle_deg, .. } => {
            check.float("target.radius_m", *radius_m, reach_m);
            check.float("target.angle_deg", *angle_deg, 1.0..=360.0);
        }
        SkillTarget::Line { length_m, width_m, .. } => {
            check.float("target.length_m", *length_m, reach_m.clone());
            check.float("target.width_m", *width_m, reach_m);
        }
        SkillTarget::Chain { range_m, jumps, jump_m, falloff_pct, .. } => {
            check.float("target.range_m", *range_m, reach_m.clone());
            check.float("target.jump_m", *jump_m, reach_m);
            check.whole("target.jumps", *jumps, 1..=32);
            check.whole("target.falloff_pct", *falloff_pct, 0..=99);
            return;
        }
    }
    check.whole("target.targets_max", target.targets_max(), 1..=64);
}

impl Check for ProjectileDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        check.float("speed_mps", self.speed_mps, 1.0..=200.0);
        check.float("radius_m", self.radius_m, 0.01..=5.0);
        check.float("range_m", self.range_m, 1.0..=100.0);
        check.whole("pierce", self.pierce, 0..=32);
        if let Flight::Ballistic { gravity_mps2 } = self.path {
            check.float("path.gravity_mps2", gravity_mps2, 0.1..=100.0);
        }
        if matches!(self.path, Flight::Homing) && self.pierce > 0 {
            check.contradiction(
                "pierce",
                "path",
                "a homing projectile hits its target alone and pierces nobody".into(),
            );
        }
        for (list, name) in [(&self.on_hit, "on_hit"), (&self.on_miss, "on_miss")] {
            list.iter().enumerate().for_each(|(at, action)| check_action(action, &format!("{name}.{at}"), check));
        }
    }
}

impl Check for AreaDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.name(&self.name);
        self.check_shape(check);
        check.duration("duration_ms", self.duration_ms, 50..=DURATION_MS_MAX);
        check.duration("period_ms", self.period_ms, 0..=DURATION_MS_MAX);
        check.whole("targets_max", self.targets_max, 1..=64);
        check.whole("per_caster_max", self.per_caster_max, 1..=32);
        for (list, name) in [(&self.on_enter, "on_enter"), (&self.on_leave, "on_leave"), (&self.on_tick, "on_tick")] {
            list.iter().enumerate().for_each(|(at, action)| check_action(action, &format!("{name}.{at}"), check));
        }
        if self.on_tick.is_empty() != (self.period_ms == 0) && check.is_original("period_ms") {
            let message = format!("{} needs both a `period_ms` and something to do `on_tick`, or neither", check.title);
            check.contradiction("period_ms", "on_tick", message);
        }
        let is_certain = ["on_enter", "on_tick", "on_leave"].into_iter().all(|path| check.is_original(path));
        if is_certain && self.on_enter.is_empty() && self.on_tick.is_empty() && self.on_leave.is_empty() {
            check.pointless("id", "does nothing to anyone");
        }
    }
}

impl AreaDef {
    fn check_shape(&self, check: &mut Checker<'_, '_>) {
        let (length_m, width_m) = match self.shape {
            AreaShape::Circle => return check.float("radius_m", self.radius_m, LENGTH_M_MIN..=REACH_M_MAX),
            AreaShape::Cone { angle_deg } => {
                check.float("shape.angle_deg", angle_deg, 1.0..=360.0);
                return check.float("radius_m", self.radius_m, LENGTH_M_MIN..=REACH_M_MAX);
            }
            AreaShape::Rectangle { length_m, width_m } | AreaShape::Line { length_m, width_m } => (length_m, width_m),
        };
        check.float("shape.length_m", length_m, LENGTH_M_MIN..=REACH_M_MAX);
        check.float("shape.width_m", width_m, LENGTH_M_MIN..=REACH_M_MAX);
        if self.radius_m != 0.0 {
            let message = format!("{} has a length and a width, so it has no radius", check.title);
            check.contradiction("radius_m", "shape", message);
        }
    }
}
