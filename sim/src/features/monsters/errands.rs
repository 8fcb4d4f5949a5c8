//! Think: what a monster does when nothing is going on, and its way back. On its rails it does what its patrol says at the
//! places it comes to, while somebody is near; off them it walks back to where it left them. After a fight it runs there.

use super::adds::Said;
use super::brain::Mood;
use super::decide::{Scenery, ThinkerItem};
use super::fight::ground_distance_m;
use crate::assets::{Assets, Id, SkillDef, StopDeed};
use crate::features::movement::ForceMove;
use crate::features::navigation::Goal;
use crate::features::skills::{CasterView, check_caster};
use crate::intent::{CastIntent, CastTarget};
use crate::locomotion::body_shape;

/// Ticks after which a monster that finds no way home is set down there (15 s).
const LOST_TICKS: u32 = 300;
/// The same while it is on a way that leads there (60 s).
const LATE_TICKS: u32 = 1_200;
/// So near to a place a monster has reached it after a fight, in metres.
const ARRIVED_M: f32 = 0.6;
/// So near it goes to the place where it left its rails, in metres; less than it is put back on them from.
const BACK_M: f32 = 0.3;

impl ThinkerItem<'_, '_> {
    /// Nothing is going on.
    pub(super) fn idle(&mut self, scenery: &mut Scenery, assets: &Assets) {
        if !self.rails.is_on() {
            return self.go_back_on_rails(scenery, assets);
        }
        if self.walk_to.0.is_some() {
            self.stay();
        }
        if !self.rails.is_near() {
            return;
        }
        if let Some(stop) = self.rails.arrives_at(scenery.tick.0).and_then(|stop| self.patrol.stops().get(stop)) {
            for deed in &stop.deeds {
                match deed {
                    StopDeed::Say(text) => {
                        scenery.sayings.write(Said { who: *self.id, text: text.clone() });
                    }
                    StopDeed::Cast(skill) => self.cast_on_patrol(scenery, assets, skill.id()),
                    // A part of its course.
                    StopDeed::Face(_) => {}
                }
            }
        }
    }

    fn cast_on_patrol(&self, scenery: &mut Scenery, assets: &Assets, skill: Id<SkillDef>) {
        let view: CasterView<'_> = self.view(&scenery.sides);
        if check_caster(&view, skill, &assets.skills[skill], scenery.tick.0).is_ok() {
            scenery.casts.write(CastIntent { caster: *self.id, skill, target: CastTarget::Caster });
        }
    }

    fn go_back_on_rails(&mut self, scenery: &mut Scenery, assets: &Assets) {
        let to = self.rails.return_place();
        let body = body_shape(&assets.movements[assets.monsters[self.species.0].movement.profile.id()]);
        // Where a wall was built over the place it keeps trying.
        if self.is_lost(scenery, self.rails.off_since()) && scenery.geometry.0.is_free(to, body) {
            self.stay();
            scenery.moves.write(ForceMove { id: *self.id, to });
        } else {
            self.go(Goal::walk(to, BACK_M));
        }
    }

    pub(super) fn go_home(&mut self, scenery: &mut Scenery, since_tick: u32) {
        let to = self.rails.return_place();
        if ground_distance_m(self.position.0, to) <= ARRIVED_M {
            self.stay();
            self.brain.mood = Mood::Arrived;
        } else if self.is_lost(scenery, since_tick) {
            self.stay();
            scenery.moves.write(ForceMove { id: *self.id, to });
            self.brain.mood = Mood::Arrived;
        } else {
            self.go(Goal::run(to, ARRIVED_M * 0.8));
        }
    }

    /// It has been on its way back for too long.
    fn is_lost(&self, scenery: &Scenery, since_tick: u32) -> bool {
        let lost_ticks = if self.walk.is_on_path() { LATE_TICKS } else { LOST_TICKS };
        scenery.tick.0.saturating_sub(since_tick) >= lost_ticks
    }
}
