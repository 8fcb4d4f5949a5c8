//! Moving along the surface from where one is: rays and slides, as Detour's `raycast` and `moveAlongSurface`.
//! Pure. Only x and z count: which storey one is on follows from the polygon one starts on.

use glam::Vec2;

use super::assemble::Link;
use super::plane::{contains, edges, flat, nearest_on_segment, turn};
use super::{NO_COMPONENT, NavPoint, Navmesh, PolygonId, SurfaceHit};

/// How near a ray may pass by the end of a portal and still go through it, in metres: along a wall, not into it.
const GRAZE_M: f32 = 0.001;
/// Polygons a ray crosses at most; no mesh has that many in a row.
const RAY_POLYGONS_MAX: u32 = 65_536;
/// How far beyond a corner a ray is looked for in the polygons that meet there, in metres.
const PROBE_M: f32 = 0.005;
/// Polygons looked at around a corner at most.
const CORNER_POLYGONS_MAX: usize = 32;
/// Polygons a slide looks at most; what lies farther is not slid to.
const SLIDE_POLYGONS_MAX: usize = 64;

enum Beyond {
    Polygon(u32),
    End,
    Wall,
}

impl Navmesh {
    /// Walks straight from a place until a wall, a closed door or the end. Heights play no part. A ray that grazes a
    /// corner goes on.
    #[must_use]
    pub fn raycast(&self, from: NavPoint, to: Vec2) -> SurfaceHit {
        let start = flat(from.position);
        let way = to - start;
        let length_m = way.length();
        let mut polygon = from.polygon.0;
        let steps = if self.corners(from.polygon).is_empty() { 0 } else { RAY_POLYGONS_MAX };
        for _ in 0..steps {
            let exit = self.exit(polygon, start, way);
            let Some((fraction, edge)) = exit.filter(|(fraction, _)| (1.0 - fraction) * length_m > GRAZE_M) else {
                return self.arrived(polygon, to);
            };
            match self.beyond(polygon, (start, way), fraction, edge) {
                Beyond::Polygon(next) => polygon = next,
                Beyond::End => return self.arrived(polygon, to),
                Beyond::Wall => {
                    let (place, (a, b)) = (start + way * fraction, self.edge(polygon, edge));
                    let normal = Vec2::new(b.y - a.y, a.x - b.x).normalize_or_zero();
                    let end = self.point_on(PolygonId(polygon), place.x, place.y);
                    return SurfaceHit { fraction, normal, end };
                }
            }
        }
        SurfaceHit { fraction: 0.0, normal: Vec2::ZERO, end: from }
    }

    /// Walks towards a place and slides along walls, never farther than the place is: the point nearest to `to` within
    /// the circle around the way there.
    #[must_use]
    pub fn move_along(&self, from: NavPoint, to: Vec2) -> NavPoint {
        let start = flat(from.position);
        let (centre, radius_m) = (start.midpoint(to), start.distance(to) * 0.5);
        let reaches = |point: Vec2| point.distance(centre) <= radius_m * 1.0001;
        let mut open = [from.polygon.0; SLIDE_POLYGONS_MAX];
        let mut count = 1;
        let mut best = (start.distance_squared(to), from.polygon.0, start);
        let mut done = 0;
        while done < count {
            let polygon = open[done];
            done += 1;
            if contains(self.core.corners(polygon), to, 0.0) {
                return self.point_on(PolygonId(polygon), to.x, to.y);
            }
            let mut stop_at = |a: Vec2, b: Vec2| {
                let point = nearest_on_segment(a, b, to);
                let distance_squared = point.distance_squared(to);
                if distance_squared < best.0 && reaches(point) {
                    best = (distance_squared, polygon, point);
                }
            };
            self.core.walls_of(polygon).iter().for_each(|wall| stop_at(wall.from, wall.to));
            for link in self.core.links_of(polygon) {
                if self.is_closed(link.target) {
                    stop_at(link.right, link.left);
                } else if count < SLIDE_POLYGONS_MAX
                    && reaches(nearest_on_segment(link.right, link.left, centre))
                    && !open[..count].contains(&link.target)
                {
                    open[count] = link.target;
                    count += 1;
                }
            }
        }
        self.point_on(PolygonId(best.1), best.2.x, best.2.y)
    }

    pub(super) fn is_closed(&self, polygon: u32) -> bool {
        self.labels.of_polygon[polygon as usize] == NO_COMPONENT
    }

    fn arrived(&self, polygon: u32, at: Vec2) -> SurfaceHit {
        SurfaceHit { fraction: 1.0, normal: Vec2::ZERO, end: self.point_on(PolygonId(polygon), at.x, at.y) }
    }

    /// Where a ray goes on that leaves a polygon through an edge. Along a wall within [`GRAZE_M`] it goes to the wall's
    /// end.
    fn beyond(&self, polygon: u32, ray: (Vec2, Vec2), fraction: f32, edge: usize) -> Beyond {
        let next = |fraction: f32| {
            let link = self.link_at(polygon, ray.0 + ray.1 * fraction, ray.1).map(|link| link.target);
            link.or_else(|| self.around(polygon, ray, fraction))
        };
        if let Some(next) = next(fraction) {
            return Beyond::Polygon(next);
        }
        match self.end_of_wall(polygon, ray, edge) {
            Some(end) if end >= 1.0 => Beyond::End,
            Some(end) if end >= fraction => next(end).map_or(Beyond::Wall, Beyond::Polygon),
            _ => Beyond::Wall,
        }
    }

    /// Part of the way to the last corner, from an edge on, that the ray passes closely.
    fn end_of_wall(&self, polygon: u32, (start, way): (Vec2, Vec2), edge: usize) -> Option<f32> {
        let corners = self.core.corners(polygon);
        let (a, b) = self.edge(polygon, edge);
        let is_ahead = (b - a).dot(way) > 0.0;
        let length_squared = way.length_squared();
        let mut end = None;
        for step in 1..corners.len() {
            let index = if is_ahead { edge + step } else { edge + 1 + corners.len() - step };
            let offset = flat(corners[index % corners.len()]) - start;
            let (aside, along) = (turn(way, offset), offset.dot(way) / length_squared);
            let is_close = aside * aside <= GRAZE_M * GRAZE_M * length_squared;
            if !is_close || end.is_some_and(|end| along <= end) {
                break;
            }
            end = Some(along);
        }
        end
    }

    fn edge(&self, polygon: u32, edge: usize) -> (Vec2, Vec2) {
        let corners = self.core.corners(polygon);
        (flat(corners[edge]), flat(corners[(edge + 1) % corners.len()]))
    }

    /// Part of the way at which a ray leaves a polygon, and the edge it leaves through.
    fn exit(&self, polygon: u32, start: Vec2, way: Vec2) -> Option<(f32, usize)> {
        let mut exit: Option<(f32, usize)> = None;
        for (index, (a, b)) in edges(self.core.corners(polygon)).enumerate() {
            let edge = flat(b) - flat(a);
            let outward = -turn(edge, way);
            if outward > 0.0 {
                let fraction = (turn(edge, start - flat(a)) / outward).max(0.0);
                if exit.is_none_or(|(least, _)| fraction < least) {
                    exit = Some((fraction, index));
                }
            }
        }
        exit
    }

    /// The polygon into which a ray goes on that leaves one at a corner, by way of others that meet there. The ray must
    /// get on in it, so that this never goes round in circles.
    fn around(&self, polygon: u32, (start, way): (Vec2, Vec2), fraction: f32) -> Option<u32> {
        let (place, length_m) = (start + way * fraction, way.length());
        let probe = place + way * (PROBE_M / length_m);
        let mut open = [polygon; CORNER_POLYGONS_MAX];
        let (mut count, mut done) = (1, 0);
        while done < count {
            for link in self.core.links_of(open[done]) {
                let is_near =
                    nearest_on_segment(link.right, link.left, place).distance_squared(place) <= GRAZE_M * GRAZE_M;
                if !is_near
                    || count == CORNER_POLYGONS_MAX
                    || open[..count].contains(&link.target)
                    || self.is_closed(link.target)
                {
                    continue;
                }
                let goes_on = contains(self.core.corners(link.target), probe, GRAZE_M)
                    && self
                        .exit(link.target, start, way)
                        .is_some_and(|(exit, _)| (exit - fraction) * length_m > GRAZE_M);
                if goes_on {
                    return Some(link.target);
                }
                open[count] = link.target;
                count += 1;
            }
            done += 1;
        }
        None
    }

    /// The open link by which a ray leaves a polygon at a place on its border.
    fn link_at(&self, polygon: u32, place: Vec2, way: Vec2) -> Option<&Link> {
        let mut best: Option<(f32, f32, &Link)> = None;
        for link in self.core.links_of(polygon) {
            let edge = link.left - link.right;
            let outward = -turn(edge, way);
            if outward <= 0.0 || self.is_closed(link.target) {
                continue;
            }
            let off = nearest_on_segment(link.right, link.left, place).distance_squared(place);
            let outward = outward * outward / edge.length_squared();
            let is_better = best.is_none_or(|(least, most, _)| off < least || (off <= least && outward > most));
            if off <= GRAZE_M * GRAZE_M && is_better {
                best = Some((off, outward, link));
            }
        }
        best.map(|(_, _, link)| link)
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;
    use crate::testing::mesh_of_plan;

    fn at(mesh: &Navmesh, x: f32, z: f32) -> NavPoint {
        mesh.nearest(Vec3::new(x, 0.0, z), Vec3::ZERO).unwrap()
    }

    #[test]
    fn a_ray_stops_at_a_wall_and_knows_its_normal() {
        let mesh = mesh_of_plan(&["......", "....#.", "......"]);
        let hit = mesh.raycast(at(&mesh, 0.5, 1.5), Vec2::new(5.5, 1.5));
        assert!((hit.fraction - 0.7).abs() < 1e-6 && hit.normal == Vec2::NEG_X, "{hit:?}");
        assert_eq!(hit.end.position, Vec3::new(4.0, 0.0, 1.5));
    }

    #[test]
    fn a_ray_along_a_wall_and_past_its_corners_is_free() {
        let mesh = mesh_of_plan(&["......", "..##..", "..##..", "......"]);
        for (from, to) in [((0.5, 1.0), (5.5, 1.0)), ((0.0, 3.0), (4.0, -0.0)), ((2.0, 0.0), (2.0, 4.0))] {
            let hit = mesh.raycast(at(&mesh, from.0, from.1), to.into());
            let is_through = from == (0.0, 3.0);
            assert_eq!(hit.fraction < 1.0, is_through, "{from:?} {to:?} {hit:?}");
        }
    }

    #[test]
    fn a_slide_follows_the_wall_it_meets() {
        let mesh = mesh_of_plan(&["......", "######"]);
        let end = mesh.move_along(at(&mesh, 1.0, 0.5), Vec2::new(3.0, 1.5));
        assert_eq!(end.position, Vec3::new(3.0, 0.0, 1.0));
        assert_eq!(mesh.move_along(at(&mesh, 1.0, 1.0), Vec2::new(1.0, 3.0)).position, Vec3::new(1.0, 0.0, 1.0));
    }

    #[test]
    fn from_a_corner_a_ray_goes_every_way_that_is_free_whichever_polygon_it_begins_in() {
        let mesh = mesh_of_plan(&["......", "..##..", "..##..", "......"]);
        let corner = Vec2::new(2.0, 1.0);
        let touching = |polygon: &PolygonId| contains(mesh.corners(*polygon), corner, 1e-4);
        let polygons: Vec<PolygonId> = (0..mesh.polygon_count()).map(PolygonId).filter(touching).collect();
        assert!(polygons.len() > 1);
        for &polygon in &polygons {
            for way in [(1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1), (-1, 0), (-1, -1), (0, -1), (2, -1)] {
                let way = Vec2::new(way.0 as f32, way.1 as f32) * 0.4;
                let hit = mesh.raycast(mesh.point_on(polygon, corner.x, corner.y), corner + way);
                let is_blocked = way.min_element() > 0.0;
                assert_eq!(hit.fraction, if is_blocked { 0.0 } else { 1.0 }, "{polygon:?} {way}");
            }
        }
    }

    #[test]
    fn a_ray_that_grazes_a_long_wall_by_a_hair_goes_on_behind_it() {
        let mesh = mesh_of_plan(&["..........", ".########.", ".........."]);
        let hit = mesh.raycast(at(&mesh, 0.5, 0.9999), Vec2::new(9.5, 1.0003));
        assert_eq!(hit.fraction, 1.0, "{hit:?}");
        let hit = mesh.raycast(at(&mesh, 0.5, 0.99), Vec2::new(9.5, 1.05));
        assert!(hit.fraction > 0.1 && hit.fraction < 0.9, "{hit:?}");
    }
}
