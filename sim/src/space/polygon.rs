//! Simple polygons on the ground: whether they are simple, how large, what lies in them, and points drawn evenly from
//! them. Corners are `(x, z)` in metres, either way round. Pure.

use glam::Vec2;

use super::navmesh::plane::nearest_on_segment;
use crate::random::Draw;

/// The first two sides that meet where they should not, counted from 0; side `n` goes from corner `n` to the next.
/// Sides that follow one another may only share their corner.
#[must_use]
pub fn crossing(corners: &[Vec2]) -> Option<(usize, usize)> {
    let count = corners.len();
    let side = |index: usize| (corners[index], corners[(index + 1) % count]);
    for one in 0..count {
        let (from, to) = side(one);
        if from == to {
            return Some((one, (one + 1) % count));
        }
        for other in one + 1..count {
            let (next, last) = (other == one + 1, one == 0 && other == count - 1);
            let meet = match (next, last) {
                (false, false) => segments_meet((from, to), side(other)),
                (true, _) => folds_back(from, to, side(other).1),
                (false, true) => folds_back(side(other).0, from, to),
            };
            if meet {
                return Some((one, other));
            }
        }
    }
    None
}

/// Size in square metres.
#[must_use]
pub fn area(corners: &[Vec2]) -> f32 {
    signed_area(corners).abs()
}

/// Whether a place lies inside; a place on the line may count either way.
#[must_use]
pub fn contains(corners: &[Vec2], place: Vec2) -> bool {
    let crosses = |(from, to): (Vec2, Vec2)| {
        let spans = (from.y > place.y) != (to.y > place.y);
        spans && place.x < from.x + (place.y - from.y) / (to.y - from.y) * (to.x - from.x)
    };
    sides(corners).filter(|&side| crosses(side)).count() % 2 == 1
}

/// Distance from a place to the polygon in metres; 0 inside.
#[must_use]
pub fn distance_m(corners: &[Vec2], place: Vec2) -> f32 {
    if contains(corners, place) {
        return 0.0;
    }
    sides(corners).map(|(from, to)| place.distance(nearest_on_segment(from, to, place))).fold(f32::INFINITY, f32::min)
}

/// The triangles of a simple polygon, by cutting off ears (Meisters, "Polygons have ears", 1975); they cover it and do not
/// overlap.
#[must_use]
pub fn triangles(corners: &[Vec2]) -> Vec<[Vec2; 3]> {
    let mut left: Vec<Vec2> = corners.to_vec();
    if signed_area(&left) < 0.0 {
        left.reverse();
    }
    let mut found = Vec::with_capacity(left.len().saturating_sub(2));
    while left.len() > 3 {
        let count = left.len();
        let ear = |at: &usize| is_ear(&left, *at);
        // Every simple polygon has an ear; rounding may hide it, and then any corner will do.
        let at = (0..count).find(ear).unwrap_or(0);
        found.push([left[(at + count - 1) % count], left[at], left[(at + 1) % count]]);
        left.remove(at);
    }
    if let [a, b, c] = left[..] {
        found.push([a, b, c]);
    }
    found
}

/// A point of some triangles, every square metre of them as likely as another; `None` where they have no area. Takes three
/// numbers from the draw.
pub fn random_point(triangles: &[[Vec2; 3]], draw: &mut Draw) -> Option<Vec2> {
    let whole: f32 = triangles.iter().map(|triangle| area(triangle)).sum();
    let mut at = draw.unit() * whole;
    // A point of the parallelogram, folded into its lower half.
    let mut along = Vec2::new(draw.unit(), draw.unit());
    if along.element_sum() > 1.0 {
        along = Vec2::ONE - along;
    }
    let chosen = triangles.iter().find(|triangle| {
        at -= area(&triangle[..]);
        at < 0.0
    });
    let [a, b, c] = *chosen.or(triangles.last())?;
    Some(a + (b - a) * along.x + (c - a) * along.y)
}

fn sides(corners: &[Vec2]) -> impl Iterator<Item = (Vec2, Vec2)> + '_ {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Positive when the corners go round counter-clockwise with x to the right and z up.
fn signed_area(corners: &[Vec2]) -> f32 {
    sides(corners).map(|(from, to)| from.perp_dot(to)).sum::<f32>() / 2.0
}

fn turn(from: Vec2, over: Vec2, to: Vec2) -> f32 {
    (over - from).perp_dot(to - over)
}

fn segments_meet((a, b): (Vec2, Vec2), (c, d): (Vec2, Vec2)) -> bool {
    let turns = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
    let apart = |one: f32, other: f32| (one > 0.0 && other > 0.0) || (one < 0.0 && other < 0.0);
    if apart(turns[0], turns[1]) || apart(turns[2], turns[3]) {
        return false;
    }
    // What is left crosses, touches, or lies on one line: then their boxes tell.
    let overlap = |one: (f32, f32), other: (f32, f32)| {
        one.0.min(one.1) <= other.0.max(other.1) && other.0.min(other.1) <= one.0.max(one.1)
    };
    overlap((a.x, b.x), (c.x, d.x)) && overlap((a.y, b.y), (c.y, d.y))
}

/// Whether the side after a corner lies upon the side before it.
fn folds_back(before: Vec2, corner: Vec2, after: Vec2) -> bool {
    turn(before, corner, after) == 0.0 && (corner - before).dot(after - corner) < 0.0
}

/// Whether a corner of a counter-clockwise polygon sticks out and no other corner lies in the triangle it makes.
fn is_ear(corners: &[Vec2], at: usize) -> bool {
    let count = corners.len();
    let (a, b, c) = (corners[(at + count - 1) % count], corners[at], corners[(at + 1) % count]);
    let inside = |place: Vec2| turn(a, b, place) >= 0.0 && turn(b, c, place) >= 0.0 && turn(c, a, place) >= 0.0;
    let others = corners.iter().filter(|&&other| other != a && other != b && other != c);
    turn(a, b, c) > 0.0 && !others.into_iter().any(|&other| inside(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    fn polygon(corners: &[(f32, f32)]) -> Vec<Vec2> {
        corners.iter().copied().map(Vec2::from).collect()
    }

    /// An L: a square of 4 x 4 without its upper right quarter.
    const L: [(f32, f32); 6] = [(0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (2.0, 2.0), (2.0, 4.0), (0.0, 4.0)];

    #[test]
    fn a_bow_tie_crosses_itself_and_an_l_does_not() {
        assert_eq!(crossing(&polygon(&[(0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0)])), Some((0, 2)));
        assert_eq!(crossing(&polygon(&L)), None);
        assert_eq!(crossing(&polygon(&[(0.0, 0.0), (2.0, 0.0), (1.0, 0.0), (1.0, 1.0)])), Some((0, 1)), "a spike");
        assert_eq!(crossing(&polygon(&[(0.0, 0.0), (2.0, 0.0), (2.0, 0.0), (1.0, 1.0)])), Some((0, 2)), "twice");
        assert_eq!(
            crossing(&polygon(&[(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 0.0), (0.0, 4.0)])),
            Some((0, 2)),
            "touches"
        );
    }

    #[test]
    fn triangles_cover_a_polygon_either_way_round() {
        let mut corners = polygon(&L);
        for _ in 0..2 {
            let parts = triangles(&corners);
            assert_eq!(parts.len(), 4);
            assert!((parts.iter().map(|part| area(part)).sum::<f32>() - 12.0).abs() < 1e-4);
            assert!((area(&corners) - 12.0).abs() < 1e-4);
            assert!(parts.iter().all(|[a, b, c]| contains(&corners, (*a + *b + *c) / 3.0)));
            corners.reverse();
        }
    }

    #[test]
    fn a_place_is_inside_or_so_far_away() {
        let corners = polygon(&L);
        assert!(contains(&corners, Vec2::new(1.0, 3.0)) && !contains(&corners, Vec2::new(3.0, 3.0)));
        assert_eq!(distance_m(&corners, Vec2::new(3.0, 1.0)), 0.0);
        assert!((distance_m(&corners, Vec2::new(3.0, 3.5)) - 1.0).abs() < 1e-6);
        assert!((distance_m(&corners, Vec2::new(7.0, 6.0)) - 5.0).abs() < 1e-6);
    }

    #[test]
    fn points_fall_evenly() {
        let corners = polygon(&L);
        let parts = triangles(&corners);
        let random = Random::new(11);
        let mut quarters = [0_u32; 4];
        for tick in 0..12_000 {
            let mut draw = random.draw(tick, SimId::from_bits(0), Stream("test"), 0);
            let point = random_point(&parts, &mut draw).expect("it has an area");
            assert!(distance_m(&corners, point) < 1e-4, "{point}");
            quarters[usize::from(point.x > 2.0) + 2 * usize::from(point.y > 2.0)] += 1;
        }
        // 4,000 each; the standard deviation is 52.
        assert!(quarters[..3].iter().all(|count| count.abs_diff(4_000) < 160), "{quarters:?}");
        assert_eq!(quarters[3], 0);
    }
}
