//! What a monster keeps in mind while it fights: its tree's memory, what it is doing between two decisions, the phase of the
//! fight and its adds. Written in the Think stage, adds in Resolve; empty when there is no fight.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use crate::assets::{AiDef, Id};
use crate::behaviour::{Memory, Status, Trace};
use crate::digest::{Digest, Digester};
use crate::epoch::EpochSwap;
use crate::ids::SimId;

/// Most adds that are kept in mind.
pub(super) const ADDS_MAX: usize = 64;

/// What a monster keeps in mind while it fights.
#[derive(Component, Debug, Clone, PartialEq, Default)]
pub struct Mind {
    /// The tree that the memory belongs to.
    pub(super) ai: Option<Id<AiDef>>,
    pub(super) memory: Memory,
    pub(super) order: Order,
    /// The tick the fight began in; 0 when there is none.
    pub(super) since_tick: u32,
    /// Place of the phase in the monster's list, from 1; 0 before the first.
    pub(super) phase: u8,
    pub(super) phase_tick: u32,
    pub(super) enraged: bool,
    pub(super) adds: SmallVec<[SimId; 2]>,
}

/// What a monster does until it decides otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Order {
    /// It has not decided yet.
    #[default]
    None,
    /// Stands, facing its victim.
    Hold,
    /// Comes as near as this, in metres, or as its next skill needs.
    Approach(Option<f32>),
    /// Stays between two distances.
    Keep { least_m: f32, most_m: f32 },
    /// Runs away.
    Flee,
    /// Walks round its victim.
    Circle { radius_m: f32 },
}

impl Mind {
    /// The phase of the fight, by its place in the monster's list; `None` before the first.
    #[must_use]
    pub fn phase(&self) -> Option<usize> {
        usize::from(self.phase).checked_sub(1)
    }

    /// Whether the fight has taken too long.
    #[must_use]
    pub const fn is_enraged(&self) -> bool {
        self.enraged
    }

    /// Whom it has summoned and not lost.
    #[must_use]
    pub fn adds(&self) -> &[SimId] {
        &self.adds
    }
}

impl Digest for Mind {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.ai.map_or(0, |ai| ai.raw() + 1));
        self.memory.digest(digester);
        digester.u32(self.since_tick);
        digester.u32(u32::from(self.phase) << 1 | u32::from(self.enraged));
        digester.u32(self.phase_tick);
        self.adds.iter().for_each(|add| digester.u32(add.bits()));
        let (tag, one, other) = match self.order {
            Order::None => (0, 0.0, 0.0),
            Order::Hold => (1, 0.0, 0.0),
            Order::Approach(within_m) => (2, within_m.unwrap_or(-1.0), 0.0),
            Order::Keep { least_m, most_m } => (3, least_m, most_m),
            Order::Flee => (4, 0.0, 0.0),
            Order::Circle { radius_m } => (5, radius_m, 0.0),
        };
        digester.u32(tag);
        digester.f32(one);
        digester.f32(other);
    }
}

/// Whose tree has changed decides afresh: places in the old tree mean nothing in the new one.
pub(super) fn forget_changed_trees(world: &mut World, swap: &EpochSwap) {
    let changed = |ai: Id<AiDef>| match (swap.old.ai.get(ai), swap.new.ai.get(ai)) {
        (Some(old), Some(new)) => old.tree() != new.tree(),
        _ => true,
    };
    let mut minds = world.query::<&mut Mind>();
    for mut mind in minds.iter_mut(world) {
        if mind.ai.is_some_and(changed) {
            (mind.ai, mind.memory) = (None, Memory::default());
        }
    }
}

/// How many nodes all monsters of a scene may still visit in this tick, and what thinking came to. Written in the Think
/// stage.
#[derive(Resource, Debug, Default)]
pub struct ThinkBudget {
    pub(super) left: u32,
    /// Decisions made in this tick.
    pub decisions: u32,
    /// Nodes visited for them.
    pub nodes: u32,
}

impl ThinkBudget {
    pub(super) fn renew(&mut self, nodes_max: u32) {
        *self = Self { left: nodes_max, ..Self::default() };
    }

    pub(super) fn spend(&mut self, nodes: u32) {
        self.left -= nodes;
        self.nodes += nodes;
        self.decisions += 1;
    }
}

/// The last decisions of some monsters, for whoever asks why. No part of the state: it changes nothing.
#[derive(Resource, Debug, Default)]
pub struct AiTrace {
    /// Whose decisions are kept; nobody's costs nothing.
    pub watched: BTreeSet<SimId>,
    /// The last decision of each.
    pub last: BTreeMap<SimId, Thought>,
}

/// One decision, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Thought {
    /// The tick it was taken in, or went on in.
    pub tick: u32,
    /// The tree that was asked.
    pub ai: Id<AiDef>,
    /// The phase of the fight, by its place in the monster's list; `None` before the first.
    pub phase: Option<usize>,
    /// Whom it fought before it decided.
    pub victim: SimId,
    /// Metres to its victim, on the ground.
    pub victim_m: f32,
    /// The root's status; `None` when the nodes were spent first, so that the decision goes on in the next tick.
    pub status: Option<Status>,
    /// Nodes visited in this tick.
    pub node_count: u32,
    /// Nodes that could have been visited in this tick.
    pub nodes_max: u32,
    /// The nodes and what came of each.
    pub trace: Trace,
}
