//! Vertical columns through the middles of a tile's cells and of a margin around it: the surfaces each meets, from the
//! lowest to the highest, and the steep triangles that reach into its cell.
//! A surface knows whether an agent can stand on it: surely (for what may not be missing) and perhaps (for what may
//! not be paved); between the two lies what rasters of voxels cannot tell apart.

use std::collections::BTreeSet;

use glam::{Vec2, Vec3};
use sim::space::navmesh::NavSettings;
use sim::space::triangles::Solid;

use super::raster::Raster;
use crate::source::{TileSource, margin_cells};

/// Slopes this near to the limit may be judged either way, in degrees.
const SLOPE_TOLERANCE_DEG: f32 = 2.0;
/// Surfaces nearer to each other are one, in metres.
pub(super) const SAME_M: f32 = 1e-3;
/// Triangles whose unit normal rises less are vertical: no column meets them.
const VERTICAL_UP: f32 = 1e-3;
/// Triangles that are narrower may slip between columns, in cells.
const THIN_CELLS: f32 = 1.5;
/// How far above a surface its standing point is looked for in solids, in metres.
const LIFT_M: f32 = 0.05;

/// An upward surface in one column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surface {
    /// Height in metres.
    pub(crate) y: f32,
    /// An agent can stand here by the most generous reading of the geometry.
    pub(crate) perhaps: bool,
    /// An agent can stand here by the strictest.
    pub(crate) surely: bool,
}

/// All columns of a tile.
pub(crate) struct Columns<'a> {
    /// Columns along a side, margins included.
    pub(crate) side: usize,
    /// Columns of the margin.
    pub(crate) margin: usize,
    source: &'a TileSource,
    settings: NavSettings,
    starts: Vec<u32>,
    surfaces: Vec<Surface>,
}

/// What a column meets at one height.
#[derive(Debug, Clone, Copy)]
struct Hit {
    y: f32,
    /// Vertical part of the unit normal.
    up: f32,
}

/// The part in one cell of a triangle that is steep, or so thin that it may slip between columns.
#[derive(Debug, Clone, Copy)]
struct Wall {
    low: f32,
    high: f32,
    /// It is the side of something that has standable ground on top, such as a step.
    is_capped: bool,
    /// Nobody can stand on it by any reading.
    is_surely: bool,
}

impl<'a> Columns<'a> {
    /// Cuts the columns of one tile.
    pub(crate) fn new(source: &'a TileSource, settings: &NavSettings) -> Self {
        let margin = margin_cells(settings);
        let side = settings.tile_cells as usize + 2 * margin;
        let raster = Raster { side, margin, cell_m: settings.cell_m };
        let steep = (settings.slope_deg + SLOPE_TOLERANCE_DEG).to_radians().cos();
        let gentle = (settings.slope_deg - SLOPE_TOLERANCE_DEG).max(0.0).to_radians().cos();
        let treads = treads(source, gentle);
        let (mut hits, mut walls) = (Vec::new(), Vec::new());
        for triangle in &source.triangles {
            let up = normal(triangle).y;
            if up.abs() > VERTICAL_UP {
                raster.middles_within(triangle, |column, y| hits.push((column, Hit { y, up })));
            }
            let is_thin = width_m(triangle) < THIN_CELLS * settings.cell_m;
            if up.abs() < gentle || is_thin {
                let tops = triangle.iter().filter(|at| at.y == top_m(triangle));
                let is_capped = up >= gentle || tops.into_iter().any(|&at| treads.contains(&bits(at)));
                let is_surely = up.abs() < steep || is_thin;
                let wall = |low, high| Wall { low, high, is_capped, is_surely };
                let behind = behind_its_face(triangle);
                raster.cells_touched(&behind, |column, low, high| walls.push((column, wall(low, high))));
            }
        }
        let (hit_starts, mut hits) = by_column(side * side, &hits);
        let (wall_starts, walls) = by_column(side * side, &walls);
        let (mut starts, mut surfaces) = (vec![0], Vec::with_capacity(hits.len()));
        for column in 0..side * side {
            let hits = &mut hits[hit_starts[column] as usize..hit_starts[column + 1] as usize];
            let walls = &walls[wall_starts[column] as usize..wall_starts[column + 1] as usize];
            hits.sort_unstable_by(|a, b| a.y.total_cmp(&b.y));
            add_surfaces(hits, walls, settings, &mut surfaces);
            #[allow(clippy::cast_possible_truncation, reason = "one tile's surfaces")]
            starts.push(surfaces.len() as u32);
        }
        let mut columns = Self { side, margin, source, settings: *settings, starts, surfaces };
        for solid in &source.solids {
            columns.fill(solid, &raster);
        }
        columns
    }

    /// Index of the first surface of a column and its surfaces, from the lowest.
    pub(crate) fn surfaces(&self, column: usize) -> (usize, &[Surface]) {
        let range = self.starts[column] as usize..self.starts[column + 1] as usize;
        (range.start, &self.surfaces[range])
    }

    /// Surfaces of all columns.
    pub(crate) fn surface_count(&self) -> usize {
        self.surfaces.len()
    }

    /// Place of a column in the tile's frame, in metres.
    #[allow(clippy::cast_precision_loss, reason = "columns of one tile")]
    pub(crate) fn place(&self, column: usize) -> Vec2 {
        let (x, z) = (column % self.side, column / self.side);
        let at = |index: usize| (index as f32 + 0.5 - self.margin as f32) * self.settings.cell_m;
        Vec2::new(at(x), at(z))
    }

    /// Columns whose middles lie within a rectangle, as ranges along x and z.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "clamped")]
    pub(crate) fn within(&self, min: Vec2, max: Vec2) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let low =
            |value: f32| (value / self.settings.cell_m + self.margin as f32 - 0.5).ceil().clamp(0.0, self.side as f32);
        let high =
            |value: f32| (value / self.settings.cell_m + self.margin as f32 + 0.5).floor().clamp(0.0, self.side as f32);
        (low(min.x) as usize..high(max.x) as usize, low(min.y) as usize..high(max.y) as usize)
    }

    /// The eight columns around one, fewer on the rim.
    pub(crate) fn around(&self, column: usize) -> impl Iterator<Item = usize> + use<> {
        let (side, x, z) = (self.side, column % self.side, column / self.side);
        let near = move |at: usize| at.saturating_sub(1)..(at + 2).min(side);
        near(z).flat_map(move |z| near(x).map(move |x| z * side + x)).filter(move |&other| other != column)
    }

    /// True when a column lies on the rim of the margin.
    pub(crate) fn is_rim(&self, column: usize) -> bool {
        let (x, z) = (column % self.side, column / self.side);
        x == 0 || z == 0 || x + 1 == self.side || z + 1 == self.side
    }

    /// True when a column belongs to the tile itself.
    pub(crate) fn is_inner(&self, column: usize) -> bool {
        let inner = self.margin..self.side - self.margin;
        inner.contains(&(column % self.side)) && inner.contains(&(column / self.side))
    }

    /// True when an agent at height `y` beside a column gets over it although the column meets no ground: its cell
    /// reaches onto ground a step away, nothing there is in a body's way, and its middle lies in no solid. So
    /// it is with slits narrower than a cell, which no raster sees.
    pub(crate) fn is_bridged(&self, column: usize, y: f32, step_m: f32) -> bool {
        let NavSettings { height_m, climb_m, slope_deg, cell_height_m: voxel_m, cell_m, .. } = self.settings;
        let generous = (slope_deg + SLOPE_TOLERANCE_DEG).to_radians().cos();
        let raster = Raster { side: self.side, margin: self.margin, cell_m };
        let mut touched = Vec::new();
        for triangle in &self.source.triangles {
            if let Some((low, high)) = raster.extent_within(triangle, column) {
                touched.push((low, high, normal(triangle).y >= generous));
            }
        }
        let place = self.place(column);
        touched.iter().filter(|(_, _, is_ground)| *is_ground).any(|&(low, high, _)| {
            let level = y.clamp(low, high);
            let way = level + climb_m + voxel_m..level + height_m - 2.0 * voxel_m;
            let feet = Vec3::new(place.x, level + LIFT_M, place.y);
            (level - y).abs() <= step_m
                && !touched.iter().any(|&(low, high, _)| high > way.start && low < way.end)
                && !self.source.solids.iter().any(|solid| solid.contains(feet))
        })
    }

    /// Nobody stands inside a closed box.
    fn fill(&mut self, solid: &Solid, raster: &Raster) {
        let (min, max) = solid.bounds();
        let (xs, zs) = self.within(Vec2::new(min.x, min.z), Vec2::new(max.x, max.z));
        for z in zs {
            for column in xs.clone().map(|x| z * raster.side + x) {
                let place = self.place(column);
                let range = self.starts[column] as usize..self.starts[column + 1] as usize;
                for surface in &mut self.surfaces[range] {
                    if solid.contains(Vec3::new(place.x, surface.y + LIFT_M, place.y)) {
                        (surface.perhaps, surface.surely) = (false, false);
                    }
                }
            }
        }
    }
}

fn add_surfaces(hits: &[Hit], walls: &[Wall], settings: &NavSettings, into: &mut Vec<Surface>) {
    let NavSettings { height_m, climb_m, slope_deg, cell_height_m: voxel_m, .. } = *settings;
    let generous = (slope_deg + SLOPE_TOLERANCE_DEG).to_radians().cos();
    let strict = (slope_deg - SLOPE_TOLERANCE_DEG).max(0.0).to_radians().cos();
    for (index, hit) in hits.iter().enumerate() {
        if hit.up <= 0.0 {
            continue;
        }
        let above = hits[index + 1..].iter().find(|other| other.y > hit.y + SAME_M);
        let twin = hits[index + 1..].iter().any(|other| other.up > 0.0 && other.y <= hit.y + SAME_M);
        if twin {
            continue;
        }
        let free_m = above.map_or(f32::INFINITY, |other| other.y - hit.y);
        let reaches = |wall: &Wall, low: f32, high: f32| wall.high > hit.y + low && wall.low < hit.y + high;
        let in_the_way = |low: f32, high: f32| walls.iter().any(|wall| wall.is_surely && reaches(wall, low, high));
        // What sticks out of the ground, however little, and has nothing to step on.
        let spike = walls.iter().any(|wall| !wall.is_capped && reaches(wall, SAME_M, height_m));
        let perhaps = hit.up >= generous
            && free_m >= height_m - 2.0 * voxel_m
            && !in_the_way(climb_m + voxel_m, height_m - 2.0 * voxel_m);
        let surely = hit.up >= strict
            && free_m >= height_m + 2.0 * voxel_m
            && !spike
            && !in_the_way((climb_m - voxel_m).max(SAME_M), height_m + 2.0 * voxel_m);
        into.push(Surface { y: hit.y, perhaps, surely });
    }
}

fn normal([a, b, c]: &[Vec3; 3]) -> Vec3 {
    (*b - *a).cross(*c - *a).normalize_or_zero()
}

/// Corners of everything that can be stood on.
fn treads(source: &TileSource, gentle: f32) -> BTreeSet<[u32; 3]> {
    let standable = source.triangles.iter().filter(|triangle| normal(triangle).y >= gentle);
    standable.flatten().map(|&at| bits(at)).collect()
}

fn bits(at: Vec3) -> [u32; 3] {
    at.to_array().map(f32::to_bits)
}

fn top_m(triangle: &[Vec3; 3]) -> f32 {
    triangle.iter().fold(f32::NEG_INFINITY, |top, at| top.max(at.y))
}

/// A triangle a hair behind where its face is: one on the side of two cells stands in the cell behind it.
fn behind_its_face(triangle: &[Vec3; 3]) -> [Vec3; 3] {
    let face = normal(triangle);
    let behind = Vec3::new(-face.x, 0.0, -face.z).normalize_or_zero() * SAME_M;
    triangle.map(|at| at + behind)
}

/// Least width of a triangle seen from above, in metres.
fn width_m(triangle: &[Vec3; 3]) -> f32 {
    let [a, b, c] = triangle.map(|at| Vec2::new(at.x, at.z));
    let longest = a.distance(b).max(b.distance(c)).max(c.distance(a));
    (b - a).perp_dot(c - a).abs() / longest.max(SAME_M)
}

/// Sorts entries by column, keeping their order within each.
#[allow(clippy::cast_possible_truncation, reason = "one tile's entries")]
fn by_column<T: Copy>(columns: usize, entries: &[(usize, T)]) -> (Vec<u32>, Vec<T>) {
    let mut starts = vec![0u32; columns + 1];
    for (column, _) in entries {
        starts[column + 1] += 1;
    }
    for column in 0..columns {
        starts[column + 1] += starts[column];
    }
    let mut next = starts.clone();
    let mut order = vec![0usize; entries.len()];
    for (index, (column, _)) in entries.iter().enumerate() {
        order[next[*column] as usize] = index;
        next[*column] += 1;
    }
    (starts, order.into_iter().map(|index| entries[index].1).collect())
}
