//! What lies around a place: a random point, the nearest wall. Pure; spreads from polygon to polygon, so that what
//! is near but cannot be reached plays no part.

use glam::Vec2;

use super::assemble::id;
use super::plane::{flat, nearest_on_segment, turn};
use super::{NavPoint, Navmesh, PolygonId, Search, WallHit};

/// Draws until a point within the circle is given up. The square around it is hit at least half of the time unless
/// only its corners are ground.
const DRAWS_MAX: u32 = 64;

impl Navmesh {
    /// A random place within `radius_m` of `centre` that can be reached without leaving the circle, uniform by area.
    /// `units` gives numbers from 0 to below 1. Answers `centre` itself when nothing is drawn in 64 attempts.
    pub fn random_point(
        &self,
        search: &mut Search,
        centre: NavPoint,
        radius_m: f32,
        units: &mut dyn FnMut() -> f32,
    ) -> NavPoint {
        let place = flat(centre.position);
        self.spread(search, centre, |a, b| nearest_on_segment(a, b, place).distance(place) <= radius_m);
        if search.open.is_empty() {
            return centre;
        }
        let mut total_m2 = 0.0_f32;
        let Search { open, sums_m2, clip, .. } = search;
        sums_m2.clear();
        for &polygon in open.iter() {
            clip.polygon(self.core.corners(polygon), place, radius_m);
            total_m2 += clip.triangles().map(|[a, b, c]| turn(b - a, c - a) * 0.5).sum::<f32>();
            sums_m2.push(total_m2);
        }
        for _ in 0..DRAWS_MAX {
            let drawn_m2 = units() * total_m2;
            let index = sums_m2.partition_point(|&sum_m2| sum_m2 <= drawn_m2).min(open.len() - 1);
            let mut rest_m2 = drawn_m2 - index.checked_sub(1).map_or(0.0, |before| sums_m2[before]);
            clip.polygon(self.core.corners(open[index]), place, radius_m);
            let triangle = clip.triangles().find(|[a, b, c]| {
                rest_m2 -= turn(b - a, c - a) * 0.5;
                rest_m2 <= 0.0
            });
            let Some([a, b, c]) = triangle.or_else(|| clip.triangles().last()) else { continue };
            let (u, v) = (units(), units());
            let (u, v) = if u + v > 1.0 { (1.0 - u, 1.0 - v) } else { (u, v) };
            let point = a + (b - a) * u + (c - a) * v;
            if point.distance(place) <= radius_m {
                return self.point_on(PolygonId(open[index]), point.x, point.y);
            }
        }
        centre
    }

    /// The nearest wall or closed door within `radius_max_m` of a place.
    pub fn wall_distance(&self, search: &mut Search, at: NavPoint, radius_max_m: f32) -> Option<WallHit> {
        let place = flat(at.position);
        let mut nearest = (radius_max_m, None);
        search.begin_spread(self.polygon_count());
        search.reach(at.polygon.0);
        let mut done = 0;
        while let Some(&polygon) = search.open.get(done) {
            done += 1;
            let mut see = |a: Vec2, b: Vec2| {
                let point = nearest_on_segment(a, b, place);
                let distance_m = point.distance(place);
                if distance_m < nearest.0 || (distance_m <= nearest.0 && nearest.1.is_none()) {
                    nearest = (distance_m, Some((polygon, point)));
                }
            };
            self.core.walls_of(polygon).iter().for_each(|wall| see(wall.from, wall.to));
            let links = self.core.links_of(polygon);
            links.iter().filter(|link| self.is_closed(link.target)).for_each(|link| see(link.right, link.left));
            for link in links.iter().filter(|link| !self.is_closed(link.target)) {
                if nearest_on_segment(link.right, link.left, place).distance(place) <= nearest.0 {
                    search.reach(link.target);
                }
            }
        }
        let (polygon, point) = nearest.1?;
        let position = self.point_on(PolygonId(polygon), point.x, point.y).position;
        Some(WallHit { distance_m: nearest.0, position })
    }

    /// Collects in `search.open` all polygons that are reached through portals which pass the test.
    fn spread(&self, search: &mut Search, from: NavPoint, passes: impl Fn(Vec2, Vec2) -> bool) {
        search.begin_spread(self.polygon_count());
        search.reach(from.polygon.0);
        let mut done = 0;
        while let Some(&polygon) = search.open.get(done) {
            done += 1;
            for link in self.core.links_of(polygon) {
                if !self.is_closed(link.target) && passes(link.right, link.left) {
                    search.reach(link.target);
                }
            }
        }
    }
}

impl Search {
    fn begin_spread(&mut self, polygons: u32) {
        if self.seen.len() < polygons as usize {
            self.seen.resize(polygons as usize, 0);
        }
        self.open.clear();
        self.seen_stamp = self.seen_stamp.wrapping_add(1);
        if self.seen_stamp == 0 {
            self.seen.fill(0);
            self.seen_stamp = 1;
        }
    }

    fn reach(&mut self, polygon: u32) {
        if let Some(seen) = self.seen.get_mut(polygon as usize)
            && *seen != self.seen_stamp
        {
            *seen = self.seen_stamp;
            self.open.push(polygon);
        }
    }
}

/// A convex polygon cut to the square around a circle (Sutherland and Hodgman 1974).
#[derive(Debug, Clone, Default)]
pub(super) struct Clip {
    corners: Vec<Vec2>,
    next: Vec<Vec2>,
}

impl Clip {
    fn polygon(&mut self, corners: &[glam::Vec3], centre: Vec2, half_m: f32) {
        self.corners.clear();
        self.corners.extend(corners.iter().map(|&corner| flat(corner) - centre));
        for normal in [Vec2::X, Vec2::NEG_X, Vec2::Y, Vec2::NEG_Y] {
            self.cut(normal, half_m);
        }
        self.corners.iter_mut().for_each(|corner| *corner += centre);
    }

    /// Keeps what lies within `end_m` along a direction.
    fn cut(&mut self, normal: Vec2, end_m: f32) {
        self.next.clear();
        for index in 0..self.corners.len() {
            let (a, b) = (self.corners[index], self.corners[(index + 1) % self.corners.len()]);
            let (over_a, over_b) = (a.dot(normal) - end_m, b.dot(normal) - end_m);
            if over_a <= 0.0 {
                self.next.push(a);
            }
            if (over_a < 0.0 && over_b > 0.0) || (over_a > 0.0 && over_b < 0.0) {
                self.next.push(a.lerp(b, over_a / (over_a - over_b)));
            }
        }
        std::mem::swap(&mut self.corners, &mut self.next);
    }

    fn triangles(&self) -> impl Iterator<Item = [Vec2; 3]> + '_ {
        let count = id(self.corners.len()).saturating_sub(2) as usize;
        (0..count).map(|index| [self.corners[0], self.corners[index + 1], self.corners[index + 2]])
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;
    use crate::testing::mesh_of_plan;

    #[test]
    fn what_is_near_but_out_of_reach_within_the_circle_is_not_drawn() {
        let mesh = mesh_of_plan(&["..#..", "..#..", "..#..", "....."]);
        let centre = mesh.nearest(Vec3::new(1.0, 0.0, 0.5), Vec3::ZERO).unwrap();
        let mut search = Search::default();
        let mut step = 0.0_f32;
        let mut units = || {
            step = (step + 0.618_034).fract();
            step
        };
        let mut draw = |radius_m: f32| mesh.random_point(&mut search, centre, radius_m, &mut units).position.x;
        assert!((0..500).all(|_| draw(2.4) <= 2.0));
        assert!((0..500).any(|_| draw(8.0) > 3.0));
    }

    #[test]
    fn the_nearest_wall_may_be_a_closed_door() {
        let mesh = mesh_of_plan(&[".....", "....A", "....."]);
        let at = mesh.nearest(Vec3::new(3.25, 0.0, 1.5), Vec3::ZERO).unwrap();
        let (mut search, closed) = (Search::default(), mesh.with_door(0, false));
        assert_eq!(mesh.wall_distance(&mut search, at, 9.0).unwrap().distance_m, 1.5);
        let hit = closed.wall_distance(&mut search, at, 9.0).unwrap();
        assert_eq!((hit.distance_m, hit.position), (0.75, Vec3::new(4.0, 0.0, 1.5)));
        assert_eq!(closed.wall_distance(&mut search, at, 0.7), None);
    }
}
