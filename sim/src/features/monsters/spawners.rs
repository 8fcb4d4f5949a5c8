//! Spawners: each place of a spawner is taken by one monster; when it dies the place is free for another after
//! the monster's respawn time. All places are filled in the first tick. Resolve stage.

use bevy_ecs::prelude::*;
use glam::Vec3;

use super::fight::ground_distance_m;
use super::{Home, Patrol, Species, body};
use crate::assets::{SpawnPointDef, SpawnerDef};
use crate::digest::{Digest, Digester};
use crate::epoch::EpochSwap;
use crate::features::combat::Died;
use crate::features::navigation::Wayfinding;
use crate::features::players::free_place;
use crate::ids::SimId;
use crate::locomotion::body_shape;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::space::Geometry;
use crate::tick::SimTick;

/// How far beside the mesh a monster may appear, in metres.
const BESIDE_M: f32 = 0.3;
/// How far above the mesh its ground may lie, in metres.
const STOREY_M: f32 = 2.0;
/// The spawner of a place that was given up.
const NOWHERE: usize = usize::MAX;

/// The places of all spawners of the scene. Written in the Resolve stage.
#[derive(Resource, Debug)]
pub struct Spawners {
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    spawner: usize,
    taken: Option<SimId>,
    due_tick: u32,
}

impl FromWorld for Spawners {
    fn from_world(world: &mut World) -> Self {
        let scene = world.resource::<SceneId>().0;
        let spawners = &world.resource::<SceneAssets>().0.scenes[scene].spawners;
        let slots = spawners.iter().enumerate().flat_map(|(spawner, def)| {
            std::iter::repeat_n(Slot { spawner, taken: None, due_tick: 0 }, def.count as usize)
        });
        Self { slots: slots.collect() }
    }
}

impl Spawners {
    /// Monsters of the scene's spawners that are alive.
    #[must_use]
    pub fn alive_count(&self) -> usize {
        self.slots.iter().filter(|slot| slot.taken.is_some()).count()
    }
}

impl Digest for Spawners {
    fn digest(&self, digester: &mut Digester) {
        for slot in &self.slots {
            digester.u64(slot.spawner as u64);
            digester.u32(slot.taken.map_or(0, SimId::bits));
            digester.u32(slot.due_tick);
        }
    }
}

/// Another epoch of the data: spawners are told apart by their ids. Places of one that is gone, or is for fewer now, are
/// given up, and whoever lives there does so to its end; new places are filled at once. What else has changed of a spawner
/// counts for whoever appears next.
pub(super) fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let scene = world.resource::<SceneId>().0;
    let (old, new) = (&swap.old.scenes[scene].spawners, &swap.new.scenes[scene].spawners);
    if old != new {
        world.resource_mut::<Spawners>().follow(old, new);
    }
}

impl Spawners {
    fn follow(&mut self, old: &[SpawnerDef], new: &[SpawnerDef]) {
        let mut missing: Vec<u32> = new.iter().map(|def| def.count).collect();
        for slot in &mut self.slots {
            let id = old.get(slot.spawner).map(|def| &def.id);
            let spawner = new.iter().position(|def| Some(&def.id) == id);
            let place = spawner.filter(|&spawner| missing[spawner] > 0);
            if let Some(spawner) = place {
                missing[spawner] -= 1;
            }
            slot.spawner = place.unwrap_or(NOWHERE);
        }
        // A place that was given up is used again once nobody comes from it; the others keep their numbers.
        let mut given_up =
            (0..self.slots.len()).filter(|&at| self.slots[at].is_given_up()).collect::<Vec<_>>().into_iter();
        for (spawner, count) in missing.into_iter().enumerate() {
            for _ in 0..count {
                let slot = Slot { spawner, taken: None, due_tick: 0 };
                match given_up.next() {
                    Some(at) => self.slots[at] = slot,
                    None => self.slots.push(slot),
                }
            }
        }
    }
}

impl Slot {
    const fn is_given_up(&self) -> bool {
        self.spawner == NOWHERE && self.taken.is_none()
    }
}

/// A death frees a place, as of its respawn time.
pub(super) fn free_slots(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    roster: Res<Roster>,
    mut deaths: MessageReader<Died>,
    monsters: Query<(&Species, &Home)>,
    mut spawners: ResMut<Spawners>,
) {
    for death in deaths.read() {
        let found = roster.entity(death.who).and_then(|entity| monsters.get(entity).ok());
        let Some((species, Home { slot: Some(slot), .. })) = found else { continue };
        if let Some(slot) = spawners.slots.get_mut(*slot as usize) {
            slot.taken = None;
            slot.due_tick = tick.0 + assets.0.monsters[species.0].respawn_ticks();
        }
    }
}

/// Free places whose time has come are filled, on free ground somewhere in the spawner's circle and on the navmesh.
pub(super) fn fill_slots(
    mut commands: Commands,
    (tick, random, scene): (Res<SimTick>, Res<Random>, Res<SceneId>),
    (assets, geometry, way): (Res<SceneAssets>, Res<SceneGeometry>, Wayfinding),
    mut roster: ResMut<Roster>,
    mut spawners: ResMut<Spawners>,
) {
    let scene = &assets.0.scenes[scene.0];
    for (slot_index, slot) in (0_u32..).zip(&mut spawners.slots) {
        // One that was taken away by hand leaves its place free.
        slot.taken = slot.taken.filter(|&id| roster.entity(id).is_some());
        if slot.taken.is_some() || slot.due_tick > tick.0 {
            continue;
        }
        let Some(def) = scene.spawners.get(slot.spawner) else { continue };
        let monster = def.monster.id();
        let shape = body_shape(&assets.0.movements[assets.0.monsters[monster].movement.profile.id()]);
        let circle = SpawnPointDef { id: String::new(), at: def.at, yaw_deg: 0.0, radius_m: def.radius_m };
        let id = roster.allocate(tick.0);
        let draw = random.draw(tick.0, id, Stream("spawn place"), 0);
        let is_free = |feet| geometry.0.is_free(feet, shape) && is_on_mesh(&way, feet);
        let feet = onto_mesh(&way, &geometry.0, free_place(&circle, &geometry.0, draw, is_free));
        let home = Home { feet, slot: Some(slot_index) };
        commands.spawn(body(&assets.0, &random, (id, tick.0), monster, home, Patrol::of(def, &geometry.0)));
        slot.taken = Some(id);
    }
}

/// True on the navmesh, and everywhere without one.
fn is_on_mesh(way: &Wayfinding, feet: Vec3) -> bool {
    way.nearest(feet).map_or(!way.has_mesh(), |nearest| ground_distance_m(nearest, feet) <= BESIDE_M)
}

/// The nearest place on the navmesh, on the ground; the same place where there is none.
fn onto_mesh(way: &Wayfinding, geometry: &Geometry, feet: Vec3) -> Vec3 {
    if is_on_mesh(way, feet) {
        return feet;
    }
    let Some(nearest) = way.nearest(feet) else { return feet };
    let ground = geometry.ground(nearest.x, nearest.z, nearest.y + STOREY_M);
    ground.map_or(feet, |ground| Vec3::new(nearest.x, ground.height_m, nearest.z))
}
