//! The taut string through a corridor (the funnel algorithm: Lee and Preparata 1984). Pure.

use glam::{Vec2, Vec3};

use super::plane::{flat, nearest_on_polygon, turn};
use super::{Navmesh, PolygonId};

/// Turning points nearer to each other than this are one, in metres.
const TOUCH_M: f32 = 0.001;

impl Navmesh {
    /// The shortest way through a corridor of linked polygons: start, turning points and end, in metres. An end beside
    /// the last polygon is moved onto it; a corridor that breaks off ends where it does.
    pub fn straighten(&self, corridor: &[PolygonId], from: Vec3, to: Vec3, corners: &mut Vec<Vec3>) {
        corners.clear();
        corners.push(from);
        let linked = corridor.windows(2).take_while(|pair| self.portal(pair[0], pair[1]).is_some()).count();
        let Some(&last) = corridor.get(linked) else { return };
        let end = nearest_on_polygon(self.corners(last), flat(to));
        let mut funnel = Funnel { apex: flat(from), right: flat(from), left: flat(from), right_at: 0, left_at: 0 };
        let mut index = 0;
        while index <= linked {
            let portal =
                if index == linked { Some((end, end)) } else { self.portal(corridor[index], corridor[index + 1]) };
            let Some((right, left)) = portal else { break };
            match funnel.narrow(right, left, index) {
                None => index += 1,
                Some((turn_at, place)) => {
                    self.push_corner(corners, corridor[turn_at], place);
                    index = turn_at + 1;
                }
            }
        }
        self.push_corner(corners, last, end);
    }

    fn push_corner(&self, corners: &mut Vec<Vec3>, polygon: PolygonId, place: Vec2) {
        let point = self.point_on(polygon, place.x, place.y).position;
        if corners.len() < 2 || corners.last().is_none_or(|last| flat(*last).distance(place) > TOUCH_M) {
            corners.push(point);
        }
    }

    /// The widest portal from one polygon to another, right end first.
    fn portal(&self, from: PolygonId, to: PolygonId) -> Option<(Vec2, Vec2)> {
        let links = self.core.links_of(from.0).iter().filter(|link| link.target == to.0);
        let width = |link: &&super::assemble::Link| link.left.distance_squared(link.right);
        links.max_by(|a, b| width(a).total_cmp(&width(b))).map(|link| (link.right, link.left))
    }
}

/// What can be seen from the last turning point, and by which portals it is bounded.
struct Funnel {
    apex: Vec2,
    right: Vec2,
    left: Vec2,
    right_at: usize,
    left_at: usize,
}

impl Funnel {
    /// Takes the next portal; answers a turning point and the portal it belongs to when the string bends there.
    fn narrow(&mut self, right: Vec2, left: Vec2, index: usize) -> Option<(usize, Vec2)> {
        if turn(self.right - self.apex, right - self.apex) >= 0.0 {
            // A funnel without width is still one: only ends that cross it bend the string.
            if self.apex == self.right || turn(self.left - self.apex, right - self.apex) <= 0.0 {
                (self.right, self.right_at) = (right, index);
            } else {
                return Some(self.bend(self.left, self.left_at));
            }
        }
        if turn(self.left - self.apex, left - self.apex) <= 0.0 {
            if self.apex == self.left || turn(self.right - self.apex, left - self.apex) >= 0.0 {
                (self.left, self.left_at) = (left, index);
            } else {
                return Some(self.bend(self.right, self.right_at));
            }
        }
        None
    }

    fn bend(&mut self, place: Vec2, at: usize) -> (usize, Vec2) {
        (self.apex, self.right, self.left) = (place, place, place);
        (self.right_at, self.left_at) = (at, at);
        (at, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::mesh_of_plan;

    #[test]
    fn the_string_bends_round_what_stands_in_the_way() {
        let mesh = mesh_of_plan(&[".....", "..#..", "..#..", "..#.."]);
        let at = |x: f32, z: f32| mesh.nearest(Vec3::new(x, 0.0, z), Vec3::ZERO).unwrap();
        let (from, to) = (at(0.5, 3.5), at(4.5, 3.5));
        let (mut search, mut path, mut corners) = Default::default();
        mesh.find_path(&mut search, from, to, 100, &mut path);
        mesh.straighten(&path.corridor, from.position, to.position, &mut corners);
        let turns: Vec<Vec2> = corners.iter().map(|&corner| flat(corner)).collect();
        let expected = [(0.5, 3.5), (2.0, 1.0), (3.0, 1.0), (4.5, 3.5)].map(Vec2::from);
        assert_eq!(turns, expected);
    }

    #[test]
    fn a_corridor_that_breaks_off_is_followed_as_far_as_it_goes() {
        let mesh = mesh_of_plan(&["..#..", "..#..", "....."]);
        let at = |x: f32| mesh.nearest(Vec3::new(x, 0.0, 0.5), Vec3::ZERO).unwrap();
        let mut corners = Vec::new();
        let ends = (at(0.5).position, at(4.5).position);
        mesh.straighten(&[at(0.5).polygon, at(4.5).polygon], ends.0, ends.1, &mut corners);
        assert_eq!(corners, [ends.0, Vec3::new(2.0, 0.0, 0.5)]);
        mesh.straighten(&[], ends.0, ends.1, &mut corners);
        assert_eq!(corners, [ends.0]);
    }
}
