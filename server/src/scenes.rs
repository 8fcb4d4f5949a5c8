//! The scenes of one process: built once from the game data, then owned by tick threads. What other threads know
//! of them is the [`directory`] (who is where) and the [`post`] (how to reach a scene's thread).

use std::sync::Arc;

use anyhow::Context;
use bevy_app::App;
use sim::assets::{Assets, Id, SceneDef};
use sim::input::geometry_edit::NavmeshSource;
use sim::scene::{Scene, SceneConfig};

use crate::nav::scenes::{Ground, NavStore};

pub mod directory;
pub mod post;

/// The scene that newcomers enter, where the game data has it.
const START_SCENE: &str = "scene/field";

/// One scene before its first tick.
pub struct Built {
    /// Id such as `scene/field`.
    pub name: String,
    /// Its seed, made from the server's.
    pub seed: u64,
    /// Most players in it.
    pub players_max: usize,
    /// The scene.
    pub scene: Scene,
    /// What it stands on.
    pub ground: Ground,
}

/// Builds every scene of the game data with the network's systems in it, in the order of their ids.
///
/// # Errors
/// When the data has no scene, or the geometry or the navmesh of one cannot be built.
pub fn build(assets: &Arc<Assets>, seed: u64, store: &NavStore) -> anyhow::Result<Vec<Built>> {
    anyhow::ensure!(!assets.scenes.is_empty(), "the game data has no scene, so there is no world to serve");
    let build_one = |(id, def): (Id<SceneDef>, &SceneDef)| {
        let ground = store.ground(assets, id).with_context(|| format!("cannot build `{}`", def.id))?;
        let seed = scene_seed(seed, &def.id);
        let scene = on_ground(assets, id, seed, &ground, net::plugin);
        let players_max = usize::try_from(def.players_max).unwrap_or(usize::MAX);
        Ok(Built { name: def.id.clone(), seed, players_max, scene, ground })
    };
    assets.scenes.iter().map(build_one).collect()
}

/// One scene on its ground, ready to take edits of it in. `extra` adds plugins.
#[must_use]
pub fn on_ground(
    assets: &Arc<Assets>,
    scene: Id<SceneDef>,
    seed: u64,
    ground: &Ground,
    extra: impl FnOnce(&mut App),
) -> Scene {
    let (geometry, navmesh) = (Arc::clone(&ground.geometry), Some(Arc::clone(&ground.navmesh)));
    let config = SceneConfig { scene, seed, assets: Arc::clone(assets), geometry, navmesh };
    Scene::new(&config, |app| {
        app.insert_resource(NavmeshSource(Arc::clone(&ground.archive)));
        extra(app);
    })
}

/// The place in the list of the scene that newcomers enter.
#[must_use]
pub fn start_scene(scenes: &[Built]) -> usize {
    scenes.iter().position(|scene| scene.name == START_SCENE).unwrap_or(0)
}

/// FNV-1a of 64 bits: the same in every build and on every machine, unlike the standard library's hashers.
#[must_use]
pub fn stable_hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Two scenes of one server must not draw the same numbers.
fn scene_seed(seed: u64, scene: &str) -> u64 {
    stable_hash(seed.to_le_bytes().into_iter().chain(scene.bytes()))
}
