//! What was seen of a test so far: casts, blows, deaths and refusals, each with the tick after which it was seen.

use std::collections::BTreeMap;

use bevy_ecs::message::MessageCursor;
use bevy_ecs::prelude::*;

use crate::assets::{Id, SkillDef};
use crate::command::CommandRejected;
use crate::features::combat::{Died, HealthChanged};
use crate::features::skills::CastStarted;
use crate::ids::{PlayerId, SimId};

/// The record of a test.
#[derive(Default)]
pub(super) struct Watch {
    /// Which unit gave each command.
    pub(super) asked: BTreeMap<(PlayerId, u32), String>,
    /// Casts that began: when, whose, what.
    pub(super) casts: Vec<(u32, SimId, Id<SkillDef>)>,
    /// Hit points taken, by who took them and from whom.
    pub(super) damage: BTreeMap<(SimId, SimId), u64>,
    /// First deaths.
    pub(super) deaths: BTreeMap<SimId, u32>,
    /// Refusals: whose command, and why.
    pub(super) refusals: Vec<(String, &'static str)>,
    started: MessageCursor<CastStarted>,
    changed: MessageCursor<HealthChanged>,
    died: MessageCursor<Died>,
    refused: MessageCursor<CommandRejected>,
}

impl Watch {
    /// Forgets what has happened so far.
    pub(super) fn skip(&mut self, world: &World) {
        self.look(world, 0);
        self.casts.clear();
        self.damage.clear();
        self.deaths.clear();
    }

    /// Reads what happened in the last tick.
    pub(super) fn look(&mut self, world: &World, tick: u32) {
        for cast in self.started.read(world.resource::<Messages<CastStarted>>()) {
            self.casts.push((tick, cast.caster, cast.skill));
        }
        for change in self.changed.read(world.resource::<Messages<HealthChanged>>()) {
            if change.amount < 0 {
                *self.damage.entry((change.source, change.target)).or_default() +=
                    u64::from(change.amount.unsigned_abs());
            }
        }
        for death in self.died.read(world.resource::<Messages<Died>>()) {
            self.deaths.entry(death.who).or_insert(tick);
        }
        for refusal in self.refused.read(world.resource::<Messages<CommandRejected>>()) {
            if let Some(unit) = self.asked.get(&(refusal.player, refusal.sequence)) {
                self.refusals.push((unit.clone(), refusal.reason));
            }
        }
    }
}
