//! Things on the ground. On the wire `pile` is: varint gold, varint count of stacks and for each: varint item,
//! varint count.

use bevy_ecs::prelude::*;

use super::{Bag, Stack};
use crate::assets::Assets;
use crate::digest::{Digest, Digester};
use crate::ids::PlayerId;
use crate::replicated::Replicate;
use crate::wire::{Reader, put_varint};

/// Stacks in a pile that a reader accepts; a monster has far fewer lines of loot.
const STACKS_MAX: u32 = 256;

/// What lies in one place. Written when it is dropped and when some of it is taken.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Pile {
    /// Gold.
    pub gold: u32,
    /// Things; a stack in a pile may be of any height.
    pub stacks: Vec<Stack>,
    /// Who alone may take it at first.
    pub owner: Option<PlayerId>,
    /// The tick from which anyone may.
    pub free_tick: u32,
    /// The tick in which it is gone.
    pub gone_tick: u32,
}

/// A pile as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PileSeen {
    /// Gold.
    pub gold: u32,
    /// Things.
    pub stacks: Vec<Stack>,
}

impl Pile {
    /// True when nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gold == 0 && self.stacks.is_empty()
    }

    /// Whether a player may take from it.
    #[must_use]
    pub fn is_open_to(&self, player: PlayerId, tick: u32) -> bool {
        self.owner.is_none_or(|owner| owner == player) || tick >= self.free_tick
    }

    /// Whether a bag could take anything of it.
    #[must_use]
    pub fn fits_into(&self, bag: &Bag, assets: &Assets) -> bool {
        let fits = |stack: &Stack| bag.room_for(stack.item, assets.items[stack.item].stack_max, stack.count) > 0;
        self.gold > 0 || self.stacks.iter().any(fits)
    }

    /// Moves as much as fits into a bag and answers what was moved.
    pub fn move_into(&mut self, bag: &mut Bag, assets: &Assets) -> PileSeen {
        let gold = std::mem::take(&mut self.gold);
        bag.add_gold(gold);
        let mut moved = Vec::new();
        for stack in &mut self.stacks {
            let left = bag.put(stack.item, assets.items[stack.item].stack_max, stack.count);
            if left < stack.count {
                moved.push(Stack { item: stack.item, count: stack.count - left });
            }
            stack.count = left;
        }
        self.stacks.retain(|stack| stack.count > 0);
        PileSeen { gold, stacks: moved }
    }

    /// Reads a replicated pile.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<PileSeen> {
        PileSeen::from_wire(reader)
    }
}

impl PileSeen {
    /// Reads varint gold and the stacks.
    pub(super) fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let gold = reader.varint()?;
        let count = reader.varint().filter(|&count| count <= STACKS_MAX)?;
        let stacks = (0..count).map(|_| Stack::from_wire(reader)).collect::<Option<_>>()?;
        Some(Self { gold, stacks })
    }
}

/// Writes varint gold and the stacks.
pub(super) fn put_things(out: &mut Vec<u8>, gold: u32, stacks: &[Stack]) {
    put_varint(out, gold);
    put_varint(out, u32::try_from(stacks.len()).unwrap_or(0));
    stacks.iter().for_each(|stack| stack.put(out));
}

impl Replicate for Pile {
    const NAME: &'static str = "pile";
    fn encode(&self, out: &mut Vec<u8>) {
        put_things(out, self.gold, &self.stacks);
    }
}

impl Digest for Pile {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.gold);
        digester.u64(self.owner.map_or(0, |owner| owner.0));
        digester.u32(self.gone_tick);
        for stack in &self.stacks {
            digester.u32(stack.item.raw());
            digester.u32(stack.count);
        }
    }
}
