//! Spawners: each place of a spawner is taken by one monster; when it dies the place is free for another after a respawn
//! time, or when its pool or its group says so. All places are filled in the first tick. A spawner that answers crowds has
//! places to spare: a free one is filled when fewer are taken, or wait for their time, than there shall be. Resolve stage.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;

use super::{Group, Home, Patrol, Species, body};
use crate::assets::{GroupRespawn, MonsterDef, PoolDef, SceneDef, SpawnerDef, Table, ticks_of};
use crate::digest::{Digest, Digester};
use crate::features::combat::Died;
use crate::features::navigation::Wayfinding;
use crate::ids::SimId;
use crate::locomotion::body_shape;
use crate::random::{Draw, Random, Stream};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::tick::SimTick;

mod crowd;
mod place;
mod pools;
mod reload;

pub(super) use crowd::count_players;
use pools::Pool;
pub(super) use reload::{dismiss, follow_epoch};

/// The spawner of a place that was given up.
const NOWHERE: usize = usize::MAX;
/// When a place is due that waits for its pool or its group.
const WAITS: u32 = u32::MAX;
/// Whose draw it is when no monster is concerned; pools and groups are told apart by the salt.
const NOBODY: SimId = SimId::from_bits(0);

/// The places of all spawners of the scene, the turns of their pools, and who has no place any more. Written in the Resolve
/// stage, and in Receive when the data is exchanged.
#[derive(Resource, Debug)]
pub struct Spawners {
    slots: Vec<Slot>,
    /// Living players near each spawner that answers crowds; 0 for the others.
    near: Vec<u32>,
    pools: Vec<Pool>,
    leaving: BTreeSet<SimId>,
    /// What follows from the data, by spawner.
    ties: Vec<Tie>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    spawner: usize,
    taken: Option<SimId>,
    due_tick: u32,
}

/// What a spawner belongs to, by places in the scene's lists.
#[derive(Debug, Clone, Copy, Default)]
struct Tie {
    group: Option<u32>,
    /// The group comes back together.
    together: bool,
    pool: Option<usize>,
}

impl Tie {
    fn of_scene(scene: &SceneDef) -> Vec<Self> {
        let of = |spawner: &SpawnerDef| {
            let group = scene.groups.iter().position(|group| group.spawners.contains(&spawner.id));
            let is_member = |pool: &PoolDef| pool.members.iter().any(|of| of.spawner == spawner.id);
            Self {
                group: group.and_then(|group| u32::try_from(group).ok()),
                together: group.is_some_and(|group| scene.groups[group].respawn == GroupRespawn::Together),
                pool: scene.pools.iter().position(is_member),
            }
        };
        scene.spawners.iter().map(of).collect()
    }

    /// The dead do not come back each by itself.
    const fn waits(self) -> bool {
        self.together || self.pool.is_some()
    }
}

impl FromWorld for Spawners {
    fn from_world(world: &mut World) -> Self {
        let scene = world.resource::<SceneId>().0;
        let scene = &world.resource::<SceneAssets>().0.scenes[scene];
        let slots = scene.spawners.iter().enumerate().flat_map(|(spawner, def)| {
            std::iter::repeat_n(Slot { spawner, taken: None, due_tick: 0 }, def.places() as usize)
        });
        Self {
            slots: slots.collect(),
            near: vec![0; scene.spawners.len()],
            pools: scene.pools.iter().map(|def| Pool::new(def, &scene.spawners, Vec::new())).collect(),
            leaving: BTreeSet::new(),
            ties: Tie::of_scene(scene),
        }
    }
}

impl Digest for Spawners {
    fn digest(&self, digester: &mut Digester) {
        for slot in &self.slots {
            digester.u64(slot.spawner as u64);
            digester.u32(slot.taken.map_or(0, SimId::bits));
            digester.u32(slot.due_tick);
        }
        self.near.iter().for_each(|&near| digester.u32(near));
        self.pools.iter().for_each(|pool| pool.digest(digester));
        self.leaving.iter().for_each(|id| digester.u32(id.bits()));
    }
}

impl Spawners {
    /// Monsters of the scene's spawners that are alive.
    #[must_use]
    pub fn alive_count(&self) -> usize {
        self.slots.iter().filter(|slot| slot.taken.is_some()).count()
    }

    /// Whether a spawner, by its place in the scene's list, brings monsters now: all do but those of a pool whose turn it
    /// is not.
    #[must_use]
    pub fn is_active(&self, spawner: usize) -> bool {
        let pool = self.ties.get(spawner).and_then(|tie| self.pools.get(tie.pool?));
        pool.is_none_or(|pool| pool.is_active(spawner))
    }

    /// Frees the place of someone, as of a tick.
    fn vacate(&mut self, slot: Option<u32>, who: SimId, due_tick: u32) {
        let slot = slot.and_then(|slot| self.slots.get_mut(slot as usize)).filter(|slot| slot.taken == Some(who));
        if let Some(slot) = slot {
            (slot.taken, slot.due_tick) = (None, due_tick);
        }
    }

    /// How many places of each spawner are taken, or wait for their time.
    fn occupied(&self, tick: u32) -> Vec<u32> {
        let mut occupied = vec![0; self.ties.len()];
        for slot in self.slots.iter().filter(|slot| slot.taken.is_some() || slot.due_tick > tick) {
            if let Some(count) = occupied.get_mut(slot.spawner) {
                *count += 1;
            }
        }
        occupied
    }
}

/// A death frees a place, as of its respawn time.
pub(super) fn free_slots(
    (tick, random): (Res<SimTick>, Res<Random>),
    (assets, scene): (Res<SceneAssets>, Res<SceneId>),
    roster: Res<Roster>,
    mut deaths: MessageReader<Died>,
    monsters: Query<(&Species, &Home)>,
    mut spawners: ResMut<Spawners>,
) {
    let scene = &assets.0.scenes[scene.0];
    for death in deaths.read() {
        let found = roster.entity(death.who).and_then(|entity| monsters.get(entity).ok());
        let Some((species, &Home { slot: Some(slot), .. })) = found else { continue };
        let Some(&Slot { spawner, .. }) = spawners.slots.get(slot as usize) else { continue };
        let due_tick = match (scene.spawners.get(spawner), spawners.ties.get(spawner)) {
            (Some(_), Some(tie)) if tie.waits() => WAITS,
            (Some(def), _) => {
                let near = spawners.near.get(spawner).copied().unwrap_or(0);
                let draw = random.draw(tick.0, death.who, Stream("respawn"), 0);
                tick.0 + respawn_ticks(def, &assets.0.monsters[species.0], near, draw)
            }
            (None, _) => 0,
        };
        spawners.vacate(Some(slot), death.who, due_tick);
    }
}

/// How long it takes until a dead monster of a spawner is followed by another.
fn respawn_ticks(def: &SpawnerDef, monster: &MonsterDef, near: u32, mut draw: Draw) -> u32 {
    let own_ticks = def.respawn_ms.map(|(least, most)| {
        let [least, most] = [least, most].map(|ms| i32::try_from(ticks_of(ms)).unwrap_or(i32::MAX));
        draw.between(least, most).unsigned_abs()
    });
    def.hurried_ticks(own_ticks.unwrap_or(monster.respawn_ticks()), near)
}

impl Spawners {
    /// Pools take turns, and those who wait for one another get their time when all of them are dead.
    fn bring_back(&mut self, tick: u32, random: &Random, scene: &SceneDef, monsters: &Table<MonsterDef>) {
        let back = |spawner: usize, near: &[u32], stream: &'static str| {
            let def = &scene.spawners[spawner];
            let near = near.get(spawner).copied().unwrap_or(0);
            let draw = random.draw(tick, NOBODY, Stream(stream), spawner as u64);
            tick + respawn_ticks(def, &monsters[def.monster.id()], near, draw)
        };
        let mut pools = std::mem::take(&mut self.pools);
        for (index, pool) in (0_u64..).zip(&mut pools) {
            pool.end_turns(|spawner| {
                let places = || self.slots.iter().filter(|slot| slot.spawner == spawner);
                let cleared = places().any(|slot| slot.due_tick == WAITS) && places().all(|slot| slot.taken.is_none());
                cleared.then(|| back(spawner, &self.near, "pool respawn"))
            });
            let draw = |turn: usize| random.draw(tick, NOBODY, Stream("pool"), index << 32 | turn as u64);
            for spawner in pool.begin_turns(tick, draw) {
                self.set_due(tick, |slot| slot.spawner == spawner);
            }
        }
        self.pools = pools;
        if !self.slots.iter().any(|slot| slot.due_tick == WAITS && slot.taken.is_none()) {
            return;
        }
        for (index, group) in (0_u32..).zip(&scene.groups) {
            if group.respawn != GroupRespawn::Together {
                continue;
            }
            let is_member = |spawner: usize| self.ties.get(spawner).is_some_and(|tie| tie.group == Some(index));
            let lives = self.slots.iter().any(|slot| slot.taken.is_some() && is_member(slot.spawner));
            let first = scene.spawners.iter().position(|def| group.spawners.first() == Some(&def.id));
            if let Some(first) = first.filter(|_| !lives) {
                let due_tick = back(first, &self.near, "group respawn");
                let members: Vec<bool> = (0..self.ties.len()).map(is_member).collect();
                let waits = |slot: &Slot| slot.due_tick == WAITS && members.get(slot.spawner) == Some(&true);
                self.set_due(due_tick, waits);
            }
        }
        // Who was in a pool or a group when it died, and is not any more, comes back by itself.
        for at in 0..self.slots.len() {
            let Slot { spawner, due_tick, .. } = self.slots[at];
            if due_tick == WAITS && self.ties.get(spawner).is_some_and(|tie| !tie.waits()) {
                self.slots[at].due_tick = back(spawner, &self.near, "respawn");
            }
        }
    }

    fn set_due(&mut self, due_tick: u32, which: impl Fn(&Slot) -> bool) {
        self.slots
            .iter_mut()
            .filter(|slot| slot.taken.is_none() && which(slot))
            .for_each(|slot| slot.due_tick = due_tick);
    }
}

/// Free places whose time has come are filled, on free ground somewhere in the spawner's area and on the navmesh.
pub(super) fn fill_slots(
    mut commands: Commands,
    (tick, random, scene): (Res<SimTick>, Res<Random>, Res<SceneId>),
    (assets, geometry, way): (Res<SceneAssets>, Res<SceneGeometry>, Wayfinding),
    mut roster: ResMut<Roster>,
    mut spawners: ResMut<Spawners>,
) {
    let scene = &assets.0.scenes[scene.0];
    for slot in &mut spawners.slots {
        // One that was taken away by hand leaves its place free.
        slot.taken = slot.taken.filter(|&id| roster.entity(id).is_some());
    }
    spawners.bring_back(tick.0, &random, scene, &assets.0.monsters);
    let mut occupied = spawners.occupied(tick.0);
    for index in 0..spawners.slots.len() {
        let Slot { spawner, taken, due_tick } = spawners.slots[index];
        let Some(def) = scene.spawners.get(spawner).filter(|_| taken.is_none() && due_tick <= tick.0) else {
            continue;
        };
        if !spawners.is_active(spawner) || occupied[spawner] >= def.wanted(spawners.near[spawner]) {
            continue;
        }
        occupied[spawner] += 1;
        let id = roster.allocate(tick.0);
        let draw = |purpose| random.draw(tick.0, id, Stream(purpose), 0);
        let monster = def.kind_for(draw("spawn kind").below(10_000)).id();
        let shape = body_shape(&assets.0.movements[assets.0.monsters[monster].movement.profile.id()]);
        let feet = place::find(def, &geometry.0, &way, draw("spawn place"), shape);
        let home = Home { feet, slot: u32::try_from(index).ok() };
        let patrol = Patrol::of(def, &geometry.0);
        let mut spawned = commands.spawn(body(&assets.0, &random, (id, tick.0), monster, home, patrol));
        if let Some(group) = spawners.ties[spawner].group {
            spawned.insert(Group::new(group));
        }
        spawners.slots[index].taken = Some(id);
    }
}
