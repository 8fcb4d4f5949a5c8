//! Cuts the finished polygons of a tile at the sides of door boxes: what lies inside belongs to the door.
//! The box is widened by the agent's radius: nearer than that, a closed door is in the way.

use glam::{Quat, Vec3};
use sim::space::navmesh::NavSettings;
use sim::space::triangles::Solid;

/// A convex polygon in a tile's frame and the area it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    /// Corners in metres.
    pub(crate) corners: Vec<Vec3>,
    /// 0, or 1 + the index of a door.
    pub(crate) area: u16,
}

/// Parts smaller than this are not kept, in square metres.
const AREA_MIN_M2: f32 = 1e-4;

/// Cuts polygons at doors; a piece within two doors belongs to the first.
pub(crate) fn cut(mut pieces: Vec<Piece>, doors: &[(u16, Solid)], settings: &NavSettings) -> Vec<Piece> {
    for (index, door) in doors {
        let widened = Solid { half: door.half + Vec3::new(settings.radius_m, 0.0, settings.radius_m), ..*door };
        pieces = pieces.into_iter().flat_map(|piece| cut_one(piece, &widened, index + 1, settings)).collect();
    }
    pieces
}

fn cut_one(piece: Piece, door: &Solid, area: u16, settings: &NavSettings) -> Vec<Piece> {
    let (low, high) = door.bounds();
    let (min, max) = piece.corners.iter().fold((Vec3::MAX, Vec3::MIN), |(min, max), &at| (min.min(at), max.max(at)));
    let apart = max.x <= low.x || min.x >= high.x || max.z <= low.z || min.z >= high.z;
    let storey = max.y < low.y - settings.climb_m || min.y > high.y;
    if piece.area != 0 || apart || storey {
        return vec![piece];
    }
    let turn = Quat::from_rotation_y(door.yaw_rad);
    let mut outside = Vec::new();
    let mut rest = piece.corners.clone();
    for (axis, half) in [(turn * Vec3::X, door.half.x), (turn * Vec3::Z, door.half.z)] {
        for normal in [axis, -axis] {
            let (inner, outer) = split_at(&rest, normal, normal.dot(door.center) + half);
            outside.extend(kept(outer, 0));
            rest = inner;
        }
    }
    let within = |at: &Vec3| at.y >= low.y - settings.climb_m && at.y <= high.y;
    match kept(rest, area) {
        Some(inside) if inside.corners.iter().any(within) => {
            outside.push(inside);
            outside
        }
        _ => vec![piece],
    }
}

fn kept(corners: Vec<Vec3>, area: u16) -> Option<Piece> {
    let fan = |k: usize| (corners[k] - corners[0]).cross(corners[k + 1] - corners[0]).y / 2.0;
    let area_m2: f32 = (1..corners.len().saturating_sub(1)).map(fan).sum();
    (area_m2 > AREA_MIN_M2).then_some(Piece { corners, area })
}

/// What lies below a plane along `normal` and what lies above.
fn split_at(polygon: &[Vec3], normal: Vec3, offset: f32) -> (Vec<Vec3>, Vec<Vec3>) {
    let (mut below, mut above) = (Vec::new(), Vec::new());
    // A corner this near lies on the plane: no slivers, and no cut beside a corner.
    let side = |at: Vec3| {
        let distance = normal.dot(at) - offset;
        if distance.abs() < 1e-4 { 0.0 } else { distance }
    };
    for (index, &a) in polygon.iter().enumerate() {
        let b = polygon[(index + 1) % polygon.len()];
        let (da, db) = (side(a), side(b));
        if da <= 0.0 {
            below.push(a);
        }
        if da >= 0.0 {
            above.push(a);
        }
        if (da < 0.0 && db > 0.0) || (da > 0.0 && db < 0.0) {
            // From the lesser end whichever way the edge runs, so that a neighbour's cut is the same point.
            let ordered = (a.x, a.z) < (b.x, b.z);
            let (p, q, dp, dq) = if ordered { (a, b, da, db) } else { (b, a, db, da) };
            let cut = p + (q - p) * (dp / (dp - dq));
            below.push(cut);
            above.push(cut);
        }
    }
    (below, above)
}
