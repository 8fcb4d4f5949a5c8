//! A navmesh for scenes under test, made without a baker: squares in which a body fits, large where the ground is
//! open. Coarse at walls (half a metre), exact about what is free; the same geometry gives the same mesh.

use glam::{Vec2, Vec3};

use super::rectangles::{GroundRectangle, archive_of_rectangles};
use crate::space::Geometry;
use crate::space::geometry::BodyShape;
use crate::space::navmesh::{NavSettings, Navmesh};

/// Side of the smallest square in metres.
const SQUARE_M_MIN: f32 = 0.5;
/// Side of the largest square in metres: the side of the mesh's tiles.
const SQUARE_M_MAX: f32 = 256.0;
/// How far the ground may stand out of a square, in metres; less than a storey.
const BUMP_M_MAX: f32 = 0.4;
/// Height of what must be free above a square larger than the smallest, in metres: no roofs over open ground.
const OPEN_M: f32 = 500.0;

/// A mesh of free squares between two corners (x, z) in metres, for the agent of the settings; tiles are as large as the
/// largest square. Knows the highest ground only, and no doors.
///
/// # Panics
/// When the squares do not make a mesh, which is a fault of this function.
#[must_use]
pub fn floor_mesh(geometry: &Geometry, bounds: (Vec2, Vec2), settings: NavSettings) -> Navmesh {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand cells")]
    let tile_cells = (SQUARE_M_MAX / settings.cell_m).round() as u32;
    let mut floor = Floor { geometry, bounds, settings: NavSettings { tile_cells, ..settings }, squares: Vec::new() };
    let first = (bounds.0 / SQUARE_M_MAX).floor().as_ivec2();
    let last = (bounds.1 / SQUARE_M_MAX).ceil().as_ivec2();
    for z in first.y..last.y {
        for x in first.x..last.x {
            floor.divide(Vec2::new(x as f32, z as f32) * SQUARE_M_MAX, SQUARE_M_MAX);
        }
    }
    let archive = archive_of_rectangles(&floor.squares, floor.settings, 0);
    Navmesh::assemble(&archive).unwrap_or_else(|error| panic!("{error}"))
}

struct Floor<'a> {
    geometry: &'a Geometry,
    bounds: (Vec2, Vec2),
    settings: NavSettings,
    squares: Vec<GroundRectangle>,
}

impl Floor<'_> {
    fn divide(&mut self, min: Vec2, side_m: f32) {
        let max = min + side_m;
        if max.cmple(self.bounds.0).any() || min.cmpge(self.bounds.1).any() {
            return;
        }
        let is_within = min.cmpge(self.bounds.0).all() && max.cmple(self.bounds.1).all();
        if is_within && let Some(square) = self.square(min, side_m) {
            self.squares.push(square);
        } else if side_m > SQUARE_M_MIN {
            let half_m = side_m * 0.5;
            for offset in [Vec2::ZERO, Vec2::X, Vec2::Y, Vec2::ONE] {
                self.divide(min + offset * half_m, half_m);
            }
        }
    }

    /// The square when all of it is ground that a body walks on.
    fn square(&self, min: Vec2, side_m: f32) -> Option<GroundRectangle> {
        let max = min + side_m;
        let corners = [min, Vec2::new(min.x, max.y), max, Vec2::new(max.x, min.y)];
        let mut heights_m = [0.0; 4];
        for (height_m, corner) in heights_m.iter_mut().zip(corners) {
            *height_m = self.ground_m(corner)?;
        }
        let square = GroundRectangle { min, max, heights_m, area: 0 };
        let is_free = if side_m > SQUARE_M_MIN { self.is_open(&square) } else { self.is_walkable(&square) };
        is_free.then_some(square)
    }

    /// Height of the ground where it is not too steep.
    fn ground_m(&self, place: Vec2) -> Option<f32> {
        let ground = self.geometry.top(place.x, place.y)?;
        let steepest = self.settings.slope_deg.to_radians().cos();
        (ground.normal.y >= steepest).then_some(ground.height_m)
    }

    /// True when nothing stands in or over a column around a large square, and no bump in it is as high as a step.
    fn is_open(&self, square: &GroundRectangle) -> bool {
        let side_m = square.max.x - square.min.x;
        let is_even = (0..=8).all(|row| {
            (0..=8).all(|column| {
                let place = square.min + Vec2::new(column as f32, row as f32) * (side_m / 8.0);
                let ground_m = self.ground_m(place);
                ground_m.is_some_and(|ground_m| (ground_m - square.height_m(place)).abs() <= BUMP_M_MAX)
            })
        });
        let lowest_m = square.heights_m.into_iter().fold(f32::INFINITY, f32::min) - BUMP_M_MAX;
        let radius_m = side_m * std::f32::consts::FRAC_1_SQRT_2 + self.settings.radius_m;
        let centre = (square.min + square.max) * 0.5;
        // The rounded lower end of the capsule is sunk below the ground, so that the column is full from the step up.
        let step_m = self.settings.climb_m;
        let feet = Vec3::new(centre.x, lowest_m - radius_m, centre.y);
        let column = BodyShape { radius_m, height_m: OPEN_M + radius_m * 2.0, step_m: step_m + BUMP_M_MAX };
        is_even && self.geometry.is_free(feet, column)
    }

    /// True when a body fits at the corners and the middle of a smallest square and climbs from one to the next.
    fn is_walkable(&self, square: &GroundRectangle) -> bool {
        let [a, b, c, d] = square.heights_m;
        let rise_m = a.max(b).max(c).max(d) - a.min(b).min(c).min(d);
        let body = BodyShape {
            radius_m: self.settings.radius_m,
            height_m: self.settings.height_m,
            step_m: self.settings.climb_m,
        };
        let middle = (square.min + square.max) * 0.5;
        let corners =
            [square.min, Vec2::new(square.min.x, square.max.y), square.max, Vec2::new(square.max.x, square.min.y)];
        rise_m <= self.settings.climb_m
            && corners.into_iter().chain([middle]).all(|place| {
                let ground_m = self.ground_m(place);
                ground_m.is_some_and(|ground_m| self.geometry.is_free(Vec3::new(place.x, ground_m, place.y), body))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestScene;

    fn mesh_of(scene: &TestScene) -> Navmesh {
        let bounds = scene.config.assets.scenes[scene.config.scene].bounds;
        let bounds = (Vec2::from(bounds.min), Vec2::from(bounds.max));
        floor_mesh(&scene.config.geometry, bounds, NavSettings::default())
    }

    #[test]
    fn open_ground_is_a_few_large_squares() {
        let mesh = mesh_of(&TestScene::flat());
        assert!((mesh.area_m2() - 1_000_000.0).abs() < 4_000.0, "{}", mesh.area_m2());
        assert_eq!(mesh.component_count(), 1);
        assert!(mesh.polygon_count() < 3_000, "{}", mesh.polygon_count());
    }

    #[test]
    fn a_wall_is_kept_away_from_and_walked_round() {
        let mesh = mesh_of(&TestScene::walled());
        assert_eq!(mesh.component_count(), 1);
        assert!(mesh.nearest(Vec3::new(5.0, 0.0, 0.0), Vec3::splat(0.4)).is_none());
        assert!(mesh.unlinked_border_edges().is_empty());
        let at = |x: f32| mesh.nearest(Vec3::new(x, 0.0, 0.0), Vec3::ONE).unwrap();
        let (mut search, mut path) = (Default::default(), Default::default());
        mesh.find_path(&mut search, at(0.0), at(10.0), 10_000, &mut path);
        assert!(path.length_m > 41.0 && path.length_m < 45.0, "{}", path.length_m);
    }
}
