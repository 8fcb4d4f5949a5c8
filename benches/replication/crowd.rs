//! Places for a crowd in which everyone has about as many others within sight as asked for.

use glam::Vec2;
use sim::ids::SimId;
use sim::random::{Random, Stream};

/// How far everyone sees, in metres, halfway between the radii.
pub(crate) const SIGHT_M: f64 = 62.0;

/// Half the side, in metres, of a square in which `count` evenly spread entities have `in_view` others within sight. The
/// chance that two of them are within `r` of each other, in sides of the square, is `pi r^2 - 8 r^3 / 3 + r^4 / 2`.
pub(crate) fn half_side_m(count: f64, in_view: f64) -> f32 {
    let seen = |side_m: f64| {
        let r = SIGHT_M / side_m;
        count * (std::f64::consts::PI * r * r - 8.0 * r.powi(3) / 3.0 + r.powi(4) / 2.0)
    };
    let (mut low, mut high) = (SIGHT_M, 20_000.0);
    while high - low > 0.1 {
        let middle = f64::midpoint(low, high);
        if seen(middle) > in_view { low = middle } else { high = middle }
    }
    #[allow(clippy::cast_possible_truncation, reason = "a few hundred metres")]
    let half_m = (low / 2.0) as f32;
    half_m
}

/// Where number `number` stands.
pub(crate) fn place(number: u32, half_m: f32) -> Vec2 {
    let mut draw = Random::new(1).draw(0, SimId::new(number, 0), Stream("place"), 0);
    Vec2::new(draw.unit() * 2.0 - 1.0, draw.unit() * 2.0 - 1.0) * half_m
}
