//! Triangles on the raster of voxels become convex polygons: neighbours are merged over their longest edges, as
//! Recast does, with exact integer arithmetic. Triangles that a mesh cannot have (wrong way round, or lying over each
//! other) are reported as defects with their places, for the tile to be repaired.

use std::collections::BTreeMap;

use glam::{IVec2, Vec2};

use crate::contours::Corner;

/// Most corners of a polygon before cuts.
const CORNERS_MAX: usize = 12;
/// How far a polygon's corners may lie off its plane, in metres: what is flatter is one piece of ground.
const BULGE_MAX_M: f32 = 0.25;

/// Convex polygons, and where the triangles were malformed (in cells).
#[derive(Debug, Clone, Default)]
pub(crate) struct Merged {
    /// Corners in an order in which `(b - a) x (c - a)` points up; none collinear.
    pub(crate) polygons: Vec<Vec<Corner>>,
    /// Middles of malformed triangles.
    pub(crate) defects: Vec<(Vec2, f32)>,
}

/// Merges triangles; heights closer than `climb_m` at one place are one corner.
pub(crate) fn merge(triangles: &[[Corner; 3]], climb_m: f32) -> Merged {
    let mut merged = Merged::default();
    let sound: Vec<[Corner; 3]> = triangles.iter().copied().filter(|&[a, b, c]| turn(a.at, b.at, c.at) > 0).collect();
    merged.defects.extend(triangles.iter().filter(|[a, b, c]| turn(a.at, b.at, c.at) < 0).map(middle));
    for (index, triangle) in sound.iter().enumerate() {
        let over = sound[..index].iter().any(|other| overlap(triangle, other, climb_m));
        if over {
            merged.defects.push(middle(triangle));
        }
    }
    let (corners, mut loops) = weld(&sound, climb_m);
    while merge_once(&corners, &mut loops) {}
    merged.polygons = loops.iter().map(|ring| without_collinear(&corners, ring)).collect();
    merged
}

/// Twice the signed area of a triangle in x and z, positive when it faces up.
fn turn(a: IVec2, b: IVec2, c: IVec2) -> i32 {
    let (u, v) = (b - a, c - a);
    u.y * v.x - u.x * v.y
}

fn middle(triangle: &[Corner; 3]) -> (Vec2, f32) {
    let [a, b, c] = triangle;
    ((a.at + b.at + c.at).as_vec2() / 3.0, (a.y + b.y + c.y) / 3.0)
}

/// True when the inner parts of two triangles share a place at about one height.
fn overlap(a: &[Corner; 3], b: &[Corner; 3], climb_m: f32) -> bool {
    let separated = |a: &[Corner; 3], b: &[Corner; 3]| {
        (0..3).any(|i| b.iter().all(|corner| turn(a[i].at, a[(i + 1) % 3].at, corner.at) <= 0))
    };
    let bounds = |t: &[Corner; 3]| (t[0].at.min(t[1].at).min(t[2].at), t[0].at.max(t[1].at).max(t[2].at));
    let ((a_min, a_max), (b_min, b_max)) = (bounds(a), bounds(b));
    if a_min.cmpge(b_max).any() || b_min.cmpge(a_max).any() || separated(a, b) || separated(b, a) {
        return false;
    }
    let shared = shared_middle(a, b);
    (height(a, shared) - height(b, shared)).abs() < climb_m.max(0.1)
}

/// A point in both of two overlapping triangles: the middle of their intersection's corners.
fn shared_middle(a: &[Corner; 3], b: &[Corner; 3]) -> Vec2 {
    let mut part: Vec<Vec2> = a.iter().map(|corner| corner.at.as_vec2()).collect();
    for i in 0..3 {
        let (from, to) = (b[i].at.as_vec2(), b[(i + 1) % 3].at.as_vec2());
        let side = |p: Vec2| (to.y - from.y) * (p.x - from.x) - (to.x - from.x) * (p.y - from.y);
        let mut kept = Vec::new();
        for (index, &p) in part.iter().enumerate() {
            let q = part[(index + 1) % part.len()];
            let (sp, sq) = (side(p), side(q));
            if sp >= 0.0 {
                kept.push(p);
            }
            if (sp > 0.0 && sq < 0.0) || (sp < 0.0 && sq > 0.0) {
                kept.push(p + (q - p) * (sp / (sp - sq)));
            }
        }
        part = kept;
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of corners")]
    let count = part.len().max(1) as f32;
    part.iter().sum::<Vec2>() / count
}

fn height(triangle: &[Corner; 3], at: Vec2) -> f32 {
    let [a, b, c] = triangle;
    let (u, v, w) = ((b.at - a.at).as_vec2(), (c.at - a.at).as_vec2(), at - a.at.as_vec2());
    let determinant = u.perp_dot(v);
    let (s, t) = (w.perp_dot(v) / determinant, u.perp_dot(w) / determinant);
    a.y + s * (b.y - a.y) + t * (c.y - a.y)
}

/// Numbers the corners: one number per place and level.
#[allow(clippy::cast_possible_truncation, reason = "one tile's corners")]
fn weld(triangles: &[[Corner; 3]], climb_m: f32) -> (Vec<Corner>, Vec<Vec<u32>>) {
    let mut corners: Vec<Corner> = Vec::new();
    let mut at: BTreeMap<(i32, i32), Vec<u32>> = BTreeMap::new();
    let mut number = |corner: Corner| {
        let levels = at.entry((corner.at.y, corner.at.x)).or_default();
        let same = |&&index: &&u32| (corners[index as usize].y - corner.y).abs() <= climb_m;
        if let Some(&index) = levels.iter().find(same) {
            return index;
        }
        corners.push(corner);
        levels.push(corners.len() as u32 - 1);
        corners.len() as u32 - 1
    };
    let loops = triangles.iter().map(|triangle| triangle.map(&mut number).to_vec()).collect();
    (corners, loops)
}

/// One pass over all edges, longest first; true when anything was merged.
fn merge_once(corners: &[Corner], loops: &mut Vec<Vec<u32>>) -> bool {
    let mut owners: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mut edges: Vec<(i32, usize, usize, u32, u32)> = Vec::new();
    for (polygon, ring) in loops.iter().enumerate() {
        for (index, &a) in ring.iter().enumerate() {
            let b = ring[(index + 1) % ring.len()];
            if let Some(&other) = owners.get(&(b, a)) {
                let length = (corners[a as usize].at - corners[b as usize].at).length_squared();
                edges.push((-length, other, polygon, a, b));
            }
            owners.insert((a, b), polygon);
        }
    }
    edges.sort_unstable();
    let mut into: Vec<usize> = (0..loops.len()).collect();
    let mut any = false;
    for (_, first, second, a, b) in edges {
        let (first, second) = (root(&into, first), root(&into, second));
        if first == second {
            continue;
        }
        if let Some(joined) = join(corners, &loops[first], &loops[second], a, b) {
            loops[first] = joined;
            loops[second].clear();
            into[second] = first;
            any = true;
        }
    }
    loops.retain(|ring| !ring.is_empty());
    any
}

fn root(into: &[usize], mut polygon: usize) -> usize {
    while into[polygon] != polygon {
        polygon = into[polygon];
    }
    polygon
}

/// The union of two polygons over the edge that `second` runs from `a` to `b`, if it is one convex polygon.
fn join(corners: &[Corner], first: &[u32], second: &[u32], a: u32, b: u32) -> Option<Vec<u32>> {
    let at = |ring: &[u32], from: u32, to: u32| {
        (0..ring.len()).find(|&index| ring[index] == from && ring[(index + 1) % ring.len()] == to)
    };
    let (i, j) = (at(first, b, a)?, at(second, a, b)?);
    let mut ring: Vec<u32> = (1..=first.len()).map(|k| first[(i + k) % first.len()]).collect();
    ring.extend((2..second.len()).map(|k| second[(j + k) % second.len()]));
    // Where the two share further edges next to this one, the ring runs out and back: take the spikes off.
    while let Some(spike) = (0..ring.len()).find(|&k| {
        let len = ring.len();
        len > 2 && ring[(k + len - 1) % len] == ring[(k + 1) % len]
    }) {
        let next = (spike + 1) % ring.len();
        ring.remove(spike.max(next));
        ring.remove(spike.min(next));
    }
    (is_convex(corners, &ring) && is_flat(corners, &ring)).then_some(ring)
}

fn is_convex(corners: &[Corner], ring: &[u32]) -> bool {
    let at = |index: usize| corners[ring[index % ring.len()] as usize].at;
    let mut sorted = ring.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if ring.len() < 3 || sorted.len() != ring.len() {
        return false;
    }
    let turns = |index: usize| turn(at(index), at(index + 1), at(index + 2));
    let bends = (0..ring.len()).filter(|&index| turns(index) > 0).count();
    (0..ring.len()).all(|index| turns(index) >= 0 && !folds(at(index), at(index + 1), at(index + 2)))
        && (3..=CORNERS_MAX).contains(&bends)
}

/// True when an edge runs back over the one before it.
fn folds(a: IVec2, b: IVec2, c: IVec2) -> bool {
    turn(a, b, c) == 0 && (b - a).dot(c - b) <= 0
}

fn is_flat(corners: &[Corner], ring: &[u32]) -> bool {
    let point = |index: usize| {
        let corner = corners[ring[index % ring.len()] as usize];
        corner.at.as_vec2().extend(corner.y)
    };
    // Newell's normal: the area-weighted mean of all corners' normals.
    let (mut normal, mut middle) = (glam::Vec3::ZERO, glam::Vec3::ZERO);
    for index in 0..ring.len() {
        normal += point(index).cross(point(index + 1));
        middle += point(index);
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of corners")]
    let middle = middle / ring.len() as f32;
    // A height above the plane rather than a distance from it.
    (0..ring.len()).all(|index| ((point(index) - middle).dot(normal) / normal.z).abs() <= BULGE_MAX_M)
}

fn without_collinear(corners: &[Corner], ring: &[u32]) -> Vec<Corner> {
    let at = |index: usize| corners[ring[index % ring.len()] as usize];
    let bends = |index: &usize| {
        let before = at(*index + ring.len() - 1);
        turn(before.at, at(*index).at, at(*index + 1).at) != 0
    };
    (0..ring.len()).filter(bends).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner(x: i32, z: i32, y: f32) -> Corner {
        Corner { at: IVec2::new(x, z), y }
    }

    /// Two triangles for every cell of a square, all at the height that `y` gives.
    fn square(cells: i32, y: impl Fn(i32, i32) -> f32) -> Vec<[Corner; 3]> {
        let at = |x, z| corner(x, z, y(x, z));
        let cell = |(x, z): (i32, i32)| {
            [[at(x, z), at(x, z + 1), at(x + 1, z)], [at(x + 1, z + 1), at(x + 1, z), at(x, z + 1)]]
        };
        (0..cells).flat_map(|z| (0..cells).map(move |x| (x, z))).flat_map(cell).collect()
    }

    fn twice_area(polygon: &[Corner]) -> i32 {
        (1..polygon.len() - 1).map(|k| turn(polygon[0].at, polygon[k].at, polygon[k + 1].at)).sum()
    }

    #[test]
    fn level_ground_becomes_one_polygon_and_a_hole_stays_a_hole() {
        let whole = merge(&square(8, |_, _| 0.0), 0.5);
        assert_eq!((whole.polygons.len(), whole.polygons[0].len(), whole.defects.len()), (1, 4, 0));
        let outside =
            |triangle: &[Corner; 3]| triangle.iter().any(|c| !(3..=5).contains(&c.at.x) || !(3..=5).contains(&c.at.y));
        let holed: Vec<_> = square(8, |_, _| 0.0).into_iter().filter(outside).collect();
        let merged = merge(&holed, 0.5);
        assert_eq!(merged.polygons.iter().map(|polygon| twice_area(polygon)).sum::<i32>(), 2 * (64 - 4));
        for polygon in &merged.polygons {
            let turns = |k: usize| {
                let at = |k: usize| polygon[k % polygon.len()].at;
                turn(at(k), at(k + 1), at(k + 2))
            };
            assert!((0..polygon.len()).all(|k| turns(k) > 0), "{polygon:?} is not convex");
        }
    }

    #[test]
    fn a_ridge_is_not_merged_flat() {
        let merged = merge(&square(8, |x, _| if x == 4 { 2.0 } else { 0.0 }), 0.5);
        assert!(merged.polygons.len() >= 4, "{} polygons", merged.polygons.len());
    }

    #[test]
    fn triangles_that_face_down_or_lie_over_each_other_are_defects() {
        let (a, b, c, d) = (corner(0, 0, 0.0), corner(0, 9, 0.0), corner(9, 0, 0.0), corner(9, 9, 0.0));
        assert_eq!(merge(&[[a, b, c]], 0.5).defects.len(), 0);
        assert_eq!(merge(&[[a, c, b]], 0.5).defects.len(), 1);
        assert_eq!(merge(&[[a, b, c], [a, b, d]], 0.5).defects.len(), 1);
        let raised = [a, b, d].map(|corner| Corner { y: 3.0, ..corner });
        assert_eq!(merge(&[[a, b, c], raised], 0.5).defects.len(), 0, "another storey");
    }
}
