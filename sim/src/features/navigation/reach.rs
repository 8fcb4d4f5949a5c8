//! What others ask of the navmesh before they set a goal: whether a place can be reached, what is nearest to it,
//! where to stroll. Used in Think and Resolve; answers nothing without a mesh.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use glam::Vec3;

use super::{PathService, SNAP_M};
use crate::random::Draw;
use crate::scene::SceneNavmesh;

/// Whether one place can be reached from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A way leads there.
    Reachable,
    /// No way does.
    Unreachable,
    /// The other place is not on the mesh.
    OffMesh,
    /// There is no mesh, or the first place is not on it.
    Unknown,
}

/// The navmesh of the scene, for questions about places.
#[derive(SystemParam)]
pub struct Wayfinding<'w> {
    mesh: Res<'w, SceneNavmesh>,
    service: ResMut<'w, PathService>,
}

impl Wayfinding<'_> {
    /// True when the scene has a navmesh.
    #[must_use]
    pub fn has_mesh(&self) -> bool {
        self.mesh.0.is_some()
    }

    /// Whether a way leads from one place to another; decided by component labels, without a search.
    #[must_use]
    pub fn reach(&self, from: Vec3, to: Vec3) -> Reach {
        let Some(mesh) = &self.mesh.0 else { return Reach::Unknown };
        let Some(from) = mesh.nearest(from, SNAP_M) else { return Reach::Unknown };
        match mesh.nearest(to, SNAP_M) {
            Some(to) if mesh.component(from.polygon) == mesh.component(to.polygon) => Reach::Reachable,
            Some(_) => Reach::Unreachable,
            None => Reach::OffMesh,
        }
    }

    /// The place nearest to `to` that can be reached from `from`.
    #[must_use]
    pub fn nearest_reachable(&self, from: Vec3, to: Vec3) -> Option<Vec3> {
        let mesh = self.mesh.0.as_ref()?;
        let component = mesh.component(mesh.nearest(from, SNAP_M)?.polygon);
        mesh.nearest_in_component(to, component).map(|point| point.position)
    }

    /// The place of the mesh nearest to another, within 2 m along each axis.
    #[must_use]
    pub fn nearest(&self, place: Vec3) -> Option<Vec3> {
        Some(self.mesh.0.as_ref()?.nearest(place, SNAP_M)?.position)
    }

    /// A random place that can be reached from `around` without going farther than `radius_m` from it.
    pub fn random_place(&mut self, around: Vec3, radius_m: f32, draw: &mut Draw) -> Option<Vec3> {
        let mesh = self.mesh.0.as_ref()?;
        let centre = mesh.nearest(around, SNAP_M)?;
        Some(mesh.random_point(&mut self.service.search, centre, radius_m, &mut || draw.unit()).position)
    }
}
