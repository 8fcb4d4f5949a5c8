//! Moving along the surface from where one is: rays and slides. Pure.

use glam::Vec2;

use super::{NavPoint, Navmesh, SurfaceHit};

impl Navmesh {
    /// Walks straight from a place until a wall or the end. Heights play no part.
    #[must_use]
    pub fn raycast(&self, from: NavPoint, to: Vec2) -> SurfaceHit {
        let _ = to;
        SurfaceHit { fraction: 0.0, normal: Vec2::ZERO, end: from }
    }

    /// Walks towards a place and slides along walls, never farther than the place is.
    #[must_use]
    pub fn move_along(&self, from: NavPoint, to: Vec2) -> NavPoint {
        let _ = to;
        from
    }
}
