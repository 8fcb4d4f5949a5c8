//! Cutting convex polygons along lines of constant x or z, and triangles along a raster of such lines.
//! Cuts fall on sides of voxels, and both parts keep the very same cut points.

use glam::Vec3;

/// A horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Along x.
    X,
    /// Along z.
    Z,
}

impl Axis {
    pub(crate) fn of(self, point: Vec3) -> f32 {
        match self {
            Self::X => point.x,
            Self::Z => point.z,
        }
    }

    fn at(self, point: Vec3, value: f32) -> Vec3 {
        match self {
            Self::X => Vec3 { x: value, ..point },
            Self::Z => Vec3 { z: value, ..point },
        }
    }
}

/// Lines along which the ground of one tile is cut, in cells from the tile's corner, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cuts {
    /// Lines of constant x.
    pub(crate) x: Vec<i32>,
    /// Lines of constant z.
    pub(crate) z: Vec<i32>,
}

/// Splits a polygon at a line into what lies below it and what lies above; either may be empty.
pub(crate) fn split(polygon: &[Vec3], axis: Axis, line: f32) -> (Vec<Vec3>, Vec<Vec3>) {
    let (mut below, mut above) = (Vec::new(), Vec::new());
    for (index, &a) in polygon.iter().enumerate() {
        let b = polygon[(index + 1) % polygon.len()];
        let (da, db) = (axis.of(a) - line, axis.of(b) - line);
        if da <= 0.0 {
            below.push(a);
        }
        if da >= 0.0 {
            above.push(a);
        }
        if (da < 0.0 && db > 0.0) || (da > 0.0 && db < 0.0) {
            // From the lesser end whichever way the edge runs, so that a neighbour's cut is the same point.
            let (low, high, d_low, d_high) = if da < db { (a, b, da, db) } else { (b, a, db, da) };
            let cut = axis.at(low + (high - low) * (d_low / (d_low - d_high)), line);
            below.push(cut);
            above.push(cut);
        }
    }
    for part in [&mut below, &mut above] {
        if part.len() < 3 {
            part.clear();
        }
    }
    (below, above)
}

/// The part of a polygon between two lines of an axis.
pub(crate) fn between(polygon: &[Vec3], axis: Axis, low: f32, high: f32) -> Vec<Vec3> {
    let inside = polygon.iter().all(|&point| (low..=high).contains(&axis.of(point)));
    if inside {
        return polygon.to_vec();
    }
    let (_, above) = split(polygon, axis, low);
    split(&above, axis, high).0
}

/// Cuts a polygon at every line of an axis and hands each part to `take` with the index of its band.
pub(crate) fn bands(polygon: &[Vec3], axis: Axis, lines: &[f32], take: &mut dyn FnMut(usize, &[Vec3])) {
    let mut rest = polygon.to_vec();
    for (band, &line) in lines.iter().enumerate() {
        let (below, above) = split(&rest, axis, line);
        if !below.is_empty() {
            take(band, &below);
        }
        if above.is_empty() {
            return;
        }
        rest = above;
    }
    take(lines.len(), &rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(polygon: &[Vec3]) -> f32 {
        let fan = |i: usize| (polygon[i] - polygon[0]).cross(polygon[i + 1] - polygon[0]).length() / 2.0;
        (1..polygon.len().saturating_sub(1)).map(fan).sum()
    }

    #[test]
    fn bands_add_up_to_the_polygon() {
        let triangle = [Vec3::new(-1.0, 0.0, 0.0), Vec3::new(0.5, 1.0, 4.0), Vec3::new(5.0, 2.0, 1.0)];
        let (mut sum, mut seen) = (0.0, Vec::new());
        bands(&triangle, Axis::X, &[-2.0, 0.0, 0.5, 1.25, 9.0], &mut |band, part| {
            sum += area(part);
            seen.push(band);
        });
        assert_eq!(seen, [1, 2, 3, 4]);
        assert!((sum - area(&triangle)).abs() < 1e-4, "{sum} {}", area(&triangle));
        assert!((area(&between(&triangle, Axis::Z, 0.0, 9.0)) - area(&triangle)).abs() < 1e-4);
        assert_eq!(between(&triangle, Axis::Z, 5.0, 9.0), Vec::new());
    }
}
