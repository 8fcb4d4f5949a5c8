//! Walkers past one another: each takes the velocity nearest to its wish that runs into nobody near, players and
//! those who stand included, who do not yield. Think stage, after following; everyone sees the same moment.
//!
//! Whoever gets nowhere for a while squeezes: others count for less than they are, and separation does the rest.

use bevy_ecs::prelude::*;
use glam::Vec2;

use super::avoidance::{Avoider, Neighbour, Scratch, avoid};
use super::bodies::{Bodies, Body};
use super::follow::pace_mps;
use super::walk::{Goal, Walk, WalkStatus};
use crate::actor::{Actor, Asleep, Girth, Motion, Position, Profile};
use crate::features::combat::Vitals;
use crate::ids::SimId;
use crate::intent::MoveIntent;
use crate::locomotion::StepInput;
use crate::scene::SceneAssets;
use crate::tick::{SimTick, TICK_SECONDS};

/// How far a walker looks for others, in metres.
const LOOK_M: f32 = 3.0;
/// Others that a walker minds, the nearest.
const NEIGHBOURS_MAX: usize = 8;
/// How far ahead two walkers must not meet, in seconds.
const YIELDING_HORIZON_S: f32 = 0.8;
/// How far ahead a walker must not meet someone who does not yield, in seconds; short, so that it comes near.
const STUBBORN_HORIZON_S: f32 = 0.4;
/// Ticks without progress after which a walker squeezes (0.75 s).
const SQUEEZE_TICKS: u32 = 15;
/// Part of their radius that others count with while a walker squeezes.
const SQUEEZED_RADIUS: f32 = 0.6;
/// Sidewards part of the wish of one who squeezes; the side changes every [`SIDE_TICKS`].
const SIDEWARDS: f32 = 0.6;
/// Ticks on one side (1.6 s).
const SIDE_TICKS: usize = 32;
/// Ticks without progress after which being packed against those who have arrived is arriving (1 s).
const PACKED_TICKS: u32 = 20;
/// Nearer than this beyond both radii two bodies touch, in metres.
const TOUCH_M: f32 = 0.3;
/// Goals nearer to each other than this are one, in metres.
const SAME_GOAL_M: f32 = 0.5;
/// Slower than this is standing, in metres per second.
const STAND_MPS: f32 = 0.05;

/// Memory of [`avoid_others`], used again.
#[derive(Default)]
pub(super) struct Crowd {
    bodies: Bodies,
    arrived: Vec<(SimId, Vec2)>,
    near: Vec<(f32, Body)>,
    neighbours: Vec<Neighbour>,
    scratch: Scratch,
}

type Moving<'a> = (
    &'a SimId,
    &'a Position,
    &'a Motion,
    (&'a Profile, &'a Girth),
    Option<&'a Vitals>,
    Option<&'a mut Walk>,
    &'a mut MoveIntent,
);

pub(super) fn avoid_others(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    mut actors: Query<Moving, (With<Actor>, Without<Asleep>)>,
    mut crowd: Local<Crowd>,
) {
    let crowd = &mut *crowd;
    crowd.bodies.clear();
    let mut any = false;
    for (_, position, .., walk, _) in &actors {
        if walk.is_some_and(|walk| walk.wish != Vec2::ZERO) {
            crowd.bodies.mark(position.place());
            any = true;
        }
    }
    if !any {
        return;
    }
    crowd.arrived.clear();
    for (&id, position, motion, (profile, girth), vitals, walk, _) in &actors {
        if crowd.bodies.is_marked(position.place()) && !vitals.is_some_and(Vitals::is_dead) {
            let profile = &assets.0.movements[profile.0];
            let velocity = Vec2::new(motion.velocity.x, motion.velocity.z);
            let yields = walk.is_some_and(|walk| walk.wish != Vec2::ZERO);
            let (radius_m, height_m) = (girth.0.unwrap_or(profile.radius_m), profile.height_m);
            crowd.bodies.push(Body { id, feet: position.0, velocity, radius_m, height_m, yields });
            if let Some(goal) = walk.filter(|walk| walk.status == WalkStatus::Arrived).and_then(|walk| walk.goal) {
                crowd.arrived.push((id, ground_place(goal)));
            }
        }
    }
    crowd.bodies.sort();
    crowd.arrived.sort_unstable_by_key(|&(id, _)| id);
    for (&id, position, motion, (profile, girth), _, walk, mut intent) in &mut actors {
        let Some(mut walk) = walk.filter(|walk| walk.wish != Vec2::ZERO) else { continue };
        let Some(goal) = walk.goal else { continue };
        let profile = &assets.0.movements[profile.0];
        let own = Body {
            id,
            feet: position.0,
            velocity: Vec2::new(motion.velocity.x, motion.velocity.z),
            radius_m: girth.0.unwrap_or(profile.radius_m),
            height_m: profile.height_m,
            yields: true,
        };
        let pace_mps = pace_mps(profile, *motion, goal);
        let Some(velocity) = crowd.velocity_of(&own, &mut walk, goal, pace_mps, tick.0) else { continue };
        if velocity.length() > STAND_MPS {
            intent.steps.push(StepInput { wish: (velocity / pace_mps).clamp_length_max(1.0), walk: goal.walk });
        }
    }
}

impl Crowd {
    /// The velocity a walker takes, in metres per second; `None` when it turns out to have arrived.
    fn velocity_of(&mut self, own: &Body, walk: &mut Walk, goal: Goal, pace_mps: f32, tick: u32) -> Option<Vec2> {
        self.find_near(own, goal);
        let stalled_ticks = walk.progress.ticks_without(tick);
        if self.near.iter().any(|(_, body)| touches(own, body)) {
            walk.touched_tick = Some(tick);
            if stalled_ticks >= PACKED_TICKS && self.is_packed(own, goal) {
                walk.halt(WalkStatus::Arrived);
                return None;
            }
        }
        let squeezes = stalled_ticks >= SQUEEZE_TICKS && !self.near.is_empty();
        let part = if squeezes { SQUEEZED_RADIUS } else { 1.0 };
        self.neighbours.clear();
        self.neighbours.extend(self.near.iter().map(|(_, body)| Neighbour {
            place: body.place(),
            velocity: body.velocity,
            radius_m: body.radius_m * part,
            share: if body.yields { 0.5 } else { 1.0 },
            horizon_s: if body.yields { YIELDING_HORIZON_S } else { STUBBORN_HORIZON_S },
        }));
        let aside = match squeezes {
            true if (tick as usize / SIDE_TICKS + own.id.index()).is_multiple_of(2) => SIDEWARDS,
            true => -SIDEWARDS,
            false => 0.0,
        };
        let wish = (walk.wish + walk.wish.perp() * aside).clamp_length_max(pace_mps);
        let radius_m = own.radius_m * part;
        let avoider = Avoider { place: own.place(), velocity: own.velocity, wish, radius_m, speed_max_mps: pace_mps };
        Some(avoid(&avoider, &self.neighbours, TICK_SECONDS * 4.0, &mut self.scratch))
    }

    /// The nearest bodies on the walker's level, but not whom it goes to: it would never come near.
    fn find_near(&mut self, own: &Body, goal: Goal) {
        let (near, goal) = (&mut self.near, ground_place(goal));
        near.clear();
        self.bodies.for_each_within(own.place(), LOOK_M, |_, body, distance_squared| {
            let is_goal = !body.yields && body.place().distance(goal) < body.radius_m;
            let is_arrived = self.arrived.binary_search_by_key(&body.id, |&(id, _)| id).is_ok();
            if body.id != own.id && body.is_level_with(own) && (!is_goal || is_arrived) {
                near.push((distance_squared, *body));
            }
        });
        near.sort_unstable_by(|(a, one), (b, other)| a.total_cmp(b).then(one.id.cmp(&other.id)));
        near.truncate(NEIGHBOURS_MAX);
    }

    /// True when someone who touches the walker has arrived at the same goal and is nearer to it.
    fn is_packed(&self, own: &Body, goal: Goal) -> bool {
        let goal = ground_place(goal);
        self.near.iter().any(|(_, body)| {
            let arrived = self.arrived.binary_search_by_key(&body.id, |&(id, _)| id);
            let same = arrived.is_ok_and(|index| self.arrived[index].1.distance(goal) < SAME_GOAL_M);
            same && touches(own, body) && body.place().distance(goal) < own.place().distance(goal)
        })
    }
}

fn touches(own: &Body, other: &Body) -> bool {
    own.place().distance(other.place()) < own.radius_m + other.radius_m + TOUCH_M
}

fn ground_place(goal: Goal) -> Vec2 {
    Vec2::new(goal.place.x, goal.place.z)
}
