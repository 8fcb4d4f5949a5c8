//! A tree as the machine runs it: nodes in one list, each followed by what is below it, so that the first child stands
//! behind its parent and the next sibling behind the end of the child before it. Names are numbers already.

use crate::assets::{AiDef, Condition, Consideration, Deed, Id, Measure, Response};

/// Most nodes of a tree, with those of the trees it names.
pub const NODES_MAX: usize = 512;
/// Most nodes above one another.
pub const DEPTH_MAX: usize = 24;

/// One behaviour tree, ready to run. The empty one fails.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Numbers that outlive a decision: cooldowns, timers, variables and what is done once.
    pub(super) slot_count: u16,
    /// What the slots with a name are called.
    pub(super) slot_names: Vec<(u16, String)>,
    /// Trees it was put together from, itself first.
    pub(super) parts: Vec<Id<AiDef>>,
}

impl Tree {
    /// How many nodes it has.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The deeds in it.
    pub fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.nodes.iter().filter_map(|node| match &node.op {
            Op::Act(deed) => Some(&**deed),
            _ => None,
        })
    }

    pub(super) fn node(&self, index: u16) -> Option<&Node> {
        self.nodes.get(usize::from(index))
    }

    /// The name of a slot, as the data has it.
    pub(super) fn slot_name(&self, slot: u16) -> &str {
        self.slot_names.iter().find(|(own, _)| *own == slot).map_or("", |(_, name)| name)
    }

    /// The child after `child`, or the first.
    pub(super) fn next_child(&self, parent: u16, child: Option<u16>) -> Option<u16> {
        let end = self.node(parent)?.end;
        let next = match child {
            Some(child) => self.node(child)?.end,
            None => parent + 1,
        };
        (next < end).then_some(next)
    }

    /// The child at a place.
    pub(super) fn child_at(&self, parent: u16, place: usize) -> Option<u16> {
        let first = self.next_child(parent, None);
        std::iter::successors(first, |child| self.next_child(parent, Some(*child))).nth(place)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) op: Op,
    /// The place behind the last node below it.
    pub(super) end: u16,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Selector,
    Sequence,
    Parallel { needs: u8 },
    Random { weights: Vec<u32> },
    Utility { hysteresis_pct: u32, options: Vec<Scored> },
    Invert,
    Always,
    Cooldown { slot: u16, ticks: u32 },
    Chance { pct: u32 },
    Once { slot: u16 },
    Repeat { times: u32 },
    UntilFail,
    Limit { ticks: u32 },
    While(Test),
    Test(Test),
    Act(Box<Deed>),
    Wait { ticks: u32 },
    SetTimer { slot: u16, ticks: u32 },
    SetVar { slot: u16, value: i32 },
    AddVar { slot: u16, value: i32 },
}

/// One option of a utility node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    pub(super) name: String,
    pub(super) weight: u32,
    pub(super) by: Vec<(Gauge, Response)>,
}

/// What is measured: a number of the monster's own, or something of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Gauge {
    /// A number of its own.
    Slot(u16),
    /// Something of the world.
    World(Measure),
}

/// What is asked: something of the monster's own, or of the world.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    TimerElapsed(u16),
    VarAtLeast(u16, i32),
    Random(u32),
    World(Condition),
}

impl Scored {
    pub(super) fn of(consideration: &Consideration, slot: impl FnOnce(&str) -> u16) -> (Gauge, Response) {
        let gauge = match &consideration.of {
            Measure::Var(name) => Gauge::Slot(slot(name)),
            measure => Gauge::World(measure.clone()),
        };
        (gauge, consideration.worth.clone())
    }
}
