//! `TestScene`: a scene and a few verbs to play with it in game words. For tests and benches, here and outside.
//! Its game data is small and made for reading; a test that needs more adds texts of its own.

mod floor_mesh;
mod rectangles;

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use crate::actor::Position;
use crate::assets::{AssetSources, Assets, MonsterDef};
use crate::command::{ClientCommand, CommandLists, Issued};
use crate::features::monsters;
use crate::ids::{PlayerId, SimId};
use crate::input::{Character, InputProgress, Players, SceneInput};
use crate::locomotion::StepInput;
use crate::roster::Roster;
use crate::scene::{Scene, SceneConfig};
use crate::space::Geometry;

pub use floor_mesh::floor_mesh;
pub use rectangles::{GroundRectangle, archive_of_rectangles, mesh_of_plan, rectangles_of_cells};

/// The game data of [`TestScene::flat`].
pub const TEST_ASSETS: [(&str, &str); 7] = [
    ("factions/test.ron", include_str!("testing/factions.ron")),
    ("movements/test.ron", include_str!("testing/movements.ron")),
    ("skills/test.ron", include_str!("testing/skills.ron")),
    ("effects/test.ron", include_str!("testing/effects.ron")),
    ("classes/test.ron", include_str!("testing/classes.ron")),
    ("monsters/test.ron", include_str!("testing/monsters.ron")),
    ("scenes/test.ron", include_str!("testing/scenes.ron")),
];

/// A scene under test.
pub struct TestScene {
    /// The scene itself.
    pub scene: Scene,
    /// What it was made from, to make another like it.
    pub config: SceneConfig,
    next_player: u64,
    sequences: std::collections::BTreeMap<u64, u32>,
}

impl TestScene {
    /// A flat, empty place of 1 km x 1 km: `scene/flat` of [`TEST_ASSETS`], seed 1.
    #[must_use]
    pub fn flat() -> Self {
        Self::of(&test_assets(&[]), "scene/flat", 1, |_| {})
    }

    /// A flat floor with a wall 0.5 m thick and 3 m high along `x = 5`, from `z = -20` to `z = 20`.
    #[must_use]
    pub fn walled() -> Self {
        Self::of(&test_assets(&[]), "scene/walled", 1, |_| {})
    }

    /// The flat place with plugins from outside.
    #[must_use]
    pub fn with_plugins(extra: impl FnOnce(&mut App)) -> Self {
        Self::of(&test_assets(&[]), "scene/flat", 1, extra)
    }

    /// A scene of any game data.
    ///
    /// # Panics
    /// When the game data has no such scene, or its geometry cannot be built.
    #[must_use]
    pub fn of(assets: &Arc<Assets>, scene: &str, seed: u64, extra: impl FnOnce(&mut App)) -> Self {
        let scene = assets.scenes.by_name(scene).unwrap_or_else(|| panic!("the game data has no `{scene}`"));
        let geometry = Geometry::build(&assets.scenes[scene]).unwrap_or_else(|error| panic!("{error}"));
        let config = SceneConfig { scene, seed, assets: assets.clone(), geometry: Arc::new(geometry), navmesh: None };
        Self::from_config(config, extra)
    }

    /// A scene of a configuration made elsewhere.
    #[must_use]
    pub fn from_config(config: SceneConfig, extra: impl FnOnce(&mut App)) -> Self {
        let scene = Scene::new(&config, extra);
        Self { scene, config, next_player: 1, sequences: std::collections::BTreeMap::new() }
    }

    /// A player of the first class at a place; one tick passes.
    pub fn player_at(&mut self, x: f32, z: f32) -> SimId {
        self.player_of_class("class/fighter", x, z)
    }

    /// A player of a class at a place; one tick passes.
    ///
    /// # Panics
    /// When the scene does not admit the player.
    pub fn player_of_class(&mut self, class: &str, x: f32, z: f32) -> SimId {
        let player = self.next_player;
        self.next_player += 1;
        let character = Character { name: format!("player{player}"), class: class.into(), parts: Vec::new() };
        self.scene.push(SceneInput::Join { player, character, spawn_point: None });
        self.scene.tick();
        let (id, _) = self.scene.world().resource::<Players>().0[&PlayerId(player)];
        self.place(id, x, z);
        id
    }

    /// A monster at a place, at home there.
    ///
    /// # Panics
    /// When the game data has no such monster.
    pub fn monster_at(&mut self, monster: &str, x: f32, z: f32) -> SimId {
        let monsters = &self.config.assets.monsters;
        let monster = monsters.by_name(monster).unwrap_or_else(|| panic!("the game data has no `{monster}`"));
        let feet = self.on_ground(x, z);
        monsters::spawn_monster(self.scene.world_mut(), monster, feet)
    }

    /// The definition of a monster.
    ///
    /// # Panics
    /// When the game data has no such monster.
    #[must_use]
    pub fn monster_def(&self, monster: &str) -> &MonsterDef {
        let monsters = &self.config.assets.monsters;
        &monsters[monsters.by_name(monster).unwrap_or_else(|| panic!("the game data has no `{monster}`"))]
    }

    /// Sets an entity down at a place without any rule.
    pub fn place(&mut self, id: SimId, x: f32, z: f32) {
        let feet = self.on_ground(x, z);
        let entity = self.entity(id);
        self.scene.world_mut().entity_mut(entity).insert(Position(feet));
    }

    /// Has a player send a command; it takes effect in the next tick.
    ///
    /// # Panics
    /// When the command is in no list.
    pub fn command<C: ClientCommand>(&mut self, id: SimId, command: &C) {
        let lists = self.scene.world().resource::<CommandLists>();
        let kind = lists.kind_of(C::NAME).unwrap_or_else(|| panic!("`{}` is in no list", C::NAME));
        let player = self.player_of(id).0;
        let sequence = self.sequences.entry(player).or_default();
        *sequence += 1;
        self.scene.push(SceneInput::Command { player, sequence: *sequence, kind, body: command.encode() });
    }

    /// Has a player walk in a direction in the next tick, as an honest client would.
    pub fn walk(&mut self, id: SimId, direction: Vec2) {
        let progress = *self.get::<InputProgress>(id);
        let place = self.position(id);
        self.steps(
            id,
            progress.applied_sequence + 1,
            &[StepInput { wish: direction, walk: false }],
            Vec2::new(place.x, place.z),
        );
    }

    /// Has a player send steps with any sequence and any claim, in the next tick.
    pub fn steps(&mut self, id: SimId, first_sequence: u32, steps: &[StepInput], claim: Vec2) {
        let player = self.player_of(id).0;
        let forced_epoch = self.get::<InputProgress>(id).forced_epoch;
        let wire = |step: &StepInput| {
            let (x, z) = step.to_wire();
            (x, z, u8::from(step.walk))
        };
        #[allow(clippy::cast_possible_truncation, reason = "casts saturate")]
        let claim_cm = ((claim.x * 100.0).round() as i32, (claim.y * 100.0).round() as i32);
        let steps = steps.iter().map(wire).collect();
        self.scene.push(SceneInput::Steps { player, forced_epoch, first_sequence, steps, claim_cm });
    }

    /// Lets one tick pass.
    pub fn tick(&mut self) {
        self.scene.tick();
    }

    /// Lets ticks pass.
    pub fn ticks(&mut self, count: u32) {
        (0..count).for_each(|_| self.tick());
    }

    /// A component of an entity.
    ///
    /// # Panics
    /// When the entity has gone or has no such component.
    #[must_use]
    pub fn get<T: Component>(&self, id: SimId) -> &T {
        let entity = self.entity(id);
        let found = self.scene.world().get::<T>(entity);
        found.unwrap_or_else(|| panic!("{id} has no {}", std::any::type_name::<T>()))
    }

    /// True while the entity is in the scene.
    #[must_use]
    pub fn exists(&self, id: SimId) -> bool {
        self.scene.world().resource::<Roster>().entity(id).is_some()
    }

    /// Feet position of an entity.
    #[must_use]
    pub fn position(&self, id: SimId) -> Vec3 {
        self.get::<Position>(id).0
    }

    /// The entity behind an id.
    ///
    /// # Panics
    /// When it has gone.
    #[must_use]
    pub fn entity(&self, id: SimId) -> Entity {
        self.scene.world().resource::<Roster>().entity(id).unwrap_or_else(|| panic!("{id} has gone"))
    }

    /// The player whose character it is.
    ///
    /// # Panics
    /// When it is no player's.
    #[must_use]
    pub fn player_of(&self, id: SimId) -> PlayerId {
        let mut players = self.scene.world().resource::<Players>().0.iter();
        players
            .find(|(_, (character, _))| *character == id)
            .map_or_else(|| panic!("{id} is no player"), |(&player, _)| player)
    }

    /// The combined state hash.
    pub fn hash(&mut self) -> Vec<(&'static str, u64)> {
        self.scene.state_hashes()
    }

    fn on_ground(&self, x: f32, z: f32) -> Vec3 {
        let height_m = self.config.geometry.top(x, z).map_or(0.0, |ground| ground.height_m);
        Vec3::new(x, height_m, z)
    }
}

/// [`TEST_ASSETS`] with more texts (path, text), checked.
///
/// # Panics
/// With the report when something is wrong with them.
#[must_use]
pub fn test_assets(more: &[(&str, &str)]) -> Arc<Assets> {
    let all = TEST_ASSETS.iter().chain(more);
    let sources = all.fold(AssetSources::new("test"), |sources, (path, text)| sources.with(*path, *text));
    Arc::new(Assets::load(&sources).unwrap_or_else(|report| panic!("{report:#?}")))
}

/// What a command's message carries, without its issuer: for tests of new commands.
#[must_use]
pub fn issued<C: Clone + Send + Sync + 'static>(scene: &Scene) -> Vec<C> {
    let messages = scene.world().resource::<Messages<Issued<C>>>();
    messages.get_cursor().read(messages).map(|issued| issued.command.clone()).collect()
}
