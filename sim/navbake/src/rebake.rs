//! Baking again only what has changed: a tile whose triangles, solids and doors are the same, margin included, is
//! taken over as it is.

use std::collections::BTreeMap;
use std::time::Instant;

use sim::space::navmesh::{NavArchive, TileMesh};
use sim::space::triangles::TriangleSoup;

use crate::bake::{bake, bake_tiles, door_count};
use crate::source::{TileSource, sources};
use crate::{BakeError, BakeOptions, BakeReport, Rebaked};

/// Bakes the tiles whose surroundings differ between two states of a scene; `old` is the navmesh of the first, baked
/// without seeds. The result is what a full bake of the second gives, byte for byte. With seeds everything is baked:
/// an island that was dropped may have become reachable.
///
/// # Errors
/// As [`bake`].
pub fn rebake(
    old: &NavArchive,
    before: &TriangleSoup,
    after: &TriangleSoup,
    options: &BakeOptions,
) -> Result<Rebaked, BakeError> {
    let settings = old.settings;
    if !options.seeds.is_empty() {
        let full = bake(after, &settings, options)?;
        let changed_tiles = differing(old, &full.archive);
        return Ok(Rebaked { archive: full.archive, changed_tiles, report: full.report });
    }
    let start = Instant::now();
    let known: BTreeMap<(i32, i32), TileSource> =
        sources(before, &settings)?.into_iter().map(|source| ((source.z, source.x), source)).collect();
    let current = sources(after, &settings)?;
    let (same, stale): (Vec<&TileSource>, Vec<&TileSource>) =
        current.iter().partition(|source| known.get(&(source.z, source.x)) == Some(source));
    let mut tiles = kept(old, &same);
    let mut report = BakeReport::default();
    for tile in bake_tiles(&stale, &settings, options.threads)? {
        report.count(&tile);
        if !tile.mesh.polygons.is_empty() {
            tiles.insert((tile.mesh.z, tile.mesh.x), tile.mesh);
        }
    }
    let archive = NavArchive { settings, door_count: door_count(after), tiles: tiles.into_values().collect() };
    report.elapsed = start.elapsed();
    let changed_tiles = differing(old, &archive);
    Ok(Rebaked { archive, changed_tiles, report })
}

fn kept(old: &NavArchive, same: &[&TileSource]) -> BTreeMap<(i32, i32), TileMesh> {
    let places: std::collections::BTreeSet<(i32, i32)> = same.iter().map(|source| (source.z, source.x)).collect();
    let unchanged = old.tiles.iter().filter(|tile| places.contains(&(tile.z, tile.x)));
    unchanged.map(|tile| ((tile.z, tile.x), tile.clone())).collect()
}

fn differing(old: &NavArchive, new: &NavArchive) -> Vec<(i32, i32)> {
    let by_place = |archive: &NavArchive| -> BTreeMap<(i32, i32), TileMesh> {
        archive.tiles.iter().map(|tile| ((tile.z, tile.x), tile.clone())).collect()
    };
    let (old, new) = (by_place(old), by_place(new));
    let mut places: Vec<(i32, i32)> = old.keys().chain(new.keys()).copied().collect();
    places.sort_unstable();
    places.dedup();
    places.retain(|place| old.get(place) != new.get(place));
    places.into_iter().map(|(z, x)| (x, z)).collect()
}
