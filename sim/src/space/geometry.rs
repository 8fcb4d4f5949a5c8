//! The geometry of a scene: what stops a body, what carries it, and what hides it.
//!
//! Terrain answers heights by sampling; obstacles (boxes and meshes) are rapier colliders in a bounding
//! volume tree. A sweep sees obstacles only, a height sees both, a line of sight sees both. All of it is fixed but
//! the doors: a closed one is an obstacle, an open one is not there. A geometry with one door worked shares all the
//! rest with the one before. One instance is shared by the server's scene and by every predicting client of it.

use std::sync::Arc;

use glam::{Vec2, Vec3};

use super::terrain::Terrain;
use crate::assets::{GeometryDef, SceneDef};

mod clearing;
mod doors;
mod obstacles;

use doors::Doors;
use obstacles::Obstacles;

/// How far below a body its ground is looked for, in metres.
const GROUND_SEARCH_M: f32 = 1_000.0;
/// How far above other ground something counts as raised, in metres: a roof does, a doorstep does not.
const RAISED_M: f32 = 1.0;
/// Height of hands above feet, in metres.
const HANDS_M: f32 = 1.2;
/// Thickest roof that is looked beneath, in metres.
const THICK_M_MAX: u8 = 8;
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

/// Collision geometry of one scene with its doors in one state; a clone is cheap.
#[derive(Clone)]
pub struct Geometry {
    fixed: Arc<Fixed>,
    doors: Doors,
}

struct Fixed {
    min: Vec2,
    max: Vec2,
    terrain: Option<Terrain>,
    obstacles: Obstacles,
    sight: Obstacles,
}

impl Geometry {
    /// Builds the colliders of a scene, with its doors as they stand in the beginning. The definition has been
    /// validated; a part that the collision library still refuses (a degenerate mesh) is an error naming its place in
    /// the list.
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
                other => obstacles::add(other, index, &mut colliders)?,
            }
        }
        let sight = colliders.iter().cloned().chain(terrain.as_ref().map(obstacles::of_terrain)).collect();
        let (min, max) = (Vec2::from(def.bounds.min), Vec2::from(def.bounds.max));
        let fixed = Fixed { min, max, terrain, obstacles: Obstacles::new(colliders), sight: Obstacles::new(sight) };
        Ok(Self { fixed: Arc::new(fixed), doors: Doors::new(&def.doors) })
    }

    /// An endless flat floor at height 0 within `half_m` of the origin, for tests and benches.
    #[must_use]
    pub fn flat(half_m: f32) -> Self {
        let samples_m = vec![0.0; 4];
        let min = Vec2::splat(-half_m);
        let terrain = Terrain::new(min, half_m * 2.0, 1, 1, samples_m);
        let sight = terrain.as_ref().map(obstacles::of_terrain).into_iter().collect();
        let obstacles = Obstacles::new(Vec::new());
        let fixed = Fixed { min, max: -min, terrain, obstacles, sight: Obstacles::new(sight) };
        Self { fixed: Arc::new(fixed), doors: Doors::new(&[]) }
    }

    /// True within the scene's bounds.
    #[must_use]
    pub fn contains(&self, x: f32, z: f32) -> bool {
        let place = Vec2::new(x, z);
        place.cmpge(self.fixed.min).all() && place.cmple(self.fixed.max).all()
    }

    /// The nearest place within the bounds.
    #[must_use]
    pub fn clamp(&self, x: f32, z: f32) -> Vec2 {
        Vec2::new(x, z).clamp(self.fixed.min, self.fixed.max)
    }

    /// The highest ground at a place that is not above `ceiling_m`, or `None` where there is none.
    #[must_use]
    pub fn ground(&self, x: f32, z: f32, ceiling_m: f32) -> Option<Ground> {
        let ground = self.fixed.terrain.as_ref().and_then(|terrain| terrain.sample(x, z));
        let below = ground.filter(|&(height_m, _)| height_m <= ceiling_m);
        let floor_m = below.map_or(ceiling_m - GROUND_SEARCH_M, |(height_m, _)| height_m);
        let from = Vec3::new(x, ceiling_m, z);
        let hit = self.fixed.obstacles.floor(from, ceiling_m - floor_m);
        let door = self.doors.closed().and_then(|doors| doors.floor(from, ceiling_m - floor_m));
        let higher = match (hit, door) {
            (Some(hit), Some(door)) => Some(if door.height_m > hit.height_m { door } else { hit }),
            (hit, door) => hit.or(door),
        };
        higher.or(below.or(ground).map(|(height_m, normal)| Ground { height_m, normal }))
    }

    /// The highest ground at a place whatever its height, or `None` where there is none.
    #[must_use]
    pub fn top(&self, x: f32, z: f32) -> Option<Ground> {
        self.ground(x, z, GROUND_SEARCH_M / 2.0)
    }

    /// The ground at a place beneath all that is raised, such as lintels and roofs: where one stands who walks there.
    #[must_use]
    pub fn floor(&self, x: f32, z: f32) -> Option<Ground> {
        let mut ground = self.top(x, z)?;
        while let Some(beneath) = self.beneath(x, z, ground.height_m) {
            ground = beneath;
        }
        Some(ground)
    }

    /// The next ground below something that stands at least [`RAISED_M`] above it, with open space between.
    fn beneath(&self, x: f32, z: f32, height_m: f32) -> Option<Ground> {
        let point = BodyShape { radius_m: SKIN_M, height_m: 2.0 * SKIN_M, step_m: 0.0 };
        let depths_m = (1..=THICK_M_MAX).map(|depth_m| f32::from(depth_m) * RAISED_M + SKIN_M);
        let mut places = depths_m.map(|depth_m| Vec3::new(x, height_m - depth_m, z));
        let open = places.find(|&place| self.is_free(place - Vec3::Y * SKIN_M, point))?;
        let ground = self.ground(x, z, open.y)?;
        (ground.height_m < open.y).then_some(ground)
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
        let hit = self.fixed.obstacles.sweep(feet, by, body);
        let Some(doors) = self.doors.closed() else { return hit };
        match (hit, doors.sweep(feet, by, body)) {
            (Some(hit), Some(door)) => Some(if door.fraction < hit.fraction { door } else { hit }),
            (hit, door) => hit.or(door),
        }
    }

    /// True when a body at `feet` overlaps no obstacle.
    #[must_use]
    pub fn is_free(&self, feet: Vec3, body: BodyShape) -> bool {
        self.fixed.obstacles.is_free(feet, body) && self.doors.closed().is_none_or(|doors| doors.is_free(feet, body))
    }

    /// True when nothing stands between two points.
    #[must_use]
    pub fn line_is_clear(&self, from: Vec3, to: Vec3) -> bool {
        let way = to - from;
        let length_m = way.length();
        if length_m < SKIN_M {
            return true;
        }
        let (direction, length_m) = (way / length_m, length_m - SKIN_M);
        self.fixed.sight.ray_is_clear(from, direction, length_m)
            && self.doors.closed().is_none_or(|doors| doors.ray_is_clear(from, direction, length_m))
    }

    /// Number of doors.
    #[must_use]
    pub fn door_count(&self) -> u16 {
        self.doors.count()
    }

    /// Whether a door stands open; true for a door that there is not.
    #[must_use]
    pub fn is_door_open(&self, door: u16) -> bool {
        self.doors.is_open(door)
    }

    /// True when two share all but the states of their doors.
    #[must_use]
    pub fn is_same_but_doors(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.fixed, &other.fixed)
    }

    /// The same geometry with a door opened or closed; all else is shared. A door that there is not changes nothing.
    #[must_use]
    pub fn with_door(&self, door: u16, open: bool) -> Self {
        Self { fixed: Arc::clone(&self.fixed), doors: self.doors.with(door, open) }
    }

    /// The nearest door within `reach_m` of the hands of someone at `feet` that nothing stands in front of; the first
    /// of two equally near.
    #[must_use]
    pub fn door_in_reach(&self, feet: Vec3, reach_m: f32) -> Option<u16> {
        let hands = feet + Vec3::Y * HANDS_M;
        let near = self.doors.nearest_points(hands).filter(|&(_, at)| at.distance(hands) <= reach_m);
        let reached = near.filter(|&(_, at)| self.line_is_clear(hands, at));
        let nearest = reached.min_by(|(_, a), (_, b)| a.distance(hands).total_cmp(&b.distance(hands)));
        nearest.map(|(door, _)| door)
    }

    /// True when a body at `feet`, from sole to crown, stands where a door is while it is closed.
    #[must_use]
    pub fn door_meets(&self, door: u16, feet: Vec3, body: BodyShape) -> bool {
        self.doors.meets(door, feet, body)
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
