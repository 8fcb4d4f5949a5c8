//! The shapes that skills and areas have on the ground: who is in one, and in which order it has them. Pure; heights are
//! nobody's business here.

use glam::{Vec2, Vec3};

use crate::actor::Heading;

/// Nearer than this, everything is in front, in metres.
const FACING_MIN_M: f32 = 0.5;

/// A shape that begins at a place, or has its middle there, and lies along a heading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// All around the place.
    Circle {
        /// Metres.
        radius_m: f32,
    },
    /// From the place ahead.
    Sector {
        /// Metres.
        radius_m: f32,
        /// Full width in degrees.
        angle_deg: f32,
    },
    /// From the place ahead.
    Strip {
        /// Metres along the heading.
        length_m: f32,
        /// Metres across.
        width_m: f32,
    },
    /// With its middle in the place.
    Rectangle {
        /// Metres along the heading.
        length_m: f32,
        /// Metres across.
        width_m: f32,
    },
}

impl Shape {
    /// By what someone at `at` is ordered in the shape at `place`: the square of the distance, on a strip the way along it.
    /// `None` outside.
    #[must_use]
    pub fn order(self, place: Vec3, heading: Heading, at: Vec3) -> Option<f32> {
        let way = Vec2::new(at.x - place.x, at.z - place.z);
        let ahead = heading.direction();
        let (along_m, aside_m) = (way.dot(ahead), way.perp_dot(ahead).abs());
        match self {
            Self::Circle { radius_m } => (way.length() <= radius_m).then_some(way.length_squared()),
            Self::Sector { radius_m, angle_deg } => {
                let is_in = way.length() <= radius_m && within_arc(place, heading, at, angle_deg);
                is_in.then_some(way.length_squared())
            }
            Self::Strip { length_m, width_m } => {
                ((0.0..=length_m).contains(&along_m) && aside_m <= width_m * 0.5).then_some(along_m)
            }
            Self::Rectangle { length_m, width_m } => {
                (along_m.abs() <= length_m * 0.5 && aside_m <= width_m * 0.5).then_some(way.length_squared())
            }
        }
    }
}

/// Whether a place is within an arc of `arc_deg` ahead of another.
pub(super) fn within_arc(feet: Vec3, heading: Heading, to: Vec3, arc_deg: f32) -> bool {
    let way = Vec2::new(to.x - feet.x, to.z - feet.z);
    if way.length() < FACING_MIN_M {
        return true;
    }
    let half = (arc_deg * 0.5).min(180.0).to_radians();
    heading.direction().dot(way.normalize()) >= half.cos() - 1e-4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    /// The same questions asked in another way: angles by `atan2`, rectangles by turning the place and comparing
    /// coordinates; `None` where rounding decides.
    fn is_in(shape: Shape, place: Vec3, heading: Heading, at: Vec3) -> Option<bool> {
        let (east, north) = (at.x - place.x, at.z - place.z);
        let (sin, cos) = heading.0.sin_cos();
        let (right, forward) = (east * cos - north * sin, east * sin + north * cos);
        let distance = east.hypot(north);
        let limits: Vec<(f32, f32)> = match shape {
            Shape::Circle { radius_m } => vec![(distance, radius_m)],
            Shape::Sector { radius_m, angle_deg } => {
                vec![(distance, radius_m), (right.atan2(forward).to_degrees().abs(), angle_deg / 2.0)]
            }
            Shape::Strip { length_m, width_m } => {
                vec![(forward, length_m), (-forward, 0.0), (right.abs(), width_m / 2.0)]
            }
            Shape::Rectangle { length_m, width_m } => {
                vec![(forward.abs(), length_m / 2.0), (right.abs(), width_m / 2.0)]
            }
        };
        let is_clear =
            limits.iter().all(|(value, limit)| (value - limit).abs() > 0.05) && distance > 2.0 * FACING_MIN_M;
        is_clear.then(|| limits.iter().all(|(value, limit)| value <= limit))
    }

    #[test]
    fn every_shape_holds_whom_brute_force_says() {
        let mut inside = [0_u32; 4];
        for round in 0..40_000 {
            let mut draw = Random::new(11).draw(round, SimId::new(0, 0), Stream("shapes"), 0);
            let mut metres = |most: u32| draw.below(most * 100) as f32 / 100.0;
            let [radius_m, length_m, width_m] = [metres(15), metres(15), metres(15)].map(|metres| metres + 0.1);
            let angle_deg = metres(359) + 1.0;
            let place = Vec3::new(metres(50), metres(5), metres(50));
            let heading = Heading(metres(7));
            let at = place + Vec3::new(metres(30) - 15.0, 0.0, metres(30) - 15.0);
            let shapes = [
                Shape::Circle { radius_m },
                Shape::Sector { radius_m, angle_deg },
                Shape::Strip { length_m, width_m },
                Shape::Rectangle { length_m, width_m },
            ];
            for (shape, inside) in shapes.into_iter().zip(&mut inside) {
                let Some(expected) = is_in(shape, place, heading, at) else { continue };
                let found = shape.order(place, heading, at);
                assert_eq!(found.is_some(), expected, "{shape:?} at {place} along {heading:?}, {at}");
                *inside += u32::from(expected);
            }
        }
        assert!(inside.iter().all(|count| (1_000..36_000).contains(count)), "{inside:?} of 40,000 were inside");
    }

    #[test]
    fn a_strip_has_them_in_the_order_of_the_way_and_the_others_the_nearest_first() {
        let (ahead, near) = (Vec3::new(0.0, 0.0, 3.0), Vec3::new(2.5, 0.0, 1.0));
        let order = |shape: Shape| [ahead, near].map(|at| shape.order(Vec3::ZERO, Heading(0.0), at).expect("inside"));
        let [one, other] = order(Shape::Strip { length_m: 8.0, width_m: 8.0 });
        assert!(other < one, "the way along counts");
        let [one, other] = order(Shape::Rectangle { length_m: 8.0, width_m: 8.0 });
        assert!((one, other) == (9.0, 7.25), "the distance counts");
    }
}
