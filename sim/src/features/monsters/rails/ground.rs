//! The ground that idle ways lie on: colliders and navmesh with all doors closed, so that no door that is worked ever moves
//! a way. Ways are made here: straight along the surface, or by path; heights follow the colliders as a body's do.

use std::collections::BTreeMap;
use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::beat::Beat;
use super::curve::Curve;
use crate::scene::{SceneGeometry, SceneNavmesh};
use crate::space::Geometry;
use crate::space::geometry::BodyShape;
use crate::space::navmesh::plane::flat;
use crate::space::navmesh::{NavPoint, Navmesh, Path, PathStatus, Search};

/// How far from the mesh a place of a way may be, in metres.
const ON_MESH_M: Vec3 = Vec3::new(0.5, 2.0, 0.5);
/// How far from the mesh a place of a patrol may be, in metres: as the check of the game data has it.
const STOP_M: Vec3 = Vec3::new(1.0, 3.0, 1.0);
/// Heights along a way are taken so far apart, in metres: less than a body's step at the steepest.
const SAMPLE_M: f32 = 0.25;
/// Heights that lie this near to the line between their neighbours are left out, in metres.
const EVEN_M: f32 = 0.1;
/// Ground is looked for up to here above a way, in metres: above what heights are off, below any storey.
const HEADROOM_M: f32 = 1.0;
/// So far before a wall a straight way ends, in metres.
const BEFORE_WALL_M: f32 = 0.1;
/// Places nearer in height than this are on one storey, in metres.
const STOREY_M: f32 = 1.0;
/// Nodes that the path between two places of a patrol may take.
const NODES_MAX: u32 = 200_000;

/// Colliders and navmesh with all doors closed, and what was made of them. Written in the Move stage. No part of the state:
/// all of it follows from the scene.
#[derive(Resource)]
pub(in crate::features::monsters) struct RailGround {
    geometry: Arc<Geometry>,
    mesh: Option<Arc<Navmesh>>,
    search: Search,
    path: Path,
    /// Beats by the places they go through; all of one spawner share one.
    beats: BTreeMap<Vec<u32>, Option<Arc<Beat>>>,
}

/// A place, and where it is on the mesh if there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) feet: Vec3,
    on_mesh: Option<NavPoint>,
}

impl FromWorld for RailGround {
    fn from_world(world: &mut World) -> Self {
        Self::of(world.resource::<SceneGeometry>(), world.resource::<SceneNavmesh>())
    }
}

impl RailGround {
    fn of(geometry: &SceneGeometry, mesh: &SceneNavmesh) -> Self {
        let doors = 0..geometry.0.door_count();
        let closed = doors.fold(Geometry::clone(&geometry.0), |closed, door| closed.with_door(door, false));
        let mesh = mesh.0.as_ref().map(|mesh| {
            let doors = 0..mesh.door_count();
            Arc::new(doors.fold(Navmesh::clone(mesh), |closed, door| closed.with_door(door, false)))
        });
        let beats = BTreeMap::new();
        Self { geometry: Arc::new(closed), mesh, search: Search::default(), path: Path::default(), beats }
    }

    /// Takes the scene's ground over if it is another but for its doors; true when it is.
    pub(super) fn follow(&mut self, geometry: &SceneGeometry, mesh: &SceneNavmesh) -> bool {
        let same_mesh = match (&self.mesh, &mesh.0) {
            (Some(own), Some(new)) => own.is_same_but_doors(new),
            (own, new) => own.is_none() && new.is_none(),
        };
        let is_other = !same_mesh || !self.geometry.is_same_but_doors(&geometry.0);
        if is_other {
            *self = Self::of(geometry, mesh);
        }
        is_other
    }

    /// The spot at a place.
    pub(super) fn spot(&self, feet: Vec3) -> Spot {
        let on_mesh = self.mesh.as_ref().and_then(|mesh| mesh.nearest(feet, ON_MESH_M));
        Spot { feet, on_mesh }
    }

    /// The way straight from a spot towards a place, as far as one can walk.
    pub(super) fn straight(&self, from: Spot, to: Vec2, body: BodyShape) -> Spot {
        let (Some(mesh), Some(at)) = (&self.mesh, from.on_mesh) else {
            let feet = *self.walk(from.feet, to, body).last().unwrap_or(&from.feet);
            return Spot { feet, on_mesh: None };
        };
        let start = flat(at.position);
        let hit = mesh.raycast(at, to);
        let end = if hit.fraction < 1.0 {
            let free_m = start.distance(to) * hit.fraction - BEFORE_WALL_M;
            mesh.raycast(at, start + (to - start).normalize_or_zero() * free_m.max(0.0)).end
        } else {
            hit.end
        };
        let position = end.position;
        let feet = self.on_ground(position);
        Spot { feet, on_mesh: Some(end) }
    }

    /// Whether one can walk straight from one spot to another.
    pub(super) fn is_straight(&self, from: Spot, to: Spot, body: BodyShape) -> bool {
        let there = self.straight(from, flat(to.feet), body).feet;
        flat(there).distance(flat(to.feet)) < 1e-2 && (there.y - to.feet.y).abs() < STOREY_M
    }

    /// A way through some places, with heights.
    pub(super) fn curve(&self, places: &[Vec3], body: BodyShape) -> Curve {
        let start = places.first().copied().unwrap_or_default();
        let mut corners: Vec<Vec3> = Vec::new();
        let mut feet = start;
        for &corner in &places[1.min(places.len())..] {
            corners.extend(self.even(feet, flat(corner), body));
            feet = *corners.last().unwrap_or(&feet);
        }
        Curve::through(start, corners)
    }

    /// The place on the ground at a place that is about on it.
    pub(super) fn on_ground(&self, place: Vec3) -> Vec3 {
        let ground = self.geometry.ground(place.x, place.z, place.y + HEADROOM_M);
        ground.map_or(place, |ground| Vec3::new(place.x, ground.height_m, place.z))
    }

    /// The way by path, `None` where there is none without going through a door.
    pub(super) fn way(&mut self, from: Vec3, to: Vec3, body: BodyShape) -> Option<Curve> {
        let Some(mesh) = self.mesh.clone() else {
            let way = self.walk(from, flat(to), body);
            let there = way.last().is_some_and(|end| flat(*end).distance(flat(to)) < 1e-2);
            return (there || flat(from).distance(flat(to)) < 1e-2).then(|| Curve::through(from, way));
        };
        let [start, end] = [from, to].map(|place| mesh.nearest(place, STOP_M));
        let status = mesh.find_path(&mut self.search, start?, end?, NODES_MAX, &mut self.path);
        if status != PathStatus::Complete {
            return None;
        }
        let corners = std::mem::take(&mut self.path.corners);
        let places: Vec<Vec3> = std::iter::once(from).chain(corners.iter().copied()).collect();
        self.path.corners = corners;
        Some(self.curve(&places, body))
    }

    /// The beat through some places, made once for all who share it.
    pub(super) fn beat(
        &mut self,
        key: Vec<u32>,
        make: impl FnOnce(&mut Self) -> Option<Arc<Beat>>,
    ) -> Option<Arc<Beat>> {
        if let Some(known) = self.beats.get(&key) {
            return known.clone();
        }
        let made = make(self);
        self.beats.insert(key, made.clone());
        made
    }

    /// Heights along a straight way, but for those that its neighbours tell.
    fn even(&self, from: Vec3, to: Vec2, body: BodyShape) -> Vec<Vec3> {
        let mut kept: Vec<Vec3> = Vec::new();
        let (mut last, mut open): (Vec3, Vec<Vec3>) = (from, Vec::new());
        let mut feet = from;
        for place in samples(flat(from), to) {
            let ground = self.geometry.ground(place.x, place.y, feet.y + body.step_m);
            feet = Vec3::new(place.x, ground.map_or(feet.y, |ground| ground.height_m), place.y);
            let whole_m = flat(feet).distance(flat(last)).max(1e-6);
            let line_m = |between: &Vec3| last.y + (feet.y - last.y) * flat(*between).distance(flat(last)) / whole_m;
            if open.iter().any(|between| (between.y - line_m(between)).abs() > EVEN_M) {
                last = *open.last().unwrap_or(&last);
                kept.push(last);
                open.clear();
            }
            open.push(feet);
        }
        kept.extend(open.last());
        kept
    }

    /// Where there is no mesh: the places that a body passes straight on, up to what stops it.
    fn walk(&self, from: Vec3, to: Vec2, body: BodyShape) -> Vec<Vec3> {
        let mut feet = from;
        let mut way = Vec::new();
        for place in samples(flat(from), to) {
            let by = Vec3::new(place.x - feet.x, 0.0, place.y - feet.z);
            let ground = self.geometry.ground(place.x, place.y, feet.y + body.step_m);
            let stands = ground.filter(|ground| (ground.height_m - feet.y).abs() <= body.step_m);
            let Some(ground) = stands.filter(|_| self.geometry.contains(place.x, place.y)) else { break };
            if self.geometry.sweep(feet, by, body).is_some() {
                break;
            }
            feet = Vec3::new(place.x, ground.height_m, place.y);
            way.push(feet);
        }
        way
    }
}

/// Places on a straight way, [`SAMPLE_M`] apart, without the first and with the last.
fn samples(from: Vec2, to: Vec2) -> impl Iterator<Item = Vec2> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand at most; casts saturate"
    )]
    let count = (from.distance(to) / SAMPLE_M).ceil() as u32;
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    (1..=count).map(move |step| if step == count { to } else { from.lerp(to, step as f32 / count as f32) })
}
