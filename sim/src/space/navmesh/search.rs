//! Shortest paths over the mesh, exact in x and z: Polyanya (Cui, Harabor and Grastien 2017). Pure; all memory is in
//! [`Search`].
//!
//! A node of the search is a root (a point the path bends at, the start to begin with), a part of a portal that can
//! be seen from the root, and the polygon behind it. Expanding it looks through that polygon at its other portals:
//! what the root sees keeps the root, what it does not see is reached round an end of the part, where a wall ends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use glam::Vec2;

use super::assemble::id;
use super::plane::{flat, nearest_on_segment};
use super::roam::Clip;
use super::{NO_COMPONENT, NavPoint, Navmesh, Path, PathStatus, PolygonId, corner};

mod cone;

use cone::way_through;

pub(super) use cone::{FIRST, Part, Walked};

/// Gain below this is none, in metres: it keeps rounding from opening the same turning point twice.
const GAIN_M_MIN: f32 = 1e-4;
/// Paths are at most this much longer than the shortest, far less than anyone sees: in open country very many nodes are
/// nearly as good as the best, and half of them need not be looked at.
const EAGERNESS: f32 = 1.005;
/// A path that does not get to its goal anyway may be this much longer than the shortest; it is found at once.
const EAGERNESS_UNREACHABLE: f32 = 1.25;

/// Scratch of searches: make one, use it for all. It grows to the largest mesh it has seen and then never allocates.
#[derive(Debug, Clone, Default)]
pub struct Search {
    nodes: Vec<Part>,
    /// Smallest estimate first, the latest of equal ones first: the bits of a positive float sort like the float.
    queue: BinaryHeap<Reverse<u64>>,
    turns: Turns,
    pub(super) seen: Vec<u32>,
    pub(super) seen_stamp: u32,
    pub(super) open: Vec<u32>,
    pub(super) sums_m2: Vec<f32>,
    pub(super) clip: Clip,
}

/// Shortest way to each turning point in metres, and the search it is from.
#[derive(Debug, Clone, Default)]
struct Turns {
    best: Vec<(u32, f32)>,
    stamp: u32,
}

/// What a search knows while it looks through a polygon.
struct View<'a> {
    mesh: &'a Navmesh,
    turns: &'a mut Turns,
    goal: u32,
}

struct Goal {
    place: Vec2,
    polygon: u32,
    /// What a metre still to go counts: above 1, fewer nodes are expanded and a path is up to that much longer.
    eagerness: f32,
}

impl Navmesh {
    /// The shortest path between two places, expanding `nodes_max` nodes at most. `path` always begins at `from` and
    /// goes as far as the status says; a goal on another component is known at once by its label.
    pub fn find_path(
        &self,
        search: &mut Search,
        from: NavPoint,
        to: NavPoint,
        nodes_max: u32,
        path: &mut Path,
    ) -> PathStatus {
        path.begin(from);
        let count = self.polygon_count();
        if from.polygon.0 >= count || to.polygon.0 >= count {
            return PathStatus::Unreachable;
        }
        if from.polygon == to.polygon {
            path.end(to);
            return PathStatus::Complete;
        }
        let component = self.component_towards(from.polygon, self.component(to.polygon));
        if component != NO_COMPONENT && component == self.component(to.polygon) {
            return self.search(search, from, (to, EAGERNESS), nodes_max, path);
        }
        match self.nearest_in_component(to.position, component) {
            Some(near) if near.polygon == from.polygon => path.end(near),
            Some(near) => drop(self.search(search, from, (near, EAGERNESS_UNREACHABLE), nodes_max, path)),
            None => {}
        }
        PathStatus::Unreachable
    }

    /// The component one gets into from a polygon, the wanted one if possible: who stands in a closed door may leave.
    fn component_towards(&self, from: PolygonId, wanted: u32) -> u32 {
        let own = self.component(from);
        if own != NO_COMPONENT {
            return own;
        }
        let around = || self.core.links_of(from.0).iter().map(|link| self.component(PolygonId(link.target)));
        around().find(|&one| one == wanted).or_else(|| around().min()).unwrap_or(NO_COMPONENT)
    }

    /// Pulls the string through a path's corridor.
    fn tighten(&self, from: NavPoint, to: NavPoint, path: &mut Path) {
        self.straighten(&path.corridor, from.position, to.position, &mut path.corners);
        path.measure();
    }

    fn search(
        &self,
        search: &mut Search,
        from: NavPoint,
        (to, eagerness): (NavPoint, f32),
        nodes_max: u32,
        path: &mut Path,
    ) -> PathStatus {
        let goal = Goal { place: flat(to.position), polygon: to.polygon.0, eagerness };
        search.begin(self.core.turning_points);
        search.open_start(self, from, &goal);
        while let Some(Reverse(key)) = search.queue.pop() {
            let node = FIRST - (key & u64::from(FIRST)) as u32;
            if search.is_beaten(node) {
                continue;
            }
            if search.target(self, node) == goal.polygon {
                let is_taut = search.write(self, node, goal.place, path);
                path.end(to);
                if !is_taut {
                    self.tighten(from, to, path);
                }
                return PathStatus::Complete;
            }
            if path.nodes >= nodes_max {
                break;
            }
            path.nodes += search.expand(self, node, &goal, nodes_max - path.nodes);
        }
        if let Some((node, place)) = search.nearest_to(goal.place) {
            search.write(self, node, place, path);
            let end = self.point_on(PolygonId(search.target(self, node)), place.x, place.y);
            path.end(end);
        }
        PathStatus::OutOfNodes
    }
}

impl Turns {
    fn begin(&mut self, count: u32) {
        if self.best.len() < count as usize {
            self.best.resize(count as usize, (0, 0.0));
        }
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.best.fill((0, 0.0));
            self.stamp = 1;
        }
    }

    /// True when a turning point is known to be nearer than this.
    fn are_beaten(&self, corner: u32, way_m: f32) -> bool {
        let best = self.best.get(corner as usize);
        best.is_some_and(|&(stamp, best_m)| stamp == self.stamp && best_m + GAIN_M_MIN < way_m)
    }
}

impl Walked for View<'_> {
    fn bend(&mut self, corner: u32, way_m: f32) -> bool {
        let (stamp, best_m) = &mut self.turns.best[corner as usize];
        if *stamp == self.turns.stamp && *best_m <= way_m {
            return way_m <= *best_m + GAIN_M_MIN;
        }
        (*stamp, *best_m) = (self.turns.stamp, way_m);
        true
    }

    fn shuns(&self, link: u32, polygon: u32) -> bool {
        let is_dead_end = self.mesh.core.dead_ends[link as usize] && polygon != self.goal;
        is_dead_end || (self.mesh.labels.has_closed && self.mesh.is_closed(polygon))
    }
}

impl Search {
    fn begin(&mut self, turning_points: u32) {
        self.nodes.clear();
        self.queue.clear();
        self.turns.begin(turning_points);
    }

    fn target(&self, mesh: &Navmesh, node: u32) -> u32 {
        mesh.core.links[self.nodes[node as usize].link as usize].target
    }

    /// Everything that is seen from the start through the portals of its polygon.
    fn open_start(&mut self, mesh: &Navmesh, from: NavPoint, goal: &Goal) {
        let first = mesh.core.polygons[from.polygon.0 as usize].first_link;
        for (link, index) in mesh.core.links_of(from.polygon.0).iter().zip(first..) {
            if !mesh.is_closed(link.target) {
                self.nodes.push(Part::whole(flat(from.position), index, link));
            }
        }
        self.queue_from(0, goal);
    }

    /// Follows a node as long as there is one way only, then queues the ways there are. Answers the nodes expanded.
    fn expand(&mut self, mesh: &Navmesh, node: u32, goal: &Goal, nodes_max: u32) -> u32 {
        let mut current = node;
        let mut expanded = 0;
        loop {
            expanded += 1;
            let next = self.nodes.len();
            let mut view = View { mesh, turns: &mut self.turns, goal: goal.polygon };
            Part::look_through(&mesh.core, current, &mut view, &mut self.nodes);
            let is_only = self.nodes.len() == next + 1 && self.target(mesh, id(next)) != goal.polygon;
            if !is_only || expanded >= nodes_max {
                self.queue_from(next, goal);
                return expanded;
            }
            current = id(next);
        }
    }

    /// Queues the latest nodes, from one on.
    fn queue_from(&mut self, first: usize, goal: &Goal) {
        for (part, node) in self.nodes[first..].iter().zip(id(first)..) {
            let (rest_m, _) = way_through(part, goal.place);
            let estimate = (part.way_m + rest_m * goal.eagerness).max(0.0).to_bits();
            self.queue.push(Reverse((u64::from(estimate) << 32) | u64::from(FIRST - node)));
        }
    }

    /// True when a shorter way to the node's turning point has been found since.
    fn is_beaten(&self, node: u32) -> bool {
        let part = &self.nodes[node as usize];
        self.turns.are_beaten(part.root_corner, part.way_m)
    }

    /// The node that came nearest to a place, and the nearest point of its part.
    fn nearest_to(&self, place: Vec2) -> Option<(u32, Vec2)> {
        let mut best = (f32::INFINITY, None);
        for (node, index) in self.nodes.iter().zip(0..) {
            let point = nearest_on_segment(node.right, node.left, place);
            let distance_squared = point.distance_squared(place);
            if distance_squared < best.0 {
                best = (distance_squared, Some((index, point)));
            }
        }
        best.1
    }

    /// Writes the corridor and the turning points up to a node, and the bend within its polygon towards an end. False
    /// when that bend is not at a wall.
    fn write(&self, mesh: &Navmesh, node: u32, end: Vec2, path: &mut Path) -> bool {
        let last = self.nodes[node as usize];
        let (_, bend) = way_through(&last, end);
        let is_taut = bend.is_none_or(|bend| {
            let corner = if bend == last.right { last.right_corner } else { last.left_corner };
            corner != corner::NONE
        });
        let mut later = bend.unwrap_or(end);
        if let Some(bend) = bend {
            path.corners.push(mesh.point_on(PolygonId(self.target(mesh, node)), bend.x, bend.y).position);
        }
        let mut at = node;
        while let Some(part) = self.nodes.get(at as usize) {
            let target = self.target(mesh, at);
            path.corridor.push(PolygonId(target));
            let turned = self.nodes.get(part.parent as usize).is_some_and(|before| before.root != part.root);
            if turned && part.root != later {
                let own = self.target(mesh, part.parent);
                path.corners.push(mesh.point_on(PolygonId(own), part.root.x, part.root.y).position);
                later = part.root;
            }
            at = part.parent;
        }
        path.corridor[1..].reverse();
        path.corners[1..].reverse();
        is_taut
    }
}

impl Path {
    fn begin(&mut self, from: NavPoint) {
        self.corridor.clear();
        self.corners.clear();
        self.corridor.push(from.polygon);
        self.corners.push(from.position);
        self.length_m = 0.0;
        self.nodes = 0;
    }

    /// Adds the end to what has been written, and measures.
    fn end(&mut self, end: NavPoint) {
        self.corners.push(end.position);
        self.measure();
    }

    fn measure(&mut self) {
        self.length_m = self.corners.windows(2).map(|pair| flat(pair[0]).distance(flat(pair[1]))).sum();
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

    fn turns(path: &Path) -> Vec<Vec2> {
        path.corners.iter().map(|&corner| flat(corner)).collect()
    }

    #[test]
    fn a_path_leads_round_a_wall_by_the_shorter_side() {
        let mesh = mesh_of_plan(&["......", "..#...", "..#...", "..#...", "......", "......"]);
        let (mut search, mut path) = (Search::default(), Path::default());
        let status = mesh.find_path(&mut search, at(&mesh, 0.5, 2.0), at(&mesh, 5.0, 2.0), 100, &mut path);
        assert_eq!(status, PathStatus::Complete);
        assert_eq!(turns(&path), [(0.5, 2.0), (2.0, 1.0), (3.0, 1.0), (5.0, 2.0)].map(Vec2::from));
        assert!((path.length_m - (3.25_f32.sqrt() + 1.0 + 5.0_f32.sqrt())).abs() < 1e-5);
    }

    #[test]
    fn two_portals_on_one_line_are_not_passed_to_and_fro() {
        let mesh = mesh_of_plan(&["......", ".#.#.#", "......", ".#.#.#", "......"]);
        let (mut search, mut path) = (Search::default(), Path::default());
        let status = mesh.find_path(&mut search, at(&mesh, 0.0, 1.0), at(&mesh, 5.0, 5.0), 200, &mut path);
        assert_eq!(status, PathStatus::Complete, "{path:?}");
    }

    #[test]
    fn a_goal_across_a_wall_is_approached_and_known_to_be_out_of_reach() {
        let mesh = mesh_of_plan(&["....#...", "....#...", "....#..."]);
        let (mut search, mut path) = (Search::default(), Path::default());
        let status = mesh.find_path(&mut search, at(&mesh, 0.5, 0.5), at(&mesh, 6.0, 1.5), 100, &mut path);
        assert_eq!((status, path.corners.last()), (PathStatus::Unreachable, Some(&Vec3::new(4.0, 0.0, 1.5))));
    }

    #[test]
    fn who_stands_in_a_closed_door_can_leave() {
        let mesh = mesh_of_plan(&["..A.."]).with_door(0, false);
        let within = NavPoint { position: Vec3::new(2.5, 0.0, 0.5), ..open_door(&mesh) };
        let (mut search, mut path) = (Search::default(), Path::default());
        for x in [0.5, 4.5] {
            let status = mesh.find_path(&mut search, within, at(&mesh, x, 0.5), 100, &mut path);
            assert_eq!((status, path.length_m), (PathStatus::Complete, 2.0));
        }
        let status = mesh.find_path(&mut search, at(&mesh, 0.5, 0.5), at(&mesh, 4.5, 0.5), 100, &mut path);
        assert_eq!((status, path.length_m), (PathStatus::Unreachable, 1.5));
    }

    fn open_door(mesh: &Navmesh) -> NavPoint {
        at(&mesh.with_door(0, true), 2.5, 0.5)
    }

    #[test]
    fn a_search_that_has_grown_allocates_no_more() {
        let mesh = mesh_of_plan(&["......", ".#.#.#", "......", "#.#.#.", "......"]);
        let (mut search, mut path) = (Search::default(), Path::default());
        let mut go = || {
            mesh.find_path(&mut search, at(&mesh, 0.5, 0.5), at(&mesh, 5.5, 4.5), 200, &mut path);
            (search.nodes.capacity(), search.queue.capacity(), path.corridor.capacity(), path.corners.capacity())
        };
        let grown = go();
        assert!((0..100).all(|_| go() == grown));
    }
}
