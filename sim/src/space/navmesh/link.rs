//! Which polygons lead into which: edges that are shared, edges that overlap within a tile (a short edge against a
//! long one), and edges that overlap across a side of two tiles. Runs once, when a mesh is assembled.
//!
//! Across a tile's side the two meshes were simplified apart, so not their corners decide whether the ground
//! continues but the ground heights sampled along both edges: they must come within the agent's climb somewhere.

use std::cmp::Ordering;

use glam::{Vec2, Vec3};

use super::BorderGap;
use super::archive::{BorderEdge, NavArchive, TileMesh};
use super::assemble::{Core, NavmeshError, first_polygons, gap};
use super::plane::{edges, flat, turn};

/// Overlaps shorter than this are no way through, in metres.
const OVERLAP_M_MIN: f32 = 0.01;
/// Two edges within this lie on one line, in metres.
const APART_M_MAX: f32 = 0.01;
/// Points within this are one, in metres.
pub(super) const TOUCH_M: f32 = 0.001;
/// Allowance for rounding in heights, in metres.
const ROUNDING_M: f32 = 0.001;

/// A part of a polygon's edge through which one leaves it.
#[derive(Debug, Clone, Copy)]
pub(super) struct EdgePiece {
    pub(super) polygon: u32,
    pub(super) edge: u32,
    pub(super) from: Vec2,
    pub(super) to: Vec2,
    /// The same part of the polygon behind, by place in the list.
    pub(super) twin: u32,
    /// Where it begins on the edge, in metres.
    pub(super) along_m: f32,
}

impl EdgePiece {
    /// Order around the polygons.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let place = |piece: &Self| (piece.polygon, piece.edge);
        place(self).cmp(&place(other)).then(self.along_m.total_cmp(&other.along_m))
    }
}

/// Finds all pieces, twins beside each other, and the border edges that lead nowhere.
pub(super) fn pair_edges(core: &Core, archive: &NavArchive) -> Result<(Vec<EdgePiece>, Vec<BorderGap>), NavmeshError> {
    let mut pairs = Pairs { climb_m: core.settings.climb_m, pieces: Vec::new() };
    let firsts = first_polygons(&archive.tiles);
    let mut sides = Vec::new();
    for (tile, &first) in archive.tiles.iter().zip(&firsts) {
        let borders = border_edges(core, tile, first)?;
        pairs.within(inner_edges(core, tile, first, &borders));
        sides.push(borders);
    }
    let place = |x: i32, z: i32| archive.tiles.binary_search_by_key(&(z, x), |tile| (tile.z, tile.x)).ok();
    for (index, tile) in archive.tiles.iter().enumerate() {
        let right = tile.x.checked_add(1).and_then(|x| place(x, tile.z));
        let below = tile.z.checked_add(1).and_then(|z| place(tile.x, z));
        for (side, neighbour) in [(2_u8, right), (1, below)] {
            if let Some([own, other]) = neighbour.and_then(|other| sides.get_disjoint_mut([index, other]).ok()) {
                pairs.across(own, side, other);
            }
        }
    }
    let mut gaps: Vec<BorderGap> =
        sides.iter().flatten().filter(|border| border.is_beside && !border.is_linked).map(Border::gap).collect();
    gaps.sort_by_key(|gap| gap.polygon);
    Ok((pairs.pieces, gaps))
}

/// An edge with the heights of the ground along it.
#[derive(Debug, Clone, Copy)]
struct Edge<'a> {
    polygon: u32,
    edge: u32,
    a: Vec3,
    b: Vec3,
    ends_m: [f32; 2],
    sampled_m: &'a [f32],
}

struct Border<'a> {
    edge: Edge<'a>,
    side: u8,
    is_beside: bool,
    is_linked: bool,
}

impl Border<'_> {
    fn gap(&self) -> BorderGap {
        gap(self.edge.polygon, self.edge.a, self.edge.b)
    }
}

impl Edge<'_> {
    fn heights_m(&self) -> &[f32] {
        if self.sampled_m.is_empty() { &self.ends_m } else { self.sampled_m }
    }

    fn fraction(&self, point: Vec2) -> f32 {
        let way = flat(self.b) - flat(self.a);
        (point - flat(self.a)).dot(way) / way.length_squared()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the samples")]
    fn height_m(&self, fraction: f32) -> f32 {
        let heights_m = self.heights_m();
        let last = heights_m.len() - 1;
        let place = fraction.clamp(0.0, 1.0) * last as f32;
        let index = (place as usize).min(last - 1);
        heights_m[index] + (heights_m[index + 1] - heights_m[index]) * (place - index as f32)
    }

    fn least(&self) -> Vec2 {
        flat(self.a).min(flat(self.b))
    }

    fn greatest(&self) -> Vec2 {
        flat(self.a).max(flat(self.b))
    }

    fn key(&self) -> [u32; 4] {
        let bits = |point: Vec3| [(point.x + 0.0).to_bits(), (point.z + 0.0).to_bits()];
        let (a, b) = (bits(self.a), bits(self.b));
        let (first, second) = if a < b { (a, b) } else { (b, a) };
        [first[0], first[1], second[0], second[1]]
    }
}

struct Pairs {
    climb_m: f32,
    pieces: Vec<EdgePiece>,
}

impl Pairs {
    /// Pairs the edges of one tile: shared ones first, then what overlaps of the rest.
    fn within(&mut self, edges: Vec<Edge<'_>>) {
        let mut rest = self.shared(edges);
        rest.sort_by(|a, b| a.least().x.total_cmp(&b.least().x));
        for (index, one) in rest.iter().enumerate() {
            let (least, greatest) = (one.least().y - APART_M_MAX, one.greatest() + APART_M_MAX);
            for other in rest[index + 1..].iter().take_while(|other| other.least().x <= greatest.x) {
                let is_near = other.least().y <= greatest.y && other.greatest().y >= least;
                if is_near && let Some((from, to)) = overlap(one, other) {
                    self.link(one, other, from, to);
                }
            }
        }
    }

    fn shared<'a>(&mut self, edges: Vec<Edge<'a>>) -> Vec<Edge<'a>> {
        let mut keyed: Vec<([u32; 4], Edge<'a>)> = edges.into_iter().map(|edge| (edge.key(), edge)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        let mut rest = Vec::new();
        for group in keyed.chunk_by(|a, b| a.0 == b.0) {
            let mut open: Vec<Edge<'a>> = Vec::new();
            for (_, edge) in group {
                let twin = open.iter().position(|other| {
                    let is_opposite = flat(other.a) == flat(edge.b) && other.polygon != edge.polygon;
                    is_opposite && self.link(edge, other, flat(edge.a), flat(edge.b))
                });
                match twin {
                    Some(twin) => drop(open.remove(twin)),
                    None => open.push(*edge),
                }
            }
            rest.append(&mut open);
        }
        rest
    }

    /// Pairs the edges on the side two tiles share.
    fn across(&mut self, own: &mut [Border<'_>], side: u8, other: &mut [Border<'_>]) {
        let (opposite, is_x) = if side == 2 { (0, true) } else { (3, false) };
        let along = |point: Vec2| if is_x { point.y } else { point.x };
        let first = other.partition_point(|border| border.side < opposite);
        let end = other.partition_point(|border| border.side <= opposite);
        let other = &mut other[first..end];
        for one in own.iter_mut().filter(|border| border.side == side) {
            let (least, greatest) = (along(one.edge.least()), along(one.edge.greatest()));
            for two in other.iter_mut().take_while(|two| along(two.edge.least()) <= greatest) {
                if along(two.edge.greatest()) < least {
                    continue;
                }
                let Some((from, to)) = overlap(&one.edge, &two.edge) else { continue };
                (one.is_beside, two.is_beside) = (true, true);
                if self.link(&one.edge, &two.edge, from, to) {
                    (one.is_linked, two.is_linked) = (true, true);
                }
            }
        }
    }

    /// Links two edges along `from` to `to` (in the direction of the first) when the ground continues.
    fn link(&mut self, one: &Edge<'_>, two: &Edge<'_>, from: Vec2, to: Vec2) -> bool {
        let meets = meets(one, two, from, to, self.climb_m + ROUNDING_M);
        if meets {
            let next = super::assemble::id(self.pieces.len());
            let piece = |edge: &Edge<'_>, from: Vec2, to: Vec2, twin| {
                let along_m = flat(edge.a).distance(from);
                EdgePiece { polygon: edge.polygon, edge: edge.edge, from, to, twin, along_m }
            };
            self.pieces.push(piece(one, from, to, next + 1));
            self.pieces.push(piece(two, to, from, next));
        }
        meets
    }
}

/// The part that two opposite edges on one line have in common, in the direction of the first.
fn overlap(one: &Edge<'_>, two: &Edge<'_>) -> Option<(Vec2, Vec2)> {
    if one.polygon == two.polygon {
        return None;
    }
    let ways = [flat(one.b) - flat(one.a), flat(two.b) - flat(two.a)];
    let is_longer = ways[0].length_squared() >= ways[1].length_squared();
    let (longer, shorter, way) = if is_longer { (one, two, ways[0]) } else { (two, one, ways[1]) };
    let direction = way.normalize_or_zero();
    let is_apart = |point: Vec3| turn(direction, flat(point) - flat(longer.a)).abs() > APART_M_MAX;
    if ways[0].dot(ways[1]) >= 0.0 || is_apart(shorter.a) || is_apart(shorter.b) {
        return None;
    }
    let direction = ways[0].normalize_or_zero();
    let along = |point: Vec3| (flat(point) - flat(one.a)).dot(direction);
    let from = if along(two.b) > 0.0 { two.b } else { one.a };
    let to = if along(two.a) < along(one.b) { two.a } else { one.b };
    (along(to) - along(from) >= OVERLAP_M_MIN).then(|| (flat(from), flat(to)))
}

/// True when the heights along two edges come within `climb_m` of each other somewhere between two points of both.
fn meets(one: &Edge<'_>, two: &Edge<'_>, from: Vec2, to: Vec2, climb_m: f32) -> bool {
    let mut places = vec![0.0, 1.0];
    for edge in [one, two] {
        let (begin, end) = (edge.fraction(from), edge.fraction(to));
        let last = edge.heights_m().len() - 1;
        let samples = (0..=last).map(|index| (index as f32 / last as f32 - begin) / (end - begin));
        places.extend(samples.filter(|&place| place > 0.0 && place < 1.0));
    }
    places.sort_by(f32::total_cmp);
    let difference = |place: f32| {
        let point = from.lerp(to, place);
        one.height_m(one.fraction(point)) - two.height_m(two.fraction(point))
    };
    let mut above = false;
    let mut below = false;
    places.iter().any(|&place| {
        let difference_m = difference(place);
        above |= difference_m >= 0.0;
        below |= difference_m <= 0.0;
        difference_m.abs() <= climb_m || (above && below)
    })
}

fn inner_edges<'a>(core: &Core, tile: &TileMesh, first: u32, borders: &[Border<'_>]) -> Vec<Edge<'a>> {
    let mut on_border: Vec<(u32, u32)> = borders.iter().map(|border| (border.edge.polygon, border.edge.edge)).collect();
    on_border.sort_unstable();
    let polygons = first..first + super::assemble::id(tile.polygons.len());
    let all = polygons.flat_map(|polygon| (0_u32..).zip(edges(core.corners(polygon))).map(move |edge| (polygon, edge)));
    all.filter(|(polygon, (edge, _))| on_border.binary_search(&(*polygon, *edge)).is_err())
        .map(|(polygon, (edge, (a, b)))| Edge { polygon, edge, a, b, ends_m: [a.y, b.y], sampled_m: &[] })
        .collect()
}

/// The edges on the sides of a tile, by side and along it.
fn border_edges<'a>(core: &Core, tile: &'a TileMesh, first: u32) -> Result<Vec<Border<'a>>, NavmeshError> {
    let mut borders = Vec::new();
    for (index, border) in tile.borders.iter().enumerate() {
        let broken = |what| NavmeshError::Border { x: tile.x, z: tile.z, border: index, what };
        borders.push(border_edge(core, tile, first, border).map_err(broken)?);
    }
    let place = |border: &Border<'_>| (border.edge.polygon, border.edge.edge);
    borders.sort_by_key(place);
    if borders.windows(2).any(|pair| place(&pair[0]) == place(&pair[1])) {
        return Err(NavmeshError::Border { x: tile.x, z: tile.z, border: 0, what: "an edge is listed twice" });
    }
    borders.sort_by(|a, b| {
        let (p, q) = (a.edge.least(), b.edge.least());
        a.side.cmp(&b.side).then(p.x.total_cmp(&q.x)).then(p.y.total_cmp(&q.y))
    });
    Ok(borders)
}

fn border_edge<'a>(
    core: &Core,
    tile: &TileMesh,
    first: u32,
    border: &'a BorderEdge,
) -> Result<Border<'a>, &'static str> {
    if border.polygon as usize >= tile.polygons.len() {
        return Err("there is no such polygon");
    }
    let polygon = first + border.polygon;
    let edge = u32::from(border.edge);
    let (a, b) = edges(core.corners(polygon)).nth(edge as usize).ok_or("there is no such edge")?;
    if border.heights_m.len() < 2 || !border.heights_m.iter().all(|height_m| height_m.is_finite()) {
        return Err("it needs two heights or more, all of them numbers");
    }
    let tile_m = core.settings.tile_m();
    let (min, inward) = (Vec2::new(tile.x as f32, tile.z as f32) * tile_m, [Vec2::X, -Vec2::Y, -Vec2::X, Vec2::Y]);
    let max = Vec2::new((tile.x as f32 + 1.0) * tile_m, (tile.z as f32 + 1.0) * tile_m);
    let off = |point: Vec3| [point.x - min.x, point.z - max.y, point.x - max.x, point.z - min.y];
    let side = usize::from(border.side);
    let inward = *inward.get(side).ok_or("there is no such side")?;
    if off(a)[side].abs() > APART_M_MAX || off(b)[side].abs() > APART_M_MAX {
        return Err("it does not lie on that side of the tile");
    }
    if turn(flat(b) - flat(a), inward) <= 0.0 {
        return Err("its polygon lies outside the tile");
    }
    let edge = Edge { polygon, edge, a, b, ends_m: [a.y, b.y], sampled_m: &border.heights_m };
    Ok(Border { edge, side: border.side, is_beside: false, is_linked: false })
}

#[cfg(test)]
mod tests {
    use glam::{Vec2, Vec3};

    use crate::space::navmesh::archive::{NavArchive, NavSettings};
    use crate::space::navmesh::{Navmesh, PolygonId};
    use crate::testing::{GroundRectangle, archive_of_rectangles, mesh_of_plan};

    fn level(x: f32, z: f32, side_m: f32, height_m: f32) -> GroundRectangle {
        GroundRectangle::level(Vec2::new(x, z), Vec2::new(x + side_m, z + side_m), height_m)
    }

    /// Two squares of 8 m on both sides of the border at x = 32, the second at these heights (near, far).
    fn across(near_m: f32, far_m: f32) -> NavArchive {
        let second = GroundRectangle { heights_m: [near_m, near_m, far_m, far_m], ..level(32.0, 0.0, 8.0, 0.0) };
        archive_of_rectangles(&[level(24.0, 0.0, 8.0, 0.0), second], NavSettings::default(), 0)
    }

    #[test]
    fn a_long_edge_leads_into_every_polygon_beside_it() {
        let mesh = mesh_of_plan(&["......", ".#..#."]);
        assert_eq!((mesh.polygon_count(), mesh.component_count()), (4, 1));
        let long: Vec<(PolygonId, [Vec2; 2])> = mesh.neighbours(PolygonId(0)).collect();
        let widths: Vec<f32> = long.iter().map(|(_, [right, left])| right.distance(*left)).collect();
        assert_eq!(widths, [1.0, 2.0, 1.0]);
        assert!(long.iter().all(|(other, _)| mesh.neighbours(*other).any(|(back, _)| back == PolygonId(0))));
    }

    #[test]
    fn across_a_border_the_ground_continues_within_the_climb() {
        for (near_m, is_one) in [(0.0, true), (0.5, true), (0.52, false), (-0.4, true), (3.0, false)] {
            let mesh = Navmesh::assemble(&across(near_m, near_m)).unwrap();
            assert_eq!(mesh.component_count() == 1, is_one, "{near_m}");
            assert_eq!(mesh.unlinked_border_edges().is_empty(), is_one, "{near_m}");
        }
    }

    #[test]
    fn sampled_heights_decide_where_corners_are_too_coarse() {
        let mut archive = across(2.0, 2.0);
        assert_eq!(Navmesh::assemble(&archive).unwrap().component_count(), 2);
        let border = archive.tiles[1].borders.iter_mut().find(|border| border.side == 0).unwrap();
        border.heights_m = vec![2.0, 1.5, 0.4, 1.5, 2.0];
        assert_eq!(Navmesh::assemble(&archive).unwrap().component_count(), 1);
    }

    #[test]
    fn storeys_are_linked_each_to_its_own() {
        let rectangles = [(24.0, 0.0), (24.0, 3.0), (32.0, 3.2), (32.0, 0.1)].map(|(x, y)| level(x, 0.0, 8.0, y));
        let mesh = Navmesh::assemble(&archive_of_rectangles(&rectangles, NavSettings::default(), 0)).unwrap();
        assert_eq!((mesh.component_count(), mesh.link_count()), (2, 4));
        let on = |x: f32, y: f32| mesh.nearest(Vec3::new(x, y, 4.0), Vec3::splat(0.2)).unwrap();
        let component = |x: f32, y: f32| mesh.component(on(x, y).polygon);
        assert!(component(28.0, 0.0) == component(36.0, 0.1) && component(28.0, 3.0) == component(36.0, 3.2));
    }
}
