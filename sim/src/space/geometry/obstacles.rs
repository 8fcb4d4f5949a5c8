//! Obstacles: a set of rapier colliders behind a bounding volume tree, and the few casts that are made on it.
//! The same for the fixed part of a scene, for what hides, and for the doors that are closed. Immutable.

use glam::{Quat, Vec2, Vec3};
use rapier3d::parry::query::{DefaultQueryDispatcher, ShapeCastOptions};
use rapier3d::parry::shape::Capsule;
use rapier3d::parry::utils::Array2;
use rapier3d::prelude::{
    BroadPhaseBvh, Collider, ColliderBuilder, ColliderSet, IntegrationParameters, Pose, QueryFilter, QueryPipeline,
    Ray, RigidBodySet, TriMeshFlags,
};

use super::clearing::Clearing;
use super::{BodyShape, GeometryError, Ground, SweepHit, Terrain};
use crate::assets::GeometryDef;

pub(super) struct Obstacles {
    bodies: RigidBodySet,
    colliders: ColliderSet,
    broad_phase: BroadPhaseBvh,
    clearing: Clearing,
}

impl Obstacles {
    pub(super) fn new(list: Vec<Collider>) -> Self {
        let mut colliders = ColliderSet::new();
        let mut broad_phase = BroadPhaseBvh::new();
        let parameters = IntegrationParameters::default();
        let mut bounds = Vec::with_capacity(list.len());
        for collider in list {
            let aabb = collider.compute_aabb();
            bounds.push((Vec2::new(aabb.mins.x, aabb.mins.z), Vec2::new(aabb.maxs.x, aabb.maxs.z)));
            let handle = colliders.insert(collider);
            broad_phase.set_aabb(&parameters, handle, aabb);
        }
        Self { bodies: RigidBodySet::new(), colliders, broad_phase, clearing: Clearing::around(&bounds) }
    }

    /// The first thing below a point, if it is a floor and not farther than `depth_m`.
    pub(super) fn floor(&self, from: Vec3, depth_m: f32) -> Option<Ground> {
        let place = Vec2::new(from.x, from.z);
        if self.clearing.is_empty(place, place) {
            return None;
        }
        let ray = Ray::new(from, Vec3::NEG_Y);
        let (_, hit) = self.pipeline().cast_ray_and_get_normal(&ray, depth_m, false)?;
        // A ray that starts inside a closed box would find its bottom; a floor faces up.
        (hit.normal.y > 0.0).then_some(Ground { height_m: from.y - hit.time_of_impact, normal: hit.normal })
    }

    pub(super) fn sweep(&self, feet: Vec3, by: Vec3, body: BodyShape) -> Option<SweepHit> {
        if self.is_in_the_open(feet, by, body) {
            return None;
        }
        let (capsule, centre) = body_capsule(feet, body);
        let options = ShapeCastOptions { max_time_of_impact: 1.0, stop_at_penetration: false, ..Default::default() };
        let (_, hit) = self.pipeline().cast_shape(&Pose::from_translation(centre), by, &capsule, options)?;
        // The capsule is the second shape of the cast: its outward normal points at the obstacle.
        let normal = if hit.normal1.dot(by) <= 0.0 { hit.normal1 } else { -hit.normal1 };
        Some(SweepHit { fraction: hit.time_of_impact.clamp(0.0, 1.0), normal: normal.normalize_or_zero() })
    }

    /// True when nothing at all is where a body passes.
    fn is_in_the_open(&self, feet: Vec3, by: Vec3, body: BodyShape) -> bool {
        let (from, to) = (Vec2::new(feet.x, feet.z), Vec2::new(feet.x + by.x, feet.z + by.z));
        self.clearing.is_empty(from.min(to) - body.radius_m, from.max(to) + body.radius_m)
    }

    pub(super) fn is_free(&self, feet: Vec3, body: BodyShape) -> bool {
        if self.is_in_the_open(feet, Vec3::ZERO, body) {
            return true;
        }
        let (capsule, centre) = body_capsule(feet, body);
        self.pipeline().intersect_shape(Pose::from_translation(centre), &capsule).next().is_none()
    }

    /// `direction` is a unit vector.
    pub(super) fn ray_is_clear(&self, from: Vec3, direction: Vec3, length_m: f32) -> bool {
        self.pipeline().cast_ray(&Ray::new(from, direction), length_m, true).is_none()
    }

    fn pipeline(&self) -> QueryPipeline<'_> {
        self.broad_phase.as_query_pipeline(&DefaultQueryDispatcher, &self.bodies, &self.colliders, QueryFilter::new())
    }
}

/// Adds the colliders of one piece of geometry, `index` in the scene's list.
pub(super) fn add(part: &GeometryDef, index: usize, into: &mut Vec<Collider>) -> Result<(), GeometryError> {
    match part {
        GeometryDef::Box { center, size, yaw_deg } => into.push(cuboid(*center, *size, *yaw_deg)),
        GeometryDef::Boxes { size, yaw_deg, at } => {
            into.extend(at.iter().map(|&center| cuboid(center, *size, *yaw_deg)));
        }
        GeometryDef::Trimesh { vertices, triangles } => {
            let points = vertices.iter().map(|&vertex| Vec3::from(vertex)).collect();
            let corners = triangles.iter().map(|&(a, b, c)| [a, b, c]).collect();
            let mesh = ColliderBuilder::trimesh_with_flags(points, corners, TriMeshFlags::FIX_INTERNAL_EDGES);
            let mesh = mesh.map_err(|error| GeometryError::Mesh { index, reason: error.to_string() })?;
            into.push(mesh.build());
        }
        GeometryDef::Heightfield { .. } => {}
    }
    Ok(())
}

/// A box of full extents `size` about `center`, in metres.
pub(super) fn cuboid(center: (f32, f32, f32), size: (f32, f32, f32), yaw_deg: f32) -> Collider {
    let pose = Pose::from_parts(Vec3::from(center), Quat::from_rotation_y(yaw_deg.to_radians()));
    ColliderBuilder::cuboid(size.0 / 2.0, size.1 / 2.0, size.2 / 2.0).position(pose).build()
}

pub(super) fn of_terrain(terrain: &Terrain) -> Collider {
    let (columns, rows) = terrain.cells();
    let mut heights = Array2::zeros(rows + 1, columns + 1);
    for row in 0..=rows {
        for column in 0..=columns {
            heights[(row, column)] = terrain.height(column, row);
        }
    }
    let size_m = terrain.size_m();
    let centre = terrain.min() + size_m / 2.0;
    ColliderBuilder::heightfield(heights, Vec3::new(size_m.x, 1.0, size_m.y))
        .translation(Vec3::new(centre.x, 0.0, centre.y))
        .build()
}

/// The capsule of a body without its part below the step height, and its centre.
fn body_capsule(feet: Vec3, body: BodyShape) -> (Capsule, Vec3) {
    let bottom_m = body.step_m.min(body.height_m * 0.5);
    let half_m = ((body.height_m - bottom_m) * 0.5 - body.radius_m).max(0.0);
    let centre_m = bottom_m + body.radius_m + half_m;
    (Capsule::new_y(half_m, body.radius_m), feet + Vec3::Y * centre_m)
}
