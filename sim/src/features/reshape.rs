//! Reshape: what happens to bodies when the geometry of their scene is replaced under them.
//! Receive, after everybody has joined: who is inside something now is set down at the nearest free place on the
//! navmesh, who stands in the air or below the ground is set onto it. The moves themselves are made in the Move stage.
//! A body whose surroundings have not changed is never touched.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use crate::actor::{Actor, Motion, Position, Profile};
use crate::assets::Disturbance;
use crate::counters::Counters;
use crate::digest::DigestApp;
use crate::features::movement::ForceMove;
use crate::features::skills::Disturbed;
use crate::ids::SimId;
use crate::input::ReceiveSystems;
use crate::input::geometry_edit::{GEOMETRY_EDITS, GeometryReplaced, GeometryRevision};
use crate::locomotion::body_shape;
use crate::scene::{SceneAssets, SceneGeometry, SceneId, SceneNavmesh};
use crate::space::Geometry;
use crate::space::geometry::BodyShape;
use crate::space::navmesh::Navmesh;
use crate::tick::Tick;

/// How far from where it was caught a body is set free, in metres; beyond that it goes to the first spawn point.
const FREE_WITHIN_M: i32 = 24;
/// Places tried per metre.
const TRIES_PER_M: i32 = 2;
/// How far the ground may have moved before a standing body is set onto it, in metres.
const FOOTING_M: f32 = 0.05;
/// How far above and below its feet a caught body looks for ground, in metres.
const STOREY_M: f32 = 2.0;
/// How near to the mesh a free place must be, in metres (x, y, z).
const NEAR_MESH_M: Vec3 = Vec3::new(0.3, 1.0, 0.3);

/// Adds the system.
pub fn plugin(app: &mut App) {
    app.add_systems(Tick, free_the_caught.in_set(ReceiveSystems::Settle));
    app.digest_resource::<GeometryRevision>("geometry");
}

type Body<'a> = (&'a SimId, &'a Position, &'a Motion, &'a Profile);

fn free_the_caught(
    mut replaced: MessageReader<GeometryReplaced>,
    (assets, scene): (Res<SceneAssets>, Res<SceneId>),
    (geometry, mesh): (Res<SceneGeometry>, Res<SceneNavmesh>),
    bodies: Query<Body, With<Actor>>,
    mut counters: ResMut<Counters>,
    (mut moves, mut disturbed): (MessageWriter<ForceMove>, MessageWriter<Disturbed>),
) {
    if replaced.read().count() == 0 {
        return;
    }
    let refuge = assets.0.scenes[scene.0].spawn_points.first().map(|point| Vec2::from(point.at));
    let free = Free { geometry: &geometry.0, mesh: mesh.0.as_deref(), offsets: offsets(), refuge };
    let mut freed: Vec<ForceMove> = Vec::new();
    for (&id, position, motion, profile) in &bodies {
        let body = body_shape(&assets.0.movements[profile.0]);
        let stands = motion.velocity.y == 0.0;
        freed.extend(free.place(position.0, body, stands).map(|to| ForceMove { id, to }));
    }
    freed.sort_by_key(|freed| freed.id);
    for one in freed {
        counters.add(GEOMETRY_EDITS, "moved_body");
        disturbed.write(Disturbed::new(one.id, Disturbance::Teleported));
        moves.write(one);
    }
}

/// Finds places for bodies.
struct Free<'a> {
    geometry: &'a Geometry,
    mesh: Option<&'a Navmesh>,
    offsets: Vec<Vec2>,
    refuge: Option<Vec2>,
}

impl Free<'_> {
    /// Where a body has to go, `None` when it may stay.
    fn place(&self, feet: Vec3, body: BodyShape, stands: bool) -> Option<Vec3> {
        if self.geometry.is_free(feet, body) {
            let ground = self.geometry.ground(feet.x, feet.z, feet.y + body.step_m)?;
            let moved = (ground.height_m - feet.y).abs() > FOOTING_M;
            let buried = ground.height_m > feet.y;
            let on_ground = Vec3::new(feet.x, ground.height_m, feet.z);
            if !moved || (!stands && !buried) {
                return None;
            }
            if self.geometry.is_free(on_ground, body) {
                return Some(on_ground);
            }
        }
        let near =
            self.offsets.iter().find_map(|offset| self.free_at(Vec2::new(feet.x, feet.z) + *offset, feet.y, body));
        near.or_else(|| self.refuge.map(|place| self.top(place)))
    }

    fn free_at(&self, place: Vec2, height_m: f32, body: BodyShape) -> Option<Vec3> {
        if !self.geometry.contains(place.x, place.y) {
            return None;
        }
        let ground = self.geometry.ground(place.x, place.y, height_m + STOREY_M)?;
        let feet = Vec3::new(place.x, ground.height_m, place.y);
        let is_on_mesh = || self.mesh.is_none_or(|mesh| mesh.nearest(feet, NEAR_MESH_M).is_some());
        let is_near = (ground.height_m - height_m).abs() <= STOREY_M;
        (is_near && self.geometry.is_free(feet, body) && !self.geometry.is_raised(feet) && is_on_mesh()).then_some(feet)
    }

    fn top(&self, place: Vec2) -> Vec3 {
        let height_m = self.geometry.top(place.x, place.y).map_or(0.0, |ground| ground.height_m);
        Vec3::new(place.x, height_m, place.y)
    }
}

/// Places around the origin, nearest first.
fn offsets() -> Vec<Vec2> {
    let most = FREE_WITHIN_M * TRIES_PER_M;
    let square = (-most..=most).flat_map(|z| (-most..=most).map(move |x| (x * x + z * z, z, x)));
    let mut circle: Vec<(i32, i32, i32)> =
        square.filter(|&(squared, ..)| squared > 0 && squared <= most * most).collect();
    circle.sort_unstable();
    #[allow(clippy::cast_precision_loss, reason = "a few dozen at most")]
    let metres = |steps: i32| steps as f32 / TRIES_PER_M as f32;
    circle.into_iter().map(|(_, z, x)| Vec2::new(metres(x), metres(z))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_nearest_first_and_each_once() {
        let offsets = offsets();
        assert!(
            offsets.windows(2).all(|pair| pair[0].length_squared() <= pair[1].length_squared() && pair[0] != pair[1])
        );
        assert_eq!(offsets[0].length(), 0.5);
        assert!(offsets.last().is_some_and(|last| last.length() > 23.5));
    }
}
