//! Bakes one tile until it passes the gate. The first attempt takes the tile almost as it is; one that fails has its ground
//! cut along lines through the faulty places, so that no region can enclose what stands there, then ever finer; the
//! last attempt leaves regions of a few cells, which cannot go wrong. Same source, same attempts, same tile.

use glam::{Vec2, Vec3};
use sim::space::navmesh::{NavSettings, TileMesh};

use crate::BakeError;
use crate::clip::Cuts;
use crate::contours::{Tracing, trace};
use crate::doors::Piece;
use crate::finish;
use crate::gate::{Columns, examine_tile};
use crate::merge::merge;
use crate::source::{TileSource, radius_cells};
use crate::surface::Ground;

/// The ground is always cut this often, in cells: a polygon has heights at its corners only, so on hills it must not be
/// large. On level ground the parts are merged again.
const RELIEF_CELLS: u32 = 32;
/// How the ground of a tile is cut in each attempt.
const ATTEMPTS: [Attempt; 7] = [
    Attempt { through_x: false, through_z: false, every_cells: RELIEF_CELLS, finer: 1.0 },
    Attempt { through_x: true, through_z: false, every_cells: RELIEF_CELLS, finer: 1.0 },
    Attempt { through_x: true, through_z: true, every_cells: RELIEF_CELLS, finer: 1.0 },
    Attempt { through_x: true, through_z: true, every_cells: RELIEF_CELLS, finer: 0.5 },
    Attempt { through_x: true, through_z: true, every_cells: 16, finer: 0.5 },
    Attempt { through_x: true, through_z: true, every_cells: 8, finer: 0.3 },
    Attempt { through_x: true, through_z: true, every_cells: 4, finer: 0.1 },
];
/// How far contours may stray from the voxels' outline, in cells; less than the gate forgives at a corner.
const SIMPLIFICATION_CELLS: f32 = 0.8;
/// The same where the agent has no radius to spare.
const SIMPLIFICATION_THIN_CELLS: f32 = 0.45;
/// Lines nearer than this to another are one, in cells.
const LINES_APART_CELLS: i32 = 2;

struct Attempt {
    through_x: bool,
    through_z: bool,
    every_cells: u32,
    finer: f32,
}

/// A tile that has passed the gate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sound {
    /// The tile; without polygons where nobody can walk.
    pub(crate) mesh: TileMesh,
    /// Attempts beyond the first.
    pub(crate) repairs: usize,
}

/// Bakes a tile and repairs it as often as it takes.
pub(crate) fn bake_tile(source: &TileSource, settings: &NavSettings) -> Result<Sound, BakeError> {
    let columns = Columns::new(source, settings);
    let ground = Ground::new(source, settings);
    // Faulty places of all attempts so far, in cells of the tile, each the middle of a cluster.
    let mut faults: Vec<Vec2> = Vec::new();
    let mut spots = Vec::new();
    for (repairs, attempt) in ATTEMPTS.iter().enumerate() {
        let tracing = attempt.tracing(&faults, settings);
        match try_once(source, settings, &tracing, &ground, &columns) {
            Ok(pieces) => return Ok(Sound { mesh: finish::tile(pieces, &ground, source, settings), repairs }),
            Err(found) => {
                faults.extend(clusters(&found, settings));
                spots = found;
            }
        }
    }
    let spots = spots.into_iter().map(|at| source.to_world(settings, at)).collect();
    Err(BakeError::Tile { x: source.x, z: source.z, attempts: ATTEMPTS.len(), spots })
}

/// One attempt: the polygons, or where they are at fault.
fn try_once(
    source: &TileSource,
    settings: &NavSettings,
    tracing: &Tracing,
    ground: &Ground,
    columns: &Columns,
) -> Result<Vec<Piece>, Vec<Vec3>> {
    let Some(triangles) = trace(source, settings, tracing) else {
        #[allow(clippy::cast_precision_loss, reason = "cells of one tile")]
        let half_m = settings.tile_cells as f32 * settings.cell_m / 2.0;
        return Err(vec![Vec3::new(half_m, 0.0, half_m)]);
    };
    let merged = merge(&triangles, settings.climb_m);
    let pieces = finish::pieces(&merged.polygons, ground, source, settings);
    let polygons: Vec<Vec<Vec3>> = pieces.iter().map(|piece| piece.corners.clone()).collect();
    let (mut faults, missing) = examine_tile(columns, settings, &polygons);
    faults.extend(missing);
    faults.extend(merged.defects.iter().map(|&(at, y)| Vec3::new(at.x * settings.cell_m, y, at.y * settings.cell_m)));
    if faults.is_empty() { Ok(pieces) } else { Err(faults) }
}

impl Attempt {
    fn tracing(&self, faults: &[Vec2], settings: &NavSettings) -> Tracing {
        let side = settings.tile_cells;
        let lines = |through: bool, of: fn(&Vec2) -> f32| {
            #[allow(clippy::cast_possible_truncation, reason = "cells of one tile")]
            let mut lines: Vec<i32> = faults.iter().filter(|_| through).map(|fault| of(fault).round() as i32).collect();
            #[allow(clippy::cast_possible_wrap, reason = "cells of one tile")]
            let (every, side) = (self.every_cells as i32, side as i32);
            lines.extend((1..side.div_euclid(every)).map(|line| line * every));
            lines.retain(|line| (1..side).contains(line));
            lines.sort_unstable();
            lines.dedup_by(|next, last| *next - *last < LINES_APART_CELLS);
            lines
        };
        let cuts = Cuts { x: lines(self.through_x, |fault| fault.x), z: lines(self.through_z, |fault| fault.y) };
        let coarse = if radius_cells(settings) == 0 { SIMPLIFICATION_THIN_CELLS } else { SIMPLIFICATION_CELLS };
        Tracing { cuts, simplification_cells: coarse * self.finer }
    }
}

/// Middles of groups of neighbouring places, in cells.
fn clusters(spots: &[Vec3], settings: &NavSettings) -> Vec<Vec2> {
    let cells: Vec<Vec2> = spots.iter().map(|at| Vec2::new(at.x, at.z) / settings.cell_m).collect();
    let mut seen = vec![false; cells.len()];
    let mut middles = Vec::new();
    for start in 0..cells.len() {
        let (mut stack, mut sum, mut count) = (vec![start], Vec2::ZERO, 0.0_f32);
        while let Some(index) = stack.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            sum += cells[index];
            count += 1.0;
            let near = |&other: &usize| !seen[other] && cells[other].distance_squared(cells[index]) < 2.5;
            stack.extend((0..cells.len()).filter(near));
        }
        if count > 0.0 {
            middles.push(sum / count);
        }
    }
    middles
}
