//! Where a monster appears: a free place on the ground and on the navmesh, in its spawner's circle or drawn evenly from
//! its polygon, there only where a way leads from the middle. Whoever finds none appears in the middle.

use glam::{Vec2, Vec3};

use super::super::fight::ground_distance_m;
use crate::assets::{SpawnArea, SpawnPointDef, SpawnerDef};
use crate::features::navigation::{Reach, Wayfinding};
use crate::features::players::free_place;
use crate::random::Draw;
use crate::space::geometry::BodyShape;
use crate::space::{Geometry, polygon};

/// How far beside the mesh a monster may appear, in metres.
const BESIDE_M: f32 = 0.3;
/// How far above the mesh its ground may lie, in metres.
const STOREY_M: f32 = 2.0;
/// Places of a polygon tried before the middle is taken; a quarter of it is good ground, which the data are checked for.
const POLYGON_TRIES: u32 = 32;

/// Where a body of some shape appears.
pub(super) fn find(def: &SpawnerDef, geometry: &Geometry, way: &Wayfinding, draw: Draw, shape: BodyShape) -> Vec3 {
    let is_free = |feet| geometry.is_free(feet, shape) && is_on_mesh(way, feet);
    let feet = match &def.area {
        SpawnArea::Circle => {
            let circle = SpawnPointDef { id: String::new(), at: def.at, yaw_deg: 0.0, radius_m: def.radius_m };
            free_place(&circle, geometry, draw, is_free)
        }
        SpawnArea::Polygon(corners) => {
            let middle = on_top(geometry, def.at);
            in_polygon(corners, middle, geometry, draw, |feet| is_free(feet) && is_connected(way, middle, feet))
        }
    };
    onto_mesh(way, geometry, feet)
}

fn in_polygon(
    corners: &[(f32, f32)],
    middle: Vec3,
    geometry: &Geometry,
    mut draw: Draw,
    is_good: impl Fn(Vec3) -> bool,
) -> Vec3 {
    let corners: Vec<Vec2> = corners.iter().copied().map(Vec2::from).collect();
    let triangles = polygon::triangles(&corners);
    for _ in 0..POLYGON_TRIES {
        let Some(place) = polygon::random_point(&triangles, &mut draw) else { break };
        let Some(ground) = geometry.top(place.x, place.y) else { continue };
        let feet = Vec3::new(place.x, ground.height_m, place.y);
        if geometry.contains(place.x, place.y) && !geometry.is_raised(feet) && is_good(feet) {
            return feet;
        }
    }
    middle
}

fn on_top(geometry: &Geometry, (x, z): (f32, f32)) -> Vec3 {
    Vec3::new(x, geometry.top(x, z).map_or(0.0, |ground| ground.height_m), z)
}

/// True on the navmesh, and everywhere without one.
fn is_on_mesh(way: &Wayfinding, feet: Vec3) -> bool {
    way.nearest(feet).map_or(!way.has_mesh(), |nearest| ground_distance_m(nearest, feet) <= BESIDE_M)
}

fn is_connected(way: &Wayfinding, middle: Vec3, feet: Vec3) -> bool {
    matches!(way.reach(middle, feet), Reach::Reachable | Reach::Unknown)
}

/// The nearest place on the navmesh, on the ground; the same place where there is none.
fn onto_mesh(way: &Wayfinding, geometry: &Geometry, feet: Vec3) -> Vec3 {
    if is_on_mesh(way, feet) {
        return feet;
    }
    let Some(nearest) = way.nearest(feet) else { return feet };
    let ground = geometry.ground(nearest.x, nearest.z, nearest.y + STOREY_M);
    ground.map_or(feet, |ground| Vec3::new(nearest.x, ground.height_m, nearest.z))
}
