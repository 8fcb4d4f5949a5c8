//! Baking again only what has changed: a tile whose triangles, solids and doors are the same, margin included, is
//! taken over as it is.
//!
//! With seeds there is more to it: what was dropped for want of a seed may have become reachable. So the neighbours
//! of a changed tile are baked too, and from there on every tile into which a part runs that the old mesh lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use sim::space::navmesh::{NavArchive, NavSettings, TileMesh};
use sim::space::triangles::TriangleSoup;

use crate::bake::{bake_tiles, door_count};
use crate::islands;
use crate::source::{TileSource, sources};
use crate::{BakeError, BakeOptions, BakeReport, Rebaked};

/// Coordinates of a tile as (z, x).
type Place = (i32, i32);

/// Bakes the tiles whose surroundings differ between two states of a scene; `old` is the navmesh of the first, baked
/// with the same seeds. The result is what a full bake of the second gives, byte for byte.
///
/// # Errors
/// As [`bake`](crate::bake).
pub fn rebake(
    old: &NavArchive,
    before: &TriangleSoup,
    after: &TriangleSoup,
    options: &BakeOptions,
) -> Result<Rebaked, BakeError> {
    let start = Instant::now();
    let settings = old.settings;
    let by_place = |list: Vec<TileSource>| -> BTreeMap<Place, TileSource> {
        list.into_iter().map(|source| ((source.z, source.x), source)).collect()
    };
    let (known, current) = (by_place(sources(before, &settings)?), by_place(sources(after, &settings)?));
    let old_tiles: BTreeMap<Place, &TileMesh> = old.tiles.iter().map(|tile| ((tile.z, tile.x), tile)).collect();
    let mut baking =
        Baking { settings, options, current: &current, baked: BTreeMap::new(), report: BakeReport::default() };
    let changed: BTreeSet<Place> =
        known.keys().chain(current.keys()).filter(|place| known.get(place) != current.get(place)).copied().collect();
    baking.bake(&changed)?;
    if !options.seeds.is_empty() {
        let mut reached: BTreeSet<Place> = changed.iter().flat_map(|&place| beside(place)).collect();
        while baking.bake(&reached)? {
            reached = baking.runs_into(&reached, &old_tiles);
        }
    }
    let mut report = baking.report;
    let mut archive = NavArchive { settings, door_count: door_count(after), tiles: Vec::new() };
    for place in current.keys() {
        let tile = baking.baked.remove(place).or_else(|| old_tiles.get(place).map(|tile| (*tile).clone()));
        archive.tiles.extend(tile.filter(|tile| !tile.polygons.is_empty()));
    }
    if !options.seeds.is_empty() {
        report.dropped_islands = islands::drop_without(&mut archive, &options.seeds)?;
    }
    report.elapsed = start.elapsed();
    let changed_tiles = differing(&old_tiles, &archive);
    Ok(Rebaked { archive, changed_tiles, report })
}

/// The tiles that are baked so far, as they are before anything is dropped.
struct Baking<'a> {
    settings: NavSettings,
    options: &'a BakeOptions,
    current: &'a BTreeMap<Place, TileSource>,
    baked: BTreeMap<Place, TileMesh>,
    report: BakeReport,
}

impl Baking<'_> {
    /// Bakes those that exist and are not baked yet; true when there were any.
    fn bake(&mut self, places: &BTreeSet<Place>) -> Result<bool, BakeError> {
        let missing = places.iter().filter(|place| !self.baked.contains_key(place));
        let wanted: Vec<&TileSource> = missing.filter_map(|place| self.current.get(place)).collect();
        for tile in bake_tiles(&wanted, &self.settings, self.options.threads)? {
            self.report.count(&tile);
            self.baked.insert((tile.mesh.z, tile.mesh.x), tile.mesh);
        }
        Ok(!wanted.is_empty())
    }

    /// The neighbours into which polygons run that the old tiles lack.
    fn runs_into(&self, places: &BTreeSet<Place>, old: &BTreeMap<Place, &TileMesh>) -> BTreeSet<Place> {
        let mut found = BTreeSet::new();
        for place in places {
            let Some(tile) = self.baked.get(place) else { continue };
            let known: BTreeSet<Vec<[u32; 3]>> = old
                .get(place)
                .map_or_else(BTreeSet::new, |tile| (0..tile.polygons.len()).map(|p| shape(tile, p)).collect());
            let new = tile.borders.iter().filter(|border| !known.contains(&shape(tile, border.polygon as usize)));
            found.extend(new.map(|border| beside(*place)[usize::from(border.side & 3)]));
        }
        found
    }
}

/// Neighbours in the order of sides: least x, greatest z, greatest x, least z.
fn beside((z, x): Place) -> [Place; 4] {
    [(z, x.saturating_sub(1)), (z.saturating_add(1), x), (z, x.saturating_add(1)), (z.saturating_sub(1), x)]
}

/// The corners of a polygon, bit by bit.
fn shape(tile: &TileMesh, polygon: usize) -> Vec<[u32; 3]> {
    let polygon = tile.polygons[polygon];
    let range = polygon.first_index as usize..polygon.first_index as usize + usize::from(polygon.corner_count);
    tile.indices[range].iter().map(|&corner| tile.vertices[corner as usize].map(f32::to_bits)).collect()
}

/// Tiles (x, z) that differ, came or went.
fn differing(old: &BTreeMap<Place, &TileMesh>, archive: &NavArchive) -> Vec<(i32, i32)> {
    let new: BTreeMap<Place, &TileMesh> = archive.tiles.iter().map(|tile| ((tile.z, tile.x), tile)).collect();
    let places: BTreeSet<Place> = old.keys().chain(new.keys()).copied().collect();
    places.into_iter().filter(|place| old.get(place) != new.get(place)).map(|(z, x)| (x, z)).collect()
}
