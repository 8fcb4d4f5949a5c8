//! The patrol of a monster: the places of its spawner that it walks to in order. Written when it is spawned and when the
//! game data is exchanged; how it walks there follows from it (`rails`).

use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::assets::{SpawnerDef, StopDeed};
use crate::digest::{Digest, Digester};
use crate::epoch::EpochSwap;
use crate::scene::{SceneGeometry, SceneId};
use crate::space::Geometry;

/// The places of a patrol; none for a monster that stays about.
#[derive(Component, Debug, Clone, PartialEq, Default)]
pub struct Patrol {
    /// Of which spawner; `None` for a monster of none.
    spawner: Option<Arc<str>>,
    stops: Arc<[Stop]>,
    round: bool,
    /// Whether others of its spawner walk it too.
    shared: bool,
}

/// One place of a patrol.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stop {
    /// On the ground, in metres.
    pub(super) place: Vec3,
    pub(super) wait_ticks: u32,
    pub(super) deeds: Vec<StopDeed>,
}

impl Patrol {
    /// The patrol that a spawner says.
    #[must_use]
    pub fn of(def: &SpawnerDef, geometry: &Geometry) -> Self {
        let (stops, round) = said_by(def, geometry);
        Self { spawner: Some(def.id.as_str().into()), stops, round, shared: def.places() > 1 }
    }

    /// True for a monster that stays about.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stops.is_empty()
    }

    pub(super) fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// From the last place to the first, instead of back.
    pub(super) const fn goes_round(&self) -> bool {
        self.round
    }

    /// Whether others of its spawner walk it too.
    pub(super) const fn is_shared(&self) -> bool {
        self.shared
    }

    #[cfg(test)]
    pub(super) fn of_stops(stops: Vec<Stop>, round: bool) -> Self {
        Self { spawner: None, stops: stops.into(), round, shared: false }
    }
}

fn said_by(def: &SpawnerDef, geometry: &Geometry) -> (Arc<[Stop]>, bool) {
    let stops = def.patrol.iter().map(|stop| {
        let (x, z) = stop.at;
        let height_m = geometry.floor(x, z).map_or(0.0, |ground| ground.height_m);
        Stop { place: Vec3::new(x, height_m, z), wait_ticks: stop.wait_ticks(), deeds: stop.deeds.clone() }
    });
    (stops.collect(), def.patrol_round)
}

/// Another epoch of the data: whoever is of a spawner that is still there patrols as it says now.
pub(super) fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let scene = world.resource::<SceneId>().0;
    if swap.old.scenes[scene].spawners == swap.new.scenes[scene].spawners {
        return;
    }
    let geometry = Arc::clone(&world.resource::<SceneGeometry>().0);
    let mut patrols = world.query::<&mut Patrol>();
    for mut patrol in patrols.iter_mut(world) {
        let spawners = &swap.new.scenes[scene].spawners;
        let def = patrol.spawner.as_ref().and_then(|id| spawners.iter().find(|def| *def.id == **id));
        let Some((stops, round)) = def.map(|def| said_by(def, &geometry)) else { continue };
        if patrol.stops != stops || patrol.round != round {
            (patrol.stops, patrol.round) = (stops, round);
        }
    }
}

impl Digest for Patrol {
    fn digest(&self, digester: &mut Digester) {
        digester.bytes(self.spawner.as_deref().unwrap_or_default().as_bytes());
        digester.u64(self.stops.len() as u64 * 2 + u64::from(self.round));
        for stop in &*self.stops {
            stop.place.to_array().into_iter().for_each(|metres| digester.f32(metres));
            digester.u32(stop.wait_ticks);
            for deed in &stop.deeds {
                match deed {
                    StopDeed::Face(deg) => digester.f32(*deg),
                    StopDeed::Say(text) => digester.bytes(text.as_bytes()),
                    StopDeed::Cast(skill) => digester.u32(skill.id().raw()),
                }
            }
        }
    }
}
