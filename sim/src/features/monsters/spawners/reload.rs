//! Another epoch of the data: spawners, pools and groups are told apart by their ids. Places of a spawner that is gone, or
//! is for fewer now, are given up, free ones first; whoever lives there leaves, as does whoever is of a kind that is gone:
//! at once when nobody fights it, else when the fight is over. New places are filled at once. What else has changed of a
//! spawner counts for whoever appears next.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;

use super::super::brain::{Brain, Mood};
use super::super::{Group, Home, Species, ThreatTable};
use super::pools::{Pool, Turn};
use super::{NOWHERE, Slot, Spawners, Tie, WAITS};
use crate::assets::{PoolDef, SceneDef, SpawnerDef};
use crate::epoch::EpochSwap;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::SceneId;
use crate::tick::SimTick;

pub(in super::super) fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let scene = world.resource::<SceneId>().0;
    let (old, new) = (&swap.old.scenes[scene], &swap.new.scenes[scene]);
    let tick = world.resource::<SimTick>().0;
    if old.spawners != new.spawners || old.pools != new.pools || old.groups != new.groups {
        world.resource_mut::<Spawners>().follow(old, new, tick);
    }
    let mut monsters = world.query::<(Entity, &SimId, &Species, &Home, Option<&Group>)>();
    let (mut leaving, mut regrouped) = (BTreeSet::new(), Vec::new());
    let spawners = world.resource::<Spawners>();
    for (entity, &id, species, home, group) in monsters.iter(world) {
        let slot = home.slot.and_then(|slot| spawners.slots.get(slot as usize)).filter(|slot| slot.taken == Some(id));
        if swap.is_gone(species.0) || slot.is_some_and(|slot| slot.spawner == NOWHERE) {
            leaving.insert(id);
        }
        let index = slot.and_then(|slot| spawners.ties.get(slot.spawner)?.group);
        if group.map(|group| group.index) != index {
            regrouped.push((entity, index));
        }
    }
    world.resource_mut::<Spawners>().leaving = leaving;
    for (entity, index) in regrouped {
        match index {
            Some(index) => world.entity_mut(entity).insert(Group::new(index)),
            None => world.entity_mut(entity).remove::<Group>(),
        };
    }
}

impl Spawners {
    fn follow(&mut self, old: &SceneDef, new: &SceneDef, tick: u32) {
        let moved: Vec<Option<usize>> = old.spawners.iter().map(|def| place_of(&def.id, &new.spawners)).collect();
        let moved = |spawner: usize| moved.get(spawner).copied().flatten();
        self.ties = Tie::of_scene(new);
        self.near = (0..new.spawners.len())
            .map(|spawner| (0..old.spawners.len()).find(|&was| moved(was) == Some(spawner)))
            .map(|was| was.and_then(|was| self.near.get(was).copied()).unwrap_or(0))
            .collect();
        self.follow_slots(&new.spawners, moved, tick);
        let pools = new.pools.iter().map(|def| {
            let was = old.pools.iter().position(|other| other.id == def.id).and_then(|at| self.pools.get(at));
            let turns = was.into_iter().flat_map(Pool::turns).filter_map(|turn| match *turn {
                Turn::Active(spawner) => moved(spawner).map(Turn::Active),
                Turn::Waits(due_tick) => Some(Turn::Waits(due_tick)),
            });
            self.adopted(Pool::new(def, &new.spawners, turns.collect()), def, new)
        });
        self.pools = pools.collect();
    }

    fn follow_slots(&mut self, new: &[SpawnerDef], moved: impl Fn(usize) -> Option<usize>, tick: u32) {
        let mut missing: Vec<u32> = new.iter().map(SpawnerDef::places).collect();
        // Living ones keep their places before free ones do.
        let mut order: Vec<usize> = (0..self.slots.len()).collect();
        order.sort_by_key(|&at| self.slots[at].taken.is_none());
        for at in order {
            let slot = &mut self.slots[at];
            let place = moved(slot.spawner).filter(|&spawner| missing[spawner] > 0);
            if let Some(spawner) = place {
                missing[spawner] -= 1;
                // Who waits for others from now on has no time of its own.
                if slot.taken.is_none() && slot.due_tick > tick && self.ties[spawner].waits() {
                    slot.due_tick = WAITS;
                }
            }
            slot.spawner = place.unwrap_or(NOWHERE);
        }
        // A place that was given up is used again once nobody comes from it; the others keep their numbers.
        let given_up = |slot: &Slot| slot.spawner == NOWHERE && slot.taken.is_none();
        let mut given_up =
            (0..self.slots.len()).filter(|&at| given_up(&self.slots[at])).collect::<Vec<_>>().into_iter();
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

    /// A pool in which members with living monsters are active, and those that are no members any more are not.
    fn adopted(&self, pool: Pool, def: &PoolDef, new: &SceneDef) -> Pool {
        let lives = |spawner: usize| self.slots.iter().any(|slot| slot.spawner == spawner && slot.taken.is_some());
        let members: BTreeSet<usize> = pool.members().collect();
        let active = pool.turns().iter().filter(|turn| match turn {
            Turn::Active(spawner) => members.contains(spawner),
            Turn::Waits(_) => false,
        });
        let mut turns: Vec<Turn> = active.copied().collect();
        turns.extend(
            members.iter().filter(|&&member| lives(member) && !pool.is_active(member)).copied().map(Turn::Active),
        );
        let waits = pool.turns().iter().filter(|turn| matches!(turn, Turn::Waits(_)));
        let room = (def.active as usize).saturating_sub(turns.len());
        turns.extend(waits.copied().take(room));
        Pool::new(def, &new.spawners, turns)
    }
}

fn place_of(id: &str, spawners: &[SpawnerDef]) -> Option<usize> {
    spawners.iter().position(|def| def.id == id)
}

/// Who has no place any more goes when nobody fights it; the dead decay as they do.
pub(in super::super) fn dismiss(
    mut commands: Commands,
    roster: Res<Roster>,
    mut spawners: ResMut<Spawners>,
    monsters: Query<(&Brain, &ThreatTable, &Home)>,
) {
    if spawners.leaving.is_empty() {
        return;
    }
    let mut stay = BTreeSet::new();
    for id in std::mem::take(&mut spawners.leaving) {
        let Some(entity) = roster.entity(id) else { continue };
        let Ok((brain, threat, home)) = monsters.get(entity) else { continue };
        match brain.mood {
            Mood::Dead { .. } => {}
            Mood::Fighting { .. } => {
                stay.insert(id);
            }
            Mood::Idle if !threat.is_empty() => {
                stay.insert(id);
            }
            Mood::Idle | Mood::Evading { .. } | Mood::Arrived => {
                commands.entity(entity).despawn();
                spawners.vacate(home.slot, id, 0);
            }
        }
    }
    spawners.leaving = stay;
}
