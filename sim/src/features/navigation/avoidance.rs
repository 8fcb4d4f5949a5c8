//! Local avoidance: the velocity nearest to the wished one that, for a moment ahead, runs into nobody. Think stage.
//! Optimal reciprocal collision avoidance (van den Berg, Guy, Lin, Manocha: "Reciprocal n-body collision
//! avoidance", 2011): each neighbour forbids a half-plane of velocities; a small linear program finds the best
//! of the rest, or the least bad where nothing is left. Pure: the answer depends on the arguments alone.

use glam::Vec2;

/// Below this length a vector has no direction, in metres or metres per second.
const TINY: f32 = 1e-5;
/// With others near everyone keeps a little to one side, by this part of the wish: without it two who meet exactly
/// head on, or a ring of walkers who change places, would stop in front of each other for good.
const KEEP_ASIDE: f32 = 0.1;

/// Whoever avoids. Velocities are in metres per second (x, z).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Avoider {
    /// Place in metres.
    pub place: Vec2,
    /// Present velocity.
    pub velocity: Vec2,
    /// Wished velocity.
    pub wish: Vec2,
    /// Radius in metres.
    pub radius_m: f32,
    /// Greatest speed in metres per second.
    pub speed_max_mps: f32,
}

/// Whoever is avoided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Place in metres.
    pub place: Vec2,
    /// Present velocity in metres per second.
    pub velocity: Vec2,
    /// Radius in metres.
    pub radius_m: f32,
    /// Part of the way round that the avoider takes upon itself: a half among equals, 1 for one who does not yield.
    pub share: f32,
    /// How far ahead the two must not meet, in seconds, above 0.
    pub horizon_s: f32,
}

/// The velocity to take, in metres per second. `overlap_s` is the time in which an overlap is to be dissolved;
/// `scratch` is only there to be used again.
#[must_use]
pub fn avoid(avoider: &Avoider, neighbours: &[Neighbour], overlap_s: f32, scratch: &mut Scratch) -> Vec2 {
    scratch.limits.clear();
    scratch.limits.extend(neighbours.iter().map(|neighbour| limit(avoider, neighbour, overlap_s)));
    let speed_max_mps = avoider.speed_max_mps;
    let wish = if neighbours.is_empty() { avoider.wish } else { kept_aside(avoider.wish) };
    let best = nearest_allowed(&scratch.limits, speed_max_mps, Aim::Near(wish));
    match best {
        Ok(velocity) => velocity,
        Err((failed, velocity)) => least_bad(scratch, failed, speed_max_mps, velocity),
    }
}

/// Memory of [`avoid`].
#[derive(Debug, Default)]
pub struct Scratch {
    limits: Vec<HalfPlane>,
    projected: Vec<HalfPlane>,
}

/// Allows the velocities to the left of a line, the line included.
#[derive(Debug, Clone, Copy)]
struct HalfPlane {
    point: Vec2,
    direction: Vec2,
}

impl HalfPlane {
    /// How far a velocity is on the forbidden side; negative when it is allowed.
    fn excess(&self, velocity: Vec2) -> f32 {
        self.direction.perp_dot(self.point - velocity)
    }
}

fn kept_aside(wish: Vec2) -> Vec2 {
    wish + wish.perp() * KEEP_ASIDE
}

/// What a neighbour forbids: leave the cone of relative velocities that lead to a meeting, by the shortest way.
fn limit(avoider: &Avoider, neighbour: &Neighbour, overlap_s: f32) -> HalfPlane {
    let apart = neighbour.place - avoider.place;
    let closing = avoider.velocity - neighbour.velocity;
    let reach_m = avoider.radius_m + neighbour.radius_m;
    let distance_squared = apart.length_squared();
    let overlaps = distance_squared <= reach_m * reach_m;
    let horizon_s = if overlaps { overlap_s } else { neighbour.horizon_s };
    // From the centre of the circle that cuts the cone off to the relative velocity.
    let off = closing - apart / horizon_s;
    let along = off.dot(apart);
    let (direction, change) = if overlaps || (along < 0.0 && along * along > reach_m * reach_m * off.length_squared()) {
        // Two in the very same place part along x; which of them goes where does not matter, as both push away.
        let outward = off.try_normalize().unwrap_or(Vec2::X);
        (Vec2::new(outward.y, -outward.x), outward * (reach_m / horizon_s - off.length()))
    } else {
        let leg_m = (distance_squared - reach_m * reach_m).sqrt();
        let direction = if apart.perp_dot(off) > 0.0 {
            Vec2::new(apart.x * leg_m - apart.y * reach_m, apart.x * reach_m + apart.y * leg_m) / distance_squared
        } else {
            -Vec2::new(apart.x * leg_m + apart.y * reach_m, apart.y * leg_m - apart.x * reach_m) / distance_squared
        };
        (direction, direction * closing.dot(direction) - closing)
    };
    HalfPlane { point: avoider.velocity + change * neighbour.share, direction }
}

#[derive(Debug, Clone, Copy)]
enum Aim {
    /// As near to this velocity as can be.
    Near(Vec2),
    /// As far in this direction (of length 1) as can be.
    Along(Vec2),
}

/// The best velocity within the circle of the greatest speed that all half-planes allow, taking them one by one;
/// the index of the first that leaves nothing, and the best without it.
fn nearest_allowed(limits: &[HalfPlane], speed_max_mps: f32, aim: Aim) -> Result<Vec2, (usize, Vec2)> {
    let mut velocity = match aim {
        Aim::Near(wish) => wish.clamp_length_max(speed_max_mps),
        Aim::Along(direction) => direction * speed_max_mps,
    };
    for (index, limit) in limits.iter().enumerate() {
        if limit.excess(velocity) > 0.0 {
            velocity = best_on(limits, index, speed_max_mps, aim).ok_or((index, velocity))?;
        }
    }
    Ok(velocity)
}

/// The best velocity on the line of one half-plane that the half-planes before it and the greatest speed allow.
fn best_on(limits: &[HalfPlane], index: usize, speed_max_mps: f32, aim: Aim) -> Option<Vec2> {
    let line = limits.get(index)?;
    let along = line.point.dot(line.direction);
    let room = along * along + speed_max_mps * speed_max_mps - line.point.length_squared();
    if room < 0.0 {
        return None;
    }
    let (mut from, mut to) = (-along - room.sqrt(), -along + room.sqrt());
    for other in &limits[..index] {
        let crossing = line.direction.perp_dot(other.direction);
        let excess = other.direction.perp_dot(line.point - other.point);
        if crossing.abs() <= TINY {
            if excess < 0.0 {
                return None;
            }
            continue;
        }
        let at = excess / crossing;
        if crossing >= 0.0 {
            to = to.min(at);
        } else {
            from = from.max(at);
        }
        if from > to {
            return None;
        }
    }
    let at = match aim {
        Aim::Along(direction) if direction.dot(line.direction) > 0.0 => to,
        Aim::Along(_) => from,
        Aim::Near(wish) => line.direction.dot(wish - line.point).clamp(from, to),
    };
    Some(line.point + line.direction * at)
}

/// Where the half-planes leave nothing: the velocity whose worst excess is the smallest.
fn least_bad(scratch: &mut Scratch, failed: usize, speed_max_mps: f32, start: Vec2) -> Vec2 {
    let Scratch { limits, projected } = scratch;
    let (mut velocity, mut worst) = (start, 0.0);
    for index in failed..limits.len() {
        let line = limits[index];
        if line.excess(velocity) <= worst {
            continue;
        }
        projected.clear();
        projected.extend(limits[..index].iter().filter_map(|other| bisector(&line, other)));
        let inward = Aim::Along(line.direction.perp());
        // The program has an answer in principle; where rounding denies it the velocity so far stays.
        velocity = nearest_allowed(projected, speed_max_mps, inward).unwrap_or(velocity);
        worst = line.excess(velocity);
    }
    velocity
}

/// Allows the velocities that exceed `other` no more than `line`; `None` when the two allow the same direction.
fn bisector(line: &HalfPlane, other: &HalfPlane) -> Option<HalfPlane> {
    let crossing = line.direction.perp_dot(other.direction);
    let point = if crossing.abs() > TINY {
        let at = other.direction.perp_dot(line.point - other.point) / crossing;
        line.point + line.direction * at
    } else if line.direction.dot(other.direction) > 0.0 {
        return None;
    } else {
        (line.point + other.point) / 2.0
    };
    Some(HalfPlane { point, direction: (other.direction - line.direction).normalize_or(line.direction) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    const RADIUS_M: f32 = 0.4;
    const DT_S: f32 = 0.05;

    /// Moves all walkers to their goals for some ticks; answers the smallest distance two of them ever had.
    fn march(places: &mut [Vec2], goals: &[Vec2], ticks: u32) -> f32 {
        let mut velocities = vec![Vec2::ZERO; places.len()];
        let (mut nearest_m, mut scratch) = (f32::INFINITY, Scratch::default());
        for _ in 0..ticks {
            let before = places.to_vec();
            let taken: Vec<Vec2> = (0..places.len())
                .map(|own| {
                    let equal = |other: usize| {
                        let (place, velocity) = (before[other], velocities[other]);
                        Neighbour { place, velocity, radius_m: RADIUS_M, share: 0.5, horizon_s: 1.0 }
                    };
                    let others: Vec<Neighbour> = (0..before.len()).filter(|&other| other != own).map(equal).collect();
                    let wish = ((goals[own] - before[own]) * 4.0).clamp_length_max(3.0);
                    let place = before[own];
                    let avoider =
                        Avoider { place, velocity: velocities[own], wish, radius_m: RADIUS_M, speed_max_mps: 3.0 };
                    avoid(&avoider, &others, DT_S, &mut scratch)
                })
                .collect();
            velocities = taken;
            for (own, place) in places.iter_mut().enumerate() {
                *place += velocities[own] * DT_S;
            }
            for own in 0..places.len() {
                let others = places.iter().skip(own + 1).map(|other| other.distance(places[own]));
                nearest_m = others.fold(nearest_m, f32::min);
            }
        }
        nearest_m
    }

    #[test]
    fn two_who_meet_head_on_pass_each_other_symmetrically() {
        let goals = [Vec2::new(8.0, 0.0), Vec2::new(-8.0, 0.0)];
        let mut places = [Vec2::new(-8.0, 0.0), Vec2::new(8.0, 0.0)];
        let nearest_m = march(&mut places, &goals, 40);
        assert!((places[0] + places[1]).length() < 1e-3, "each the mirror image of the other: {places:?}");
        let nearest_m = nearest_m.min(march(&mut places, &goals, 120));
        assert!(nearest_m > 2.0 * RADIUS_M - 0.01, "{nearest_m}");
        assert!(places.iter().zip(goals).all(|(place, goal)| place.distance(goal) < 0.1), "{places:?}");
    }

    #[test]
    fn twelve_who_change_places_across_a_circle_do_not_touch() {
        let on_circle = |index: u32| Vec2::from_angle(std::f32::consts::TAU * index as f32 / 12.0 + 0.01) * 8.0;
        let mut places: Vec<Vec2> = (0..12).map(on_circle).collect();
        let goals: Vec<Vec2> = places.iter().map(|place| -*place).collect();
        let nearest_m = march(&mut places, &goals, 600);
        assert!(nearest_m > 2.0 * RADIUS_M - 0.05, "{nearest_m}");
        assert!(places.iter().zip(goals).all(|(place, goal)| place.distance(goal) < 0.5), "{places:?}");
    }

    #[test]
    fn with_nobody_near_the_wish_is_granted() {
        let wish = Vec2::new(1.0, -2.0);
        let avoider = Avoider { place: Vec2::ONE, velocity: Vec2::ZERO, wish, radius_m: 0.4, speed_max_mps: 5.0 };
        assert_eq!(avoid(&avoider, &[], DT_S, &mut Scratch::default()), wish);
    }

    /// Every tenth of the circle of velocities, tried one by one.
    fn best_by_trial(limits: &[HalfPlane], wish: Vec2) -> Option<f32> {
        let grid = (-100..=100).flat_map(|x| (-100..=100).map(move |y| Vec2::new(x as f32, y as f32) * 0.03));
        let allowed = grid
            .filter(|velocity| velocity.length() <= 3.0 && limits.iter().all(|limit| limit.excess(*velocity) <= 0.0));
        allowed.map(|velocity| velocity.distance(wish)).min_by(f32::total_cmp)
    }

    #[test]
    fn no_velocity_of_a_fine_grid_is_allowed_and_nearer_to_the_wish() {
        let random = Random::new(11);
        let mut possible = 0;
        for round in 0..60_u32 {
            let mut draw = random.draw(round, SimId::new(1, 0), Stream("avoidance"), 0);
            let mut within = |size: f32| Vec2::new(draw.unit() - 0.5, draw.unit() - 0.5) * size;
            let avoider = Avoider {
                place: Vec2::ZERO,
                velocity: within(3.0),
                wish: within(4.0),
                radius_m: 0.4,
                speed_max_mps: 3.0,
            };
            let around: Vec<Neighbour> = (0..5)
                .map(|_| Neighbour {
                    place: within(5.0),
                    velocity: within(3.0),
                    radius_m: 0.4,
                    share: 0.5,
                    horizon_s: 1.0,
                })
                .collect();
            let mut scratch = Scratch::default();
            let velocity = avoid(&avoider, &around, DT_S, &mut scratch);
            assert!(velocity.length() <= 3.001, "seed 11, round {round}: {velocity}");
            let Some(best) = best_by_trial(&scratch.limits, kept_aside(avoider.wish)) else { continue };
            possible += 1;
            let worst = scratch.limits.iter().map(|limit| limit.excess(velocity)).fold(0.0, f32::max);
            assert!(worst < 1e-3, "seed 11, round {round}: allowed by all, {worst}");
            assert!(velocity.distance(kept_aside(avoider.wish)) <= best + 1e-3, "seed 11, round {round}");
        }
        assert!(possible > 30, "most cases have an answer: {possible}");
    }
}
