//! The scenes of one process: built once from the game data, then owned by tick threads. What other threads know
//! of them is the [`directory`] (who is where) and the [`post`] (how to reach a scene's thread).

use std::sync::Arc;

use anyhow::Context;
use sim::assets::Assets;
use sim::scene::{Scene, SceneConfig};
use sim::space::Geometry;

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
}

/// Builds every scene of the game data with the network's systems in it, in the order of their ids.
///
/// # Errors
/// When the data has no scene, or the geometry of one cannot be built.
pub fn build(assets: &Arc<Assets>, seed: u64) -> anyhow::Result<Vec<Built>> {
    anyhow::ensure!(!assets.scenes.is_empty(), "the game data has no scene, so there is no world to serve");
    let build_one = |(id, def): (_, &sim::assets::SceneDef)| {
        let geometry = Geometry::build(def).with_context(|| format!("cannot build the geometry of `{}`", def.id))?;
        let seed = scene_seed(seed, &def.id);
        let config =
            SceneConfig { scene: id, seed, assets: Arc::clone(assets), geometry: Arc::new(geometry), navmesh: None };
        let players_max = usize::try_from(def.players_max).unwrap_or(usize::MAX);
        Ok(Built { name: def.id.clone(), seed, players_max, scene: Scene::new(&config, net::plugin) })
    };
    assets.scenes.iter().map(build_one).collect()
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
