//! Monsters: they appear at their spawners, look around, remember who hurt them, chase, fight, give up and go
//! home. Think: monsters write the same intents as players. Resolve: they remember what was done to them, die,
//! decay and come back.
//!
//! A monster with no player in its neighbourhood sleeps: it neither looks nor strolls, and costs next to nothing.

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::actor::{Actor, Faction, Heading, Kind, Name, Position, Profile};
use crate::assets::{Assets, AttributeId, Id, MonsterDef};
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::combat::{Attributes, Level, Vitals};
use crate::features::navigation::{NavigationSystems, WalkTo};
use crate::features::skills::Mana;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::{SimTick, Tick, TickSystems};

mod brain;
mod decide;
mod errands;
mod fight;
mod memory;
mod patrol;
mod pursuit;
mod senses;
mod spawners;
mod tactics;
mod threat;

pub use brain::{Brain, HelpCall, Mood};
pub use patrol::Patrol;
pub use pursuit::Pursuit;
pub use senses::{Neighbourhoods, SENSE_TICKS};
pub use spawners::Spawners;
pub use threat::{THREATS_MAX, ThreatTable};

/// The monsters' place in the Resolve stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MonsterSystems {
    /// Memory, death, decay and respawn.
    Remember,
}

/// What a monster is. Written when it is spawned.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Species(pub Id<MonsterDef>);

/// Where a monster belongs. Written when it is spawned.
#[derive(Component, Debug, Clone, Copy, PartialEq)]
pub struct Home {
    /// Feet position in metres.
    pub feet: Vec3,
    /// Its place in [`Spawners`]; `None` for one that does not come back.
    pub slot: Option<u32>,
}

impl Digest for Home {
    fn digest(&self, digester: &mut Digester) {
        self.feet.to_array().into_iter().for_each(|metres| digester.f32(metres));
        digester.u32(self.slot.map_or(0, |slot| slot + 1));
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<Neighbourhoods>().init_resource::<Spawners>().add_message::<HelpCall>();
    app.add_systems(
        Tick,
        (
            (senses::map_players, senses::look_out, decide::decide, decide::answer_calls, decide::settle_at_home)
                .chain()
                .in_set(TickSystems::Think)
                .before(NavigationSystems::Plan),
            (memory::remember, memory::bury, spawners::free_slots, memory::decay, spawners::fill_slots)
                .chain()
                .in_set(MonsterSystems::Remember),
        ),
    );
    app.digest_component::<Home>("monsters")
        .digest_component::<Brain>("monsters")
        .digest_component::<ThreatTable>("monsters")
        .digest_component::<Patrol>("monsters")
        .digest_component::<Pursuit>("monsters")
        .digest_resource::<Spawners>("monsters");
}

/// Puts a monster into the scene at a place, which becomes its home; it does not come back when it dies.
pub fn spawn_monster(world: &mut World, monster: Id<MonsterDef>, feet: Vec3) -> SimId {
    let tick = world.resource::<SimTick>().0;
    let assets = world.resource::<SceneAssets>().0.clone();
    let id = world.resource_mut::<Roster>().allocate(tick);
    let random = *world.resource::<Random>();
    let home = Home { feet, slot: None };
    world.spawn(body(&assets, &random, (id, tick), monster, home, Patrol::default()));
    id
}

fn body(
    assets: &Assets,
    random: &Random,
    (id, tick): (SimId, u32),
    monster: Id<MonsterDef>,
    home: Home,
    patrol: Patrol,
) -> impl Bundle {
    let def = &assets.monsters[monster];
    let turn = random.draw(tick, id, Stream("spawn heading"), 0).unit();
    let identity = (
        id,
        Actor,
        Name(def.name.clone()),
        Kind::Monster(monster.raw()),
        Level(def.level),
        Faction::named(def.faction.name()),
    );
    let place = (Position(home.feet), Heading(turn * std::f32::consts::TAU), Profile(def.movement.id()));
    let attributes = Attributes::at_level(assets, &def.attributes, def.level);
    let numbers = (
        Vitals::full(attributes.current(AttributeId::HP_MAX).unsigned_abs()),
        Mana::full(attributes.current(AttributeId::MANA_MAX).unsigned_abs()),
        attributes,
    );
    let mind = (Species(monster), home, Brain::default(), ThreatTable::default(), Pursuit::default());
    let errand = (patrol, WalkTo::default());
    (identity, place, numbers, mind, errand)
}
