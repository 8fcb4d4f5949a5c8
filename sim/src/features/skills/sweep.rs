//! The swept test of projectiles: a ball that moves and an upright capsule that moves, over one tick. Exact and continuous:
//! what is fast passes through nobody. Pure.

use glam::{Vec2, Vec3};

/// Someone who may be hit: an upright capsule whose feet move from one place to another during the tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Body {
    /// Feet at the beginning, in metres.
    pub(super) from: Vec3,
    /// Feet at the end, in metres.
    pub(super) to: Vec3,
    /// Radius in metres.
    pub(super) radius_m: f32,
    /// From feet to crown, in metres; at least twice the radius.
    pub(super) height_m: f32,
}

/// The part of the tick (0 to 1) after which a ball of `radius_m` that goes straight from `from` to `to` first touches a
/// body; `None` when it does not.
pub(super) fn impact(from: Vec3, to: Vec3, radius_m: f32, body: Body) -> Option<f32> {
    // Seen from the body it stands still and the ball alone moves.
    let start = from - body.from;
    let way = (to - body.to) - start;
    let reach_m = radius_m + body.radius_m;
    let low_m = body.radius_m;
    let high_m = (body.height_m - body.radius_m).max(low_m);
    let axis = |y: f32| Vec3::new(0.0, y.clamp(low_m, high_m), 0.0);
    if start.distance_squared(axis(start.y)) <= reach_m * reach_m {
        return Some(0.0);
    }
    let side = first_root(Vec2::new(start.x, start.z), Vec2::new(way.x, way.z), reach_m)
        .filter(|&part| (low_m..=high_m).contains(&(start.y + way.y * part)));
    let ends = [low_m, high_m].map(|y| first_root(start - Vec3::Y * y, way, reach_m));
    [side, ends[0], ends[1]].into_iter().flatten().min_by(f32::total_cmp)
}

/// What the two kinds of vectors have in common here.
trait Vector: Copy {
    fn dot_with(self, other: Self) -> f32;
}

impl Vector for Vec2 {
    fn dot_with(self, other: Self) -> f32 {
        self.dot(other)
    }
}

impl Vector for Vec3 {
    fn dot_with(self, other: Self) -> f32 {
        self.dot(other)
    }
}

/// The first part of a way, 0 to 1, at which what starts outside is within `reach_m` of the origin.
fn first_root<V: Vector>(start: V, way: V, reach_m: f32) -> Option<f32> {
    let (a, half_b) = (way.dot_with(way), start.dot_with(way));
    let c = start.dot_with(start) - reach_m * reach_m;
    let discriminant = half_b * half_b - a * c;
    if a < 1e-12 || discriminant < 0.0 {
        return None;
    }
    let part = (-half_b - discriminant.sqrt()) / a;
    (0.0..=1.0).contains(&part).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing(at: Vec3) -> Body {
        Body { from: at, to: at, radius_m: 0.4, height_m: 1.8 }
    }

    #[test]
    fn a_fast_ball_passes_through_nobody() {
        let body = standing(Vec3::new(5.0, 0.0, 0.0));
        let part = impact(Vec3::Y, Vec3::new(10.0, 1.0, 0.0), 0.1, body).unwrap();
        assert!((part - 0.45).abs() < 1e-4, "{part}: touches at 4.5 m of 10");
        assert_eq!(impact(Vec3::new(0.0, 2.5, 0.0), Vec3::new(10.0, 2.5, 0.0), 0.1, body), None, "above the crown");
    }

    #[test]
    fn who_runs_across_the_way_is_hit_where_both_are_at_once() {
        let body = Body { from: Vec3::new(5.0, 0.0, -2.0), to: Vec3::new(5.0, 0.0, 2.0), radius_m: 0.4, height_m: 1.8 };
        assert!(impact(Vec3::Y, Vec3::new(10.0, 1.0, 0.0), 0.1, body).is_some());
        let late = Body { from: Vec3::new(5.0, 0.0, -4.0), to: Vec3::new(5.0, 0.0, -0.6), ..body };
        assert_eq!(impact(Vec3::Y, Vec3::new(10.0, 1.0, 0.0), 0.1, late), None, "too late at the crossing");
    }

    /// The same question asked of ten thousand moments one after the other.
    fn by_steps(from: Vec3, to: Vec3, radius_m: f32, body: Body) -> Option<f32> {
        #[allow(clippy::cast_precision_loss, reason = "small")]
        (0..=10_000).map(|step| step as f32 / 10_000.0).find(|&part| {
            let (ball, feet) = (from.lerp(to, part), body.from.lerp(body.to, part));
            let axis_y = (ball.y - feet.y).clamp(body.radius_m, body.height_m - body.radius_m);
            ball.distance(feet + Vec3::Y * axis_y) <= radius_m + body.radius_m
        })
    }

    fn place() -> impl Strategy<Value = Vec3> {
        (-4.0_f32..4.0, -1.0_f32..3.0, -4.0_f32..4.0).prop_map(|(x, y, z)| Vec3::new(x, y, z))
    }

    proptest! {
        #[test]
        fn the_first_touch_is_where_small_steps_find_it(
            from in place(), to in place(), feet in place(), moved in place(), radius_m in 0.05_f32..1.0,
        ) {
            let body = Body { from: feet, to: moved, radius_m: 0.4, height_m: 1.8 };
            let (exact, stepped) = (impact(from, to, radius_m, body), by_steps(from, to, radius_m, body));
            match (exact, stepped) {
                (Some(exact), Some(stepped)) => prop_assert!((exact - stepped).abs() < 2e-3, "{exact} and {stepped}"),
                (None, None) => {}
                // A mere graze may fall between two steps or on the edge of what floats can tell.
                (found, other) => {
                    let fuller = impact(from, to, radius_m + 2e-3, body);
                    let thinner = impact(from, to, radius_m - 2e-3, body);
                    prop_assert!(fuller.is_some() && thinner.is_none(), "{found:?} and {other:?}");
                }
            }
        }
    }
}
