//! What must be true of everything a client is shown. A bot looks after every turn; each violation is counted,
//! and the first few are told in words.

use std::collections::VecDeque;

use glam::Vec3;
use net::protocol::OwnState;
use sim::assets::{MovementDef, SceneDef};
use sim::locomotion::SPEED_BP_NORMAL;
use sim::tick::TICK_SECONDS;

use crate::senses::Senses;
use crate::walk::ground;

/// How much farther than the leave radius something in view may be, in metres: what two runners part in a second,
/// while the news of it travels.
const LEAVE_SLACK_M: f32 = 15.0;
/// What the own character may move over [`SPEED_WINDOW_TICKS`], as a part of what its speed allows.
const SPEED_TOLERANCE: f32 = 1.02;
/// Ticks over which the own speed is judged (5 s).
const SPEED_WINDOW_TICKS: u32 = 100;
/// A step of the own character beyond this is being set down elsewhere, in metres.
const JUMP_M: f32 = 5.0;
/// Turns after a jump in which what is in view may still be that of the former place (3 s).
const JUMP_REST_TURNS: u32 = 60;
/// Turns between two looks at everything in view (0.5 s).
const LOOK_TURNS: u32 = 10;
/// Violations told in words per bot.
const TOLD_MAX: usize = 5;

/// The judge of one bot.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    count: u64,
    told: Vec<String>,
    scene_epoch: u32,
    newest_tick: u32,
    batch_gaps: u64,
    jumped_turn: Option<u32>,
    way: Way,
}

impl Invariants {
    /// Looks at everything; call once per turn.
    pub(crate) fn check(&mut self, senses: &Senses<'_>) {
        let world = senses.session.world();
        let Some(scene) = world.scene() else { return };
        if scene.epoch != self.scene_epoch {
            (self.scene_epoch, self.newest_tick, self.jumped_turn) = (scene.epoch, 0, Some(senses.turn));
            self.way = Way::default();
        }
        let (tick, own) = (world.newest_tick(), *world.own());
        if tick < self.newest_tick {
            self.violated(senses, &format!("frames went back from tick {} to tick {tick}", self.newest_tick));
        }
        if tick > self.newest_tick {
            self.check_own(senses, tick, &own);
        }
        self.newest_tick = tick;
        self.check_batches(senses);
        if senses.turn.is_multiple_of(LOOK_TURNS) {
            self.check_others(senses);
        }
    }

    /// The judge of the same bot on another line: what it has counted stays, what it knew does not.
    pub(crate) fn for_next_line(&mut self) -> Self {
        Self { count: self.count, told: std::mem::take(&mut self.told), ..Self::default() }
    }

    /// Violations so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The first few in words.
    pub(crate) fn told(self) -> Vec<String> {
        self.told
    }

    fn check_own(&mut self, senses: &Senses<'_>, tick: u32, own: &OwnState) {
        let position = Vec3::from(own.position);
        self.check_place(senses, position, "the own character");
        if senses.vitals().is_some_and(|vitals| vitals.hp > vitals.hp_max) {
            self.violated(senses, "the own character has more hit points than it can have");
        }
        let profile = &senses.assets.movements[senses.class.movement.id()];
        match self.way.go_on(tick, own, profile) {
            Gone::Jumped => self.jumped_turn = Some(senses.turn),
            Gone::TooFar { moved_m, allowed_m } => self.violated(
                senses,
                &format!("the own character moved {moved_m:.2} m in 5 s where {allowed_m:.2} m are allowed"),
            ),
            Gone::Fair => {}
        }
    }

    fn check_batches(&mut self, senses: &Senses<'_>) {
        let gaps = senses.session.world().counts().batch_gaps;
        if gaps > self.batch_gaps {
            self.violated(senses, "a batch came out of order");
        }
        self.batch_gaps = gaps;
    }

    fn check_others(&mut self, senses: &Senses<'_>) {
        let mut index_before = None;
        for entity in senses.session.world().entities() {
            let index = Some(entity.id().index());
            if index == index_before {
                self.violated(senses, &format!("two entities share the index of {}", entity.id()));
            }
            index_before = index;
        }
        let settled = self.jumped_turn.is_none_or(|turn| senses.turn.saturating_sub(turn) > JUMP_REST_TURNS);
        let here = ground(Vec3::from(senses.session.world().own().position));
        let seen_m = senses.scene.aoi.leave_m + LEAVE_SLACK_M;
        for seen in senses.others() {
            if seen.vitals.is_some_and(|vitals| vitals.hp > vitals.hp_max) {
                self.violated(senses, &format!("{} has more hit points than it can have", seen.id));
            }
            // What was in view before a jump is read near the new place, and so is anywhere.
            if !settled {
                continue;
            }
            self.check_place(senses, seen.position, "an entity in view");
            let distance_m = ground(seen.position).distance(here);
            if distance_m > seen_m {
                self.violated(senses, &format!("{} is in view at {distance_m:.1} m", seen.id));
            }
        }
    }

    fn check_place(&mut self, senses: &Senses<'_>, position: Vec3, whose: &str) {
        if !is_within(position, senses.scene) {
            self.violated(senses, &format!("{whose} is at {position}, which is not in the scene"));
        }
    }

    fn violated(&mut self, senses: &Senses<'_>, what: &str) {
        self.count += 1;
        if self.told.len() < TOLD_MAX {
            let tick = senses.session.world().newest_tick();
            self.told.push(format!("{} tick {tick}: {what}", senses.scene.id));
        }
    }
}

fn is_within(position: Vec3, scene: &SceneDef) -> bool {
    // Places travel in centimetres, so the edge may be rounded outwards by half of one.
    let (min, max) = (scene.bounds.min, scene.bounds.max);
    let inside = |value: f32, min: f32, max: f32| (min - 0.01..=max + 0.01).contains(&value);
    position.is_finite() && inside(position.x, min.0, max.0) && inside(position.z, min.1, max.1)
}

/// What the last 5 s of the own character add up to.
#[derive(Debug, Default)]
struct Way {
    last: Option<(u32, OwnState)>,
    /// (tick it began at, moved, allowed) in metres.
    steps: VecDeque<(u32, f32, f32)>,
}

/// How a step of the own character was.
#[derive(Debug, PartialEq)]
enum Gone {
    Fair,
    Jumped,
    TooFar { moved_m: f32, allowed_m: f32 },
}

impl Way {
    #[allow(clippy::cast_precision_loss, reason = "a few ticks")]
    fn go_on(&mut self, tick: u32, own: &OwnState, profile: &MovementDef) -> Gone {
        let Some((last_tick, last)) = self.last.replace((tick, *own)) else { return Gone::Fair };
        let moved_m = ground(Vec3::from(own.position)).distance(ground(Vec3::from(last.position)));
        if own.forced_epoch != last.forced_epoch || moved_m > JUMP_M {
            self.steps.clear();
            return Gone::Jumped;
        }
        let speed_bp = f32::from(own.speed_bp.max(last.speed_bp)) / f32::from(SPEED_BP_NORMAL);
        let tick_m = profile.run_mps * speed_bp * TICK_SECONDS;
        self.steps.push_back((last_tick, moved_m, tick_m * tick.saturating_sub(last_tick) as f32));
        // Nothing that begins before the window counts: what was saved up before it may be spent in one tick.
        while self.steps.front().is_some_and(|&(begun, ..)| tick.saturating_sub(begun) > SPEED_WINDOW_TICKS) {
            self.steps.pop_front();
        }
        let Some(&(begun, ..)) = self.steps.front() else { return Gone::Fair };
        let (moved_m, known_m) = self.steps.iter().fold((0.0, 0.0), |(m, a), step| (m + step.1, a + step.2));
        // The rule is for whole windows: the rest of this one is taken to be as the last tick was.
        let rest_ticks = SPEED_WINDOW_TICKS.saturating_sub(tick.saturating_sub(begun));
        let allowed_m = known_m + tick_m * rest_ticks as f32;
        // A millimetre for the sums of a hundred small numbers.
        if moved_m > allowed_m * SPEED_TOLERANCE + 1e-3 {
            self.steps.clear();
            return Gone::TooFar { moved_m, allowed_m };
        }
        Gone::Fair
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> MovementDef {
        MovementDef {
            id: "move/runner".into(),
            run_mps: 6.0,
            walk_mps: 2.0,
            acceleration: 10.0,
            friction: 6.0,
            stop_speed_mps: 2.0,
            radius_m: 0.4,
            height_m: 1.8,
            step_height_m: 0.4,
            slope_max_deg: 45.0,
        }
    }

    /// The verdicts on 300 ticks at a part of the full speed.
    fn judged(part: f32) -> Vec<Gone> {
        let (mut way, mut x) = (Way::default(), 0.0);
        let step = |tick| {
            x += 0.3 * part;
            let own = OwnState { position: [x, 0.0, 0.0], speed_bp: SPEED_BP_NORMAL, ..OwnState::default() };
            way.go_on(tick, &own, &profile())
        };
        (1..=300).map(step).collect()
    }

    #[test]
    fn full_speed_is_fair_and_five_percent_more_is_not() {
        assert!(judged(1.0).iter().all(|gone| *gone == Gone::Fair));
        assert!(judged(1.05).iter().any(|gone| matches!(gone, Gone::TooFar { .. })));
    }

    #[test]
    fn being_set_down_elsewhere_is_a_jump_and_starts_anew() {
        let mut way = Way::default();
        let at = |x, forced_epoch| OwnState { position: [x, 0.0, 0.0], forced_epoch, ..OwnState::default() };
        assert_eq!(way.go_on(1, &at(0.0, 0), &profile()), Gone::Fair);
        assert_eq!(way.go_on(2, &at(1.0, 1), &profile()), Gone::Jumped);
        assert_eq!(way.go_on(3, &at(90.0, 1), &profile()), Gone::Jumped);
    }
}
