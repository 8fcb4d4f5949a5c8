//! Drops what nobody can get to: connected parts of a mesh that hold no seed, such as roofs.
//! Works on the finished tiles, so the same tiles and seeds give the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use glam::Vec3;
use sim::space::navmesh::archive::{BorderEdge, TilePolygon};
use sim::space::navmesh::{NavArchive, Navmesh, PolygonId, TileMesh};

use crate::BakeError;

/// How far from the mesh a seed may be, in metres in x and z, and in y.
const SEED_REACH_M: Vec3 = Vec3::new(2.0, 3.0, 2.0);

/// Keeps the parts in which a seed lies, and answers how many others there were. Seeds beside the mesh do not count;
/// without any that does, everything is kept.
pub(crate) fn drop_without(archive: &mut NavArchive, seeds: &[Vec3]) -> Result<usize, BakeError> {
    let mesh = Navmesh::assemble(archive)?;
    let at = seeds.iter().filter_map(|&seed| mesh.nearest(seed, SEED_REACH_M));
    let kept: BTreeSet<u32> = at.map(|point| mesh.component(point.polygon)).collect();
    if kept.is_empty() {
        return Ok(0);
    }
    let mut dropped = BTreeSet::new();
    let mut id = 0;
    for tile in &mut archive.tiles {
        let mut keep = Vec::with_capacity(tile.polygons.len());
        for _ in 0..tile.polygons.len() {
            let component = mesh.component(PolygonId(id));
            keep.push(kept.contains(&component));
            if !kept.contains(&component) {
                dropped.insert(component);
            }
            id += 1;
        }
        if keep.contains(&false) {
            *tile = only(tile, &keep);
        }
    }
    archive.tiles.retain(|tile| !tile.polygons.is_empty());
    Ok(dropped.len())
}

/// A tile of the polygons that are kept, numbered as if there had been no others.
fn only(tile: &TileMesh, keep: &[bool]) -> TileMesh {
    let mut less = TileMesh { x: tile.x, z: tile.z, ..TileMesh::default() };
    let mut corners: BTreeMap<u32, u32> = BTreeMap::new();
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for (number, polygon) in (0u32..).zip(&tile.polygons).filter(|(number, _)| keep[*number as usize]) {
        #[allow(clippy::cast_possible_truncation, reason = "fewer than before")]
        let (index, first_index) = (less.polygons.len() as u32, less.indices.len() as u32);
        numbers.insert(number, index);
        less.polygons.push(TilePolygon { first_index, ..*polygon });
        let range = polygon.first_index as usize..polygon.first_index as usize + usize::from(polygon.corner_count);
        for &corner in &tile.indices[range] {
            #[allow(clippy::cast_possible_truncation, reason = "as above")]
            let place = *corners.entry(corner).or_insert_with(|| {
                less.vertices.push(tile.vertices[corner as usize]);
                less.vertices.len() as u32 - 1
            });
            less.indices.push(place);
        }
    }
    let renumbered =
        |border: &BorderEdge| Some(BorderEdge { polygon: *numbers.get(&border.polygon)?, ..border.clone() });
    less.borders = tile.borders.iter().filter_map(renumbered).collect();
    less
}
