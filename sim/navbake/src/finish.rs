//! From convex polygons on the raster to the tile that is stored: true heights at the corners, nothing inside solids,
//! doors cut out, and the ground's heights along the tile's sides.

use std::collections::BTreeMap;

use glam::{Vec2, Vec3};
use sim::space::navmesh::archive::{BorderEdge, TilePolygon};
use sim::space::navmesh::{NavSettings, TileMesh};
use sim::space::triangles::Solid;

use crate::contours::Corner;
use crate::doors::{self, Piece};
use crate::source::TileSource;
use crate::surface::Ground;

/// Distance between heights along a border edge, in metres.
const SAMPLE_M: f32 = 0.5;
/// Most heights of a border edge.
const SAMPLES_MAX: f32 = 1_024.0;

/// Polygons of a tile in its own frame, with true heights, without those in solids, cut at doors.
pub(crate) fn pieces(
    polygons: &[Vec<Corner>],
    ground: &Ground,
    source: &TileSource,
    settings: &NavSettings,
) -> Vec<Piece> {
    let placed = polygons.iter().map(|polygon| {
        let corners = polygon.iter().map(|corner| place(corner, ground, settings)).collect();
        Piece { corners, area: 0 }
    });
    let outside = placed.filter(|piece: &Piece| !is_inside(piece, &source.solids, settings)).collect();
    doors::cut(outside, &source.doors, settings)
}

/// The tile as it is stored; pieces are taken in the order of their first corner.
pub(crate) fn tile(mut pieces: Vec<Piece>, ground: &Ground, source: &TileSource, settings: &NavSettings) -> TileMesh {
    let key = |piece: &Piece| piece.corners.iter().map(|at| [at.z, at.x, at.y].map(ordered)).collect::<Vec<_>>();
    pieces.sort_by_cached_key(key);
    let mut mesh = TileMesh { x: source.x, z: source.z, ..TileMesh::default() };
    let mut numbers: BTreeMap<[u32; 3], u32> = BTreeMap::new();
    for (index, piece) in (0u32..).zip(&pieces) {
        #[allow(clippy::cast_possible_truncation, reason = "a tile's corners; polygons have at most some twenty")]
        let (first_index, corner_count) = (mesh.indices.len() as u32, piece.corners.len() as u8);
        mesh.polygons.push(TilePolygon { first_index, corner_count, area: piece.area });
        for &corner in &piece.corners {
            #[allow(clippy::cast_possible_truncation, reason = "as above")]
            let number = *numbers.entry(corner.to_array().map(f32::to_bits)).or_insert_with(|| {
                mesh.vertices.push(source.to_world(settings, corner).to_array());
                mesh.vertices.len() as u32 - 1
            });
            mesh.indices.push(number);
        }
        mesh.borders.extend(borders(piece, index, ground, settings));
    }
    mesh
}

/// Bits of a number in an order that follows its value.
fn ordered(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

#[allow(clippy::cast_precision_loss, reason = "cells of one tile")]
fn place(corner: &Corner, ground: &Ground, settings: &NavSettings) -> Vec3 {
    let at = corner.at.as_vec2() * settings.cell_m;
    // A contour's corner takes the highest of four voxels, each at most a step above the next. What is farther down
    // lies below a ledge over which the corner hangs.
    let within_m = settings.climb_m.max(2.0 * slope_m(settings)) + settings.cell_height_m;
    let y = ground.nearest(at, corner.y, within_m).unwrap_or(corner.y);
    Vec3::new(at.x, y, at.y)
}

/// How much the steepest ground rises over a cell, in metres.
fn slope_m(settings: &NavSettings) -> f32 {
    settings.cell_m * settings.slope_deg.min(60.0).to_radians().tan()
}

fn is_inside(piece: &Piece, solids: &[Solid], settings: &NavSettings) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "a handful of corners")]
    let middle = piece.corners.iter().sum::<Vec3>() / piece.corners.len() as f32;
    // At the agent's waist: a box with a floor inside reaches over its head, and the roofs of two boxes, one
    // a little higher, are one polygon that begins within the higher.
    let waist = middle + Vec3::Y * (settings.height_m / 2.0);
    solids.iter().any(|solid| solid.contains(waist))
}

fn borders(piece: &Piece, polygon: u32, ground: &Ground, settings: &NavSettings) -> Vec<BorderEdge> {
    #[allow(clippy::cast_precision_loss, reason = "cells of one tile")]
    let side_m = settings.tile_cells as f32 * settings.cell_m;
    let mut found = Vec::new();
    for (edge, &a) in (0u8..).zip(&piece.corners) {
        let b = piece.corners[(usize::from(edge) + 1) % piece.corners.len()];
        let sides = [(a.x, b.x, 0.0), (a.z, b.z, side_m), (a.x, b.x, side_m), (a.z, b.z, 0.0)];
        #[allow(clippy::float_cmp, reason = "corners on a side lie on the raster exactly")]
        let side = (0u8..).zip(sides).find(|&(_, (from, to, at))| from == at && to == at);
        if let Some((side, _)) = side {
            found.push(BorderEdge { polygon, edge, side, heights_m: heights_along(a, b, ground, settings) });
        }
    }
    found
}

/// Follows the ground from one corner to the next.
fn heights_along(a: Vec3, b: Vec3, ground: &Ground, settings: &NavSettings) -> Vec<f32> {
    let (from, to) = (Vec2::new(a.x, a.z), Vec2::new(b.x, b.z));
    let steps = (from.distance(to) / SAMPLE_M).ceil().clamp(1.0, SAMPLES_MAX);
    let within_m = settings.climb_m + slope_m(settings) / settings.cell_m * SAMPLE_M;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let count = steps as u16;
    let mut last_m = a.y;
    let mut heights_m = vec![a.y];
    for step in 1..count {
        let part = f32::from(step) / steps;
        // Where there is no ground (over a ledge, at radius 0) the straight line stands in.
        let found = ground.nearest(from.lerp(to, part), last_m, within_m);
        last_m = found.unwrap_or(a.y + (b.y - a.y) * part);
        heights_m.push(last_m);
    }
    heights_m.push(b.y);
    heights_m
}
