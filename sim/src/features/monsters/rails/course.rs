//! The course of an idle monster: its place and its heading as a function of the ticks it has been on it, and of nothing
//! else. It begins at home. Who stays about walks in legs of one length, from one drawn place to the next, straight or by
//! way of home; who patrols walks to its beat and then along it.

use std::f32::consts::TAU;
use std::sync::Arc;

use glam::{Vec2, Vec3};

use super::RailStats;
use super::beat::{Beat, ticks};
use super::curve::Curve;
use super::ground::{RailGround, Spot};
use crate::actor::Heading;
use crate::features::monsters::patrol::Patrol;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::space::geometry::BodyShape;
use crate::space::navmesh::plane::flat;

/// Least and most ticks that a stroller stands between the longest of its walks and the next.
const STAND_TICKS: (i32, i32) = (100, 200);
/// Part of a round between two who share a beat, the golden ratio: however many they are, none is near another.
const GOLDEN: f32 = 0.618_034;

/// What a course follows from, but for the ground.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walker {
    pub(super) id: SimId,
    /// Feet position in metres.
    pub(super) home: Vec3,
    /// Where it faced when it appeared.
    pub(super) yaw: f32,
    pub(super) body: BodyShape,
    /// How far it strolls, in metres.
    pub(super) wander_m: f32,
    /// How far it walks in a tick, in metres.
    pub(super) pace_m: f32,
    /// Its place among those who share its beat, to spread them over it.
    pub(super) turn: Option<u32>,
}

/// Where an idle monster is when.
#[derive(Debug, Clone)]
pub(super) enum Course {
    /// At home.
    Stand,
    /// About its home.
    Stroll { leg_ticks: u32, leg: Option<Leg> },
    /// To its beat, and along it.
    Beat { to: Curve, walk_ticks: u32, to_ticks: u32, from_tick: u32, beat: Arc<Beat> },
}

/// One leg of a stroll.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    number: u32,
    /// It stands for so many ticks before it walks.
    stands_ticks: u32,
    curve: Curve,
    /// Which way it faces before it walks, and afterwards.
    heading: (f32, f32),
    /// Whether it had set off and how far it had come when it was last looked at, and what was seen.
    seen: Option<((bool, f32), (Vec3, f32))>,
}

impl Course {
    pub(super) fn of(walker: &Walker, patrol: &Patrol, random: &Random, ground: &mut RailGround) -> Self {
        if !patrol.is_empty() {
            return beat(walker, patrol, ground).unwrap_or(Self::Stand);
        }
        if walker.wander_m <= 0.0 || walker.pace_m <= 0.0 {
            return Self::Stand;
        }
        let (least, most) = STAND_TICKS;
        let stand = random.draw(0, walker.id, Stream("stroll stand"), 0).between(least, most);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
        let longest = (walker.wander_m * 2.0 / walker.pace_m).ceil() as u32;
        Self::Stroll { leg_ticks: longest.saturating_add(stand.unsigned_abs()), leg: None }
    }

    /// Least and greatest x and z of all places it ever comes to, in metres.
    pub(super) fn region(&self, walker: &Walker) -> (Vec2, Vec2) {
        let home = flat(walker.home);
        match self {
            Self::Stand => (home, home),
            Self::Stroll { .. } => (home - walker.wander_m, home + walker.wander_m),
            Self::Beat { to, beat, .. } => {
                let ((a, b), (c, d)) = (to.bounds(), beat.bounds());
                (a.min(c).min(home), b.max(d).max(home))
            }
        }
    }

    /// Ground distance of a place from home, or from its beat, in metres.
    pub(super) fn strayed_m(&self, home: Vec3, place: Vec3) -> f32 {
        match self {
            Self::Beat { beat, .. } => beat.distance_m(flat(place)),
            _ => flat(home).distance(flat(place)),
        }
    }

    /// Where it is after so many ticks, and which way it faces; `None` for the way it faces already.
    pub(super) fn at(
        &mut self,
        tick: u32,
        walker: &Walker,
        random: &Random,
        ground: &RailGround,
        stats: &mut RailStats,
    ) -> (Vec3, Option<f32>) {
        stats.evaluated += 1;
        match self {
            Self::Stand => (walker.home, None),
            Self::Stroll { leg_ticks, leg } => {
                let number = tick / *leg_ticks;
                let leg = match leg {
                    Some(leg) if leg.number == number => leg,
                    leg => {
                        stats.legs += 1;
                        leg.insert(Leg::of(number, *leg_ticks, walker, random, ground))
                    }
                };
                let (feet, heading) = leg.at(tick % *leg_ticks, walker.pace_m, ground);
                (feet, Some(heading))
            }
            Self::Beat { to, walk_ticks, to_ticks, from_tick, beat } => {
                let (place, heading) = if let Some(tick) = tick.checked_sub(*to_ticks) {
                    beat.at(from_tick.wrapping_add(tick % beat.round_ticks()))
                } else {
                    // Who has time stands first.
                    let walked = tick.saturating_sub(*to_ticks - *walk_ticks);
                    let (place, way) = to.at(to.length_m() * ticks(walked) / ticks(*walk_ticks).max(1.0));
                    (place, Heading::along(way).filter(|_| walked > 0).map_or(walker.yaw, |heading| heading.0))
                };
                (ground.on_ground(place), Some(heading))
            }
        }
    }

    /// To which place of its patrol it comes after so many ticks.
    pub(super) fn arrives_at(&self, tick: u32) -> Option<usize> {
        let Self::Beat { to_ticks, from_tick, beat, .. } = self else { return None };
        beat.arrives_at(from_tick.wrapping_add(tick.checked_sub(*to_ticks)? % beat.round_ticks()))
    }
}

/// `None` where no way leads along it that opens no door.
fn beat(walker: &Walker, patrol: &Patrol, ground: &mut RailGround) -> Option<Course> {
    if walker.pace_m <= 0.0 {
        return None;
    }
    let (body, pace_m) = (walker.body, walker.pace_m);
    let numbers = [pace_m, body.radius_m, body.height_m, body.step_m, f32::from(u8::from(patrol.goes_round()))];
    let mut key: Vec<u32> = numbers.into_iter().map(f32::to_bits).collect();
    for stop in patrol.stops() {
        key.extend(stop.place.to_array().map(f32::to_bits));
        let face = stop.deeds.iter().find_map(|deed| match deed {
            crate::assets::StopDeed::Face(deg) => Some(deg.to_bits()),
            _ => None,
        });
        key.extend([stop.wait_ticks, face.unwrap_or(u32::MAX)]);
    }
    let beat = ground.beat(key, |ground| {
        let places: Vec<Vec3> = patrol.stops().iter().map(|stop| stop.place).collect();
        let closing = patrol.goes_round().then(|| (places[places.len() - 1], places[0]));
        let ends = places.windows(2).map(|ends| (ends[0], ends[1])).chain(closing);
        let legs: Option<Vec<Curve>> = ends.map(|(from, to)| ground.way(from, to, body)).collect();
        Beat::of(patrol, legs?, pace_m).map(Arc::new)
    })?;
    let lead = |ground: &mut RailGround, tick: u32| -> Option<(Curve, u32)> {
        let to = ground.way(walker.home, beat.at(tick).0, body)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
        let walk_ticks = (to.length_m() / pace_m).ceil() as u32;
        Some((to, walk_ticks))
    };
    let Some(turn) = walker.turn else {
        let (to, walk_ticks) = lead(ground, 0)?;
        return Some(Course::Beat { to, walk_ticks, to_ticks: walk_ticks, from_tick: 0, beat });
    };
    // Those who share a beat are spread over it, and each comes to it where it would be if it had been on it all the time.
    let round_ticks = beat.round_ticks();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a round")]
    let part_ticks = ((ticks(turn) * GOLDEN).fract() * ticks(round_ticks)) as u32;
    let (_, near_ticks) = lead(ground, part_ticks)?;
    for quarter in 0..=8 {
        let to_ticks = near_ticks + round_ticks / 4 * quarter;
        let from_tick = (part_ticks + to_ticks) % round_ticks;
        let (to, walk_ticks) = lead(ground, from_tick)?;
        if walk_ticks <= to_ticks {
            return Some(Course::Beat { to, walk_ticks, to_ticks, from_tick, beat });
        }
    }
    None
}

impl Leg {
    fn of(number: u32, leg_ticks: u32, walker: &Walker, random: &Random, ground: &RailGround) -> Self {
        let (before, after) =
            (place(number.checked_sub(1), walker, random, ground), place(Some(number), walker, random, ground));
        let curve = between(before.0, after.0, walker, ground);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
        let walk_ticks = (curve.length_m() / walker.pace_m).ceil() as u32;
        let spare = leg_ticks.saturating_sub(walk_ticks);
        let stands_ticks = random.draw(number, walker.id, Stream("stroll start"), 0).below(spare.saturating_add(1));
        let was = match number.checked_sub(1) {
            None => walker.yaw,
            Some(earlier) => {
                let from = place(earlier.checked_sub(1), walker, random, ground);
                facing(&between(from.0, before.0, walker, ground), before.1)
            }
        };
        let heading = (was, facing(&curve, after.1));
        Self { number, stands_ticks, curve, heading, seen: None }
    }

    fn at(&mut self, tick: u32, pace_m: f32, ground: &RailGround) -> (Vec3, f32) {
        let walked = tick.saturating_sub(self.stands_ticks);
        let along_m = (ticks(walked) * pace_m).min(self.curve.length_m());
        let moment = (walked > 0, along_m);
        if let Some((_, seen)) = self.seen.filter(|(at, _)| *at == moment) {
            return seen;
        }
        let (near, way) = self.curve.at(along_m);
        let heading = match Heading::along(way) {
            _ if walked == 0 => self.heading.0,
            Some(heading) if along_m < self.curve.length_m() => heading.0,
            _ => self.heading.1,
        };
        let seen = (ground.on_ground(near), heading);
        self.seen = Some((moment, seen));
        seen
    }
}

/// Where it stands after a leg, home before the first; and which way it looks if it did not have to walk there.
fn place(leg: Option<u32>, walker: &Walker, random: &Random, ground: &RailGround) -> (Spot, f32) {
    let home = ground.spot(walker.home);
    let Some(leg) = leg else { return (home, walker.yaw) };
    let mut draw = random.draw(leg, walker.id, Stream("stroll"), 0);
    let turn = draw.unit() * TAU;
    let off = Vec2::from_angle(turn) * walker.wander_m * draw.unit().sqrt();
    (ground.straight(home, flat(walker.home) + off, walker.body), turn)
}

/// The way from one place to the next, straight if one can walk so, else by way of home, from where both are straight.
fn between(from: Spot, to: Spot, walker: &Walker, ground: &RailGround) -> Curve {
    if ground.is_straight(from, to, walker.body) {
        return ground.curve(&[from.feet, to.feet], walker.body);
    }
    ground.curve(&[from.feet, walker.home, to.feet], walker.body)
}

fn facing(curve: &Curve, otherwise: f32) -> f32 {
    Heading::along(curve.at(curve.length_m()).1).map_or(otherwise, |heading| heading.0)
}
