//! How many living players are near a spawner that answers crowds. Each such spawner looks once a second, in turns by its
//! place in the scene's list. Resolve stage.

use bevy_ecs::prelude::*;
use glam::Vec2;

use super::Spawners;
use crate::actor::{Concealment, Position};
use crate::assets::{SpawnArea, SpawnerDef};
use crate::features::combat::Vitals;
use crate::features::players::Player;
use crate::scene::{SceneAssets, SceneId};
use crate::space::polygon;
use crate::tick::SimTick;

/// Ticks between two looks of one spawner (1 s).
const COUNT_TICKS: usize = 20;
/// The phase in which spawners are: players of another one see nothing of their monsters.
const PHASE: u16 = 0;

pub(in super::super) fn count_players(
    (tick, assets, scene): (Res<SimTick>, Res<SceneAssets>, Res<SceneId>),
    players: Query<(&Position, &Vitals, &Concealment), With<Player>>,
    mut spawners: ResMut<Spawners>,
) {
    for (index, def) in assets.0.scenes[scene.0].spawners.iter().enumerate() {
        let Some(crowd) = &def.crowd else { continue };
        if !(tick.0 as usize + index).is_multiple_of(COUNT_TICKS) {
            continue;
        }
        let is_near = |(position, vitals, concealment): &(&Position, &Vitals, &Concealment)| {
            let counts = vitals.is_alive() && concealment.phase == PHASE;
            counts && distance_m(def, position.place()) <= crowd.margin_m
        };
        let count = u32::try_from(players.iter().filter(is_near).count()).unwrap_or(u32::MAX);
        if let Some(near) = spawners.near.get_mut(index) {
            *near = count;
        }
    }
}

/// Distance from a place to the area of a spawner, in metres; 0 inside.
fn distance_m(def: &SpawnerDef, place: Vec2) -> f32 {
    match &def.area {
        SpawnArea::Circle => (place.distance(Vec2::from(def.at)) - def.radius_m).max(0.0),
        SpawnArea::Polygon(corners) => {
            let corners: Vec<Vec2> = corners.iter().copied().map(Vec2::from).collect();
            polygon::distance_m(&corners, place)
        }
    }
}
