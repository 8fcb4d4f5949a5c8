//! Turning points: the corners of walls around which a taut path can bend. Runs once, when a mesh is assembled.
//!
//! Around every end of a portal the polygons lie like a fan. A fan that closes is open ground; one between two
//! walls is a turning point when it spans more than half a turn. Where a fan holds a door it counts as a turning
//! point in every state of the door: one too many costs a little time, one too few the shortest path.

use glam::{Vec2, Vec3};

use super::assemble::{Link, Polygon, id};
use super::link::TOUCH_M;
use super::plane::{edges, flat, nearest_on_segment, turn};

/// An end of a portal around which no path bends.
pub(super) const NONE: u32 = u32::MAX;
/// Walls that bend less than this, as a sine, are straight.
const STRAIGHT: f32 = 1e-6;

/// Marks the turning points at the ends of all links and answers how many there are.
pub(super) fn find(polygons: &[Polygon], corners: &[Vec3], links: &mut [Link]) -> u32 {
    let owners = owners(polygons, links.len());
    let fans = Fans { polygons, corners, owners: &owners };
    let mut seen = vec![false; links.len()];
    let mut count = 0;
    // A fan between walls has a first link; the links left over then lie around open ground.
    for only_first in [true, false] {
        for start in 0..links.len() {
            if seen[start] || (only_first && fans.before(links, start).is_some()) {
                continue;
            }
            let fan = fans.walk(links, start);
            fan.iter().for_each(|&link| seen[link] = true);
            if fans.has_door(links, &fan) || (only_first && fans.is_reflex(links, &fan)) {
                mark(links, &fan, count);
                count += 1;
            }
        }
    }
    count
}

fn owners(polygons: &[Polygon], links: usize) -> Vec<u32> {
    let mut owners = vec![0; links];
    for (polygon, pair) in polygons.windows(2).enumerate() {
        owners[pair[0].first_link as usize..pair[1].first_link as usize].fill(id(polygon));
    }
    owners
}

fn mark(links: &mut [Link], fan: &[usize], corner: u32) {
    for &link in fan {
        links[link].right_corner = corner;
        let back = links[link].back as usize;
        links[back].left_corner = corner;
    }
}

struct Fans<'a> {
    polygons: &'a [Polygon],
    corners: &'a [Vec3],
    owners: &'a [u32],
}

impl Fans<'_> {
    /// All links around the right end of one, clockwise from it, until a wall or the first again.
    fn walk(&self, links: &[Link], start: usize) -> Vec<usize> {
        let mut fan = vec![start];
        let mut next = self.after(links, start);
        while let Some(link) = next
            && link != start
            && fan.len() < links.len()
        {
            fan.push(link);
            next = self.after(links, link);
        }
        fan
    }

    /// The next link clockwise around the right end of one.
    fn after(&self, links: &[Link], link: usize) -> Option<usize> {
        let back = links[link].back as usize;
        let next = self.beside(back, 1);
        touches(links[next].right, links[link].right).then_some(next)
    }

    /// The link before one around its right end.
    fn before(&self, links: &[Link], link: usize) -> Option<usize> {
        let previous = self.beside(link, -1);
        touches(links[previous].left, links[link].right).then(|| links[previous].back as usize)
    }

    /// The next link (1) or the one before (-1) around the polygon that one leaves.
    fn beside(&self, link: usize, step: i32) -> usize {
        let owner = self.owners[link] as usize;
        let (first, end) = (self.polygons[owner].first_link as usize, self.polygons[owner + 1].first_link as usize);
        match step {
            1 if link + 1 < end => link + 1,
            1 => first,
            _ if link > first => link - 1,
            _ => end - 1,
        }
    }

    fn has_door(&self, links: &[Link], fan: &[usize]) -> bool {
        let is_door = |polygon: u32| self.polygons[polygon as usize].area != 0;
        fan.iter().any(|&link| is_door(self.owners[link]) || is_door(links[link].target))
    }

    /// True when the fan spans more than half a turn, from the wall before its first link to the wall after its last.
    fn is_reflex(&self, links: &[Link], fan: &[usize]) -> bool {
        let (Some(&first), Some(&last)) = (fan.first(), fan.last()) else { return false };
        let point = links[first].right;
        let Some((begin, _)) = self.walls(self.owners[first], point) else { return true };
        let portals = fan.iter().map(|&link| links[link].left - point);
        let end = self.walls(links[last].target, point).map(|(_, end)| end);
        let begin = begin.normalize_or_zero();
        portals.chain(end).any(|way| {
            let way = way.normalize_or_zero();
            turn(begin, way) > STRAIGHT || (turn(begin, way).abs() <= STRAIGHT && begin.dot(way) > 0.0)
        })
    }

    /// Where a polygon's border comes from and where it goes on to, as seen from a point on it.
    fn walls(&self, polygon: u32, point: Vec2) -> Option<(Vec2, Vec2)> {
        let pair = self.polygons.get(polygon as usize..)?.get(..2)?;
        let corners = self.corners.get(pair[0].first_corner as usize..pair[1].first_corner as usize)?;
        let holds = |a: Vec2, b: Vec2| touches(nearest_on_segment(a, b, point), point);
        let on = || edges(corners).map(|(a, b)| (flat(a), flat(b))).filter(|&(a, b)| holds(a, b));
        let before = on().find(|&(a, _)| !touches(a, point))?.0;
        let after = on().find(|&(_, b)| !touches(b, point))?.1;
        Some((before - point, after - point))
    }
}

fn touches(a: Vec2, b: Vec2) -> bool {
    a.distance_squared(b) <= TOUCH_M * TOUCH_M
}

#[cfg(test)]
mod tests {
    use crate::space::navmesh::Navmesh;
    use crate::space::navmesh::archive::NavSettings;
    use crate::testing::{archive_of_rectangles, mesh_of_plan, rectangles_of_cells};

    #[test]
    fn paths_bend_at_the_corners_of_what_stands_in_the_way_and_nowhere_else() {
        for (plan, count) in [
            (["......", "......", "......", "......"], 0),
            (["......", "..##..", "..##..", "......"], 4),
            (["......", "..##..", "..##..", "..##.."], 2),
            (["###...", "......", "......", "...###"], 2),
            (["......", ".#..#.", "......", "......"], 8),
        ] {
            assert_eq!(mesh_of_plan(&plan).core.turning_points, count, "{plan:?}");
        }
    }

    #[test]
    fn the_side_of_a_tile_is_no_corner() {
        let cell = |column: usize, row: usize| ((column, row) != (33, 34)).then_some((0, 0.0));
        let rectangles = rectangles_of_cells((70, 70), glam::Vec2::ZERO, 1.0, cell);
        let mesh = Navmesh::assemble(&archive_of_rectangles(&rectangles, NavSettings::default(), 0)).unwrap();
        assert_eq!((mesh.tile_count(), mesh.core.turning_points), (9, 4));
    }

    #[test]
    fn a_door_in_an_open_wall_may_be_bent_round() {
        assert_eq!(mesh_of_plan(&["....", ".AA.", "...."]).core.turning_points, 4);
    }
}
