//! One tile through the voxeliser, contour tracer and triangulator of `oxidized_navigation`: the only file that knows
//! it. Geometry goes in relative to the tile, triangles come out on the raster of voxels.
//!
//! Its known faults are met here or by the gate: a hole inside a region leaves a contour of the wrong winding and
//! is paved over, and a contour that cannot be triangulated leaves triangles with arbitrary corners.

use std::panic::{AssertUnwindSafe, catch_unwind};

use glam::{IVec2, Vec3};
use oxidized_navigation::conversion::{GeometryCollection, GeometryToConvert};
use oxidized_navigation::{Area, NavMeshSettings, build_tile_sync};
use sim::space::navmesh::NavSettings;

use crate::clip::{Axis, Cuts, bands, between};
use crate::source::{TileSource, radius_cells};

/// Smallest region that is kept, in voxels: a quarter of a square metre at the default settings.
const REGION_CELLS_MIN: u32 = 4;
/// How far steep triangles are moved inwards, in metres.
const DRAWN_IN_M: f32 = 1e-3;
/// Most voxels in height; the voxeliser counts them in 16 bits.
const LEVELS_MAX: f32 = 65_000.0;

/// A corner on the raster: x and z in cells from the tile's corner, and its height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Corner {
    /// Cells along x and z.
    pub(crate) at: IVec2,
    /// Height in metres, up to a voxel or a step off.
    pub(crate) y: f32,
}

/// How a tile is to be traced.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tracing {
    /// Lines that no region crosses.
    pub(crate) cuts: Cuts,
    /// How far a contour may stray from the voxels' outline, in cells.
    pub(crate) simplification_cells: f32,
}

/// Traces a tile; `None` when the tracer gives up.
pub(crate) fn trace(source: &TileSource, settings: &NavSettings, tracing: &Tracing) -> Option<Vec<[Corner; 3]>> {
    let border = radius_cells(settings);
    let frame = Frame::new(source, settings, border)?;
    let collections = frame.collections(source, settings, &tracing.cuts);
    let outside = outside_settings(settings, border, tracing.simplification_cells);
    let built = catch_unwind(AssertUnwindSafe(|| {
        build_tile_sync(collections, Default::default(), Vec::new().into_boxed_slice(), &outside)
    }));
    let tile = built.ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "a tile has at most some hundred cells a side")]
    let raster = |value: f32| (value / settings.cell_m).round() as i32 - frame.border_cells;
    let corner = |index: u32| {
        let vertex = tile.vertices[index as usize];
        Corner { at: IVec2::new(raster(vertex.x), raster(vertex.z)), y: frame.bottom_m + vertex.y }
    };
    Some(tile.polygons.iter().map(|polygon| polygon.indices.map(corner)).collect())
}

/// The voxeliser's own coordinates: from the corner of the border around the tile, and up from below all of it.
struct Frame {
    border_cells: i32,
    border_m: f32,
    side_m: f32,
    bottom_m: f32,
}

impl Frame {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "small"
    )]
    fn new(source: &TileSource, settings: &NavSettings, border: usize) -> Option<Self> {
        let ys = || source.triangles.iter().flatten().map(|corner| corner.y);
        let (low, high) = (ys().fold(f32::INFINITY, f32::min), ys().fold(f32::NEG_INFINITY, f32::max));
        // Multiples of a voxel, so that neighbouring tiles round heights alike.
        let bottom_m = ((low / settings.cell_height_m).floor() - 1.0) * settings.cell_height_m;
        let side_cells = settings.tile_cells as usize + 2 * border;
        let fits = (high - bottom_m) / settings.cell_height_m < LEVELS_MAX;
        fits.then_some(Self {
            border_cells: border as i32,
            border_m: border as f32 * settings.cell_m,
            side_m: side_cells as f32 * settings.cell_m,
            bottom_m,
        })
    }

    /// One collection per rectangle between the cuts, each an area of its own.
    fn collections(&self, source: &TileSource, settings: &NavSettings, cuts: &Cuts) -> Vec<GeometryCollection> {
        #[allow(clippy::cast_precision_loss, reason = "cells of one tile")]
        let line = |&cell: &i32| (cell + self.border_cells) as f32 * settings.cell_m;
        let x: Vec<f32> = cuts.x.iter().map(line).collect();
        let z: Vec<f32> = cuts.z.iter().map(line).collect();
        let mut areas = vec![Mesh::default(); (x.len() + 1) * (z.len() + 1)];
        let to_raster = Vec3::new(self.border_m, -self.bottom_m, self.border_m);
        for corners in &source.triangles {
            let drawn_in = drawn_in(corners, settings);
            let moved = corners.map(|at| at + to_raster + drawn_in);
            let strip = between(&moved, Axis::X, 0.0, self.side_m);
            let part = between(&strip, Axis::Z, 0.0, self.side_m);
            if part.is_empty() {
                continue;
            }
            bands(&part, Axis::X, &x, &mut |column, strip| {
                bands(strip, Axis::Z, &z, &mut |row, part| areas[row * (x.len() + 1) + column].add(part));
            });
        }
        (0u16..)
            .zip(areas)
            .filter(|(_, mesh)| !mesh.triangles.is_empty())
            .map(|(id, mesh)| mesh.collection(id))
            .collect()
    }
}

/// How a steep triangle is moved before it is voxelised: a hair inwards. A riser that lies exactly between two voxels
/// would else fall into the one in front of its step, raise it to the tread's height and block it.
fn drawn_in([a, b, c]: &[Vec3; 3], settings: &NavSettings) -> Vec3 {
    let normal = (*b - *a).cross(*c - *a).normalize_or_zero();
    let is_steep = normal.y.abs() < settings.slope_deg.to_radians().cos();
    let outwards = Vec3::new(normal.x, 0.0, normal.z).normalize_or_zero();
    if is_steep { -outwards * DRAWN_IN_M } else { Vec3::ZERO }
}

#[derive(Debug, Clone, Default)]
struct Mesh {
    vertices: Vec<Vec3>,
    triangles: Vec<[u32; 3]>,
}

impl Mesh {
    #[allow(clippy::cast_possible_truncation, reason = "one tile's corners")]
    fn add(&mut self, polygon: &[Vec3]) {
        let first = self.vertices.len() as u32;
        self.vertices.extend_from_slice(polygon);
        self.triangles.extend((2..polygon.len() as u32).map(|corner| [first, first + corner - 1, first + corner]));
    }

    fn collection(self, id: u16) -> GeometryCollection {
        let vertices = self.vertices.into_iter().map(|at| at.to_array().into()).collect();
        GeometryCollection {
            transform: Default::default(),
            geometry_to_convert: GeometryToConvert::ParryTriMesh(vertices, self.triangles.into_boxed_slice()),
            area: Some(Area(id)),
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked limits"
)]
fn outside_settings(settings: &NavSettings, border: usize, simplification_cells: f32) -> NavMeshSettings {
    let levels = |height_m: f32| height_m / settings.cell_height_m;
    NavMeshSettings {
        cell_width: settings.cell_m,
        cell_height: settings.cell_height_m,
        tile_width: settings.tile_cells as u16,
        // Tile (0, 0) begins a border inside the origin, so that the raster itself begins at the origin exactly.
        world_half_extents: -(border as f32 * settings.cell_m),
        world_bottom_bound: 0.0,
        max_traversable_slope_radians: settings.slope_deg.to_radians(),
        walkable_height: (levels(settings.height_m) - 1e-3).ceil() as u16,
        walkable_radius: border as u16,
        // The tracer steps over less than this, Recast over as much as it.
        step_height: (levels(settings.climb_m) + 1e-3).floor() as u16 + 1,
        min_region_area: REGION_CELLS_MIN,
        // Fewer merged regions enclose fewer holes; polygons are merged across regions afterwards.
        max_region_area_to_merge_into: 0,
        max_edge_length: u16::MAX,
        max_contour_simplification_error: simplification_cells,
        max_tile_generation_tasks: None,
    }
}
