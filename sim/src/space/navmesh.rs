//! Where agents can walk: a flat mesh of convex polygons with links, component labels and a spatial index, and
//! Detour's queries on it. Pure and deterministic; no query allocates once its scratch has grown.
//!
//! A polygon's height is only good for telling storeys apart: the height of an agent comes from the colliders.
//! Doors are polygons that can be closed; closing one relabels components and changes nothing else.

use glam::{Vec2, Vec3};

pub mod archive;

pub use archive::{NavArchive, NavFileError, NavSettings, TileMesh};

/// A polygon of one navmesh: its dense index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolygonId(pub u32);

/// A place on the mesh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NavPoint {
    /// The polygon.
    pub polygon: PolygonId,
    /// A point on it, in metres.
    pub position: Vec3,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStatus {
    /// The path ends at the goal.
    Complete,
    /// The goal is on another component: the path ends at the nearest point that can be reached.
    Unreachable,
    /// The node budget ran out: the path ends at the point nearest to the goal that was found.
    OutOfNodes,
}

/// The answer of a search; reused from one to the next.
#[derive(Debug, Clone, Default)]
pub struct Path {
    /// Polygons from the first to the last, neighbours linked.
    pub corridor: Vec<PolygonId>,
    /// Start, turning points and end, in metres.
    pub corners: Vec<Vec3>,
    /// Length along the corners in x and z, in metres.
    pub length_m: f32,
    /// Nodes that were expanded.
    pub nodes: u32,
}

/// Where a ray along the surface ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceHit {
    /// Part of the way that is free, 1 when nothing was hit.
    pub fraction: f32,
    /// Unit normal (x, z) of the wall towards the ray; zero when nothing was hit.
    pub normal: Vec2,
    /// Where it ended.
    pub end: NavPoint,
}

/// The nearest wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WallHit {
    /// Distance in x and z, in metres.
    pub distance_m: f32,
    /// The nearest point on it.
    pub position: Vec3,
}
