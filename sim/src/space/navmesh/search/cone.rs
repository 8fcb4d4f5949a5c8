//! What a root sees of the portals of a polygon through the portal it looks in by. Pure.
//!
//! All tests are made relative to the root, so that a kilometre from the origin costs no precision.

use glam::Vec2;

use super::super::assemble::{Core, Link};
use super::super::corner;
use super::super::plane::turn;

/// Points within this of a line of sight lie on it, in metres.
const SIGHT_M: f32 = 2e-4;

/// A part of a portal that is seen from a root.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Part {
    pub(in super::super) root: Vec2,
    pub(in super::super) right: Vec2,
    pub(in super::super) left: Vec2,
    /// Length of the way to the root, in metres.
    pub(in super::super) way_m: f32,
    /// The link it is a part of, seen when leaving.
    pub(in super::super) link: u32,
    /// The root's turning point; [`corner::NONE`] at the start.
    pub(in super::super) root_corner: u32,
    /// Turning points where the part ends with a wall, else [`corner::NONE`].
    pub(in super::super) right_corner: u32,
    pub(in super::super) left_corner: u32,
    /// The part it was seen through, by place in the list; [`FIRST`] at the start.
    pub(in super::super) parent: u32,
}

/// The parent of what is seen from the start.
pub(in super::super) const FIRST: u32 = u32::MAX;

/// What a search knows about where it has been.
pub(in super::super) trait Walked {
    /// True when the way of this length to a turning point is the shortest so far; it is then kept.
    fn bend(&mut self, corner: u32, way_m: f32) -> bool;
    /// True when nothing is to be gained by going into a polygon through a link.
    fn shuns(&self, link: u32, polygon: u32) -> bool;
}

impl Part {
    /// All of a link, seen from the start.
    pub(in super::super) fn whole(root: Vec2, index: u32, link: &Link) -> Self {
        Self {
            root,
            right: link.right,
            left: link.left,
            way_m: 0.0,
            link: index,
            root_corner: corner::NONE,
            right_corner: link.right_corner,
            left_corner: link.left_corner,
            parent: FIRST,
        }
    }

    /// Adds the parts of the next portals to the list that one is in: what is seen of them through it, and what is
    /// reached round an end of it.
    pub(in super::super) fn look_through(core: &Core, at: u32, walked: &mut impl Walked, parts: &mut Vec<Self>) {
        let part = Self { parent: at, ..parts[at as usize] };
        let entry = &core.links[part.link as usize];
        let first = core.polygons[entry.target as usize].first_link;
        let cone = Cone::of(&part, walked);
        for (link, index) in core.links_of(entry.target).iter().zip(first..) {
            if index != entry.back && !walked.shuns(index, link.target) {
                cone.look_at(index, link, parts);
            }
        }
    }

    /// True when a link was passed since the way last bent.
    fn has_come_through(&self, link: u32, parts: &[Self]) -> bool {
        let mut at = self.parent;
        while let Some(before) = parts.get(at as usize).filter(|before| before.root == self.root) {
            if before.link == link {
                return true;
            }
            at = before.parent;
        }
        false
    }
}

struct Cone<'a> {
    part: &'a Part,
    right: Ray,
    left: Ray,
}

/// A line of sight past an end of a part.
struct Ray {
    way: Vec2,
    /// Turns smaller than this are none; `None` where the root itself is the end and sees everything.
    slack: Option<f32>,
    /// The part's end as a root, when the way may bend there: place, turning point, length of the way.
    bend: Option<(Vec2, u32, f32)>,
}

impl Ray {
    fn of(part: &Part, end: Vec2, end_corner: u32, walked: &mut impl Walked) -> Self {
        let way = end - part.root;
        let length_m = way.length();
        if length_m <= SIGHT_M {
            return Self { way, slack: None, bend: None };
        }
        let way_m = part.way_m + length_m;
        let bends = end_corner != corner::NONE && walked.bend(end_corner, way_m);
        Self { way, slack: Some(length_m * SIGHT_M), bend: bends.then_some((end, end_corner, way_m)) }
    }

    /// What is reached by bending round the end, if it can be.
    fn round(&self, reached: Part, into: &mut Vec<Part>) {
        if let Some((root, root_corner, way_m)) = self.bend {
            into.push(Part { root, root_corner, way_m, ..reached });
        }
    }
}

impl<'a> Cone<'a> {
    fn of(part: &'a Part, walked: &mut impl Walked) -> Self {
        let right = Ray::of(part, part.right, part.right_corner, walked);
        let left = Ray::of(part, part.left, part.left_corner, walked);
        Self { part, right, left }
    }

    fn look_at(&self, index: u32, link: &Link, into: &mut Vec<Part>) {
        let &Part { root, root_corner, way_m, parent, .. } = self.part;
        let (a, b) = (link.right - root, link.left - root);
        let mut seen = Part { root_corner, way_m, parent, ..Part::whole(root, index, link) };
        let mut edge_on_beyond = 0.0_f32;
        if let Some(slack) = self.right.slack {
            let (from, to) = (turn(self.right.way, a), turn(self.right.way, b));
            if to < -slack || (to <= slack && from < -slack) {
                return self.right.round(seen, into);
            }
            if from < -slack {
                let cut = link.right + (link.left - link.right) * (from / (from - to));
                self.right.round(Part { left: cut, left_corner: corner::NONE, ..seen }, into);
                (seen.right, seen.right_corner) = (cut, corner::NONE);
            } else if from.max(to) <= slack {
                edge_on_beyond = self.right.way.length_squared();
            }
        }
        if let Some(slack) = self.left.slack {
            let (from, to) = (turn(self.left.way, a), turn(self.left.way, b));
            if from > slack || (from >= -slack && to > slack) {
                return self.left.round(seen, into);
            }
            if to > slack {
                let cut = link.right + (link.left - link.right) * (from / (from - to));
                self.left.round(Part { right: cut, right_corner: corner::NONE, ..seen }, into);
                (seen.left, seen.left_corner) = (cut, corner::NONE);
            } else if from.min(to) >= -slack {
                edge_on_beyond = edge_on_beyond.max(self.left.way.length_squared());
            }
        }
        // A portal seen edge on is kept, for its near end may be where the way bends; only ever farther away, or two
        // portals on one line would be passed to and fro for ever. So would those that meet where one stands.
        let nearest_squared = a.length_squared().min(b.length_squared());
        let goes_round = nearest_squared <= SIGHT_M * SIGHT_M && self.part.has_come_through(index, into);
        if nearest_squared >= edge_on_beyond && !goes_round {
            into.push(seen);
        }
    }
}

/// Length of the way from a part's root through the part to a place, in metres, and where it bends if it must.
/// A place before the portal counts as if mirrored to behind it: a lower bound of any way there.
pub(in super::super) fn way_through(part: &Part, place: Vec2) -> (f32, Option<Vec2>) {
    let (right, left) = (part.right - part.root, part.left - part.root);
    let mut way = place - part.root;
    let line = left - right;
    let inside = turn(line, way - right);
    if inside > 0.0 {
        let normal = Vec2::new(line.y, -line.x);
        way -= normal * (2.0 * inside / line.length_squared());
    }
    if turn(right, way) < 0.0 {
        (right.length() + right.distance(way), Some(part.right))
    } else if turn(left, way) > 0.0 {
        (left.length() + left.distance(way), Some(part.left))
    } else {
        (way.length(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_through_a_portal_is_straight_or_bends_at_its_ends() {
        // Leaving towards +x, the right hand is at +z.
        let (right, left) = (Vec2::new(2.0, 1.0), Vec2::new(2.0, -1.0));
        let link = Link { right, left, target: 0, back: 0, right_corner: 7, left_corner: 8 };
        let part = Part::whole(Vec2::ZERO, 3, &link);
        let way = |x: f32, z: f32| way_through(&part, Vec2::new(x, z));
        assert_eq!(way(4.0, 0.0), (4.0, None));
        assert_eq!(way(2.0, 5.0), (5.0_f32.sqrt() + 4.0, Some(right)));
        assert_eq!(way(2.0, -5.0), (5.0_f32.sqrt() + 4.0, Some(left)));
        // Before the portal: as if at (4.0, 0.5).
        assert_eq!(way(0.0, 0.5), (16.25_f32.sqrt(), None));
    }

    struct Anywhere;

    impl Walked for Anywhere {
        fn bend(&mut self, _: u32, _: f32) -> bool {
            true
        }

        fn shuns(&self, _: u32, _: u32) -> bool {
            false
        }
    }

    fn link(right: Vec2, left: Vec2) -> Link {
        Link { right, left, target: 0, back: 0, right_corner: corner::NONE, left_corner: corner::NONE }
    }

    #[test]
    fn from_a_corner_one_sees_into_all_polygons_that_meet_there() {
        // Portals that begin at the corner one stands on, each turned a little from the one before.
        for side in [1.0, -1.0] {
            let fan = |x: f32, z: f32| {
                let (corner, other) = (Vec2::ZERO, Vec2::new(x, z * side));
                if side > 0.0 { link(corner, other) } else { link(other, corner) }
            };
            let (entry, next) = (fan(4.25, -3.25), fan(3.25, -2.25));
            let part = Part::whole(Vec2::ZERO, 0, &entry);
            let mut seen = Vec::new();
            Cone::of(&part, &mut Anywhere).look_at(1, &next, &mut seen);
            assert_eq!(seen.len(), 1, "{side}");
            assert_eq!((seen[0].right, seen[0].left, seen[0].way_m), (next.right, next.left, 0.0));
        }
    }

    #[test]
    fn a_portal_seen_edge_on_is_passed_away_from_the_root_only() {
        let along = |from: f32, to: f32| link(Vec2::new(from, 0.0), Vec2::new(to, 0.0));
        let part = Part::whole(Vec2::ZERO, 0, &along(3.0, 4.0));
        for (next, count) in [(along(5.0, 6.0), 1), (along(1.0, 2.0), 0)] {
            let mut seen = Vec::new();
            Cone::of(&part, &mut Anywhere).look_at(1, &next, &mut seen);
            assert_eq!(seen.len(), count, "{next:?}");
        }
    }
}
