//! Doors: what stands in the way until somebody opens it. Every door of a scene is an entity that clients see; its
//! index in the scene's list is its number in the geometry and in the navmesh. Resolve: works the doors that skills
//! ask for (`WorkDoor`), before anything else is resolved.
//!
//! A door has one state, and the scene's geometry, its navmesh and [`DoorState`] always agree about it. A door does
//! not close onto a living body: it stays open, and that is counted.

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use glam::Vec3;

use crate::actor::{Actor, Kind, Position, Profile};
use crate::counters::{Counters, DOORS};
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::combat::{EffectAction, EffectQueued, Vitals};
use crate::ids::SimId;
use crate::locomotion::body_shape;
use crate::replicated::{Replicate, ValueSize};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry, SceneId, SceneNavmesh};
use crate::space::Geometry;
use crate::space::navmesh::Navmesh;
use crate::tick::{SimTick, Tick};
use crate::wire::Reader;

/// Ticks for which an honest client may not know yet that a door was closed (1 s).
pub const BELATED_TICKS: u32 = 20;

/// The doors' place in the Resolve stage; combat orders it.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorSystems {
    /// Doors open and close.
    Work,
}

/// Which door of its scene an entity is: the index in the scene's list. Written when the scene is made.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door(pub u16);

/// Whether a door stands open. Written in the Resolve stage, together with the scene's geometry and navmesh.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorState {
    /// Whether one can walk through.
    pub open: bool,
    /// The tick in which it was worked last; 0 for never.
    pub worked_tick: u32,
}

/// Adds the system, and the doors of the scene.
pub fn plugin(app: &mut App) {
    app.add_systems(Tick, work_doors.in_set(DoorSystems::Work));
    app.digest_component::<DoorState>("doors");
    hang_doors(app.world_mut());
}

/// The doors of the scene, to be looked at.
#[derive(SystemParam)]
pub struct Doors<'w, 's> {
    tick: Res<'w, SimTick>,
    doors: Query<'w, 's, (&'static Door, &'static DoorState)>,
}

impl Doors<'_, '_> {
    /// The geometry and the navmesh with the doors as a client may still believe them to be: one that was closed
    /// within the last [`BELATED_TICKS`] is open. `None` when that is how they are.
    #[must_use]
    pub fn believed(&self, geometry: &Geometry, navmesh: Option<&Navmesh>) -> Option<(Geometry, Option<Navmesh>)> {
        let is_belated = |state: &DoorState| {
            !state.open && state.worked_tick > 0 && self.tick.0 - state.worked_tick <= BELATED_TICKS
        };
        let belated = self.doors.iter().filter(|(_, state)| is_belated(state)).map(|(door, _)| door.0);
        belated.fold(None, |believed, door| {
            let (geometry, navmesh) = match &believed {
                Some((geometry, navmesh)) => (geometry, Option::as_ref(navmesh)),
                None => (geometry, navmesh),
            };
            Some((geometry.with_door(door, true), navmesh.map(|navmesh| navmesh.with_door(door, true))))
        })
    }
}

fn hang_doors(world: &mut World) {
    let scene = world.resource::<SceneId>().0;
    let doors = world.resource::<SceneAssets>().0.scenes[scene].doors.clone();
    for (index, def) in (0_u16..).zip(&doors) {
        let id = world.resource_mut::<Roster>().allocate(0);
        let foot = Vec3::from(def.center) - Vec3::Y * (def.size.1 / 2.0);
        let open = world.resource::<SceneGeometry>().0.is_door_open(index);
        let state = DoorState { open, worked_tick: 0 };
        world.spawn((id, Position(foot), Kind::Door(u32::from(index)), Door(index), state));
    }
}

fn work_doors(
    (tick, assets): (Res<SimTick>, Res<SceneAssets>),
    mut queued: MessageReader<EffectQueued>,
    (mut geometry, mut navmesh): (ResMut<SceneGeometry>, ResMut<SceneNavmesh>),
    mut doors: Query<(&Door, &mut DoorState)>,
    bodies: Query<(&Position, &Profile, &Vitals), With<Actor>>,
    mut counters: ResMut<Counters>,
) {
    let asked = queued.read().filter_map(|effect| match effect.what {
        EffectAction::WorkDoor { door } => Some((effect.source, door)),
        _ => None,
    });
    let mut asked: Vec<(SimId, u16)> = asked.collect();
    asked.sort_by_key(|&(source, _)| source);
    for (_, door) in asked {
        let Some((_, mut state)) = doors.iter_mut().find(|(hung, _)| hung.0 == door) else { continue };
        let open = !state.open;
        let stands_in_it = |(position, profile, vitals): (&Position, &Profile, &Vitals)| {
            let shape = body_shape(&assets.0.movements[profile.0]);
            vitals.is_alive() && geometry.0.door_meets(door, position.0, shape)
        };
        if !open && bodies.iter().any(stands_in_it) {
            counters.add(DOORS, "blocked");
            continue;
        }
        counters.add(DOORS, if open { "opened" } else { "closed" });
        *state = DoorState { open, worked_tick: tick.0 };
        geometry.0 = Arc::new(geometry.0.with_door(door, open));
        navmesh.0 = navmesh.0.as_ref().map(|navmesh| Arc::new(navmesh.with_door(door, open)));
    }
}

/// One byte: 1 for open, 0 for closed.
impl Replicate for DoorState {
    const NAME: &'static str = "door";
    const SIZE: ValueSize = ValueSize::Bytes(1);
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.open));
    }
}

impl DoorState {
    /// Reads a replicated state: whether the door is open.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<bool> {
        match reader.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Digest for DoorState {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.open));
        digester.u32(self.worked_tick);
    }
}
