//! The interpreter of behaviour trees: a machine with a stack of its own, so that a decision can stop when its nodes are
//! spent and go on in the next tick. Pure: what is so and what is done is the business of a [`View`].
//!
//! One decision starts at the root. Nodes that were running when the last decision ended remember where they were; those
//! that this decision does not reach any more forget it. All memory is small, compared in replays, and means nothing to
//! another tree.

use crate::assets::{Condition, Deed, Measure};

mod compile;
mod machine;
mod memory;
#[cfg(test)]
mod tests;
mod trace;
mod tree;

pub(crate) use compile::{CompileError, compile};
pub use machine::{Decision, decide};
pub use memory::Memory;
pub use trace::{Silent, Trace, TraceLine, Tracer};
pub use tree::{DEPTH_MAX, Gauge, NODES_MAX, Tree};

/// How a node ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is done.
    Success,
    /// It could not be done, or is not so.
    Failure,
    /// It goes on at the next decision.
    Running,
}

/// What a tree sees of the world, and does to it.
pub trait View {
    /// The tick of the decision.
    fn tick(&self) -> u32;
    /// Whether something is so.
    fn check(&mut self, condition: &Condition) -> bool;
    /// A measure, in the unit it states.
    fn measure(&mut self, measure: &Measure) -> i32;
    /// Does something, or goes on doing it.
    fn act(&mut self, deed: &Deed) -> Status;
    /// A random number in `0..end` for the node at `salt`; the same for the same tick and node.
    fn below(&mut self, salt: u16, end: u32) -> u32;
    /// What a leaf saw, in words; asked right after it, and only by whoever listens. `None` when the leaf says it all.
    fn explain(&self, _leaf: Leaf<'_>, _status: Status) -> Option<String> {
        None
    }
}

/// A leaf of a tree, for whoever asks about it.
#[derive(Debug, Clone, Copy)]
pub enum Leaf<'t> {
    /// Something was asked.
    Check(&'t Condition),
    /// Something was done, or could not be.
    Act(&'t Deed),
}
