//! Exact heights of standable ground at any place of a tile, from the triangles themselves: contours come with
//! heights that are rounded up to voxels.

use glam::{Vec2, Vec3};
use sim::space::navmesh::NavSettings;

use crate::source::TileSource;

/// Side of a bucket of triangles, in metres.
const BUCKET_M: f32 = 1.0;
/// How far outside a triangle, as a part of it, a place still counts as on it.
const SEAM: f32 = 1e-4;

/// The upward triangles of a tile, by place.
pub(crate) struct Ground {
    origin: Vec2,
    columns: usize,
    rows: usize,
    starts: Vec<u32>,
    entries: Vec<u32>,
    triangles: Vec<[Vec3; 3]>,
}

impl Ground {
    /// Sorts the triangles that an agent can stand on into buckets.
    pub(crate) fn new(source: &TileSource, settings: &NavSettings) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "cells of one tile")]
        let side_m = settings.tile_cells as f32 * settings.cell_m;
        let steepest = (settings.slope_deg + 1.0).to_radians().cos();
        let triangles: Vec<[Vec3; 3]> = source
            .triangles
            .iter()
            .copied()
            .filter(|[a, b, c]| (*b - *a).cross(*c - *a).normalize_or_zero().y >= steepest)
            .collect();
        // One bucket more on every side, for corners that lie on the tile's sides.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tile has few metres")]
        let columns = (side_m / BUCKET_M).ceil() as usize + 2;
        let mut ground = Self {
            origin: Vec2::splat(-BUCKET_M),
            columns,
            rows: columns,
            starts: Vec::new(),
            entries: Vec::new(),
            triangles,
        };
        ground.fill();
        ground
    }

    /// The standable height nearest to `hint_m` at a place, if one is within `within_m` of it.
    pub(crate) fn nearest(&self, place: Vec2, hint_m: f32, within_m: f32) -> Option<f32> {
        let bucket = ((place - self.origin) / BUCKET_M).floor();
        #[allow(clippy::cast_precision_loss, reason = "few buckets")]
        let end = Vec2::new(self.columns as f32, self.rows as f32);
        if bucket.cmplt(Vec2::ZERO).any() || bucket.cmpge(end).any() {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the buckets")]
        let index = bucket.y as usize * self.columns + bucket.x as usize;
        let list = &self.entries[self.starts[index] as usize..self.starts[index + 1] as usize];
        let heights = list.iter().filter_map(|&triangle| height_at(&self.triangles[triangle as usize], place));
        let nearest = heights.min_by(|a, b| (a - hint_m).abs().total_cmp(&(b - hint_m).abs()))?;
        ((nearest - hint_m).abs() <= within_m).then_some(nearest)
    }

    #[allow(clippy::cast_possible_truncation, reason = "one tile's triangles")]
    fn fill(&mut self) {
        let mut counts = vec![0u32; self.columns * self.rows + 1];
        for triangle in &self.triangles {
            self.buckets(triangle).for_each(|bucket| counts[bucket + 1] += 1);
        }
        for bucket in 1..counts.len() {
            counts[bucket] += counts[bucket - 1];
        }
        let mut next = counts.clone();
        let mut entries = vec![0u32; counts.last().copied().unwrap_or(0) as usize];
        for (index, triangle) in self.triangles.iter().enumerate() {
            for bucket in self.buckets(triangle) {
                entries[next[bucket] as usize] = index as u32;
                next[bucket] += 1;
            }
        }
        (self.starts, self.entries) = (counts, entries);
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "clamped")]
    fn buckets(&self, triangle: &[Vec3; 3]) -> impl Iterator<Item = usize> + use<> {
        let (origin, columns, rows) = (self.origin, self.columns, self.rows);
        let [a, b, c] = *triangle;
        let range = |low: f32, high: f32, from: f32, count: usize| {
            let bucket = |value: f32| ((value - from) / BUCKET_M).floor().clamp(0.0, (count - 1) as f32) as usize;
            let outside = high < from - SEAM || low > from + count as f32 * BUCKET_M;
            if outside { 1..1 } else { bucket(low - 1e-3)..bucket(high + 1e-3) + 1 }
        };
        let (low, high) = (a.min(b).min(c), a.max(b).max(c));
        let xs = range(low.x, high.x, origin.x, columns);
        let zs = range(low.z, high.z, origin.y, rows);
        zs.flat_map(move |z| xs.clone().map(move |x| z * columns + x))
    }
}

/// Height of a triangle's plane at a place within it or on its rim.
fn height_at(triangle: &[Vec3; 3], place: Vec2) -> Option<f32> {
    let [a, b, c] = *triangle;
    let flat = |p: Vec3| Vec2::new(p.x, p.z);
    let (u, v, w) = (flat(b - a), flat(c - a), place - flat(a));
    let determinant = u.perp_dot(v);
    let (s, t) = (w.perp_dot(v) / determinant, u.perp_dot(w) / determinant);
    let within = s >= -SEAM && t >= -SEAM && s + t <= 1.0 + SEAM;
    within.then_some(a.y + s * (b.y - a.y) + t * (c.y - a.y))
}
