//! Navmeshes from triangles: one tile at a time through `oxidized_navigation`, checked by an independent [`gate`],
//! repaired or refused, and finished with heights from the geometry itself.
//! Runs outside the tick, on as many threads as it is given. The same triangles and settings give the same bytes on
//! any number of threads. A mesh that leaves this crate has passed the gate.

mod bake;
mod clip;
mod contours;
mod doors;
mod finish;
pub mod gate;
mod islands;
mod merge;
mod obj;
#[cfg(feature = "peers")]
pub mod peer;
mod rebake;
mod repair;
mod scene;
mod source;
mod surface;

use std::time::Duration;

use glam::Vec3;
use sim::space::navmesh::{NavArchive, NavmeshError};

pub use bake::bake;
pub use obj::{ObjError, read_obj};
pub use rebake::rebake;
pub use scene::scene_settings;

/// How to bake.
#[derive(Debug, Clone, PartialEq)]
pub struct BakeOptions {
    /// Threads to use, from 1.
    pub threads: usize,
    /// Places in metres that agents come from. With any, whatever cannot be reached from one of them is dropped;
    /// without, everything is kept.
    pub seeds: Vec<Vec3>,
}

impl Default for BakeOptions {
    fn default() -> Self {
        Self { threads: 1, seeds: Vec::new() }
    }
}

/// A finished navmesh and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Baked {
    /// The navmesh.
    pub archive: NavArchive,
    /// The figures.
    pub report: BakeReport,
}

/// A navmesh of which some tiles were baked again.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebaked {
    /// The navmesh: the same bytes that a full bake gives.
    pub archive: NavArchive,
    /// Tiles (x, z) that differ from the old navmesh, came or went; sorted by (z, x).
    pub changed_tiles: Vec<(i32, i32)>,
    /// The figures of the tiles that were baked.
    pub report: BakeReport,
}

/// Figures of a bake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BakeReport {
    /// Tiles that were baked and are not empty.
    pub tiles: usize,
    /// Polygons in them.
    pub polygons: usize,
    /// Tiles that failed the gate at first and passed after a repair.
    pub repaired_tiles: usize,
    /// Attempts beyond the first, over all tiles.
    pub repairs: usize,
    /// Islands without a seed that were dropped.
    pub dropped_islands: usize,
    /// Wall time.
    pub elapsed: Duration,
}

/// Why there is no navmesh.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BakeError {
    /// The settings make no sense.
    #[error("the navmesh settings cannot be used: {what}")]
    Settings {
        /// What is wrong with them.
        what: &'static str,
    },
    /// A corner is not a number or too far out.
    #[error("corner {vertex} of the geometry is not within {} m of the origin", source::COORDINATE_MAX_M)]
    Corner {
        /// Index of the corner.
        vertex: usize,
    },
    /// A triangle names a corner that does not exist.
    #[error("triangle {triangle} of the geometry names a corner that does not exist")]
    Triangle {
        /// Index of the triangle.
        triangle: usize,
    },
    /// The geometry covers too much ground.
    #[error("the geometry covers more than {} tiles", source::TILES_MAX)]
    TooLarge,
    /// The tiles do not make a mesh; a mistake of the baker.
    #[error("the baked tiles make no mesh: {0}")]
    Mesh(#[from] NavmeshError),
    /// A tile that fails the gate after every repair.
    #[error(
        "tile ({x}, {z}) cannot be baked: after {attempts} attempts it still fails at {} places, the first at {}",
        .spots.len(), .spots.first().copied().unwrap_or_default()
    )]
    Tile {
        /// Tile coordinate along x.
        x: i32,
        /// Tile coordinate along z.
        z: i32,
        /// Attempts that were made.
        attempts: usize,
        /// Where it is paved, not covered, or malformed, in metres.
        spots: Vec<Vec3>,
    },
}
