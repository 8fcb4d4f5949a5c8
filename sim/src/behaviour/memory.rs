//! What a tree remembers from one decision to the next, and the stack of a decision that is not finished. A few numbers,
//! held in place for trees of usual size.

use smallvec::SmallVec;

use super::tree::Tree;
use crate::digest::{Digest, Digester};

/// What one tree remembers for one monster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// Nodes that were running when the last decision ended, with a number of their own.
    pub(super) kept: SmallVec<[(u16, u32); 6]>,
    /// The same for the decision under way.
    pub(super) keeping: SmallVec<[(u16, u32); 6]>,
    /// Cooldowns, timers, variables.
    pub(super) slots: SmallVec<[u32; 4]>,
    /// The stack of a decision that ran out of nodes, and the node it goes on with.
    pub(super) frames: SmallVec<[Frame; 4]>,
    pub(super) next: Option<u16>,
}

/// One node on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) node: u16,
    /// The child that is asked.
    pub(super) child: u16,
    /// Children that have been asked, as bits, or what else the node counts.
    pub(super) count: u32,
    /// Children that succeeded.
    pub(super) done: u8,
    /// A child is still running.
    pub(super) running: bool,
}

impl Memory {
    /// True while a decision has to be finished.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.next.is_some()
    }

    /// Makes it fit a tree it has not been used with.
    pub(super) fn fit(&mut self, tree: &Tree) {
        self.slots.resize(usize::from(tree.slot_count), 0);
    }

    pub(super) fn kept_of(&self, node: u16) -> Option<u32> {
        self.kept.iter().find(|(kept, _)| *kept == node).map(|(_, number)| *number)
    }

    pub(super) fn keep(&mut self, node: u16, number: u32) {
        self.keeping.push((node, number));
    }

    pub(super) fn slot(&self, slot: u16) -> u32 {
        self.slots.get(usize::from(slot)).copied().unwrap_or(0)
    }

    pub(super) fn set_slot(&mut self, slot: u16, value: u32) {
        if let Some(own) = self.slots.get_mut(usize::from(slot)) {
            *own = value;
        }
    }
}

impl Digest for Memory {
    fn digest(&self, digester: &mut Digester) {
        for &(node, number) in self.kept.iter().chain(&self.keeping) {
            digester.u32(u32::from(node));
            digester.u32(number);
        }
        self.slots.iter().for_each(|&slot| digester.u32(slot));
        for frame in &self.frames {
            digester.u32(u32::from(frame.node) << 16 | u32::from(frame.child));
            digester.u32(frame.count);
            digester.u32(u32::from(frame.done) << 1 | u32::from(frame.running));
        }
        digester.u32(self.next.map_or(0, |next| u32::from(next) + 1));
    }
}
