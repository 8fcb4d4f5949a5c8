//! Moves by force: where a push, a pull, a leap or a blink ends. A body goes as it could have walked, a quarter of a metre
//! at a time: it stops before walls, before what is too high to step on, before edges deeper than a metre and at the
//! bounds. A blink crosses gaps, but walls and closed doors stop it too. The move itself is movement's ([`ForceMove`]).
//!
//! [`ForceMove`]: crate::features::movement::ForceMove

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use glam::{Vec2, Vec3};

use crate::actor::{Heading, Position, Profile};
use crate::assets::{MovementDef, TagId};
use crate::features::buffs::Tags;
use crate::features::combat::{EffectQueued, Push};
use crate::ids::SimId;
use crate::locomotion::body_shape;
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::space::Geometry;
use crate::space::navmesh::plane::flat;

/// Length of one piece of the way, in metres.
const PIECE_M: f32 = 0.25;
/// Deepest drop that does not stop a body, in metres.
const DROP_M_MAX: f32 = 1.0;
/// How near arm's length is, between centres, in metres.
const ARM_M: f32 = 1.5;

/// Everyone who can be moved.
#[derive(SystemParam)]
pub(super) struct Bodies<'w, 's> {
    roster: Res<'w, Roster>,
    assets: Res<'w, SceneAssets>,
    bodies: Query<'w, 's, (&'static Position, &'static Heading, &'static Profile, &'static Tags)>,
}

/// Whom a deed moves, and where to; `None` when nobody moves. `moved` knows who has been moved in this tick already.
pub(super) fn destination(
    bodies: &Bodies,
    geometry: &Geometry,
    deed: &EffectQueued,
    how: Push,
    distance_cm: u32,
    moved: impl Fn(SimId) -> Option<Vec3>,
) -> Option<(SimId, Vec3)> {
    let (who, other) = match how {
        Push::SourceToTarget => (deed.source, deed.target),
        _ => (deed.target, deed.source),
    };
    let (position, heading, profile, tags) = bodies.bodies.get(bodies.roster.entity(who)?).ok()?;
    if who != deed.source && tags.has(TagId::IMMUNE_DISPLACE) {
        return None;
    }
    let from = moved(who).unwrap_or(position.0);
    let place = |id: SimId| moved(id).or_else(|| Some(bodies.bodies.get(bodies.roster.entity(id)?).ok()?.0.0));
    #[allow(clippy::cast_precision_loss, reason = "at most 4,000")]
    let distance_m = distance_cm as f32 / 100.0;
    let (direction, distance_m) = match how {
        Push::Ahead | Push::Through => (heading.direction(), distance_m),
        Push::Away => {
            let way = flat(from - place(other)?);
            (way.try_normalize().unwrap_or_else(|| -heading.direction()), distance_m)
        }
        Push::Toward | Push::SourceToTarget => {
            let way = flat(place(other)? - from);
            (way.try_normalize()?, distance_m.min(way.length() - ARM_M))
        }
    };
    let profile = bodies.assets.0.movements.get(profile.0)?;
    let to = match how {
        Push::Through => blink(from, direction * distance_m, profile, geometry),
        _ => shoved(from, direction * distance_m.max(0.0), profile, geometry),
    };
    (to.distance(from) > 0.05).then_some((who, to))
}

/// Where a body ends that is pushed along the ground.
pub(super) fn shoved(from: Vec3, by: Vec2, profile: &MovementDef, geometry: &Geometry) -> Vec3 {
    let (mut at, mut left_m) = (from, by.length());
    let direction = by.normalize_or_zero();
    while left_m > 1e-3 {
        let piece = direction * left_m.min(PIECE_M);
        let Some(next) = piece_of_way(at, piece, profile, geometry) else { break };
        at = next;
        left_m -= PIECE_M;
    }
    at
}

fn piece_of_way(at: Vec3, piece: Vec2, profile: &MovementDef, geometry: &Geometry) -> Option<Vec3> {
    let by = Vec3::new(piece.x, 0.0, piece.y);
    let to = at + by;
    if !geometry.contains(to.x, to.z) || geometry.sweep(at, by, body_shape(profile)).is_some() {
        return None;
    }
    let ground = geometry.ground(to.x, to.z, at.y + profile.step_height_m)?;
    let rise_m = ground.height_m - at.y;
    let steep = rise_m > 0.01 && ground.normal.y < profile.slope_max_deg.to_radians().cos();
    let stops = steep || rise_m > profile.step_height_m || rise_m < -DROP_M_MAX;
    (!stops).then_some(Vec3::new(to.x, ground.height_m, to.z))
}

/// Where a blink ends: as far as possible with nothing solid on the way, on ground about as high as its start.
pub(super) fn blink(from: Vec3, by: Vec2, profile: &MovementDef, geometry: &Geometry) -> Vec3 {
    let body = body_shape(profile);
    let whole = Vec3::new(by.x, 0.0, by.y);
    let free = geometry.sweep(from, whole, body).map_or(1.0, |hit| hit.fraction);
    let mut length_m = by.length() * free;
    let direction = by.normalize_or_zero();
    while length_m > PIECE_M {
        let place = from + Vec3::new(direction.x, 0.0, direction.y) * length_m;
        let ground = geometry.ground(place.x, place.z, from.y + DROP_M_MAX);
        let feet = ground.map(|ground| Vec3::new(place.x, ground.height_m, place.z));
        let stands = |feet: &Vec3| {
            geometry.contains(feet.x, feet.z)
                && (feet.y - from.y).abs() <= DROP_M_MAX
                && geometry.is_free(*feet, body)
                && geometry.line_is_clear(from + Vec3::Y, *feet + Vec3::Y)
        };
        if let Some(feet) = feet.filter(stands) {
            return feet;
        }
        length_m -= PIECE_M;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestScene, test_assets};

    #[test]
    fn a_push_ends_before_a_wall_and_a_blink_too() {
        let (assets, walled) = (test_assets(&[]), TestScene::walled());
        let profile = &assets.movements[assets.movements.by_name("move/test").unwrap()];
        let geometry = &walled.config.geometry;
        for end in [
            shoved(Vec3::ZERO, Vec2::new(12.0, 0.0), profile, geometry),
            blink(Vec3::ZERO, Vec2::new(12.0, 0.0), profile, geometry),
        ] {
            assert!((3.5..4.4).contains(&end.x) && end.z == 0.0, "{end}: the wall begins at 4.75, a body has 0.4");
        }
        let free = shoved(Vec3::ZERO, Vec2::new(-12.0, 0.0), profile, geometry);
        assert!((free.x + 12.0).abs() < 0.01);
        let edge = shoved(Vec3::new(-49.0, 0.0, 0.0), Vec2::new(-12.0, 0.0), profile, geometry);
        assert!(edge.x >= -50.0, "the bounds hold");
    }
}
