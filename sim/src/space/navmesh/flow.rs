//! One search for many agents with one goal: from the goal outwards, a few nodes at a time. Pure.

use super::{NavPoint, Navmesh, PolygonId};

/// Ways to one goal from everywhere it has spread to. Belongs to the mesh and the door states it was spread over.
#[derive(Debug, Clone)]
pub struct FlowField {
    goal: NavPoint,
}

impl FlowField {
    /// A field that has not spread yet.
    #[must_use]
    pub fn new(goal: NavPoint) -> Self {
        Self { goal }
    }

    /// The goal.
    #[must_use]
    pub fn goal(&self) -> NavPoint {
        self.goal
    }

    /// Spreads by `nodes_max` polygons at most and answers by how many.
    pub fn expand(&mut self, mesh: &Navmesh, nodes_max: u32) -> u32 {
        let _ = (mesh, nodes_max);
        0
    }

    /// True when it has spread over the goal's whole component.
    #[must_use]
    pub fn is_done(&self) -> bool {
        true
    }

    /// True when the way from a polygon is known.
    #[must_use]
    pub fn reaches(&self, polygon: PolygonId) -> bool {
        polygon == self.goal.polygon
    }

    /// The polygons from one to the goal; false and empty where it has not spread to.
    pub fn corridor(&self, mesh: &Navmesh, from: PolygonId, out: &mut Vec<PolygonId>) -> bool {
        let _ = mesh;
        out.clear();
        if from == self.goal.polygon {
            out.push(from);
        }
        !out.is_empty()
    }
}
