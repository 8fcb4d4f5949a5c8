//! What one tile is baked from: the triangles, solids and doors near it, moved so that the tile's corner is the origin.
//! Far from the origin of the world `f32` has too few digits for a voxeliser; near the origin of the tile it has not.
//! Equal sources give equal tiles, so a tile whose source is unchanged need not be baked again.

use std::collections::BTreeMap;

use glam::{DVec2, Vec3};
use sim::space::navmesh::NavSettings;
use sim::space::triangles::{Solid, TriangleSoup};

use crate::BakeError;

/// Farthest corner from the origin along an axis, in metres: beyond, `f32` steps are larger than a hundredth of a cell.
pub(crate) const COORDINATE_MAX_M: f32 = 32_768.0;
/// Most tiles of one navmesh: a square of 8 km at the default settings.
pub(crate) const TILES_MAX: usize = 1 << 16;
/// Cells beyond the radius that the gate looks past a tile's side.
const MARGIN_CELLS: usize = 5;

/// One tile's surroundings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TileSource {
    /// Tile coordinate along x.
    pub(crate) x: i32,
    /// Tile coordinate along z.
    pub(crate) z: i32,
    /// Corners in metres from the tile's corner in x and z; y is the world's.
    pub(crate) triangles: Vec<[Vec3; 3]>,
    /// Solids in the same frame.
    pub(crate) solids: Vec<Solid>,
    /// Doors by index in the same frame.
    pub(crate) doors: Vec<(u16, Solid)>,
}

impl TileSource {
    /// The world's position of a point of this tile's frame, in metres.
    pub(crate) fn to_world(&self, settings: &NavSettings, local: Vec3) -> Vec3 {
        let origin = origin(settings, self.x, self.z);
        #[allow(clippy::cast_possible_truncation, reason = "positions are stored in f32")]
        let (x, z) = ((origin.x + f64::from(local.x)) as f32, (origin.y + f64::from(local.z)) as f32);
        Vec3::new(x, local.y, z)
    }

    /// The point of this tile's frame at a world's position, in metres.
    pub(crate) fn to_local(&self, settings: &NavSettings, world: Vec3) -> Vec3 {
        to_local(origin(settings, self.x, self.z), world)
    }
}

/// The agent's radius in whole cells.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "settings are checked: at most 64 cells")]
pub(crate) fn radius_cells(settings: &NavSettings) -> usize {
    // 0.5 m in cells of 0.1 m are five cells, whatever the last bit of the quotient says.
    (settings.radius_m / settings.cell_m - 1e-3).ceil().max(0.0) as usize
}

/// Cells around a tile that belong to its source.
pub(crate) fn margin_cells(settings: &NavSettings) -> usize {
    radius_cells(settings) + MARGIN_CELLS
}

/// Cuts a soup into the sources of all tiles that any triangle lies in, sorted by (z, x).
pub(crate) fn sources(soup: &TriangleSoup, settings: &NavSettings) -> Result<Vec<TileSource>, BakeError> {
    check_settings(settings)?;
    check_soup(soup)?;
    let mut tiles: BTreeMap<(i32, i32), TileSource> = BTreeMap::new();
    for triangle in 0..soup.triangles.len() {
        let corners = soup.corners(triangle);
        let (min, max) = bounds(&corners);
        for (x, z) in tiles_within(settings, min, max, 0.0) {
            tiles.entry((z, x)).or_insert_with(|| empty(x, z));
            if tiles.len() > TILES_MAX {
                return Err(BakeError::TooLarge);
            }
        }
    }
    let margin_m = margin_m(settings);
    for triangle in 0..soup.triangles.len() {
        let corners = soup.corners(triangle);
        if (corners[1] - corners[0]).cross(corners[2] - corners[0]) == Vec3::ZERO {
            continue;
        }
        let (min, max) = bounds(&corners);
        for (x, z) in tiles_within(settings, min, max, margin_m) {
            if let Some(tile) = tiles.get_mut(&(z, x)) {
                let origin = origin(settings, x, z);
                tile.triangles.push(corners.map(|corner| to_local(origin, corner)));
            }
        }
    }
    add_boxes(soup, settings, &mut tiles);
    Ok(tiles.into_values().collect())
}

fn add_boxes(soup: &TriangleSoup, settings: &NavSettings, tiles: &mut BTreeMap<(i32, i32), TileSource>) {
    let margin_m = margin_m(settings);
    let mut place = |solid: &Solid, add: &mut dyn FnMut(&mut TileSource, Solid)| {
        let (min, max) = solid.bounds();
        for (x, z) in tiles_within(settings, min, max, margin_m) {
            if let Some(tile) = tiles.get_mut(&(z, x)) {
                let center = to_local(origin(settings, x, z), solid.center);
                add(tile, Solid { center, ..*solid });
            }
        }
    };
    for solid in &soup.solids {
        place(solid, &mut |tile, solid| tile.solids.push(solid));
    }
    for (index, door) in (0u16..).zip(&soup.doors) {
        place(door, &mut |tile, door| tile.doors.push((index, door)));
    }
}

fn check_settings(settings: &NavSettings) -> Result<(), BakeError> {
    let refuse = |what| Err(BakeError::Settings { what });
    let NavSettings { radius_m, height_m, climb_m, slope_deg, cell_m, cell_height_m, tile_cells } = *settings;
    if !(0.01..=10.0).contains(&cell_m) || !(0.005..=10.0).contains(&cell_height_m) {
        return refuse("cells must measure 0.01 m to 10 m, and at least 0.005 m in height");
    }
    if !(radius_m >= 0.0 && radius_m <= cell_m * 64.0) {
        return refuse("the radius must be 0 to 64 cells");
    }
    if !(height_m > 0.0 && height_m <= cell_height_m * 10_000.0) {
        return refuse("the height must be above 0 and at most 10,000 cell heights");
    }
    if !(climb_m >= 0.0 && climb_m < height_m) {
        return refuse("the climb must be 0 or more and below the height");
    }
    if !(slope_deg > 0.0 && slope_deg < 90.0) {
        return refuse("the slope must lie between 0 and 90 degrees");
    }
    if !(16..=512).contains(&tile_cells) {
        return refuse("a tile must have 16 to 512 cells a side");
    }
    Ok(())
}

fn check_soup(soup: &TriangleSoup) -> Result<(), BakeError> {
    let near = |at: &Vec3| at.is_finite() && at.abs().max_element() <= COORDINATE_MAX_M;
    if let Some(vertex) = soup.vertices.iter().position(|at| !near(at)) {
        return Err(BakeError::Corner { vertex });
    }
    let exists = |corners: &[u32; 3]| corners.iter().all(|&corner| (corner as usize) < soup.vertices.len());
    match soup.triangles.iter().position(|corners| !exists(corners)) {
        Some(triangle) => Err(BakeError::Triangle { triangle }),
        None => Ok(()),
    }
}

fn empty(x: i32, z: i32) -> TileSource {
    TileSource { x, z, triangles: Vec::new(), solids: Vec::new(), doors: Vec::new() }
}

#[allow(clippy::cast_precision_loss, reason = "a margin is a handful of cells")]
fn margin_m(settings: &NavSettings) -> f32 {
    margin_cells(settings) as f32 * settings.cell_m
}

fn origin(settings: &NavSettings, x: i32, z: i32) -> DVec2 {
    let tile_m = f64::from(settings.cell_m) * f64::from(settings.tile_cells);
    DVec2::new(f64::from(x) * tile_m, f64::from(z) * tile_m)
}

#[allow(clippy::cast_possible_truncation, reason = "a tile's own frame is small")]
fn to_local(origin: DVec2, world: Vec3) -> Vec3 {
    Vec3::new((f64::from(world.x) - origin.x) as f32, world.y, (f64::from(world.z) - origin.y) as f32)
}

fn bounds(corners: &[Vec3; 3]) -> (Vec3, Vec3) {
    let [a, b, c] = *corners;
    (a.min(b).min(c), a.max(b).max(c))
}

#[allow(clippy::cast_possible_truncation, reason = "coordinates and cells are limited, so tile coordinates fit")]
fn tiles_within(settings: &NavSettings, min: Vec3, max: Vec3, margin_m: f32) -> impl Iterator<Item = (i32, i32)> {
    let tile_m = f64::from(settings.cell_m) * f64::from(settings.tile_cells);
    let index = |value: f32| (f64::from(value) / tile_m).floor() as i32;
    let (x0, x1) = (index(min.x - margin_m), index(max.x + margin_m));
    let (z0, z1) = (index(min.z - margin_m), index(max.z + margin_m));
    (z0..=z1).flat_map(move |z| (x0..=x1).map(move |x| (x, z)))
}
