//! Plane geometry in x and z, of the navmesh before all, `glam::Vec2` holding (x, z). Pure functions.
//!
//! Seen from above, polygons run counter-clockwise: [`turn`] is positive for a left turn, and leaving a polygon
//! through its edge from `a` to `b`, `a` is on the right hand.

use glam::{Vec2, Vec3};

/// Twice the signed area of the triangle of two directions: positive when `to` is left of `from` seen from above.
pub(super) fn turn(from: Vec2, to: Vec2) -> f32 {
    from.y * to.x - from.x * to.y
}

/// A point's place on the ground plane.
pub(crate) fn flat(point: Vec3) -> Vec2 {
    Vec2::new(point.x, point.z)
}

/// Part of the way from `a` to `b` at which the segment is nearest to a point, 0 to 1.
pub(super) fn nearest_fraction(a: Vec2, b: Vec2, point: Vec2) -> f32 {
    let way = b - a;
    let length_squared = way.length_squared();
    if length_squared > 0.0 { ((point - a).dot(way) / length_squared).clamp(0.0, 1.0) } else { 0.0 }
}

/// The point of a segment nearest to a point.
pub(crate) fn nearest_on_segment(a: Vec2, b: Vec2, point: Vec2) -> Vec2 {
    a + (b - a) * nearest_fraction(a, b, point)
}

/// True inside a polygon and on its edges, within `slack_m`.
pub(super) fn contains(corners: &[Vec3], point: Vec2, slack_m: f32) -> bool {
    edges(corners).all(|(a, b)| {
        let (edge, way) = (flat(b) - flat(a), point - flat(a));
        let outside = -turn(edge, way);
        outside <= 0.0 || outside * outside <= slack_m * slack_m * edge.length_squared()
    })
}

/// The edges of a polygon in order.
pub(super) fn edges(corners: &[Vec3]) -> impl Iterator<Item = (Vec3, Vec3)> + '_ {
    let second = corners.iter().cycle().skip(1);
    corners.iter().copied().zip(second.copied())
}

/// The point of a polygon nearest to a place in x and z: the place itself inside.
pub(super) fn nearest_on_polygon(corners: &[Vec3], place: Vec2) -> Vec2 {
    let mut best = (f32::INFINITY, place);
    let Some(&last) = corners.last() else { return place };
    let mut a = flat(last);
    for &corner in corners {
        let b = flat(corner);
        // The nearest edge is one that the place lies outside of.
        if turn(b - a, place - a) < 0.0 {
            let point = nearest_on_segment(a, b, place);
            let distance_squared = point.distance_squared(place);
            if distance_squared < best.0 {
                best = (distance_squared, point);
            }
        }
        a = b;
    }
    best.1
}

/// Height of a polygon's fan of triangles around its first corner at a place; linear along every edge. A place
/// outside takes the height of the nearest edge.
pub(super) fn height_on(corners: &[Vec3], place: Vec2) -> f32 {
    let Some((&first, rest)) = corners.split_first() else { return 0.0 };
    for pair in rest.windows(2) {
        let (a, b, way) = (flat(pair[0] - first), flat(pair[1] - first), place - flat(first));
        let area = turn(a, b);
        if area <= 0.0 {
            continue;
        }
        let (v, w) = (turn(way, b) / area, turn(a, way) / area);
        if v >= 0.0 && w >= 0.0 && v + w <= 1.0 {
            return first.y + v * (pair[0].y - first.y) + w * (pair[1].y - first.y);
        }
    }
    let mut best = (f32::INFINITY, first.y);
    for (a, b) in edges(corners) {
        let part = nearest_fraction(flat(a), flat(b), place);
        let point = a.lerp(b, part);
        let distance_squared = flat(point).distance_squared(place);
        if distance_squared < best.0 {
            best = (distance_squared, point.y);
        }
    }
    best.1
}

/// Area of a polygon in x and z, in square metres.
pub(super) fn area_m2(corners: &[Vec3]) -> f32 {
    let Some((&first, rest)) = corners.split_first() else { return 0.0 };
    rest.windows(2).map(|pair| turn(flat(pair[0] - first), flat(pair[1] - first)) * 0.5).sum()
}

/// Least and greatest coordinates.
pub(super) fn bounds(corners: &[Vec3]) -> (Vec3, Vec3) {
    corners.iter().fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(min, max), &corner| (min.min(corner), max.max(corner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rises by 1 m from x = 0 to x = 4.
    const RAMP: [Vec3; 4] = [Vec3::ZERO, Vec3::new(0.0, 0.0, 4.0), Vec3::new(4.0, 1.0, 4.0), Vec3::new(4.0, 1.0, 0.0)];

    #[test]
    fn a_polygon_has_its_own_height_and_beyond_it_that_of_its_edge() {
        for (x, z, height_m) in [(0.0, 0.0, 0.0), (1.0, 3.0, 0.25), (3.0, 1.0, 0.75), (9.0, 2.0, 1.0), (-3.0, 1.0, 0.0)]
        {
            assert!((height_on(&RAMP, Vec2::new(x, z)) - height_m).abs() < 1e-6, "{x} {z}");
        }
    }

    #[test]
    fn a_place_beside_a_polygon_is_nearest_to_its_border_and_one_within_to_itself() {
        for (place, nearest) in [((1.0, 1.0), (1.0, 1.0)), ((6.0, 3.0), (4.0, 3.0)), ((-1.0, -2.0), (0.0, 0.0))] {
            assert_eq!(nearest_on_polygon(&RAMP, place.into()), Vec2::from(nearest));
        }
        assert!(contains(&RAMP, Vec2::new(4.0, 2.0), 0.0) && !contains(&RAMP, Vec2::new(4.1, 2.0), 0.0));
        assert!(contains(&RAMP, Vec2::new(4.1, 2.0), 0.2) && area_m2(&RAMP) == 16.0);
    }
}
