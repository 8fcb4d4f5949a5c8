//! A scene: one world, one schedule, and the few verbs by which a process runs it. Given the same assets, seed
//! and inputs it goes through the same states, tick by tick, in any process.

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::change_detection::Tick as ChangeTick;
use bevy_ecs::message::MessageRegistry;
use bevy_ecs::prelude::*;
use glam::Vec2;

use crate::assets::{Assets, Id, SceneDef};
use crate::counters::Counters;
use crate::ids::Mint;
use crate::input::{Inputs, Outputs, Players, SceneInput, SceneOutput};
use crate::interest::{AoiRadii, Field, SceneField, SceneGrid};
use crate::random::Random;
use crate::roster::Roster;
use crate::space::navmesh::Navmesh;
use crate::space::{Geometry, Grid};
use crate::tick::{SimTick, StageProbe, Tick, TickSystems};
use crate::{command, digest, features, input, interest, replicated, tick};

/// Cells of the grid per leave radius: half a radius leaves few candidates outside the circle.
const CELLS_PER_RADIUS: f32 = 2.0;

/// What a scene is made from.
#[derive(Clone)]
pub struct SceneConfig {
    /// Which scene of the assets.
    pub scene: Id<SceneDef>,
    /// Seed of everything random in it.
    pub seed: u64,
    /// The game data.
    pub assets: Arc<Assets>,
    /// The scene's geometry, with its doors as they stand in the beginning.
    pub geometry: Arc<Geometry>,
    /// Where agents walk in it, its doors in any state; `None` for a scene whose monsters walk straight on.
    pub navmesh: Option<Arc<Navmesh>>,
}

/// The game data of a scene.
#[derive(Resource, Clone)]
pub struct SceneAssets(pub Arc<Assets>);

/// Which scene of the assets this is.
#[derive(Resource, Debug, Clone, Copy)]
pub struct SceneId(pub Id<SceneDef>);

/// The geometry of a scene with its doors as they are. Replaced when a door is worked (Resolve).
#[derive(Resource, Clone)]
pub struct SceneGeometry(pub Arc<Geometry>);

/// Where agents walk in a scene, with its doors as they are, if it has a navmesh. Replaced with [`SceneGeometry`].
#[derive(Resource, Clone)]
pub struct SceneNavmesh(pub Option<Arc<Navmesh>>);

/// A navmesh with each door as it is in a geometry; the same one when nothing differs.
#[must_use]
pub fn with_doors_of(geometry: &Geometry, navmesh: &Arc<Navmesh>) -> Arc<Navmesh> {
    let differs = |mesh: &Navmesh, door: u16| mesh.is_door_open(door) != geometry.is_door_open(door);
    let doors = 0..geometry.door_count().min(navmesh.door_count());
    doors.fold(Arc::clone(navmesh), |mesh, door| match differs(&mesh, door) {
        true => Arc::new(mesh.with_door(door, geometry.is_door_open(door))),
        false => mesh,
    })
}

/// One scene; `Send`, so that any worker thread can run it.
pub struct Scene {
    world: World,
    messages_updated: ChangeTick,
}

impl Scene {
    /// Builds the world and its schedule. `extra` adds plugins from outside: the network's, or a new feature's.
    #[must_use]
    pub fn new(config: &SceneConfig, extra: impl FnOnce(&mut App)) -> Self {
        let def = &config.assets.scenes[config.scene];
        let (min, max) = (Vec2::from(def.bounds.min), Vec2::from(def.bounds.max));
        let mut app = App::empty();
        app.init_resource::<Roster>();
        app.insert_resource(Random::new(config.seed));
        app.insert_resource(Mint::of(config.seed));
        app.insert_resource(SceneAssets(config.assets.clone()));
        app.insert_resource(SceneId(config.scene));
        app.insert_resource(SceneGeometry(config.geometry.clone()));
        let navmesh = config.navmesh.as_ref().map(|navmesh| with_doors_of(&config.geometry, navmesh));
        app.insert_resource(SceneNavmesh(navmesh));
        app.insert_resource(AoiRadii(def.aoi));
        app.insert_resource(SceneGrid(Grid::new(min, max, def.aoi.leave_m / CELLS_PER_RADIUS)));
        app.insert_resource(SceneField(Field::new(min, max, def.aoi)));
        app.add_plugins((tick::plugin, input::plugin));
        app.add_plugins((command::plugin, replicated::plugin));
        app.add_plugins((interest::plugin, features::plugin));
        extra(&mut app);
        let mut world = std::mem::take(app.world_mut());
        let messages_updated = world.change_tick();
        // Built here, so that an ambiguous order is found when the scene is made and not in its first tick.
        world.schedule_scope(Tick, |world, schedule| {
            if let Err(error) = schedule.initialize(world) {
                panic!("the tick's schedule cannot be built: {}", error.to_string(schedule.graph(), world));
            }
        });
        Self { world, messages_updated }
    }

    /// Adds something for the next tick to take in.
    pub fn push(&mut self, input: SceneInput) {
        self.world.resource_mut::<Inputs>().push(input);
    }

    /// Runs one tick (50 ms of the world's time).
    pub fn tick(&mut self) {
        self.world.resource_mut::<SimTick>().0 += 1;
        let before = self.messages_updated;
        self.messages_updated = self.world.change_tick();
        self.world.resource_scope(|world, mut registry: Mut<MessageRegistry>| registry.run_updates(world, before));
        self.world.run_schedule(Tick);
        self.world.clear_trackers();
    }

    /// The number of the last tick; 0 before the first.
    #[must_use]
    pub fn tick_number(&self) -> u32 {
        self.world.resource::<SimTick>().0
    }

    /// What the last tick took in, for the log.
    #[must_use]
    pub fn applied_inputs(&self) -> &[SceneInput] {
        self.world.resource::<Inputs>().applied()
    }

    /// One hash per subsystem, in a fixed order; two equal runs have equal hashes after every tick.
    pub fn state_hashes(&mut self) -> Vec<(&'static str, u64)> {
        digest::state_hashes(&mut self.world)
    }

    /// What has left since the last call.
    pub fn take_outputs(&mut self) -> Vec<SceneOutput> {
        std::mem::take(&mut self.world.resource_mut::<Outputs>().0)
    }

    /// What was counted since the last call, as (metric, label, count).
    pub fn take_counts(&mut self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<> {
        self.world.resource_mut::<Counters>().take()
    }

    /// Has `probe` called as each stage begins, and with `None` at the end of a tick.
    pub fn set_probe(&mut self, probe: Box<dyn FnMut(Option<TickSystems>) + Send + Sync>) {
        self.world.resource_mut::<StageProbe>().0 = Some(probe);
    }

    /// Characters present, connected or not.
    #[must_use]
    pub fn player_count(&self) -> usize {
        self.world.resource::<Players>().0.len()
    }

    /// The id of this scene, such as `scene/field`.
    #[must_use]
    pub fn name(&self) -> &str {
        let assets = &self.world.resource::<SceneAssets>().0;
        &assets.scenes[self.world.resource::<SceneId>().0].id
    }

    /// The world, to look at.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world. Whoever changes it by hand gives up replay.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The systems in the order they run, a line each, as `index name`.
    pub fn schedule_lines(&mut self) -> Vec<String> {
        self.world.schedule_scope(Tick, |_, schedule| {
            schedule
                .systems()
                .map_or_else(|_| Vec::new(), |systems| systems.map(|(_, system)| system.name().to_string()).collect())
        })
    }
}
