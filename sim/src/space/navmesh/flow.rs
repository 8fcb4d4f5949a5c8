//! One search for many agents with one goal: from the goal outwards over the goal's component, a few polygons at a
//! time. Pure.
//!
//! As in the search for one path, a polygon is seen through a part of a portal from a root; but every polygon keeps
//! the first view it gets only, so the work is linear in polygons and a way may be a little longer than the shortest.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::assemble::id;
use super::plane::{flat, nearest_on_segment};
use super::search::{FIRST, Part, Walked};
use super::{NavPoint, Navmesh, PolygonId};

/// Ways to one goal from everywhere it has spread to. Belongs to the mesh and the door states it was spread over.
#[derive(Debug, Clone)]
pub struct FlowField {
    goal: NavPoint,
    /// What has been seen; the polygon is the one behind the part.
    views: Vec<Part>,
    /// The view each polygon keeps.
    kept: Vec<u32>,
    queue: BinaryHeap<Reverse<u64>>,
    has_begun: bool,
}

/// What a field knows while it looks through a polygon.
struct Spread<'a> {
    mesh: &'a Navmesh,
    kept: &'a [u32],
    goal: u32,
}

impl Walked for Spread<'_> {
    fn bend(&mut self, _: u32, _: f32) -> bool {
        true
    }

    fn shuns(&self, _: u32, polygon: u32) -> bool {
        polygon == self.goal || self.kept[polygon as usize] != NONE || self.mesh.is_closed(polygon)
    }
}

/// No view.
const NONE: u32 = u32::MAX;

impl FlowField {
    /// A field that has not spread yet.
    #[must_use]
    pub fn new(goal: NavPoint) -> Self {
        Self { goal, views: Vec::new(), kept: Vec::new(), queue: BinaryHeap::new(), has_begun: false }
    }

    /// The goal.
    #[must_use]
    pub fn goal(&self) -> NavPoint {
        self.goal
    }

    /// Spreads by `nodes_max` polygons at most and answers by how many.
    pub fn expand(&mut self, mesh: &Navmesh, nodes_max: u32) -> u32 {
        let mut used = 0;
        if !self.has_begun && nodes_max > 0 {
            self.begin(mesh);
            used += 1;
        }
        while used < nodes_max {
            let Some(Reverse(key)) = self.queue.pop() else { break };
            let view = (key & u64::from(NONE)) as u32;
            let polygon = self.polygon(mesh, view);
            if self.kept[polygon as usize] == NONE {
                self.kept[polygon as usize] = view;
                self.look_on(mesh, view);
                used += 1;
            }
        }
        used
    }

    /// True when it has spread over all that can reach the goal.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.has_begun && self.queue.is_empty()
    }

    /// True when the way from a polygon is known.
    #[must_use]
    pub fn reaches(&self, polygon: PolygonId) -> bool {
        polygon == self.goal.polygon || self.kept.get(polygon.0 as usize).is_some_and(|&view| view != NONE)
    }

    /// The polygons from one to the goal; false and empty where it has not spread to.
    pub fn corridor(&self, mesh: &Navmesh, from: PolygonId, out: &mut Vec<PolygonId>) -> bool {
        out.clear();
        if !self.reaches(from) || mesh.corners(from).is_empty() {
            return false;
        }
        let mut polygon = from;
        while polygon != self.goal.polygon {
            out.push(polygon);
            let Part { parent, .. } = self.views[self.kept[polygon.0 as usize] as usize];
            polygon = if parent == FIRST { self.goal.polygon } else { PolygonId(self.polygon(mesh, parent)) };
        }
        out.push(polygon);
        true
    }

    fn begin(&mut self, mesh: &Navmesh) {
        self.has_begun = true;
        self.kept = vec![NONE; mesh.polygon_count() as usize];
        let goal = self.goal.polygon.0;
        let Some(polygon) = mesh.core.polygons.get(goal as usize) else { return };
        for (link, index) in mesh.core.links_of(goal).iter().zip(polygon.first_link..) {
            if !mesh.is_closed(link.target) {
                self.views.push(Part::whole(flat(self.goal.position), index, link));
            }
        }
        self.queue_from(0);
    }

    fn look_on(&mut self, mesh: &Navmesh, view: u32) {
        // Any end of the part will do to bend round: where no wall ends another view would do better, but is not kept.
        let part = &mut self.views[view as usize];
        (part.right_corner, part.left_corner) = (0, 0);
        let first = self.views.len();
        let mut spread = Spread { mesh, kept: &self.kept, goal: self.goal.polygon.0 };
        Part::look_through(&mesh.core, view, &mut spread, &mut self.views);
        self.queue_from(first);
    }

    fn queue_from(&mut self, first: usize) {
        for (part, view) in self.views[first..].iter().zip(id(first)..) {
            let seen_m = part.way_m + nearest_on_segment(part.right, part.left, part.root).distance(part.root);
            self.queue.push(Reverse((u64::from(seen_m.to_bits()) << 32) | u64::from(view)));
        }
    }

    fn polygon(&self, mesh: &Navmesh, view: u32) -> u32 {
        mesh.core.links[self.views[view as usize].link as usize].target
    }
}

#[cfg(test)]
mod tests {
    use glam::Vec3;

    use super::*;
    use crate::testing::mesh_of_plan;

    #[test]
    fn a_field_spreads_as_far_as_its_budget_and_leads_to_the_goal() {
        let mesh = mesh_of_plan(&["..#...#..", "..#.#.#..", "....#...."]);
        let at = |x: f32| mesh.nearest(Vec3::new(x, 0.0, 0.5), Vec3::ZERO).unwrap();
        let (near, far) = (at(0.5).polygon, at(8.5).polygon);
        let mut field = FlowField::new(at(0.5));
        let mut corridor = Vec::new();
        assert!(field.reaches(near) && !field.reaches(far) && !field.corridor(&mesh, far, &mut corridor));
        assert_eq!((field.expand(&mesh, 0), field.expand(&mesh, 2), field.is_done()), (0, 2, false));
        while !field.is_done() {
            assert!(field.expand(&mesh, 1) <= 1);
        }
        assert!(field.corridor(&mesh, far, &mut corridor));
        assert_eq!((corridor.first(), corridor.last()), (Some(&far), Some(&near)));
    }
}
