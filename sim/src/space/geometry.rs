//! The static geometry of a scene: what stops a body, what carries it, and what hides it.
//!
//! Terrain answers heights by sampling; obstacles (boxes and meshes) are rapier colliders in a bounding
//! volume tree. A sweep sees obstacles only, a height sees both, a line of sight sees both. One instance is
//! shared by the server's scene and by every predicting client of it.

use glam::{Quat, Vec2, Vec3};
use rapier3d::parry::query::{DefaultQueryDispatcher, ShapeCastOptions};
use rapier3d::parry::shape::Capsule;
use rapier3d::parry::utils::Array2;
use rapier3d::prelude::{
    BroadPhaseBvh, Collider, ColliderBuilder, ColliderSet, IntegrationParameters, Pose, QueryFilter, QueryPipeline,
    Ray, RigidBodySet, TriMeshFlags,
};

use super::terrain::Terrain;
use crate::assets::{GeometryDef, SceneDef};

/// How far below a body its ground is looked for, in metres.
const GROUND_SEARCH_M: f32 = 1_000.0;
/// How far above other ground something counts as raised, in metres: a roof does, a doorstep does not.
const RAISED_M: f32 = 1.0;
/// Distance a body is set off from what it hits, in metres, so that its next sweep does not begin in touch.
pub const SKIN_M: f32 = 0.01;

/// Something to stand on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// Height in metres.
    pub height_m: f32,
    /// Upward unit normal.
    pub normal: Vec3,
}

/// Where a sweep was stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepHit {
    /// Part of the displacement that is free, 0 to 1.
    pub fraction: f32,
    /// Unit normal of the obstacle, towards the body; zero when the sweep began inside an obstacle.
    pub normal: Vec3,
}

/// The upright capsule that stands for a body: feet at the given position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BodyShape {
    /// Radius in metres.
    pub radius_m: f32,
    /// Height from feet to crown in metres.
    pub height_m: f32,
    /// What the body steps over without being stopped, in metres.
    pub step_m: f32,
}

/// Immutable collision geometry of one scene.
pub struct Geometry {
    min: Vec2,
    max: Vec2,
    terrain: Option<Terrain>,
    obstacles: Obstacles,
    sight: Obstacles,
}

impl Geometry {
    /// Builds the colliders of a scene. The definition has been validated; a part that the collision library
    /// still refuses (a degenerate mesh) is an error naming its place in the list.
    ///
    /// # Errors
    /// The index in [`SceneDef::geometry`] and the library's words.
    pub fn build(def: &SceneDef) -> Result<Self, GeometryError> {
        let mut terrain = None;
        let mut colliders = Vec::new();
        for (index, part) in def.geometry.iter().enumerate() {
            match part {
                GeometryDef::Heightfield { min, cell_m, columns, rows, heights } => {
                    let samples_m = heights.samples_m().to_vec();
                    let built = Terrain::new(Vec2::from(*min), *cell_m, *columns as usize, *rows as usize, samples_m);
                    terrain = Some(built.ok_or(GeometryError::Heightfield { index })?);
                }
                other => add_obstacles(other, index, &mut colliders)?,
            }
        }
        let sight = colliders.iter().cloned().chain(terrain.as_ref().map(terrain_collider)).collect();
        let (min, max) = (Vec2::from(def.bounds.min), Vec2::from(def.bounds.max));
        Ok(Self { min, max, terrain, obstacles: Obstacles::new(colliders), sight: Obstacles::new(sight) })
    }

    /// An endless flat floor at height 0 within `half_m` of the origin, for tests and benches.
    #[must_use]
    pub fn flat(half_m: f32) -> Self {
        let samples_m = vec![0.0; 4];
        let min = Vec2::splat(-half_m);
        let terrain = Terrain::new(min, half_m * 2.0, 1, 1, samples_m);
        let sight = terrain.as_ref().map(terrain_collider).into_iter().collect();
        Self { min, max: -min, terrain, obstacles: Obstacles::new(Vec::new()), sight: Obstacles::new(sight) }
    }

    /// True within the scene's bounds.
    #[must_use]
    pub fn contains(&self, x: f32, z: f32) -> bool {
        let place = Vec2::new(x, z);
        place.cmpge(self.min).all() && place.cmple(self.max).all()
    }

    /// The nearest place within the bounds.
    #[must_use]
    pub fn clamp(&self, x: f32, z: f32) -> Vec2 {
        Vec2::new(x, z).clamp(self.min, self.max)
    }

    /// The highest ground at a place that is not above `ceiling_m`, or `None` where there is none.
    #[must_use]
    pub fn ground(&self, x: f32, z: f32, ceiling_m: f32) -> Option<Ground> {
        let ground = self.terrain.as_ref().and_then(|terrain| terrain.sample(x, z));
        let below = ground.filter(|&(height_m, _)| height_m <= ceiling_m);
        let floor_m = below.map_or(ceiling_m - GROUND_SEARCH_M, |(height_m, _)| height_m);
        let ray = Ray::new(Vec3::new(x, ceiling_m, z), Vec3::NEG_Y);
        let hit = self.obstacles.pipeline().cast_ray_and_get_normal(&ray, ceiling_m - floor_m, false);
        match hit {
            // A ray that starts inside a closed box would find its bottom; a floor faces up.
            Some((_, hit)) if hit.normal.y > 0.0 => {
                Some(Ground { height_m: ceiling_m - hit.time_of_impact, normal: hit.normal })
            }
            _ => below.or(ground).map(|(height_m, normal)| Ground { height_m, normal }),
        }
    }

    /// The highest ground at a place whatever its height, or `None` where there is none.
    #[must_use]
    pub fn top(&self, x: f32, z: f32) -> Option<Ground> {
        self.ground(x, z, GROUND_SEARCH_M / 2.0)
    }

    /// True on top of an obstacle, such as a roof, from where nobody who has come down can come back.
    #[must_use]
    pub fn is_raised(&self, feet: Vec3) -> bool {
        let beneath = self.ground(feet.x, feet.z, feet.y - RAISED_M * 0.5);
        beneath.is_some_and(|ground| ground.height_m < feet.y - RAISED_M)
    }

    /// Sweeps a body along a displacement and answers the first obstacle, `None` when the way is free.
    /// The part of the body below its step height is left out, so that kerbs and stairs do not stop it.
    #[must_use]
    pub fn sweep(&self, feet: Vec3, by: Vec3, body: BodyShape) -> Option<SweepHit> {
        let (capsule, centre) = body_capsule(feet, body);
        let options = ShapeCastOptions { max_time_of_impact: 1.0, stop_at_penetration: false, ..Default::default() };
        let (_, hit) = self.obstacles.pipeline().cast_shape(&Pose::from_translation(centre), by, &capsule, options)?;
        // The capsule is the second shape of the cast: its outward normal points at the obstacle.
        let normal = if hit.normal1.dot(by) <= 0.0 { hit.normal1 } else { -hit.normal1 };
        Some(SweepHit { fraction: hit.time_of_impact.clamp(0.0, 1.0), normal: normal.normalize_or_zero() })
    }

    /// True when a body at `feet` overlaps no obstacle.
    #[must_use]
    pub fn is_free(&self, feet: Vec3, body: BodyShape) -> bool {
        let (capsule, centre) = body_capsule(feet, body);
        self.obstacles.pipeline().intersect_shape(Pose::from_translation(centre), &capsule).next().is_none()
    }

    /// True when nothing stands between two points.
    #[must_use]
    pub fn line_is_clear(&self, from: Vec3, to: Vec3) -> bool {
        let way = to - from;
        let length_m = way.length();
        if length_m < SKIN_M {
            return true;
        }
        let ray = Ray::new(from, way / length_m);
        self.sight.pipeline().cast_ray(&ray, length_m - SKIN_M, true).is_none()
    }
}

/// Why geometry could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// The counts of a heightfield do not fit its samples.
    #[error("geometry[{index}]: the heightfield's columns and rows do not fit its samples")]
    Heightfield {
        /// Place in the scene's list.
        index: usize,
    },
    /// The collision library refused a mesh.
    #[error("geometry[{index}]: the mesh cannot be used: {reason}")]
    Mesh {
        /// Place in the scene's list.
        index: usize,
        /// The library's words.
        reason: String,
    },
}

struct Obstacles {
    bodies: RigidBodySet,
    colliders: ColliderSet,
    broad_phase: BroadPhaseBvh,
}

impl Obstacles {
    fn new(list: Vec<Collider>) -> Self {
        let mut colliders = ColliderSet::new();
        let mut broad_phase = BroadPhaseBvh::new();
        let parameters = IntegrationParameters::default();
        for collider in list {
            let aabb = collider.compute_aabb();
            let handle = colliders.insert(collider);
            broad_phase.set_aabb(&parameters, handle, aabb);
        }
        Self { bodies: RigidBodySet::new(), colliders, broad_phase }
    }

    fn pipeline(&self) -> QueryPipeline<'_> {
        self.broad_phase.as_query_pipeline(&DefaultQueryDispatcher, &self.bodies, &self.colliders, QueryFilter::new())
    }
}

fn body_capsule(feet: Vec3, body: BodyShape) -> (Capsule, Vec3) {
    let bottom_m = body.step_m.min(body.height_m * 0.5);
    let half_m = ((body.height_m - bottom_m) * 0.5 - body.radius_m).max(0.0);
    let centre_m = bottom_m + body.radius_m + half_m;
    (Capsule::new_y(half_m, body.radius_m), feet + Vec3::Y * centre_m)
}

fn add_obstacles(part: &GeometryDef, index: usize, into: &mut Vec<Collider>) -> Result<(), GeometryError> {
    let cuboid = |size: [f32; 3], centre: Vec3, yaw_deg: f32| {
        let pose = Pose::from_parts(centre, Quat::from_rotation_y(yaw_deg.to_radians()));
        ColliderBuilder::cuboid(size[0] / 2.0, size[1] / 2.0, size[2] / 2.0).position(pose).build()
    };
    match part {
        GeometryDef::Box { center, size, yaw_deg } => into.push(cuboid((*size).into(), Vec3::from(*center), *yaw_deg)),
        GeometryDef::Boxes { size, yaw_deg, at } => {
            into.extend(at.iter().map(|&centre| cuboid((*size).into(), Vec3::from(centre), *yaw_deg)));
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

fn terrain_collider(terrain: &Terrain) -> Collider {
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
