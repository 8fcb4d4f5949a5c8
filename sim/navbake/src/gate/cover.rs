//! Which surfaces the polygons of a tile cover, and where a polygon is nearer to something blocked than it may be.
//! A polygon's own height is not to be trusted between its corners, so its ground is followed from the surfaces at its
//! corners, column by column over steps; a column that cannot be reached so is blocked for this polygon.

use glam::{Vec2, Vec3};
use sim::space::navmesh::NavSettings;

use super::columns::Columns;

/// What a tile's polygons cover.
pub(crate) struct Cover {
    /// One per surface: true when a polygon lies over it.
    pub(crate) covered: Vec<bool>,
    /// Where a polygon is too near to a blocked column, in the tile's frame.
    pub(crate) paved: Vec<Vec3>,
}

/// A column near a polygon.
struct Near {
    column: usize,
    /// Distance from the polygon in metres, 0 inside.
    distance_m: f32,
}

impl Cover {
    /// Follows the ground below every polygon.
    pub(crate) fn new(columns: &Columns, settings: &NavSettings, polygons: &[Vec<Vec3>]) -> Self {
        let mut walk = Walk {
            columns,
            settings,
            place_of: vec![u32::MAX; columns.side * columns.side],
            reached: vec![false; columns.surface_count()],
            stack: Vec::new(),
            step_m: step_m(settings),
        };
        let mut cover = Self { covered: vec![false; columns.surface_count()], paved: Vec::new() };
        let clearance_m = settings.radius_m - settings.cell_m;
        // A radius below a cell leaves no distance to keep: paved is what the mesh goes on around of.
        let (mut over, mut suspects) = (Vec::new(), Vec::new());
        for polygon in polygons {
            let near = near(columns, polygon, clearance_m.max(settings.cell_m));
            walk.follow(polygon, &near);
            for Near { column, distance_m } in &near {
                let is_reached = walk.mark(*column, *distance_m, &mut cover.covered);
                let is_blocked = || !is_reached && !walk.is_bridged(*column);
                let at = || {
                    let place = columns.place(*column);
                    let y = walk.level(*column).unwrap_or_else(|| level(polygon, place));
                    Vec3::new(place.x, y, place.y)
                };
                if clearance_m < 0.0 {
                    if *distance_m == 0.0 {
                        over.push((*column, at().y));
                        suspects.extend(is_blocked().then(|| (*column, at())));
                    }
                } else if *distance_m <= clearance_m && is_blocked() {
                    cover.paved.push(at());
                }
            }
            walk.forget(&near);
        }
        over.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let is_over = |column: usize, y: f32| {
            let first = over.partition_point(|entry| entry.0 < column);
            over[first..].iter().take_while(|entry| entry.0 == column).any(|entry| (entry.1 - y).abs() <= walk.step_m)
        };
        // One cell is the raster's error, a second the contour's.
        let surrounded =
            |column: usize, y: f32| columns.around(column).all(|near| columns.around(near).all(|far| is_over(far, y)));
        cover.paved.extend(suspects.iter().filter(|(column, at)| surrounded(*column, at.y)).map(|(_, at)| *at));
        cover
    }
}

/// The flood below one polygon; its marks are taken off again after each.
struct Walk<'a> {
    columns: &'a Columns<'a>,
    settings: &'a NavSettings,
    /// Place of a column in the list of those near the polygon.
    place_of: Vec<u32>,
    reached: Vec<bool>,
    stack: Vec<(usize, usize)>,
    step_m: f32,
}

impl Walk<'_> {
    /// Reaches everything that hangs together with the ground at the polygon's corners.
    #[allow(clippy::cast_possible_truncation, reason = "columns of one tile")]
    fn follow(&mut self, polygon: &[Vec3], near: &[Near]) {
        for (place, Near { column, .. }) in near.iter().enumerate() {
            self.place_of[*column] = place as u32;
        }
        // A corner may hang over a ledge by a cell along both axes.
        let reach = Vec2::splat(self.settings.cell_m * 2.1);
        for &corner in polygon {
            let at = Vec2::new(corner.x, corner.z);
            let (xs, zs) = self.columns.within(at - reach, at + reach);
            for z in zs {
                for x in xs.clone() {
                    self.visit(z * self.columns.side + x, corner.y);
                }
            }
        }
        while let Some((column, surface)) = self.stack.pop() {
            let (first, surfaces) = self.columns.surfaces(column);
            let y = surfaces[surface - first].y;
            for other in self.columns.around(column) {
                self.visit(other, y);
            }
        }
    }

    /// Steps onto the surfaces of a column that are within a step of `y`.
    fn visit(&mut self, column: usize, y: f32) {
        if self.place_of[column] == u32::MAX {
            return;
        }
        let (first, surfaces) = self.columns.surfaces(column);
        for (index, surface) in (first..).zip(surfaces) {
            if surface.perhaps && !self.reached[index] && (surface.y - y).abs() <= self.step_m {
                self.reached[index] = true;
                self.stack.push((column, index));
            }
        }
    }

    /// Notes what of a column is covered; true when any of its surfaces was reached.
    fn mark(&self, column: usize, distance_m: f32, covered: &mut [bool]) -> bool {
        let (first, surfaces) = self.columns.surfaces(column);
        let mut any = false;
        for index in (first..first + surfaces.len()).filter(|&index| self.reached[index]) {
            any = true;
            covered[index] |= distance_m <= self.settings.cell_m * 0.5;
        }
        any
    }

    /// Height of the ground that was reached in a column or else beside it.
    fn level(&self, column: usize) -> Option<f32> {
        std::iter::once(column).chain(self.columns.around(column)).find_map(|at| {
            let (first, surfaces) = self.columns.surfaces(at);
            (first..).zip(surfaces).find(|(index, _)| self.reached[*index]).map(|(_, surface)| surface.y)
        })
    }

    /// True when a neighbouring column was reached from which an agent gets over this one.
    fn is_bridged(&self, column: usize) -> bool {
        self.columns.around(column).any(|other| {
            let (first, surfaces) = self.columns.surfaces(other);
            let reached = (first..).zip(surfaces).filter(|(index, _)| self.reached[*index]);
            reached.into_iter().any(|(_, surface)| self.columns.is_bridged(column, surface.y, self.step_m))
        })
    }

    fn forget(&mut self, near: &[Near]) {
        for Near { column, .. } in near {
            self.place_of[*column] = u32::MAX;
            let (first, surfaces) = self.columns.surfaces(*column);
            self.reached[first..first + surfaces.len()].fill(false);
        }
    }
}

/// The highest step between neighbouring columns by the most generous reading, in metres.
fn step_m(settings: &NavSettings) -> f32 {
    let slope = (settings.slope_deg + 2.0).min(80.0).to_radians().tan();
    settings.climb_m.max(settings.cell_m * 1.5 * slope) + settings.cell_height_m
}

/// A side of a convex polygon.
struct Side {
    from: Vec2,
    to: Vec2,
    /// Unit normal, outwards.
    normal: Vec2,
}

/// Columns within a distance of a convex polygon.
fn near(columns: &Columns, polygon: &[Vec3], within_m: f32) -> Vec<Near> {
    let flat: Vec<Vec2> = polygon.iter().map(|at| Vec2::new(at.x, at.z)).collect();
    let (min, max) = flat.iter().fold((Vec2::MAX, Vec2::MIN), |(min, max), &at| (min.min(at), max.max(at)));
    let side = |(index, &from): (usize, &Vec2)| {
        let to = flat[(index + 1) % flat.len()];
        // Polygons run so that their inside is on the side of `perp` from which this points away.
        Side { from, to, normal: (to - from).perp().normalize_or_zero() }
    };
    let sides: Vec<Side> = flat.iter().enumerate().map(side).collect();
    let (xs, zs) = columns.within(min - within_m, max + within_m);
    let mut found = Vec::new();
    for z in zs {
        for column in xs.clone().map(|x| z * columns.side + x) {
            let distance_m = distance(&sides, columns.place(column), within_m);
            if distance_m <= within_m {
                found.push(Near { column, distance_m });
            }
        }
    }
    found
}

/// Distance of a place from a convex polygon, 0 inside; any greater number beyond `within_m`.
fn distance(sides: &[Side], at: Vec2, within_m: f32) -> f32 {
    let mut outside = 0.0_f32;
    for side in sides {
        outside = outside.max(side.normal.dot(at - side.from));
        if outside > within_m {
            return outside;
        }
    }
    if outside == 0.0 {
        return outside;
    }
    let to_side = |side: &Side| {
        let along = side.to - side.from;
        let part = ((at - side.from).dot(along) / along.length_squared()).clamp(0.0, 1.0);
        at.distance_squared(side.from + along * part)
    };
    sides.iter().map(to_side).fold(f32::INFINITY, f32::min).sqrt()
}

/// Height of the corner nearest to a place.
fn level(polygon: &[Vec3], place: Vec2) -> f32 {
    let away = |at: &&Vec3| Vec2::new(at.x, at.z).distance_squared(place);
    polygon.iter().min_by(|a, b| away(a).total_cmp(&away(b))).map_or(0.0, |at| at.y)
}
