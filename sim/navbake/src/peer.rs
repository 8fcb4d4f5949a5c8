//! oxidized_navigation as it is meant to be used: its plugin bakes and links the tiles, its own query finds paths.
//! Only for measuring beside ours; nothing here runs in a server. Points are arrays of metres, so that its versions of
//! everything stay in here.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bevy::prelude::{App, Component, GlobalTransform, TaskPoolPlugin, Vec3};
use oxidized_navigation::colliders::OxidizedCollider;
use oxidized_navigation::query::find_path;
use oxidized_navigation::tiles::NavMeshTiles;
use oxidized_navigation::{ActiveGenerationTasks, NavMesh, NavMeshAffector, NavMeshSettings, OxidizedNavigationPlugin};
use parry3d::bounding_volume::Aabb;
use parry3d::shape::{SharedShape, TypedShape};
use sim::space::navmesh::NavSettings;
use sim::space::triangles::TriangleSoup;

use crate::source::radius_cells;

/// Side of the squares into which a soup is divided for the plugin, in metres.
const CHUNK_M: f32 = 32.0;
/// Rounds the plugin gets to bake, a millisecond apart.
const ROUNDS_MAX: u32 = 600_000;

/// A mesh of oxidized_navigation and its query.
pub struct OxidizedQuery {
    tiles: Arc<RwLock<NavMeshTiles>>,
    settings: NavMeshSettings,
}

impl OxidizedQuery {
    /// Bakes a soup with the plugin, on the threads of its pool; waits until all is done.
    #[must_use]
    pub fn build(soup: &TriangleSoup, settings: &NavSettings) -> Self {
        let settings = plugin_settings(soup, settings);
        let mut app = App::new();
        app.add_plugins((TaskPoolPlugin::default(), OxidizedNavigationPlugin::<Piece>::new(settings.clone())));
        for piece in pieces(soup) {
            app.world_mut().spawn((piece, GlobalTransform::IDENTITY, NavMeshAffector));
        }
        app.finish();
        app.cleanup();
        for _ in 0..ROUNDS_MAX {
            app.update();
            if app.world().resource::<ActiveGenerationTasks>().is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Self { tiles: app.world().resource::<NavMesh>().get(), settings }
    }

    /// Length of a path in metres, `None` when there is none.
    #[must_use]
    pub fn find_path(&self, from: [f32; 3], to: [f32; 3]) -> Option<f32> {
        let tiles = self.tiles.read().ok()?;
        let path = find_path(&tiles, &self.settings, Vec3::from(from), Vec3::from(to), None, None).ok()?;
        Some(path.windows(2).map(|leg| leg[0].distance(leg[1])).sum())
    }

    /// Tiles of its mesh.
    #[must_use]
    pub fn tile_count(&self) -> usize {
        self.tiles.read().map_or(0, |tiles| tiles.tiles.len())
    }
}

/// A part of the geometry.
#[derive(Component)]
struct Piece(SharedShape);

impl OxidizedCollider for Piece {
    fn oxidized_into_typed_shape(&self) -> TypedShape<'_> {
        self.0.as_typed_shape()
    }

    fn oxidized_compute_local_aabb(&self) -> Aabb {
        self.0.compute_local_aabb()
    }
}

/// Triangles by the square their middle lies in, so that a tile is not asked about all of them.
fn pieces(soup: &TriangleSoup) -> impl Iterator<Item = Piece> {
    let mut squares: BTreeMap<(i32, i32), Vec<[[f32; 3]; 3]>> = BTreeMap::new();
    for triangle in 0..soup.triangles.len() {
        let corners = soup.corners(triangle);
        let middle = corners.iter().sum::<glam::Vec3>() / 3.0 / CHUNK_M;
        #[allow(clippy::cast_possible_truncation, reason = "a scene has few squares")]
        let square = (middle.z.floor() as i32, middle.x.floor() as i32);
        squares.entry(square).or_default().push(corners.map(|corner| corner.to_array()));
    }
    squares.into_values().map(|triangles| {
        let vertices = triangles.iter().flatten().map(|&corner| corner.into()).collect();
        #[allow(clippy::cast_possible_truncation, reason = "a square has few triangles")]
        let indices = (0..triangles.len() as u32).map(|index| [index * 3, index * 3 + 1, index * 3 + 2]).collect();
        Piece(SharedShape::trimesh(vertices, indices))
    })
}

/// Its own values where ours have no counterpart: those of its examples.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "voxels of an agent")]
fn plugin_settings(soup: &TriangleSoup, settings: &NavSettings) -> NavMeshSettings {
    let levels = |height_m: f32| height_m / settings.cell_height_m;
    let low_m = soup.vertices.iter().map(|at| at.y).fold(f32::INFINITY, f32::min);
    let reach_m = soup.vertices.iter().map(|at| at.x.abs().max(at.z.abs())).fold(0.0, f32::max);
    NavMeshSettings {
        cell_width: settings.cell_m,
        cell_height: settings.cell_height_m,
        tile_width: settings.tile_cells as u16,
        world_half_extents: reach_m + 1.0,
        world_bottom_bound: low_m - 1.0,
        max_traversable_slope_radians: settings.slope_deg.to_radians(),
        walkable_height: levels(settings.height_m).ceil() as u16,
        walkable_radius: radius_cells(settings) as u16,
        step_height: levels(settings.climb_m) as u16 + 1,
        min_region_area: 100,
        max_region_area_to_merge_into: 500,
        max_edge_length: 80,
        max_contour_simplification_error: 1.1,
        max_tile_generation_tasks: None,
    }
}
