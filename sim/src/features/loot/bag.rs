//! What a character carries. On the wire, for the owner alone: gold `u64`, varint count of stacks and for each:
//! varint item, varint count.

use bevy_ecs::prelude::*;

use crate::assets::{Assets, Id, ItemDef};
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::replicated::{Audience, Replicate};
use crate::wire::{Reader, put_varint};

/// Stacks in a bag.
pub const SLOTS_MAX: usize = 40;

/// Some of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stack {
    /// Which item.
    pub item: Id<ItemDef>,
    /// How many, from 1.
    pub count: u32,
}

/// Gold and stacks, at most [`SLOTS_MAX`]. Written in the Act stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Bag {
    gold: u64,
    stacks: Vec<Stack>,
}

/// A bag as its owner's client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagSeen {
    /// Gold.
    pub gold: u64,
    /// Stacks.
    pub stacks: Vec<Stack>,
}

impl Bag {
    /// Gold.
    #[must_use]
    pub const fn gold(&self) -> u64 {
        self.gold
    }

    /// Stacks, in the order they were begun.
    #[must_use]
    pub fn stacks(&self) -> &[Stack] {
        &self.stacks
    }

    /// How many of an item are in it.
    #[must_use]
    pub fn count(&self, item: Id<ItemDef>) -> u64 {
        self.stacks.iter().filter(|stack| stack.item == item).map(|stack| u64::from(stack.count)).sum()
    }

    /// How many of an item it could take, up to `wanted`.
    #[must_use]
    pub fn room_for(&self, item: Id<ItemDef>, stack_max: u32, wanted: u32) -> u32 {
        let begun = self.stacks.iter().filter(|stack| stack.item == item);
        let begun: u64 = begun.map(|stack| u64::from(stack_max.saturating_sub(stack.count))).sum();
        let free = SLOTS_MAX.saturating_sub(self.stacks.len()) as u64;
        u32::try_from((begun + free * u64::from(stack_max)).min(u64::from(wanted))).unwrap_or(wanted)
    }

    /// Adds gold.
    pub fn add_gold(&mut self, gold: u32) {
        self.gold = self.gold.saturating_add(u64::from(gold));
    }

    /// Puts in as many as fit, begun stacks first, and answers how many did not.
    pub fn put(&mut self, item: Id<ItemDef>, stack_max: u32, count: u32) -> u32 {
        let mut left = count;
        for stack in self.stacks.iter_mut().filter(|stack| stack.item == item) {
            let added = stack_max.saturating_sub(stack.count).min(left);
            stack.count += added;
            left -= added;
        }
        while left > 0 && self.stacks.len() < SLOTS_MAX && stack_max > 0 {
            let count = left.min(stack_max);
            self.stacks.push(Stack { item, count });
            left -= count;
        }
        left
    }

    /// Reads a replicated bag.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<BagSeen> {
        let gold = reader.u64()?;
        let count = reader.varint().filter(|&count| count as usize <= SLOTS_MAX)?;
        let stacks = (0..count).map(|_| Stack::from_wire(reader)).collect::<Option<_>>()?;
        Some(BagSeen { gold, stacks })
    }
}

impl Stack {
    /// Reads varint item and varint count.
    pub(super) fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { item: Id::new(reader.varint()?), count: reader.varint()? })
    }

    /// Writes varint item and varint count.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        put_varint(out, self.item.raw());
        put_varint(out, self.count);
    }
}

impl Replicate for Bag {
    const NAME: &'static str = "bag";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.gold.to_le_bytes());
        put_varint(out, u32::try_from(self.stacks.len()).unwrap_or(0));
        self.stacks.iter().for_each(|stack| stack.put(out));
    }
}

impl Carry for Bag {
    const NAME: &'static str = "bag";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        bytes
    }
    fn load(bytes: &[u8], _: u32, assets: &Assets) -> Option<Self> {
        let BagSeen { gold, stacks } = Self::from_wire(&mut Reader::new(bytes))?;
        let known = stacks.iter().all(|stack| assets.items.get(stack.item).is_some());
        known.then_some(Self { gold, stacks })
    }
}

impl Digest for Bag {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.gold);
        for stack in &self.stacks {
            digester.u32(stack.item.raw());
            digester.u32(stack.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn begun_stacks_fill_first_and_what_does_not_fit_is_handed_back() {
        let mut bag = Bag::default();
        assert_eq!(bag.put(Id::new(0), 10, 7), 0);
        assert_eq!(bag.put(Id::new(0), 10, 7), 0);
        assert_eq!(bag.stacks().iter().map(|stack| stack.count).collect::<Vec<_>>(), [10, 4]);
        assert_eq!(bag.put(Id::new(1), 1, 50), 12);
        assert_eq!(bag.put(Id::new(0), 10, 9), 3);
        assert_eq!((bag.room_for(Id::new(0), 10, 5), bag.stacks().len()), (0, SLOTS_MAX));
    }

    #[test]
    fn a_bag_comes_back_from_the_wire_and_an_endless_one_is_refused() {
        let mut bag = Bag::default();
        bag.add_gold(u32::MAX);
        bag.add_gold(u32::MAX);
        bag.put(Id::new(300), 20, 33);
        let mut bytes = Vec::new();
        bag.encode(&mut bytes);
        let seen = Bag::from_wire(&mut Reader::new(&bytes)).unwrap();
        assert_eq!((seen.gold, seen.stacks), (bag.gold(), bag.stacks().to_vec()));
        assert_eq!(Bag::from_wire(&mut Reader::new(&bytes[..bytes.len() - 1])), None);
        assert_eq!(Bag::from_wire(&mut Reader::new(&[0, 0, 0, 0, 0, 0, 0, 0, 41])), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_made_and_no_stack_is_too_high(
            puts in prop::collection::vec((0_u32..4, 1_u32..60), 0..120),
        ) {
            let (mut bag, mut inside) = (Bag::default(), [0_u64; 4]);
            let stack_max = |item: u32| [1, 5, 20, 7][item as usize];
            for (item, count) in puts {
                let room = bag.room_for(Id::new(item), stack_max(item), count);
                let left = bag.put(Id::new(item), stack_max(item), count);
                prop_assert_eq!(left, count - room);
                inside[item as usize] += u64::from(count - left);
                prop_assert!(bag.stacks().len() <= SLOTS_MAX);
                prop_assert!(bag.stacks().iter().all(|stack| stack.count <= stack_max(stack.item.raw())));
            }
            for (item, &count) in (0..).zip(&inside) {
                prop_assert_eq!(bag.count(Id::new(item)), count);
            }
        }
    }
}
