//! Things on the ground, and who may take them. On the wire `pile` is: varint gold, varint count of stacks and for each
//! the thing.

use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use super::contest::Contest;
use super::{Bag, Stack, Thing, ThingSeen};
use crate::assets::Assets;
use crate::digest::{Digest, Digester};
use crate::features::equipment::Equipment;
use crate::ids::PlayerId;
use crate::replicated::Replicate;
use crate::wire::{Reader, put_varint};

/// Stacks in a pile that a reader accepts; a table gives fewer.
const STACKS_MAX: u32 = 256;

/// What lies in one place. Written when it is dropped, when some of it is taken, and when it is rolled for.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Pile {
    /// Gold.
    pub gold: u32,
    /// Things.
    pub things: Vec<Lying>,
    /// Who alone may take from it at first; nobody: everybody.
    pub owners: SmallVec<[PlayerId; 1]>,
    /// Whether it stays theirs until it is gone.
    pub personal: bool,
    /// The tick from which anyone may.
    pub free_tick: u32,
    /// The tick in which it is gone.
    pub gone_tick: u32,
}

/// A stack in a pile, of any height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// What.
    pub stack: Stack,
    /// Who may take it.
    pub hold: Hold,
}

/// Who may take a stack of a pile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Whoever may take from the pile.
    Open,
    /// Nobody, as long as it is rolled for.
    Contested(Contest),
    /// Who has won it.
    Won(PlayerId),
}

/// A pile as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PileSeen {
    /// Gold.
    pub gold: u32,
    /// Things.
    pub things: Vec<ThingSeen>,
}

impl Pile {
    /// True when nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gold == 0 && self.things.is_empty()
    }

    /// Whether a player may take from it in general.
    #[must_use]
    pub fn is_open_to(&self, player: PlayerId, tick: u32) -> bool {
        let free = tick >= self.free_tick && !self.personal;
        self.owners.is_empty() || self.owners.contains(&player) || free
    }

    /// Whether there is anything in it that a player may take.
    #[must_use]
    pub fn has_for(&self, player: PlayerId, tick: u32) -> bool {
        let open = self.is_open_to(player, tick);
        (open && self.gold > 0) || self.things.iter().any(|lying| lying.hold.lets(player, open))
    }

    /// Whether a bag could take anything of what a player may take.
    #[must_use]
    pub fn fits_into(&self, bag: &Bag, worn: &Equipment, player: PlayerId, tick: u32, assets: &Assets) -> bool {
        let open = self.is_open_to(player, tick);
        let fits = |Lying { stack, hold }: &Lying| {
            let def = &assets.items[stack.item];
            hold.lets(player, open) && bag.room_for(&stack.as_picked_up(def), def, worn.wears(stack.item)) > 0
        };
        (open && self.gold > 0) || self.things.iter().any(fits)
    }

    /// Moves as much as fits and as a player may take into a bag, and answers what was moved.
    pub fn move_into(
        &mut self,
        bag: &mut Bag,
        worn: &Equipment,
        player: PlayerId,
        tick: u32,
        assets: &Assets,
    ) -> PileSeen {
        let open = self.is_open_to(player, tick);
        let gold = if open { std::mem::take(&mut self.gold) } else { 0 };
        bag.add_gold(gold);
        let mut moved = Vec::new();
        for Lying { stack, hold } in self.things.iter_mut().filter(|lying| lying.hold.lets(player, open)) {
            debug_assert!(!matches!(hold, Hold::Contested(_)), "what is rolled for is nobody's yet");
            let left = bag.put(stack.clone(), &assets.items[stack.item], worn.wears(stack.item));
            if left < stack.count {
                let part = Stack { count: stack.count - left, ..stack.clone() };
                moved.push(ThingSeen::of(&Thing::Stack(part)));
            }
            stack.count = left;
        }
        self.things.retain(|lying| lying.stack.count > 0);
        PileSeen { gold, things: moved }
    }

    /// Reads a replicated pile.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<PileSeen> {
        PileSeen::from_wire(reader)
    }
}

impl Lying {
    /// A stack for whoever may take from the pile.
    #[must_use]
    pub const fn open(stack: Stack) -> Self {
        Self { stack, hold: Hold::Open }
    }
}

impl Hold {
    /// Whether a player may take it; `open` says whether the pile is open to the player.
    fn lets(&self, player: PlayerId, open: bool) -> bool {
        match self {
            Self::Open => open,
            Self::Contested(_) => false,
            Self::Won(winner) => *winner == player,
        }
    }
}

impl PileSeen {
    /// Reads varint gold and the things.
    pub(super) fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let gold = reader.varint()?;
        let count = reader.varint().filter(|&count| count <= STACKS_MAX)?;
        let things = (0..count).map(|_| ThingSeen::from_wire(reader)).collect::<Option<_>>()?;
        Some(Self { gold, things })
    }

    /// Writes varint gold and the things.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.gold);
        put_varint(out, u32::try_from(self.things.len()).unwrap_or(0));
        self.things.iter().for_each(|thing| thing.put(out));
    }
}

impl Replicate for Pile {
    const NAME: &'static str = "pile";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.gold);
        put_varint(out, u32::try_from(self.things.len()).unwrap_or(0));
        self.things.iter().for_each(|lying| ThingSeen::of_stack(&lying.stack).put(out));
    }
}

impl Digest for Pile {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.gold);
        self.owners.iter().for_each(|owner| digester.u64(owner.0));
        digester.u32(u32::from(self.personal));
        digester.u32(self.free_tick);
        digester.u32(self.gone_tick);
        for Lying { stack, hold } in &self.things {
            stack.digest(digester);
            match hold {
                Hold::Open => digester.u32(0),
                Hold::Contested(contest) => contest.digest(digester),
                Hold::Won(winner) => digester.u64(winner.0),
            }
        }
    }
}
