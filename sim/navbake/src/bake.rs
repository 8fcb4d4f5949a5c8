//! A whole navmesh: every tile on its own, shared out among threads, put together in the order of the tiles.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use sim::space::navmesh::{NavArchive, NavSettings};
use sim::space::triangles::TriangleSoup;

use crate::islands;
use crate::repair::{Sound, bake_tile};
use crate::source::{TileSource, sources};
use crate::{BakeError, BakeOptions, BakeReport, Baked};

/// Bakes the navmesh of a soup.
///
/// # Errors
/// When the settings or the geometry cannot be used, or a tile fails the gate after every repair.
pub fn bake(soup: &TriangleSoup, settings: &NavSettings, options: &BakeOptions) -> Result<Baked, BakeError> {
    let start = Instant::now();
    let sources = sources(soup, settings)?;
    let wanted: Vec<&TileSource> = sources.iter().collect();
    let tiles = bake_tiles(&wanted, settings, options.threads)?;
    let mut report = BakeReport::default();
    let mut archive = NavArchive { settings: *settings, door_count: door_count(soup), tiles: Vec::new() };
    for tile in tiles {
        report.count(&tile);
        archive.tiles.extend((!tile.mesh.polygons.is_empty()).then_some(tile.mesh));
    }
    if !options.seeds.is_empty() {
        report.dropped_islands = islands::drop_without(&mut archive, &options.seeds)?;
    }
    report.elapsed = start.elapsed();
    Ok(Baked { archive, report })
}

/// Bakes tiles in parallel; the answers stand in the order of the sources. Of several errors the first counts.
pub(crate) fn bake_tiles(
    sources: &[&TileSource],
    settings: &NavSettings,
    threads: usize,
) -> Result<Vec<Sound>, BakeError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(sources.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, sources.len().max(1)) {
            scope.spawn(|| {
                while let Some((index, source)) = take(&next, sources) {
                    let tile = bake_tile(source, settings);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, tile));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, tile)| tile).collect()
}

/// Doors that a navmesh can tell apart.
#[allow(clippy::cast_possible_truncation, reason = "limited right here")]
pub(crate) fn door_count(soup: &TriangleSoup) -> u16 {
    soup.doors.len().min(usize::from(u16::MAX - 1)) as u16
}

impl BakeReport {
    pub(crate) fn count(&mut self, tile: &Sound) {
        self.tiles += usize::from(!tile.mesh.polygons.is_empty());
        self.polygons += tile.mesh.polygons.len();
        self.repaired_tiles += usize::from(tile.repairs > 0);
        self.repairs += tile.repairs;
    }
}

fn take<'a>(next: &AtomicUsize, sources: &[&'a TileSource]) -> Option<(usize, &'a TileSource)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    sources.get(index).map(|&source| (index, source))
}
