//! A way on the ground by its length: corners in metres and how far along each of them lies. Pure.

use glam::{Vec2, Vec3};

use crate::space::navmesh::plane::{flat, nearest_on_segment};

/// Corners nearer to each other than this are one, in metres.
const SAME_M: f32 = 1e-3;

/// A way from its first corner to its last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    corners: Vec<Vec3>,
    /// Ground distance of each corner from the first, in metres.
    along_m: Vec<f32>,
}

impl Curve {
    /// The way through some corners, at least one; those in the same place as the one before are left out.
    pub(super) fn through(from: Vec3, corners: impl IntoIterator<Item = Vec3>) -> Self {
        let mut curve = Self { corners: vec![from], along_m: vec![0.0] };
        for corner in corners {
            let step_m = flat(corner).distance(flat(curve.end()));
            if step_m > SAME_M {
                curve.along_m.push(curve.length_m() + step_m);
                curve.corners.push(corner);
            }
        }
        curve
    }

    /// In metres on the ground.
    pub(super) fn length_m(&self) -> f32 {
        self.along_m.last().copied().unwrap_or(0.0)
    }

    pub(super) fn start(&self) -> Vec3 {
        self.corners.first().copied().unwrap_or_default()
    }

    pub(super) fn end(&self) -> Vec3 {
        self.corners.last().copied().unwrap_or_default()
    }

    /// The place after so many metres, and the direction there; zero on a way of no length.
    pub(super) fn at(&self, along_m: f32) -> (Vec3, Vec2) {
        let last = self.along_m.len() - 1;
        let to = self.along_m.partition_point(|&corner_m| corner_m < along_m).clamp(1.min(last), last);
        let Some(from) = to.checked_sub(1) else { return (self.start(), Vec2::ZERO) };
        let (a, b) = (self.corners[from], self.corners[to]);
        let part = (along_m - self.along_m[from]) / (self.along_m[to] - self.along_m[from]);
        (a.lerp(b, part.clamp(0.0, 1.0)), (flat(b) - flat(a)).normalize_or_zero())
    }

    /// The same from its end to its start.
    pub(super) fn reversed(&self) -> Self {
        let back = self.corners.iter().rev().copied();
        Self::through(self.end(), back.skip(1))
    }

    /// Least and greatest x and z, in metres.
    pub(super) fn bounds(&self) -> (Vec2, Vec2) {
        let places = self.corners.iter().map(|&corner| flat(corner));
        let start = flat(self.start());
        places.fold((start, start), |(min, max), place| (min.min(place), max.max(place)))
    }

    /// Ground distance of a place from the way, in metres.
    pub(super) fn distance_m(&self, place: Vec2) -> f32 {
        let first = flat(self.start()).distance(place);
        let nearest = |ends: &[Vec3]| nearest_on_segment(flat(ends[0]), flat(ends[1]), place);
        self.corners.windows(2).map(|ends| nearest(ends).distance(place)).fold(first, f32::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> Curve {
        let corners = [[3.0, 0.0, 0.0], [3.0, 0.0, 0.0], [3.0, 2.0, 4.0]].map(Vec3::from_array);
        Curve::through(Vec3::ZERO, corners)
    }

    #[test]
    fn places_follow_the_ground_distance_and_stop_at_the_ends() {
        let hook = hook();
        assert_eq!((hook.length_m(), hook.corners.len()), (7.0, 3));
        assert_eq!(hook.at(1.5), (Vec3::new(1.5, 0.0, 0.0), Vec2::X));
        assert_eq!(hook.at(5.0), (Vec3::new(3.0, 1.0, 2.0), Vec2::Y));
        assert_eq!((hook.at(-1.0).0, hook.at(99.0).0), (hook.start(), hook.end()));
        assert_eq!(hook.reversed().at(2.0), (hook.at(5.0).0, Vec2::NEG_Y));
        assert_eq!(Curve::through(Vec3::ONE, [Vec3::ONE]).at(3.0), (Vec3::ONE, Vec2::ZERO));
    }

    #[test]
    fn how_far_a_place_is_off() {
        assert_eq!(hook().distance_m(Vec2::new(1.0, -2.0)), 2.0);
        assert_eq!(hook().bounds(), (Vec2::ZERO, Vec2::new(3.0, 4.0)));
    }
}
