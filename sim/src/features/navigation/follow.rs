//! Following a path: towards the next corner, which is cut when the surface lets one see past it, slower at the
//! end. Think stage, after planning. Whoever gets nowhere asks again, and gives up after a while, saying why.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::service::sees;
use super::walk::{Goal, StuckReason, Walk, WalkStatus, Way};
use super::{NAVIGATION, SNAP_M, STOREY_M};
use crate::actor::{Asleep, Motion, Position, Profile};
use crate::assets::MovementDef;
use crate::counters::Counters;
use crate::ids::SimId;
use crate::locomotion::SPEED_BP_NORMAL;
use crate::random::{Draw, Random, Stream};
use crate::scene::{SceneAssets, SceneNavmesh};
use crate::space::navmesh::Navmesh;
use crate::tick::SimTick;

/// Ticks between two looks of one walker at where it is on the mesh; walkers take turns by id.
const LOOK_TICKS: u32 = 5;
/// So near to a corner a walker has passed it, in metres.
const CORNER_M: f32 = 0.4;
/// So near to the end of its path a walker is as near as it gets, in metres.
const END_M: f32 = 0.3;
/// A walker slows down over the way it runs in this time, in seconds.
const BRAKE_S: f32 = 0.2;
/// Part of its pace at which a walker takes its last step.
const LAST_PACE: f32 = 0.3;
/// A walker this far from where the mesh has it looks for itself anew, in metres.
const LOST_M: f32 = 0.5;
/// Ticks without progress after which the path is made anew, and again (2 s).
const REPLAN_STALLED_TICKS: u32 = 40;
/// Ticks without progress after which a walker that touches nobody gives up (10 s).
const BLOCKED_TICKS: u32 = 200;
/// Ticks without progress after which a walker among others gives up (60 s): a crowd drains slowly.
const CROWDED_TICKS: u32 = 1_200;

type Follower<'a> = (&'a SimId, &'a Position, &'a Motion, &'a Profile, &'a mut Walk);

pub(super) fn follow(
    (tick, random): (Res<SimTick>, Res<Random>),
    (assets, mesh): (Res<SceneAssets>, Res<SceneNavmesh>),
    mut walkers: Query<Follower, Without<Asleep>>,
    mut counters: ResMut<Counters>,
    mut scratch: Local<Vec<Vec3>>,
) {
    for (&id, position, motion, profile, mut walk) in &mut walkers {
        let Some(goal) = walk.goal.filter(|_| walk.is_under_way()) else { continue };
        let turn = (tick.0 as usize + id.index()).is_multiple_of(LOOK_TICKS as usize);
        if let Some(mesh) = mesh.0.as_ref().filter(|_| turn) {
            walk.look(mesh, position.0, tick.0, &mut scratch);
        }
        let pace_mps = pace_mps(&assets.0.movements[profile.0], *motion, goal);
        walk.head_on(goal, position.0, pace_mps, tick.0, || random.draw(tick.0, id, Stream("side step"), 0));
        if matches!(walk.status, WalkStatus::Stuck { .. }) {
            counters.add(NAVIGATION, "stuck");
        }
    }
}

/// The speed at which an actor goes to its goal, in metres per second.
pub(super) fn pace_mps(profile: &MovementDef, motion: Motion, goal: Goal) -> f32 {
    let pace_mps = if goal.walk { profile.walk_mps } else { profile.run_mps };
    pace_mps * f32::from(motion.speed_bp) / f32::from(SPEED_BP_NORMAL)
}

impl Walk {
    /// Finds itself on the mesh and draws its path taut from there.
    fn look(&mut self, mesh: &Navmesh, feet: Vec3, tick: u32, scratch: &mut Vec<Vec3>) {
        if !matches!(self.way, Way::Direct | Way::Corridor) {
            return;
        }
        let place = Vec2::new(feet.x, feet.z);
        let moved = self.at.map(|at| mesh.move_along(at, place));
        let is_here = |at: Vec3| Vec2::new(at.x, at.z).distance(place) < LOST_M && (at.y - feet.y).abs() < STOREY_M;
        self.at = moved.filter(|at| is_here(at.position)).or_else(|| mesh.nearest(feet, SNAP_M));
        let (Some(at), Some(target)) = (self.at, self.target) else { return self.ask(tick) };
        if sees(mesh, at, target) {
            return self.go_directly(target);
        }
        let passed = self.corridor.iter().position(|&polygon| polygon == at.polygon);
        match (passed, self.corners.first().copied()) {
            (Some(passed), Some(end)) => {
                self.corridor.drain(..passed);
                mesh.straighten(&self.corridor, at.position, end, scratch);
                self.corners.clear();
                self.corners.extend(scratch.iter().skip(1).rev());
            }
            // Pushed out of its corridor: no harm as long as the next corner is in sight.
            _ => {
                let next = self.corners.last().map(|next| Vec2::new(next.x, next.z));
                if next.is_none_or(|next| mesh.raycast(at, next).fraction < 1.0) {
                    self.ask(tick);
                }
            }
        }
    }

    /// Works out the wished velocity of this tick, and whether the walk ends here.
    fn head_on(&mut self, goal: Goal, feet: Vec3, pace_mps: f32, tick: u32, draw: impl FnOnce() -> Draw) {
        self.wish = Vec2::ZERO;
        let place = Vec2::new(feet.x, feet.z);
        let goal_m = place.distance(Vec2::new(goal.place.x, goal.place.z));
        if goal_m <= goal.arrive_m && (goal.place.y - feet.y).abs() < STOREY_M {
            return self.halt(WalkStatus::Arrived);
        }
        let Some(next) = self.next_corner(place) else { return self.end(feet, tick) };
        if pace_mps <= 0.0 {
            // Whoever is held is neither lost nor stuck.
            return self.progress.begin(tick);
        }
        let remaining_m = self.remaining_m(place);
        if self.is_stuck(remaining_m, tick) {
            return;
        }
        let direction = match self.way {
            Way::Blind => self.steering.direction(place, next, tick, draw),
            _ => (next - place).normalize_or_zero(),
        };
        let over_m = (remaining_m - goal.arrive_m.min(remaining_m)).max(END_M);
        self.wish = direction * pace_mps * (over_m / (pace_mps * BRAKE_S)).clamp(LAST_PACE, 1.0);
    }

    /// The next place to pass; those that have been passed are dropped, the last one when the walker is on it.
    fn next_corner(&mut self, place: Vec2) -> Option<Vec2> {
        loop {
            let next = self.corners.last().map(|next| Vec2::new(next.x, next.z))?;
            let reach_m = if self.corners.len() > 1 { CORNER_M } else { END_M };
            if place.distance(next) > reach_m {
                return Some(next);
            }
            self.corners.pop();
        }
    }

    /// The path ends here without the goal being reached: it cannot be come nearer to, or the path was only a part.
    fn end(&mut self, feet: Vec3, tick: u32) {
        let is_here = |target: Vec3| Vec2::new(target.x - feet.x, target.z - feet.z).length() <= END_M * 2.0;
        if self.way != Way::None && self.target.is_none_or(|target| is_here(target.position)) {
            return self.halt(WalkStatus::Arrived);
        }
        self.status = WalkStatus::Waiting;
        self.ask(tick);
    }

    fn is_stuck(&mut self, remaining_m: f32, tick: u32) -> bool {
        let stalled_ticks = self.progress.stalled_ticks(remaining_m, tick);
        let crowded = self.is_crowded(tick);
        if stalled_ticks >= if crowded { CROWDED_TICKS } else { BLOCKED_TICKS } {
            let reason = if crowded { StuckReason::Crowded } else { StuckReason::Blocked };
            self.halt(WalkStatus::Stuck { reason });
            return true;
        }
        if stalled_ticks > 0 && stalled_ticks.is_multiple_of(REPLAN_STALLED_TICKS) && self.way != Way::Blind {
            self.ask(tick);
        }
        false
    }
}
