//! Setting apart walkers that overlap after they have moved: avoidance looks ahead, this looks at what came of it.
//! Move stage, after integration. Walls are never crossed, heights follow the ground, and players are not moved.
//!
//! Pairs are taken in the order of square and id, so every replay sets apart alike. Those who rest cost nothing.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::bodies::{Bodies, Body};
use super::walk::{Guided, Walk};
use crate::actor::{Actor, Asleep, Girth, Motion, Position, Profile};
use crate::features::combat::Vitals;
use crate::ids::SimId;
use crate::locomotion::shove;
use crate::scene::{SceneAssets, SceneGeometry};

/// How often all pairs are looked at in one tick.
const RELAXATIONS: usize = 4;
/// How far one walker is moved in one tick at most, in metres.
const PUSH_MAX_M: f32 = 0.2;
/// Overlaps below this are left alone, in metres.
const SLACK_M: f32 = 0.005;
/// Two in the very same place part in a direction that follows from their id: the golden angle, in radians.
const GOLDEN_ANGLE: f32 = 2.399_963;

/// Memory of [`separate`], used again.
#[derive(Default)]
pub(super) struct Parting {
    bodies: Bodies,
    flat: Vec<Body>,
    places: Vec<Vec2>,
    pairs: Vec<(u32, u32)>,
    moved: Vec<(SimId, Vec2)>,
}

type Standing<'a> =
    (&'a SimId, &'a mut Position, &'a Motion, (&'a Profile, &'a Girth, &'a Guided), Option<&'a Vitals>, &'a mut Walk);

pub(super) fn separate(
    (assets, geometry): (Res<SceneAssets>, Res<SceneGeometry>),
    mut walkers: Query<Standing, (With<Actor>, Without<Asleep>)>,
    mut parting: Local<Parting>,
) {
    let parting = &mut *parting;
    parting.bodies.clear();
    let mut any = false;
    for (_, position, motion, _, vitals, walk) in &walkers {
        let awake = motion.velocity != Vec3::ZERO || walk.jostled;
        if awake && !vitals.is_some_and(Vitals::is_dead) {
            parting.bodies.mark(position.place());
            any = true;
        }
    }
    if !any {
        return;
    }
    for (&id, position, motion, (profile, girth, guided), vitals, _) in &walkers {
        let stands = motion.velocity.y == 0.0 && !vitals.is_some_and(Vitals::is_dead);
        if stands && parting.bodies.is_marked(position.place()) {
            let profile = &assets.0.movements[profile.0];
            let (radius_m, height_m) = (girth.0.unwrap_or(profile.radius_m), profile.height_m);
            let yields = motion.speed_bp > 0 && !guided.0;
            parting.bodies.push(Body { id, feet: position.0, velocity: Vec2::ZERO, radius_m, height_m, yields });
        }
    }
    parting.bodies.sort();
    parting.relax();
    for (id, mut position, _, (profile, ..), _, mut walk) in &mut walkers {
        walk.jostled = false;
        if !parting.bodies.is_marked(position.place()) {
            continue;
        }
        let Ok(index) = parting.moved.binary_search_by_key(id, |&(moved, _)| moved) else { continue };
        walk.jostled = true;
        let profile = &assets.0.movements[profile.0];
        let to = shove(position.0, parting.moved[index].1, profile, &geometry.0);
        position.set_if_neq(Position(to));
    }
}

impl Parting {
    /// Works out by how much each body is moved, as if there were no walls; sorted by id.
    fn relax(&mut self) {
        self.flat.clear();
        self.flat.extend(self.bodies.iter().copied());
        self.places.clear();
        self.places.extend(self.flat.iter().map(Body::place));
        self.find_pairs();
        for _ in 0..RELAXATIONS {
            for &(one, other) in &self.pairs {
                part(&self.flat, &mut self.places, one as usize, other as usize);
            }
        }
        self.moved.clear();
        for (body, place) in self.flat.iter().zip(&self.places) {
            let by = (*place - body.place()).clamp_length_max(PUSH_MAX_M);
            if by != Vec2::ZERO {
                self.moved.push((body.id, by));
            }
        }
        self.moved.sort_unstable_by_key(|&(id, _)| id);
    }

    /// Pairs that overlap or may come to, each once, by square and id.
    fn find_pairs(&mut self) {
        self.pairs.clear();
        let widest_m = self.flat.iter().map(|body| body.radius_m).fold(0.0, f32::max);
        let (bodies, pairs) = (&self.bodies, &mut self.pairs);
        for (own, body) in (0_u32..).zip(&self.flat) {
            let reach_m = body.radius_m + widest_m + PUSH_MAX_M * 2.0;
            bodies.for_each_within(body.place(), reach_m, |index, other, _| {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                if index > own && body.is_level_with(other) && (body.yields || other.yields) {
                    pairs.push((own, index));
                }
            });
        }
    }
}

/// Moves two bodies apart until they only touch, each by half, or one alone when the other is held.
fn part(bodies: &[Body], places: &mut [Vec2], one: usize, other: usize) {
    let apart = places[other] - places[one];
    let overlap_m = bodies[one].radius_m + bodies[other].radius_m - apart.length();
    if overlap_m <= SLACK_M {
        return;
    }
    #[allow(clippy::cast_precision_loss, reason = "an index has 20 bits")]
    let direction =
        apart.try_normalize().unwrap_or_else(|| Vec2::from_angle(bodies[other].id.index() as f32 * GOLDEN_ANGLE));
    let share = match (bodies[one].yields, bodies[other].yields) {
        (true, true) => 0.5,
        (true, false) => 1.0,
        _ => 0.0,
    };
    places[one] -= direction * overlap_m * share;
    places[other] += direction * overlap_m * (1.0 - share);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, Stream};

    fn heap(count: u32, size_m: f32) -> Parting {
        let random = Random::new(2);
        let mut parting = Parting::default();
        parting.bodies.clear();
        for index in 1..=count {
            let mut draw = random.draw(index, SimId::new(index, 0), Stream("heap"), 0);
            let feet = Vec3::new(draw.unit() * size_m, 0.0, draw.unit() * size_m);
            let (radius_m, height_m) = (0.4, 1.8);
            let id = SimId::new(index, 0);
            parting.bodies.push(Body { id, feet, velocity: Vec2::ZERO, radius_m, height_m, yields: true });
        }
        parting.bodies.sort();
        parting
    }

    /// Applies what was worked out, as a scene without walls would.
    fn apply(parting: &mut Parting) {
        let mut bodies: Vec<Body> = parting.bodies.iter().copied().collect();
        for body in &mut bodies {
            if let Ok(index) = parting.moved.binary_search_by_key(&body.id, |&(id, _)| id) {
                let by = parting.moved[index].1;
                body.feet += Vec3::new(by.x, 0.0, by.y);
            }
        }
        parting.bodies.clear();
        bodies.into_iter().for_each(|body| parting.bodies.push(body));
        parting.bodies.sort();
    }

    #[test]
    fn a_heap_of_a_hundred_spreads_until_nobody_overlaps() {
        let mut parting = heap(100, 2.0);
        for _ in 0..400 {
            parting.relax();
            apply(&mut parting);
        }
        let places: Vec<Vec2> = parting.bodies.iter().map(Body::place).collect();
        let pairs = (0..places.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let nearest_m = pairs.map(|(one, other)| places[one].distance(places[other])).fold(f32::INFINITY, f32::min);
        assert!(nearest_m > 0.75, "seed 2: {nearest_m}");
    }

    #[test]
    fn one_who_is_held_stays_and_the_other_gives_way_alone() {
        let mut parting = Parting::default();
        parting.bodies.clear();
        for (index, yields) in [(1, false), (2, true)] {
            let feet = Vec3::new(index as f32 * 0.3, 0.0, 0.0);
            let (id, velocity) = (SimId::new(index, 0), Vec2::ZERO);
            parting.bodies.push(Body { id, feet, velocity, radius_m: 0.2, height_m: 1.8, yields });
        }
        parting.bodies.sort();
        parting.relax();
        assert_eq!(parting.moved.len(), 1);
        let (id, by) = parting.moved[0];
        assert!(id == SimId::new(2, 0) && (by - Vec2::new(0.1, 0.0)).length() < 1e-5, "{by}");
    }
}
