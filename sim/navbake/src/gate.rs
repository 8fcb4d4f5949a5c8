//! The independent check of a navmesh: vertical columns through the geometry, one per cell, say where an agent can be,
//! and the polygons are held against them. Shares no code with what traces, merges and finishes polygons.
//!
//! Paved is a place of the mesh nearer to a blocked column than the radius less one cell (the raster's own error).
//! Missing is ground the mesh ought to cover: standable, farther from everything blocked than the radius and two
//! cells, connected over steps, and larger than a square metre.

mod columns;
mod cover;
mod missing;
mod raster;

use std::collections::BTreeMap;

use glam::Vec3;
use sim::space::navmesh::{NavArchive, NavSettings, TileMesh};
use sim::space::triangles::TriangleSoup;

pub(crate) use columns::Columns;

use crate::BakeError;
use crate::source::{TileSource, sources};
use missing::Uncovered;

/// Connected ground that may be missing, in square metres.
pub const MISSING_MAX_M2: f32 = 1.0;

/// Ground that no polygon covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MissingArea {
    /// A place on it, in metres.
    pub at: Vec3,
    /// Its size in square metres.
    pub area_m2: f32,
}

/// What is wrong with a navmesh; nothing when both lists are empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GateReport {
    /// Where the mesh is nearer to something blocked than it may be, in metres.
    pub paved: Vec<Vec3>,
    /// Areas above [`MISSING_MAX_M2`] that are not covered.
    pub missing: Vec<MissingArea>,
}

impl GateReport {
    /// True when nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.paved.is_empty() && self.missing.is_empty()
    }
}

/// Holds a whole navmesh against its geometry. Islands dropped for want of a seed count as missing.
///
/// # Errors
/// When the geometry or the settings cannot be used.
pub fn examine(soup: &TriangleSoup, settings: &NavSettings, archive: &NavArchive) -> Result<GateReport, BakeError> {
    let meshes: BTreeMap<(i32, i32), &TileMesh> = archive.tiles.iter().map(|tile| ((tile.z, tile.x), tile)).collect();
    let mut report = GateReport::default();
    let mut uncovered = Uncovered::default();
    for source in sources(soup, settings)? {
        let columns = Columns::new(&source, settings);
        let mesh = meshes.get(&(source.z, source.x));
        let polygons = mesh.map_or_else(Vec::new, |mesh| local_polygons(mesh, &source, settings));
        let cover = cover::Cover::new(&columns, settings, &polygons);
        report.paved.extend(cover.paved.iter().map(|&at| source.to_world(settings, at)));
        uncovered.add(&source, settings, &missing::uncovered(&columns, settings, &cover));
    }
    report.missing = uncovered.areas(settings);
    Ok(report)
}

/// Faults of one tile's polygons, all in the tile's frame: paved places, and places on missing areas.
pub(crate) fn examine_tile(
    columns: &Columns,
    settings: &NavSettings,
    polygons: &[Vec<Vec3>],
) -> (Vec<Vec3>, Vec<Vec3>) {
    let cover = cover::Cover::new(columns, settings, polygons);
    let places = missing::uncovered(columns, settings, &cover);
    let missing = missing::large(&places, settings);
    (cover.paved, missing)
}

fn local_polygons(mesh: &TileMesh, source: &TileSource, settings: &NavSettings) -> Vec<Vec<Vec3>> {
    let corner = |&index: &u32| {
        let vertex = mesh.vertices.get(index as usize).copied().unwrap_or_default();
        source.to_local(settings, Vec3::from(vertex))
    };
    let polygon = |first: usize, count: usize| mesh.indices.iter().skip(first).take(count).map(corner).collect();
    mesh.polygons.iter().map(|p| polygon(p.first_index as usize, usize::from(p.corner_count))).collect()
}
