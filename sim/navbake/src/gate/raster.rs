//! Triangles on a raster of square cells: which columns run through them, and which cells they reach into.
//! Exact up to rounding; the voxeliser of the baker is not used.

use glam::{Vec2, Vec3};

use super::columns::SAME_M;

/// How far outside a triangle, in metres, a column still meets it: no column slips through a seam.
const SEAM_M: f32 = 1e-4;
/// What reaches less far into a cell only touches it, in metres; less than a face is moved behind itself.
const TOUCH_M: f32 = SAME_M / 2.0;

/// The cells of a tile with its margin.
pub(super) struct Raster {
    pub(super) side: usize,
    pub(super) margin: usize,
    pub(super) cell_m: f32,
}

impl Raster {
    /// A coordinate in cells from the margin's corner.
    #[allow(clippy::cast_precision_loss, reason = "a margin is a handful of cells")]
    fn cells(&self, value: f32) -> f32 {
        value / self.cell_m + self.margin as f32
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "clamped")]
    fn range(&self, low: f32, high: f32) -> std::ops::Range<usize> {
        let end = self.side as f32;
        low.clamp(0.0, end) as usize..(high + 1.0).clamp(0.0, end) as usize
    }

    /// Every column whose middle lies in a triangle, with the height there.
    #[allow(clippy::cast_precision_loss, reason = "columns of one tile")]
    pub(super) fn middles_within(&self, triangle: &[Vec3; 3], mut take: impl FnMut(usize, f32)) {
        let flat = triangle.map(|at| Vec2::new(self.cells(at.x), self.cells(at.z)));
        let [a, b, c] = flat;
        let twice = (b - a).perp_dot(c - a);
        if twice.abs() < 1e-9 {
            return;
        }
        let (min, max) = (a.min(b).min(c), a.max(b).max(c));
        // Edge functions, positive inside; a seam's width is measured along their gradients.
        let edge = |from: Vec2, to: Vec2, at: Vec2| (to - from).perp_dot(at - from) / twice;
        let slack = |from: Vec2, to: Vec2| -(to - from).length() / twice.abs() * SEAM_M / self.cell_m;
        let slacks = [slack(b, c), slack(c, a), slack(a, b)];
        for z in self.range(min.y - 0.5 - 1e-3, max.y - 0.5 + 1e-3) {
            for x in self.range(min.x - 0.5 - 1e-3, max.x - 0.5 + 1e-3) {
                let at = Vec2::new(x as f32 + 0.5, z as f32 + 0.5);
                let parts = [edge(b, c, at), edge(c, a, at), edge(a, b, at)];
                if parts.iter().zip(slacks).all(|(part, slack)| *part >= slack) {
                    let y = parts[0] * triangle[0].y + parts[1] * triangle[1].y + parts[2] * triangle[2].y;
                    take(z * self.side + x, y);
                }
            }
        }
    }

    /// The lowest and highest that a triangle is within one cell, if it reaches into it.
    #[allow(clippy::cast_precision_loss, reason = "columns of one tile")]
    pub(super) fn extent_within(&self, triangle: &[Vec3; 3], column: usize) -> Option<(f32, f32)> {
        let corners = triangle.map(|at| Vec3::new(self.cells(at.x), at.y, self.cells(at.z)));
        let row = slab(&corners, |at| at.z, cell_at(column / self.side));
        let part = slab(&row, |at| at.x, cell_at(column % self.side));
        let (low, high) = extent(&part, |at| at.y);
        (low <= high).then_some((low, high))
    }

    /// Every cell that a triangle reaches into, with the lowest and highest it is there.
    pub(super) fn cells_touched(&self, triangle: &[Vec3; 3], mut take: impl FnMut(usize, f32, f32)) {
        let corners = triangle.map(|at| Vec3::new(self.cells(at.x), at.y, self.cells(at.z)));
        let (low, high) = extent(&corners, |at| at.z);
        for (z, within) in self.strips(low, high) {
            let row = slab(&corners, |at| at.z, within);
            let (low, high) = extent(&row, |at| at.x);
            for (x, within) in self.strips(low, high) {
                let part = slab(&row, |at| at.x, within);
                let (low, high) = extent(&part, |at| at.y);
                if low <= high {
                    take(z * self.side + x, low, high);
                }
            }
        }
    }

    /// The cells along an axis that an extent in cells reaches into, each with what of the axis counts as in it. To
    /// touch a cell's side is not to reach into it; what runs along a side belongs to the one cell its middle is in.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "clamped")]
    fn strips(&self, low: f32, high: f32) -> impl Iterator<Item = (usize, std::ops::RangeInclusive<f32>)> + use<> {
        let touch = TOUCH_M / self.cell_m;
        let is_along = high - low < 3.0 * touch;
        let end = self.side as f32;
        let (first, last) =
            if is_along { ((low + high) / 2.0, (low + high) / 2.0) } else { (low + touch, high - touch) };
        let cells = if last < 0.0 || first >= end || low > high {
            0..0
        } else {
            first.max(0.0) as usize..last.min(end - 0.5) as usize + 1
        };
        cells.map(move |cell| {
            let inner = cell as f32 + touch..=(cell + 1) as f32 - touch;
            (cell, if is_along { low..=high } else { inner })
        })
    }
}

/// A whole cell along an axis.
#[allow(clippy::cast_precision_loss, reason = "columns of one tile")]
fn cell_at(index: usize) -> std::ops::RangeInclusive<f32> {
    index as f32..=(index + 1) as f32
}

fn extent(points: &[Vec3], of: impl Fn(Vec3) -> f32) -> (f32, f32) {
    let values = points.iter().map(|&point| of(point));
    values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// The corners of a convex polygon's part within a stretch of an axis; also of one seen edge-on.
fn slab(polygon: &[Vec3], of: impl Fn(Vec3) -> f32, within: std::ops::RangeInclusive<f32>) -> Vec<Vec3> {
    let mut part = Vec::with_capacity(polygon.len() + 2);
    for (index, &a) in polygon.iter().enumerate() {
        let b = polygon[(index + 1) % polygon.len()];
        let (va, vb) = (of(a), of(b));
        if within.contains(&va) {
            part.push(a);
        }
        let mut crossings = [*within.start(), *within.end()].map(|line| (line - va) / (vb - va));
        crossings.sort_unstable_by(f32::total_cmp);
        part.extend(crossings.iter().filter(|part| **part > 0.0 && **part < 1.0).map(|&part| a.lerp(b, part)));
    }
    part
}
