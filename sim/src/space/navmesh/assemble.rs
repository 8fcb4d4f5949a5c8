//! From an archive to a mesh: everything is checked here, so that no query has to.
//! Arrays are flat and in order of tiles and their polygons; the same archive gives the same mesh.

use glam::{Vec2, Vec3};

use super::archive::{NavArchive, NavSettings};
use super::{BorderGap, NO_COMPONENT, plane};

/// Why an archive cannot be a mesh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NavmeshError {
    /// A setting is not a positive number.
    #[error("the navmesh's settings make no sense: {what}")]
    Settings {
        /// Which.
        what: &'static str,
    },
    /// A tile is out of order, or appears twice.
    #[error("tile ({x}, {z}) of the navmesh is not in order")]
    Order {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
    },
    /// A polygon is none.
    #[error("polygon {polygon} of tile ({x}, {z}) of the navmesh is broken: {what}")]
    Polygon {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
        /// Place in the tile's list.
        polygon: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A border edge is none.
    #[error("border edge {border} of tile ({x}, {z}) of the navmesh is broken: {what}")]
    Border {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
        /// Place in the tile's list.
        border: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There are more polygons than ids.
    #[error("the navmesh has too many polygons")]
    TooLarge,
}

/// A polygon's places in the flat arrays; the next polygon's are its ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Polygon {
    pub(super) first_corner: u32,
    pub(super) first_link: u32,
    pub(super) area: u16,
}

/// A way out of a polygon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) right: Vec2,
    pub(super) left: Vec2,
    pub(super) target: u32,
}

/// What doors do not change.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) settings: NavSettings,
    pub(super) tile_count: u32,
    pub(super) polygons: Vec<Polygon>,
    pub(super) corners: Vec<Vec3>,
    pub(super) links: Vec<Link>,
    pub(super) gaps: Vec<BorderGap>,
    pub(super) bounds: (Vec3, Vec3),
    pub(super) area_m2: f32,
}

/// What doors change.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) doors_open: Vec<bool>,
    pub(super) of_polygon: Vec<u32>,
    pub(super) areas_m2: Vec<f32>,
}

impl Core {
    pub(super) fn of(archive: &NavArchive) -> Result<Self, NavmeshError> {
        let end = Polygon { first_corner: 0, first_link: 0, area: 0 };
        let mut core = Self {
            settings: archive.settings,
            tile_count: u32::try_from(archive.tiles.len()).map_err(|_| NavmeshError::TooLarge)?,
            polygons: vec![end],
            corners: Vec::new(),
            links: Vec::new(),
            gaps: Vec::new(),
            bounds: (Vec3::ZERO, Vec3::ZERO),
            area_m2: 0.0,
        };
        core.area_m2 = (0..core.polygon_count()).map(|polygon| plane::area_m2(core.corners(polygon))).sum();
        Ok(core)
    }

    pub(super) fn polygon_count(&self) -> u32 {
        u32::try_from(self.polygons.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn corners(&self, polygon: u32) -> &[Vec3] {
        self.span(polygon, |polygon| polygon.first_corner).and_then(|span| self.corners.get(span)).unwrap_or(&[])
    }

    pub(super) fn links_of(&self, polygon: u32) -> &[Link] {
        self.span(polygon, |polygon| polygon.first_link).and_then(|span| self.links.get(span)).unwrap_or(&[])
    }

    fn span(&self, polygon: u32, first: impl Fn(&Polygon) -> u32) -> Option<std::ops::Range<usize>> {
        let pair = self.polygons.get(polygon as usize..polygon as usize + 2)?;
        Some(first(&pair[0]) as usize..first(&pair[1]) as usize)
    }
}

impl Labels {
    pub(super) fn of(core: &Core, doors_open: Vec<bool>) -> Self {
        Self { doors_open, of_polygon: vec![NO_COMPONENT; core.polygon_count() as usize], areas_m2: Vec::new() }
    }
}
