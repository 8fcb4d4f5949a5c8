//! Players: characters enter, lose their link, come back, leave, and walk through portals.
//! Receive: admits and removes. Validate: portals. What a character takes along is whatever features have
//! registered with [`CarryApp::carry`], so nothing is lost or gained on the way.

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use crate::actor::{Actor, Faction, Heading, Kind, Name, Position, Profile};
use crate::assets::{Assets, ClassDef, Id, SceneDef, SpawnPointDef};
use crate::command::{ClientCommand, CommandError, Issued, Rejections};
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::combat::{Allegiance, Fight, Vitals};
use crate::ids::{PlayerId, SimId};
use crate::input::{
    Admitted, Character, Departure, InputProgress, Outputs, Players, Presence, ReceiveSystems, SceneInput, SceneOutput,
};
use crate::interest::Interest;
use crate::locomotion::body_shape;
use crate::random::{Draw, Random, Stream};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::space::Geometry;
use crate::tick::{SimTick, Tick, TickSystems};

/// Ticks a character stays in the world without its player (60 s, the seed's figure).
pub const LINK_DEAD_TICKS: u32 = 1_200;
/// Places tried around a spawn point before its centre is taken.
const SPAWN_TRIES: u32 = 16;

/// A player's character. Written when it joins.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
#[require(Actor, Interest, InputProgress)]
pub struct Player {
    /// Whose.
    pub id: PlayerId,
}

/// What the character is. Written when it joins.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class(pub Id<ClassDef>);

/// The player's connection is gone since that tick; the character waits.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkDead {
    /// When the link was lost.
    pub since_tick: u32,
}

/// Asks to walk through the portal the character stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnterPortalCommand;

impl ClientCommand for EnterPortalCommand {
    const NAME: &'static str = "enter_portal";
    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        if body.is_empty() { Ok(Self) } else { Err(CommandError::Malformed) }
    }
    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// State that follows a character from scene to scene and from login to login.
pub trait Carry: Component + Sized {
    /// Stable name of the part.
    const NAME: &'static str;
    /// Saves at `tick`; times are saved as what remains of them, records of the game data by their names.
    fn save(&self, tick: u32, assets: &Assets) -> Vec<u8>;
    /// Reads what `save` wrote, perhaps with other game data; `None` when nothing can be made of it.
    fn load(bytes: &[u8], tick: u32, assets: &Assets) -> Option<Self>;
}

#[derive(Clone, Copy)]
struct CarryEntry {
    name: &'static str,
    save: fn(EntityRef<'_>, u32, &Assets) -> Option<Vec<u8>>,
    load: fn(&mut EntityWorldMut<'_>, &[u8], u32, &Assets),
}

#[derive(Resource, Default)]
struct CarryList(Vec<CarryEntry>);

/// What is done before a character is saved.
#[derive(Resource, Default)]
struct Farewells(Vec<fn(&mut World, Entity)>);

/// Registration of state that follows a character.
pub trait CarryApp {
    /// Has a component saved when a character leaves and restored when it enters.
    fn carry<T: Carry>(&mut self) -> &mut Self;
    /// Has something done to every character that leaves, before it is saved; in the order of registration.
    fn before_departure(&mut self, farewell: fn(&mut World, Entity)) -> &mut Self;
}

impl CarryApp for App {
    fn carry<T: Carry>(&mut self) -> &mut Self {
        let entry = CarryEntry {
            name: T::NAME,
            save: |entity, tick, assets| entity.get::<T>().map(|part| part.save(tick, assets)),
            load: |entity, bytes, tick, assets| {
                if let Some(part) = T::load(bytes, tick, assets) {
                    entity.insert(part);
                }
            },
        };
        self.world_mut().get_resource_or_init::<CarryList>().0.push(entry);
        self
    }

    fn before_departure(&mut self, farewell: fn(&mut World, Entity)) -> &mut Self {
        self.world_mut().get_resource_or_init::<Farewells>().0.push(farewell);
        self
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<CarryList>().init_resource::<Farewells>();
    app.add_systems(
        Tick,
        (
            (heed_presence, expire_link_dead).chain().in_set(ReceiveSystems::Admit),
            enter_portals.in_set(TickSystems::Validate).after(crate::features::skills::ValidateSystems::Casts),
        ),
    );
    app.carry::<LastPlace>().carry::<InputProgress>();
    app.digest_component::<Position>("movement").digest_component::<Heading>("movement");
    app.digest_component::<Player>("players").digest_component::<LinkDead>("players");
}

/// The place a character was saved at; only used when it joins without a spawn point.
#[derive(Component, Debug, Clone, Copy, PartialEq)]
struct LastPlace {
    scene: u32,
    place: Vec3,
}

impl Carry for LastPlace {
    const NAME: &'static str = "place";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let parts = self.place.to_array().map(f32::to_le_bytes);
        [&self.scene.to_le_bytes()[..], parts.as_flattened()].concat()
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        let mut reader = crate::wire::Reader::new(bytes);
        let scene = reader.u32()?;
        Some(Self { scene, place: Vec3::new(reader.f32()?, reader.f32()?, reader.f32()?) })
    }
}

/// Forced positions go on counting, so that steps made in the last scene are known to be stale in this one.
impl Carry for InputProgress {
    const NAME: &'static str = "input";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        vec![self.forced_epoch]
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        Some(Self { applied_sequence: 0, forced_epoch: *bytes.first()? })
    }
}

fn heed_presence(world: &mut World, mut cursor: Local<bevy_ecs::message::MessageCursor<Presence>>) {
    let asked: Vec<Presence> = cursor.read(world.resource()).cloned().collect();
    for Presence(input) in asked {
        let Some(player) = input.player() else { continue };
        let present = world.resource::<Players>().0.get(&player).copied();
        match (input, present) {
            (SceneInput::Join { .. }, Some((id, entity))) => {
                world.entity_mut(entity).remove::<LinkDead>();
                // The new session's client knows nothing yet.
                if let Some(mut interest) = world.get_mut::<Interest>(entity) {
                    interest.forget();
                }
                world.write_message(Admitted { player, id, entity });
            }
            (SceneInput::Join { character, spawn_point, .. }, None) => {
                admit(world, player, &character, spawn_point.as_deref());
            }
            // Who logs out of a fight stays in it as who loses the link does: it is no way out.
            (SceneInput::Leave { .. }, Some((_, entity))) if !is_fighting(world, entity) => {
                depart(world, player, Departure::LoggedOut);
            }
            (SceneInput::LinkLost { .. } | SceneInput::Leave { .. }, Some((_, entity))) => {
                let since_tick = world.resource::<SimTick>().0;
                world.entity_mut(entity).insert(LinkDead { since_tick });
            }
            _ => {}
        }
    }
}

fn is_fighting(world: &World, entity: Entity) -> bool {
    let tick = world.resource::<SimTick>().0;
    world.get::<Fight>(entity).is_some_and(|fight| fight.is_on(tick))
}

fn admit(world: &mut World, player: PlayerId, character: &Character, spawn_point: Option<&str>) {
    let tick = world.resource::<SimTick>().0;
    let assets = world.resource::<SceneAssets>().0.clone();
    let Some(class) =
        assets.classes.by_name(&character.class).or_else(|| assets.classes.iter().next().map(|(id, _)| id))
    else {
        return;
    };
    let id = world.resource_mut::<Roster>().allocate(tick);
    let profile = assets.classes[class].movement.id();
    let entity = world
        .spawn((
            id,
            Player { id: player },
            Class(class),
            Name(character.name.clone()),
            Kind::Player(u32::try_from(class.index()).unwrap_or(0)),
            Faction::PLAYERS,
            Allegiance { player: true, ..Allegiance::default() },
            Profile(profile),
        ))
        .id();
    restore(world, entity, character, tick, &assets);
    let place = arrival(world, entity, id, spawn_point, &assets);
    world.entity_mut(entity).insert(place);
    world.resource_mut::<Players>().0.insert(player, (id, entity));
    world.write_message(Admitted { player, id, entity });
}

fn restore(world: &mut World, entity: Entity, character: &Character, tick: u32, assets: &Arc<Assets>) {
    let entries = world.resource::<CarryList>().0.clone();
    let mut entity = world.entity_mut(entity);
    for (name, bytes) in &character.parts {
        if let Some(entry) = entries.iter().find(|entry| entry.name == name) {
            (entry.load)(&mut entity, bytes, tick, assets);
        }
    }
}

fn arrival(world: &mut World, entity: Entity, id: SimId, spawn_point: Option<&str>, assets: &Assets) -> Position {
    let SceneId(scene) = *world.resource::<SceneId>();
    let def = &assets.scenes[scene];
    let saved = world.entity_mut(entity).take::<LastPlace>();
    if let (None, Some(saved)) = (spawn_point, saved)
        && saved.scene as usize == scene.index()
        && world.resource::<SceneGeometry>().0.contains(saved.place.x, saved.place.z)
    {
        return Position(saved.place);
    }
    let point = spawn_point.and_then(|name| def.spawn_point(name)).or_else(|| def.spawn_points.first());
    let draw = world.resource::<Random>().draw(world.resource::<SimTick>().0, id, Stream("arrival"), 0);
    let geometry = &world.resource::<SceneGeometry>().0;
    let body = world.get::<Profile>(entity).map(|profile| body_shape(&assets.movements[profile.0]));
    Position(point.map_or(Vec3::ZERO, |point| {
        free_place(point, geometry, draw, |feet| body.is_none_or(|body| geometry.is_free(feet, body)))
    }))
}

/// A random free place around a spawn point, on the ground and not on a roof; its centre when none was found.
pub fn free_place(point: &SpawnPointDef, geometry: &Geometry, mut draw: Draw, is_free: impl Fn(Vec3) -> bool) -> Vec3 {
    let centre = Vec2::from(point.at);
    for _ in 0..SPAWN_TRIES {
        let angle = draw.unit() * std::f32::consts::TAU;
        let place = centre + Vec2::from_angle(angle) * point.radius_m * draw.unit().sqrt();
        if let Some(ground) = geometry.top(place.x, place.y) {
            let feet = Vec3::new(place.x, ground.height_m, place.y);
            if geometry.contains(place.x, place.y) && is_free(feet) && !geometry.is_raised(feet) {
                return feet;
            }
        }
    }
    let height_m = geometry.top(centre.x, centre.y).map_or(0.0, |ground| ground.height_m);
    Vec3::new(centre.x, height_m, centre.y)
}

fn depart(world: &mut World, player: PlayerId, to: Departure) {
    let Some((_, entity)) = world.resource_mut::<Players>().0.remove(&player) else { return };
    let farewells = world.resource::<Farewells>().0.clone();
    farewells.into_iter().for_each(|farewell| farewell(world, entity));
    let tick = world.resource::<SimTick>().0;
    let SceneId(scene) = *world.resource::<SceneId>();
    let assets = world.resource::<SceneAssets>().0.clone();
    if let Some(&Position(place)) = world.get::<Position>(entity) {
        world.entity_mut(entity).insert(LastPlace { scene: u32::try_from(scene.index()).unwrap_or(0), place });
    }
    let entity_ref = world.entity(entity);
    let parts = world.resource::<CarryList>().0.iter();
    let parts =
        parts.filter_map(|entry| Some((entry.name.to_owned(), (entry.save)(entity_ref, tick, &assets)?))).collect();
    let character = Character {
        name: entity_ref.get::<Name>().map(|name| name.0.clone()).unwrap_or_default(),
        class: entity_ref.get::<Class>().map(|class| assets.classes[class.0].id.clone()).unwrap_or_default(),
        parts,
    };
    world.despawn(entity);
    world.resource_mut::<Outputs>().0.push(SceneOutput::Departed { player, character, to });
}

fn expire_link_dead(world: &mut World, mut waiting: Local<Option<QueryState<(&Player, &LinkDead)>>>) {
    let tick = world.resource::<SimTick>().0;
    let waiting = waiting.get_or_insert_with(|| QueryState::new(world));
    let expired = waiting.iter(world).filter(|(_, dead)| tick.wrapping_sub(dead.since_tick) >= LINK_DEAD_TICKS);
    let mut expired: Vec<PlayerId> = expired.map(|(player, _)| player.id).collect();
    expired.sort_unstable();
    for player in expired {
        depart(world, player, Departure::LinkDead);
    }
}

fn enter_portals(world: &mut World, mut cursor: Local<bevy_ecs::message::MessageCursor<Issued<EnterPortalCommand>>>) {
    let asked: Vec<_> = cursor.read(world.resource()).map(|issued| issued.by).collect();
    for by in asked {
        let assets = world.resource::<SceneAssets>().0.clone();
        let def = &assets.scenes[world.resource::<SceneId>().0];
        let place = world.get::<Position>(by.entity).map(|position| position.place());
        let alive = world.get::<Vitals>(by.entity).is_some_and(|vitals| !vitals.is_dead());
        let refusal = match place.and_then(|place| portal_at(def, place)) {
            _ if !alive => Some("dead"),
            _ if is_fighting(world, by.entity) => Some("fighting"),
            None => Some("no_portal"),
            Some(portal) => {
                let to = assets.scenes[portal.to.id()].id.clone();
                depart(world, by.player, Departure::Portal { scene: to, spawn_point: portal.spawn_point.clone() });
                None
            }
        };
        if let Some(reason) = refusal {
            let mut state = bevy_ecs::system::SystemState::<Rejections>::new(world);
            if let Ok(mut rejections) = state.get_mut(world) {
                rejections.reject(&by, reason);
            }
        }
    }
}

fn portal_at(def: &SceneDef, place: Vec2) -> Option<&crate::assets::PortalDef> {
    def.portals.iter().find(|portal| Vec2::from(portal.at).distance(place) <= portal.radius_m)
}

impl Digest for Player {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.id.0);
    }
}

impl Digest for LinkDead {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.since_tick);
    }
}
