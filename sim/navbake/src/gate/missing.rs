//! Ground that the mesh ought to cover and does not: standable by the strictest reading, well away from everything
//! blocked, and connected. Within a tile first, then over the sides of tiles.

use std::collections::BTreeMap;

use glam::{IVec2, Vec3};
use sim::space::navmesh::NavSettings;

use super::columns::Columns;
use super::cover::Cover;
use super::{MISSING_MAX_M2, MissingArea};
use crate::source::{TileSource, radius_cells};

/// Cells beyond the radius that a mesh may leave out beside something blocked.
const LEFT_OUT_CELLS: usize = 2;

/// An uncovered surface: its cell counted from the tile's corner, and its place in the tile's frame.
pub(crate) type Place = (IVec2, Vec3);

/// The surfaces of the tile's own columns that ought to be covered and are not.
pub(crate) fn uncovered(columns: &Columns, settings: &NavSettings, cover: &Cover) -> Vec<Place> {
    let depth = depths(columns, settings);
    let least = radius_cells(settings) + LEFT_OUT_CELLS;
    let mut found = Vec::new();
    for column in (0..columns.side * columns.side).filter(|&column| columns.is_inner(column)) {
        let (first, surfaces) = columns.surfaces(column);
        for (index, surface) in (first..).zip(surfaces) {
            if surface.surely && !cover.covered[index] && depth[index] >= least {
                let place = columns.place(column);
                #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "one tile's columns")]
                let cell = [column % columns.side, column / columns.side].map(|at| at as i32 - columns.margin as i32);
                found.push((IVec2::from(cell), Vec3::new(place.x, surface.y, place.y)));
            }
        }
    }
    found
}

/// A place on each connected area that is too large to be missing.
pub(crate) fn large(places: &[Place], settings: &NavSettings) -> Vec<Vec3> {
    areas(places, settings).into_iter().map(|area| area.at).collect()
}

/// Uncovered surfaces of all tiles.
#[derive(Default)]
pub(crate) struct Uncovered(Vec<Place>);

impl Uncovered {
    /// Adds a tile's.
    #[allow(clippy::cast_possible_wrap, reason = "a tile has at most some hundred cells a side")]
    pub(crate) fn add(&mut self, source: &TileSource, settings: &NavSettings, places: &[Place]) {
        let corner = IVec2::new(source.x, source.z) * settings.tile_cells as i32;
        self.0.extend(places.iter().map(|&(cell, at)| (corner + cell, source.to_world(settings, at))));
    }

    /// All areas that are too large to be missing.
    pub(crate) fn areas(&self, settings: &NavSettings) -> Vec<MissingArea> {
        areas(&self.0, settings)
    }
}

fn areas(places: &[Place], settings: &NavSettings) -> Vec<MissingArea> {
    let mut at_cell: BTreeMap<(i32, i32), Vec<usize>> = BTreeMap::new();
    for (index, (cell, _)) in places.iter().enumerate() {
        at_cell.entry((cell.y, cell.x)).or_default().push(index);
    }
    let mut seen = vec![false; places.len()];
    let mut found = Vec::new();
    for start in 0..places.len() {
        let (mut stack, mut members) = (vec![start], Vec::new());
        while let Some(index) = stack.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            members.push(index);
            let (cell, at) = places[index];
            let around = (-1..=1).flat_map(|z| (-1..=1).map(move |x| (cell.y + z, cell.x + x)));
            let near = around.filter_map(|cell| at_cell.get(&cell)).flatten();
            stack.extend(near.filter(|&&other| (places[other].1.y - at.y).abs() <= settings.climb_m));
        }
        #[allow(clippy::cast_precision_loss, reason = "a count of cells")]
        let area_m2 = members.len() as f32 * settings.cell_m * settings.cell_m;
        if area_m2 > MISSING_MAX_M2 {
            found.push(MissingArea { at: places[members[members.len() / 2]].1, area_m2 });
        }
    }
    found
}

/// Steps in columns from each surface to the nearest from which not all eight neighbours can be walked to.
fn depths(columns: &Columns, settings: &NavSettings) -> Vec<usize> {
    let mut depth = vec![usize::MAX; columns.surface_count()];
    let mut layer = Vec::new();
    for column in 0..columns.side * columns.side {
        let (first, surfaces) = columns.surfaces(column);
        for (index, surface) in (first..).zip(surfaces) {
            if surface.surely && (columns.is_rim(column) || !walkable_around(columns, settings, column, surface.y)) {
                depth[index] = 0;
                layer.push((column, index));
            }
        }
    }
    let deepest = radius_cells(settings) + LEFT_OUT_CELLS;
    for reached in 1..=deepest {
        let mut next = Vec::new();
        for (column, index) in layer {
            let (first, surfaces) = columns.surfaces(column);
            let y = surfaces[index - first].y;
            for other in columns.around(column) {
                if let Some(other_index) = neighbour(columns, settings, other, y).filter(|&at| depth[at] == usize::MAX)
                {
                    depth[other_index] = reached;
                    next.push((other, other_index));
                }
            }
        }
        layer = next;
    }
    depth
}

fn walkable_around(columns: &Columns, settings: &NavSettings, column: usize, y: f32) -> bool {
    columns.around(column).all(|other| neighbour(columns, settings, other, y).is_some())
}

/// The surface of a column that is surely one step away.
fn neighbour(columns: &Columns, settings: &NavSettings, column: usize, y: f32) -> Option<usize> {
    let (first, surfaces) = columns.surfaces(column);
    let step_m = settings.climb_m - settings.cell_height_m;
    let is_near = |surface: &super::columns::Surface| surface.surely && (surface.y - y).abs() <= step_m;
    surfaces.iter().position(is_near).map(|index| first + index)
}
