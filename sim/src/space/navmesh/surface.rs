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
/// Polygons a slide looks at most; what lies farther is not slid to.
const SLIDE_POLYGONS_MAX: usize = 64;

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
                let end = self.point_on(PolygonId(polygon), to.x, to.y);
                return SurfaceHit { fraction: 1.0, normal: Vec2::ZERO, end };
            };
            let place = start + way * fraction;
            match self.link_at(polygon, place, way) {
                Some(link) => polygon = link.target,
                None => {
                    let normal = Vec2::new(edge.y, -edge.x).normalize_or_zero();
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

    /// Part of the way at which a ray leaves a polygon, and the edge it leaves through.
    fn exit(&self, polygon: u32, start: Vec2, way: Vec2) -> Option<(f32, Vec2)> {
        let mut exit: Option<(f32, Vec2)> = None;
        for (a, b) in edges(self.core.corners(polygon)) {
            let edge = flat(b) - flat(a);
            let outward = -turn(edge, way);
            if outward > 0.0 {
                let fraction = (turn(edge, start - flat(a)) / outward).max(0.0);
                if exit.is_none_or(|(least, _)| fraction < least) {
                    exit = Some((fraction, edge));
                }
            }
        }
        exit
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
}
