//! Where agents can walk: a flat mesh of convex polygons with links, component labels and a spatial index, and
//! Detour's queries on it. Pure and deterministic; no query allocates once its scratch has grown.
//!
//! A polygon's height is only good for telling storeys apart: the height of an agent comes from the colliders.
//! Doors are polygons that can be closed; closing one relabels components and changes nothing else.

use std::sync::Arc;

use glam::{Vec2, Vec3};

pub mod archive;
mod assemble;
mod corner;
mod flow;
mod label;
mod link;
mod nearest;
pub(crate) mod plane;
mod roam;
mod search;
mod straight;
mod surface;
mod tree;

pub use archive::{NavArchive, NavFileError, NavSettings, TileMesh};
pub use assemble::NavmeshError;
pub use flow::FlowField;
pub use search::Search;

use assemble::Core;
use label::Labels;

/// The component of a polygon nobody can walk on: a closed door.
pub const NO_COMPONENT: u32 = u32::MAX;

/// A walkable surface that answers queries. Cloning shares everything; a door's state belongs to the clone.
#[derive(Debug, Clone)]
pub struct Navmesh {
    core: Arc<Core>,
    labels: Arc<Labels>,
}

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

/// An edge on a tile's border that lies beside an edge of the next tile and yet leads nowhere, from corner to corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BorderGap {
    /// The polygon the edge belongs to.
    pub polygon: PolygonId,
    /// Its first corner, in metres.
    pub from: Vec3,
    /// Its second corner, in metres.
    pub to: Vec3,
}

impl Navmesh {
    /// Checks an archive and links its polygons. Every door is open.
    ///
    /// # Errors
    /// The first thing found that no mesh can have.
    pub fn assemble(archive: &NavArchive) -> Result<Self, NavmeshError> {
        let core = Core::of(archive)?;
        let labels = Labels::of(&core, vec![true; usize::from(archive.door_count)]);
        Ok(Self { core: Arc::new(core), labels: Arc::new(labels) })
    }

    /// The agent it is made for.
    #[must_use]
    pub fn settings(&self) -> &NavSettings {
        &self.core.settings
    }

    /// Number of polygons; their ids are the numbers below it.
    #[must_use]
    pub fn polygon_count(&self) -> u32 {
        self.core.polygon_count()
    }

    /// Number of tiles.
    #[must_use]
    pub fn tile_count(&self) -> u32 {
        self.core.tile_count
    }

    /// Number of links, each direction counted.
    #[must_use]
    pub fn link_count(&self) -> u32 {
        u32::try_from(self.core.links.len()).unwrap_or(u32::MAX)
    }

    /// Number of components as the doors stand.
    #[must_use]
    pub fn component_count(&self) -> u32 {
        u32::try_from(self.labels.areas_m2.len()).unwrap_or(u32::MAX)
    }

    /// Area of a component in x and z, in square metres; 0 for one that does not exist.
    #[must_use]
    pub fn component_area_m2(&self, component: u32) -> f32 {
        self.labels.areas_m2.get(component as usize).copied().unwrap_or(0.0)
    }

    /// Area of all polygons in x and z, in square metres.
    #[must_use]
    pub fn area_m2(&self) -> f32 {
        self.core.areas_m2.iter().sum()
    }

    /// Least and greatest corner of all polygons, in metres; zeros when there is none.
    #[must_use]
    pub fn bounds(&self) -> (Vec3, Vec3) {
        self.core.bounds
    }

    /// Number of doors.
    #[must_use]
    pub fn door_count(&self) -> u16 {
        u16::try_from(self.labels.doors_open.len()).unwrap_or(u16::MAX)
    }

    /// Border edges beside an edge of the next tile without a link, in order of polygons: a bridge over a road has
    /// some by right, a road that ends at a tile's side is a fault.
    #[must_use]
    pub fn unlinked_border_edges(&self) -> &[BorderGap] {
        &self.core.gaps
    }

    /// False while a door is closed; a door that does not exist is open.
    #[must_use]
    pub fn is_door_open(&self, door: u16) -> bool {
        self.labels.doors_open.get(usize::from(door)).copied().unwrap_or(true)
    }

    /// True when two share all but the states of their doors.
    #[must_use]
    pub fn is_same_but_doors(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }

    /// The same mesh with one door opened or closed. Shares all but flags and labels.
    #[must_use]
    pub fn with_door(&self, door: u16, open: bool) -> Self {
        let mut doors_open = self.labels.doors_open.clone();
        match doors_open.get_mut(usize::from(door)) {
            Some(state) if *state != open => *state = open,
            _ => return self.clone(),
        }
        Self { core: self.core.clone(), labels: Arc::new(Labels::of(&self.core, doors_open)) }
    }

    /// The component of a polygon: two points can reach each other exactly when theirs are equal. [`NO_COMPONENT`] on
    /// a closed door and for a polygon that does not exist.
    #[must_use]
    pub fn component(&self, polygon: PolygonId) -> u32 {
        self.labels.of_polygon.get(polygon.0 as usize).copied().unwrap_or(NO_COMPONENT)
    }

    /// The door a polygon lies in.
    #[must_use]
    pub fn door_of(&self, polygon: PolygonId) -> Option<u16> {
        self.core.polygons.get(polygon.0 as usize)?.area.checked_sub(1)
    }

    /// Corners of a polygon in metres, in the order in which `(b - a) x (c - a)` points up; empty for a polygon that
    /// does not exist.
    #[must_use]
    pub fn corners(&self, polygon: PolygonId) -> &[Vec3] {
        self.core.corners(polygon.0)
    }

    /// The polygons beside a polygon and the two ends of the portal to each, closed doors included.
    pub fn neighbours(&self, polygon: PolygonId) -> impl Iterator<Item = (PolygonId, [Vec2; 2])> + '_ {
        self.core.links_of(polygon.0).iter().map(|link| (PolygonId(link.target), [link.right, link.left]))
    }

    /// The height of a polygon's own plane at a place, in metres: good for telling storeys apart, never for standing.
    #[must_use]
    pub fn height_on(&self, polygon: PolygonId, x: f32, z: f32) -> f32 {
        plane::height_on(self.corners(polygon), Vec2::new(x, z))
    }

    /// A point on a polygon, at the polygon's own height.
    #[must_use]
    pub fn point_on(&self, polygon: PolygonId, x: f32, z: f32) -> NavPoint {
        NavPoint { polygon, position: Vec3::new(x, self.height_on(polygon, x, z), z) }
    }
}
