//! Think: what a monster does when nothing is going on, and its way home. Idle monsters stroll about their home or
//! walk their beat; both only while players are near. After a fight a monster runs home, or back to its beat.

use glam::{Vec2, Vec3};

use super::brain::Mood;
use super::decide::{Scenery, ThinkerItem};
use super::fight::ground_distance_m;
use crate::assets::MonsterDef;
use crate::features::movement::ForceMove;
use crate::features::navigation::{Goal, WalkStatus};
use crate::random::{Draw, Stream};

/// Ticks after which a monster that finds no way home is set down there (15 s).
const LOST_TICKS: u32 = 300;
/// The same while it is on a way that leads there (60 s).
const LATE_TICKS: u32 = 1_200;
/// So near to a place a monster has reached it, in metres.
const ARRIVED_M: f32 = 0.6;
/// So near to a place of its beat a monster goes on to the next, in metres.
const BEAT_M: f32 = 1.0;
/// Least and most ticks that an idle monster stands between two strolls.
pub(super) const STAND_TICKS: (i32, i32) = (100, 200);
/// Ticks after which a stroll is given up.
const STROLL_TICKS: u32 = 200;

impl ThinkerItem<'_, '_> {
    /// Nothing is going on.
    pub(super) fn idle(&mut self, scenery: &mut Scenery, def: &MonsterDef, stroll_to: Option<Vec3>, until_tick: u32) {
        match self.patrol.goal() {
            Some(place) => self.walk_beat(place),
            None if def.wander_m > 0.0 => self.stroll(scenery, def, stroll_to, until_tick),
            None => {}
        }
    }

    fn walk_beat(&mut self, place: Vec3) {
        let there = ground_distance_m(self.position.0, place) <= BEAT_M;
        // A place that cannot be reached is left out.
        if there || self.has_ended(place) {
            self.patrol.advance();
        }
        if let Some(next) = self.patrol.goal() {
            self.go(Goal::walk(next, BEAT_M));
        }
    }

    fn stroll(&mut self, scenery: &mut Scenery, def: &MonsterDef, stroll_to: Option<Vec3>, until_tick: u32) {
        let tick = scenery.tick.0;
        let over = tick >= until_tick;
        let mut draw = scenery.random.draw(tick, *self.id, Stream("stroll"), 0);
        match stroll_to {
            Some(to) if !over && !self.has_ended(to) => self.go(Goal::walk(to, ARRIVED_M)),
            Some(_) => {
                self.stay();
                let stand_ticks = draw.between(STAND_TICKS.0, STAND_TICKS.1).unsigned_abs();
                self.brain.mood = Mood::Idle { stroll_to: None, until_tick: tick + stand_ticks };
            }
            None if over => {
                let to = self.place_to_stroll_to(scenery, def, draw);
                self.brain.mood = Mood::Idle { stroll_to: Some(to), until_tick: tick + STROLL_TICKS };
            }
            None => {}
        }
    }

    fn place_to_stroll_to(&self, scenery: &mut Scenery, def: &MonsterDef, mut draw: Draw) -> Vec3 {
        let home = self.home.feet;
        let found = scenery.way.random_place(home, def.wander_m, &mut draw);
        found.unwrap_or_else(|| {
            let off = Vec2::from_angle(draw.unit() * std::f32::consts::TAU) * def.wander_m * draw.unit().sqrt();
            home + Vec3::new(off.x, 0.0, off.y)
        })
    }

    pub(super) fn go_home(&mut self, scenery: &mut Scenery, since_tick: u32) {
        let to = self.patrol.return_place().unwrap_or(self.home.feet);
        let lost_ticks = if self.walk.is_on_path() { LATE_TICKS } else { LOST_TICKS };
        if ground_distance_m(self.position.0, to) <= ARRIVED_M {
            self.stay();
            self.brain.mood = Mood::Arrived;
        } else if scenery.tick.0.saturating_sub(since_tick) >= lost_ticks {
            self.stay();
            scenery.moves.write(ForceMove { id: *self.id, to: self.home.feet });
            self.brain.mood = Mood::Arrived;
        } else {
            self.go(Goal::run(to, ARRIVED_M * 0.8));
        }
    }

    /// True when its walk to a place is over, whatever came of it.
    fn has_ended(&self, place: Vec3) -> bool {
        let status = self.walk.status_towards(place);
        matches!(status, Some(WalkStatus::Arrived | WalkStatus::Unreachable | WalkStatus::Stuck { .. }))
    }
}
