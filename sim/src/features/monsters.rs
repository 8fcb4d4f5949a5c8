//! Monsters: they appear at their spawners, look around, remember who hurt them, chase, fight, give up and go
//! home. Think: monsters write the same intents as players. Resolve: they remember what was done to them, die,
//! decay and come back.
//!
//! An idle monster is on rails (`rails`): its place is a function of time. With nobody near it sleeps and costs next to
//! nothing, and whoever comes finds it where it would be had it never slept. Move: idle monsters are set where they are now.
//! Those of a group (`groups`) fight as one; where and when others come is the business of `spawners`.

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::actor::{Actor, Faction, Girth, Heading, Kind, Name, Position, Profile};
use crate::assets::{Assets, AttributeId, Id, MonsterDef};
use crate::digest::{Digest, DigestApp, Digester};
use crate::epoch::EpochApp;
use crate::features::combat::{Attributes, Level, Vitals};
use crate::features::movement::MoveSystems;
use crate::features::navigation::{NavigationSystems, WalkTo};
use crate::features::skills::Mana;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::{SimTick, Tick, TickSystems};

mod adds;
mod boss;
mod brain;
mod decide;
mod errands;
mod explain;
mod fight;
mod groups;
mod memory;
mod mind;
mod patrol;
mod pursuit;
mod rails;
mod senses;
mod spawners;
mod tactics;
mod threat;
mod view;

pub use adds::{Said, SummonQueued, Summoned};
pub use brain::{Brain, HelpCall, Mood};
pub use fight::{DECIDE_TICKS, NODES_PER_DECISION_MAX, NODES_PER_TICK_MAX};
pub use groups::Group;
pub use mind::{AiTrace, Mind, ThinkBudget, Thought};
pub use patrol::Patrol;
pub use pursuit::Pursuit;
use rails::RailGround;
pub use rails::{RailStats, Rails, Vigilance};
pub use senses::{Neighbourhoods, SENSE_TICKS};
pub use spawners::Spawners;
pub use threat::{Rival, Standing, THREATS_MAX, Taunt, ThreatTable};

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
    app.on_epoch(spawners::follow_epoch).on_epoch(mind::forget_changed_trees);
    app.on_epoch(patrol::follow_epoch).on_epoch(rails::follow_epoch).on_epoch(senses::follow_epoch);
    app.init_resource::<Neighbourhoods>()
        .init_resource::<Spawners>()
        .add_message::<HelpCall>()
        .add_message::<SummonQueued>();
    app.init_resource::<ThinkBudget>().init_resource::<AiTrace>();
    app.init_resource::<RailGround>().init_resource::<RailStats>().init_resource::<Vigilance>();
    app.add_systems(
        Tick,
        (
            (
                rails::rouse,
                senses::look_out,
                decide::decide,
                decide::answer_calls,
                groups::agree,
                groups::wait_for_others,
                decide::settle_at_home,
            )
                .chain()
                .in_set(TickSystems::Think)
                .before(NavigationSystems::Plan),
            (senses::map_neighbours, rails::ride)
                .chain()
                .in_set(TickSystems::Move)
                .after(NavigationSystems::Separate)
                .before(MoveSystems::Compare),
            (
                memory::remember,
                memory::bury,
                spawners::free_slots,
                memory::decay,
                adds::dismiss,
                adds::summon,
                spawners::dismiss,
                spawners::count_players,
                spawners::fill_slots,
            )
                .chain()
                .in_set(MonsterSystems::Remember),
        ),
    );
    app.digest_component::<Home>("monsters")
        .digest_component::<Brain>("monsters")
        .digest_component::<Mind>("monsters")
        .digest_component::<Summoned>("monsters")
        .digest_component::<ThreatTable>("monsters")
        .digest_component::<Patrol>("monsters")
        .digest_component::<Rails>("monsters")
        .digest_component::<Group>("monsters")
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
    let yaw = random.draw(tick, id, Stream("spawn heading"), 0).unit() * std::f32::consts::TAU;
    let identity =
        (id, Actor, Name(def.name.clone()), Kind::Monster(monster.raw()), Faction::named(def.faction.name()));
    let place = (Position(home.feet), Heading(yaw), Profile(def.movement.profile.id()), Girth(def.movement.radius_m));
    let level = level_of(def, random, id, tick);
    let attributes = Attributes::on_base(assets, base_values(assets, def, level), level);
    let numbers = (
        Vitals::full(attributes.current(AttributeId::HP_MAX).unsigned_abs()),
        Mana::full(attributes.current(AttributeId::MANA_MAX).unsigned_abs()),
        attributes,
        Level(level),
    );
    let mind = (Species(monster), home, Brain::default(), Mind::default(), ThreatTable::default(), Pursuit::default());
    let errand = (patrol, Rails::new(home.feet, yaw, tick), WalkTo::default());
    (identity, place, numbers, mind, errand)
}

/// The level of a monster, drawn from the range its record gives.
fn level_of(def: &MonsterDef, random: &Random, id: SimId, tick: u32) -> u16 {
    let (least, most) = def.level;
    let above = random.draw(tick, id, Stream("spawn level"), 0).below(u32::from(most.saturating_sub(least)) + 1);
    least + u16::try_from(above).unwrap_or(0)
}

/// The base values of a monster at a level; a pace of its own is a part of its speed.
#[must_use]
pub fn base_values(assets: &Assets, def: &MonsterDef, level: u16) -> Arc<[i32]> {
    let values = assets.attributes.at_level(&def.attributes, level, &assets.curves);
    let Some(run_mps) = def.movement.run_mps else { return values };
    let part = run_mps / assets.movements[def.movement.profile.id()].run_mps.max(0.1);
    let mut values = values.to_vec();
    if let Some(speed) = values.get_mut(AttributeId::SPEED_BP.index()) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "basis points; casts saturate")]
        let own = (*speed as f32 * part).round() as i32;
        *speed = own;
    }
    values.into()
}
