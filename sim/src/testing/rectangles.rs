//! Navmeshes made of rectangles, without a baker: for tests and benches, here and outside.
//! Rectangles are cut at the sides of tiles; what links them is left to the mesh.

use std::collections::BTreeMap;

use glam::{Vec2, Vec3};

use crate::space::navmesh::Navmesh;
use crate::space::navmesh::archive::{BorderEdge, NavArchive, NavSettings, TileMesh, TilePolygon};

/// A rectangle of ground, its sides along x and z.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundRectangle {
    /// Least corner (x, z) in metres.
    pub min: Vec2,
    /// Greatest corner (x, z) in metres.
    pub max: Vec2,
    /// Heights in metres at (min x, min z), (min x, max z), (max x, max z), (max x, min z).
    pub heights_m: [f32; 4],
    /// 0, or 1 + the index of a door.
    pub area: u16,
}

impl GroundRectangle {
    /// A level rectangle of open ground.
    #[must_use]
    pub fn level(min: Vec2, max: Vec2, height_m: f32) -> Self {
        Self { min, max, heights_m: [height_m; 4], area: 0 }
    }

    pub(super) fn height_m(&self, place: Vec2) -> f32 {
        let part = (place - self.min) / (self.max - self.min);
        let [a, b, c, d] = self.heights_m;
        let (low, high) = (a + (b - a) * part.y, d + (c - d) * part.y);
        low + (high - low) * part.x
    }
}

/// The archive of some rectangles; they may lie above each other, not in each other.
#[must_use]
pub fn archive_of_rectangles(rectangles: &[GroundRectangle], settings: NavSettings, door_count: u16) -> NavArchive {
    let tile_m = settings.tile_m();
    let mut tiles: BTreeMap<(i32, i32), TileMesh> = BTreeMap::new();
    for rectangle in rectangles {
        let first = (rectangle.min / tile_m).floor().as_ivec2();
        let last = (rectangle.max / tile_m).ceil().as_ivec2();
        for z in first.y..last.y {
            for x in first.x..last.x {
                let tile = tiles.entry((z, x)).or_insert_with(|| TileMesh { x, z, ..TileMesh::default() });
                let origin = Vec2::new(x as f32, z as f32) * tile_m;
                let (min, max) = (rectangle.min.max(origin), rectangle.max.min(origin + tile_m));
                add(tile, rectangle, (min, max), (origin, tile_m));
            }
        }
    }
    NavArchive { settings, door_count, tiles: tiles.into_values().collect() }
}

fn add(tile: &mut TileMesh, rectangle: &GroundRectangle, (min, max): (Vec2, Vec2), (origin, tile_m): (Vec2, f32)) {
    let corners = [min, Vec2::new(min.x, max.y), max, Vec2::new(max.x, min.y)];
    let (first, polygon) = (tile.vertices.len() as u32, tile.polygons.len() as u32);
    let corners = corners.map(|place| Vec3::new(place.x, rectangle.height_m(place), place.y));
    tile.vertices.extend(corners.map(|corner| corner.to_array()));
    tile.polygons.push(TilePolygon { first_index: first, corner_count: 4, area: rectangle.area });
    tile.indices.extend(first..first + 4);
    let end = origin + tile_m;
    let on_side = [min.x <= origin.x, max.y >= end.y, max.x >= end.x, min.y <= origin.y];
    for side in (0..4_u8).filter(|&side| on_side[usize::from(side)]) {
        let (a, b) = (corners[usize::from(side)], corners[(usize::from(side) + 1) % 4]);
        tile.borders.push(BorderEdge { polygon, edge: side, side, heights_m: vec![a.y, b.y] });
    }
}

/// Rectangles over the free cells of a grid: `cell(column, row)` answers area and height of a cell, `None` for a wall.
/// Cells of one area and height are merged into as few rectangles as a greedy sweep finds.
pub fn rectangles_of_cells(
    (columns, rows): (usize, usize),
    origin: Vec2,
    cell_m: f32,
    cell: impl Fn(usize, usize) -> Option<(u16, f32)>,
) -> Vec<GroundRectangle> {
    let mut taken = vec![false; columns * rows];
    let mut rectangles = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let Some((area, height_m)) = cell(column, row).filter(|_| !taken[row * columns + column]) else { continue };
            let fits = |c: usize, r: usize| !taken[r * columns + c] && cell(c, r) == Some((area, height_m));
            let end = (column..columns).find(|&c| !fits(c, row)).unwrap_or(columns);
            let below = (row..rows).find(|&r| !(column..end).all(|c| fits(c, r))).unwrap_or(rows);
            for r in row..below {
                taken[r * columns + column..r * columns + end].fill(true);
            }
            let place = |c: usize, r: usize| origin + Vec2::new(c as f32, r as f32) * cell_m;
            let (min, max) = (place(column, row), place(end, below));
            rectangles.push(GroundRectangle { min, max, heights_m: [height_m; 4], area });
        }
    }
    rectangles
}

/// A mesh drawn in characters, each a square metre, the first at the origin, x to the right and z downwards: `.` is
/// ground, a digit ground at that height in metres, a letter a door (`A` is door 0), anything else a wall.
///
/// # Panics
/// When the rows differ in length.
#[must_use]
pub fn mesh_of_plan(rows: &[&str]) -> Navmesh {
    let columns = rows.first().map_or(0, |row| row.len());
    assert!(rows.iter().all(|row| row.len() == columns), "the rows differ in length");
    let symbol = |column: usize, row: usize| rows[row].as_bytes()[column];
    let cell = |column: usize, row: usize| match symbol(column, row) {
        b'.' => Some((0, 0.0)),
        digit @ b'0'..=b'9' => Some((0, f32::from(digit - b'0'))),
        letter @ b'A'..=b'Z' => Some((u16::from(letter - b'A') + 1, 0.0)),
        _ => None,
    };
    let rectangles = rectangles_of_cells((columns, rows.len()), Vec2::ZERO, 1.0, cell);
    let doors = rectangles.iter().map(|rectangle| rectangle.area).max().unwrap_or(0);
    let archive = archive_of_rectangles(&rectangles, NavSettings::default(), doors);
    Navmesh::assemble(&archive).unwrap_or_else(|error| panic!("{error}"))
}
