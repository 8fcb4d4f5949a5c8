//! What a character carries: gold, and things in numbered slots. On the wire, for the owner alone: gold `u64`, varint
//! count of slots that hold something and for each: slot byte, and the thing.
//!
//! Things are moved, never copied: every verb either does all it says or leaves the bag as it was.

use bevy_ecs::prelude::*;

use super::{Stack, Thing, ThingSeen};
use crate::assets::{Assets, Bind, Id, ItemDef};
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::replicated::{Audience, Replicate};
use crate::wire::{Reader, put_varint};

/// Slots of a bag.
pub const SLOTS_MAX: usize = 40;

/// Gold and things. Written in the Act stage.
#[derive(Component, Debug, Clone, Default)]
pub struct Bag {
    gold: u64,
    /// All [`SLOTS_MAX`], or none as long as nothing has ever lain in one: most of those who stand by carry nothing.
    slots: Vec<Option<Thing>>,
}

impl PartialEq for Bag {
    fn eq(&self, other: &Self) -> bool {
        self.gold == other.gold && self.things().eq(other.things())
    }
}

impl Eq for Bag {}

/// A bag as its owner's client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BagSeen {
    /// Gold.
    pub gold: u64,
    /// What is in which slot, in the order of slots.
    pub things: Vec<(u8, ThingSeen)>,
}

/// Why a bag refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BagRefusal {
    /// There is no such slot.
    NoSlot,
    /// Nothing lies in the slot, or not so many.
    NoItem,
    /// Something lies in the slot that must be empty.
    SlotTaken,
    /// There is no room.
    Full,
    /// The game data has no such item any more; it can only be moved or destroyed.
    Relic,
}

impl BagRefusal {
    /// Stable word for clients and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSlot => "no_slot",
            Self::NoItem => "no_item",
            Self::SlotTaken => "slot_taken",
            Self::Full => "bag_full",
            Self::Relic => "no_such_item",
        }
    }
}

impl Bag {
    /// Gold.
    #[must_use]
    pub const fn gold(&self) -> u64 {
        self.gold
    }

    /// What lies in a slot.
    #[must_use]
    pub fn thing(&self, slot: usize) -> Option<&Thing> {
        self.slots.get(slot)?.as_ref()
    }

    /// The stack in a slot.
    ///
    /// # Errors
    /// There is no slot, no item in it, or the game data does not have it any more.
    pub fn stack(&self, slot: usize) -> Result<&Stack, BagRefusal> {
        check_slot(slot)?;
        self.thing(slot).ok_or(BagRefusal::NoItem)?.stack().ok_or(BagRefusal::Relic)
    }

    /// What lies in it, with the slots, in their order.
    pub fn things(&self) -> impl Iterator<Item = (usize, &Thing)> {
        self.slots.iter().enumerate().filter_map(|(slot, thing)| Some((slot, thing.as_ref()?)))
    }

    /// The stacks in it, in the order of their slots.
    pub fn stacks(&self) -> impl Iterator<Item = &Stack> {
        self.slots.iter().flatten().filter_map(Thing::stack)
    }

    /// Slots in which nothing lies.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        SLOTS_MAX - self.things().count()
    }

    /// How many of an item are in it.
    #[must_use]
    pub fn count(&self, item: Id<ItemDef>) -> u64 {
        self.stacks().filter(|stack| stack.item == item).map(|stack| u64::from(stack.count)).sum()
    }

    /// How many of a stack it could take. `worn` says whether one of the item is worn: of what is unique there is one.
    #[must_use]
    pub fn room_for(&self, stack: &Stack, def: &ItemDef, worn: bool) -> u32 {
        if def.unique && (worn || self.count(stack.item) > 0) {
            return 0;
        }
        let begun = self.stacks().filter(|other| other.joins(stack));
        let begun: u64 = begun.map(|other| u64::from(def.stack_max.saturating_sub(other.count))).sum();
        let free = self.free_slots() as u64 * u64::from(def.stack_max);
        let most = if def.unique { 1 } else { stack.count };
        u32::try_from((begun + free).min(u64::from(most))).unwrap_or(most)
    }

    /// Adds gold.
    pub fn add_gold(&mut self, gold: u32) {
        self.gold = self.gold.saturating_add(u64::from(gold));
    }

    /// Puts in as many of a found stack as fit, begun stacks first, and answers how many did not. What binds when it is
    /// picked up is bound from now on.
    pub fn put(&mut self, mut found: Stack, def: &ItemDef, worn: bool) -> u32 {
        found.bound |= def.bind == Bind::OnPickup;
        let room = self.room_for(&found, def, worn);
        let over = found.count - room;
        let mut left = room;
        for other in self.slots.iter_mut().flatten() {
            if let Thing::Stack(other) = other
                && other.joins(&found)
            {
                let added = def.stack_max.saturating_sub(other.count).min(left);
                other.count += added;
                left -= added;
            }
        }
        while left > 0
            && let Some(slot) = self.room().iter_mut().find(|slot| slot.is_none())
        {
            let count = left.min(def.stack_max);
            *slot = Some(Thing::Stack(Stack { count, ..found.clone() }));
            left -= count;
        }
        over
    }

    /// Puts a thing into an empty slot: the one asked for, or the first.
    ///
    /// # Errors
    /// The slot is none or taken, or there is no room; then the thing is handed back.
    pub fn lay(&mut self, thing: Thing, slot: Option<usize>) -> Result<usize, (Thing, BagRefusal)> {
        let room = self.room();
        let Some(slot) = slot.or_else(|| room.iter().position(Option::is_none)) else {
            return Err((thing, BagRefusal::Full));
        };
        match room.get_mut(slot) {
            None => Err((thing, BagRefusal::NoSlot)),
            Some(Some(_)) => Err((thing, BagRefusal::SlotTaken)),
            Some(empty) => {
                *empty = Some(thing);
                Ok(slot)
            }
        }
    }

    /// Takes everything out of a slot.
    pub fn take(&mut self, slot: usize) -> Option<Thing> {
        self.slots.get_mut(slot)?.take()
    }

    /// Moves what lies in one slot to another: onto its like as much as fits, else in exchange.
    ///
    /// # Errors
    /// There is no such slot, or nothing in the first.
    pub fn shift(&mut self, from: usize, to: usize, assets: &Assets) -> Result<(), BagRefusal> {
        check_slot(from)?;
        check_slot(to)?;
        if self.thing(from).is_none() {
            return Err(BagRefusal::NoItem);
        }
        if from == to {
            return Ok(());
        }
        let moved = self.slots[from].take();
        let rest = match (moved, &mut self.slots[to]) {
            (Some(Thing::Stack(mut stack)), Some(Thing::Stack(other))) if stack.joins(other) => {
                let room = assets.items[stack.item].stack_max.saturating_sub(other.count).min(stack.count);
                if room == 0 {
                    std::mem::swap(&mut stack, other);
                } else {
                    other.count += room;
                    stack.count -= room;
                }
                (stack.count > 0).then_some(Thing::Stack(stack))
            }
            (moved, other) => std::mem::replace(other, moved),
        };
        self.slots[from] = rest;
        Ok(())
    }

    /// Puts some of a stack into an empty slot.
    ///
    /// # Errors
    /// There is no such slot, not more than so many in the first, or something in the second.
    pub fn split(&mut self, from: usize, to: usize, count: u32) -> Result<(), BagRefusal> {
        let mut part = self.stack(from)?.clone();
        if count == 0 || count >= part.count {
            return Err(BagRefusal::NoItem);
        }
        part.count = count;
        match self.slots.get_mut(to).ok_or(BagRefusal::NoSlot)? {
            Some(_) => return Err(BagRefusal::SlotTaken),
            empty => *empty = Some(Thing::Stack(part)),
        }
        if let Some(thing) = &mut self.slots[from] {
            thing.take(count);
        }
        Ok(())
    }

    /// Destroys some of what lies in a slot.
    ///
    /// # Errors
    /// There is no such slot, or not so many in it.
    pub fn destroy(&mut self, slot: usize, count: u32) -> Result<(), BagRefusal> {
        check_slot(slot)?;
        let place = self.slots.get_mut(slot).ok_or(BagRefusal::NoItem)?;
        let thing = place.as_mut().ok_or(BagRefusal::NoItem)?;
        match thing.count() {
            there if count == 0 || count > there => return Err(BagRefusal::NoItem),
            there if count == there => *place = None,
            _ => thing.take(count),
        }
        Ok(())
    }

    /// Joins what can be joined and orders the rest: the most precious first, then by name; what the game data no longer has
    /// comes last.
    pub fn sort(&mut self, assets: &Assets) {
        let mut stacks: Vec<Stack> = Vec::new();
        let mut relics = Vec::new();
        for thing in self.slots.iter_mut().filter_map(Option::take) {
            match thing {
                Thing::Stack(stack) => join(&mut stacks, stack, assets),
                Thing::Relic(relic) => relics.push(relic),
            }
        }
        stacks.sort_by(|a, b| {
            let (first, second) = (&assets.items[a.item], &assets.items[b.item]);
            let by_worth = second.quality.cmp(&first.quality).then_with(|| first.id.cmp(&second.id));
            by_worth.then(b.bound.cmp(&a.bound)).then(b.count.cmp(&a.count))
        });
        relics.sort_by(|a, b| a.name.cmp(&b.name));
        let sorted = stacks.into_iter().map(Thing::Stack).chain(relics.into_iter().map(Thing::Relic));
        for (slot, thing) in self.slots.iter_mut().zip(sorted) {
            *slot = Some(thing);
        }
    }

    /// All slots, to lay something in one.
    fn room(&mut self) -> &mut [Option<Thing>] {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS_MAX, || None);
        }
        &mut self.slots
    }

    /// The slots, to follow other game data; none if nothing lies in them.
    pub(super) fn slots_mut(&mut self) -> &mut [Option<Thing>] {
        &mut self.slots
    }

    /// Spends one of an item: the piece of a serial, or one of any stack.
    pub(crate) fn spend(&mut self, item: Id<ItemDef>, serial: Option<u128>) {
        let is_it = |stack: &Stack| stack.item == item && stack.piece.as_ref().map(|piece| piece.serial) == serial;
        let place = self.things().find(|(_, thing)| thing.stack().is_some_and(is_it)).map(|(slot, _)| slot);
        if let Some(slot) = place {
            let spent = self.destroy(slot, 1);
            debug_assert!(spent.is_ok(), "a stack has at least one");
        }
    }

    /// Spends a charge of the piece of a serial; without any left it is gone.
    pub(crate) fn spend_charge(&mut self, serial: Option<u128>) {
        for slot in &mut self.slots {
            if spend_charge(slot, serial) {
                return;
            }
        }
    }

    /// Reads a replicated bag.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<BagSeen> {
        let gold = reader.u64()?;
        let count = reader.varint().filter(|&count| count as usize <= SLOTS_MAX)?;
        let thing = |reader: &mut Reader<'_>| Some((reader.u8()?, ThingSeen::from_wire(reader)?));
        let things = (0..count).map(|_| thing(reader)).collect::<Option<_>>()?;
        Some(BagSeen { gold, things })
    }
}

fn check_slot(slot: usize) -> Result<(), BagRefusal> {
    if slot < SLOTS_MAX { Ok(()) } else { Err(BagRefusal::NoSlot) }
}

/// Spends a charge of what lies in a slot if it is the piece of a serial; without any left it is gone.
pub(crate) fn spend_charge(slot: &mut Option<Thing>, serial: Option<u128>) -> bool {
    let Some(Thing::Stack(Stack { piece: Some(piece), .. })) = slot else { return false };
    if Some(piece.serial) != serial {
        return false;
    }
    piece.charges = piece.charges.saturating_sub(1);
    if piece.charges == 0 {
        *slot = None;
    }
    true
}

/// Adds a stack to others, joining it with its like.
fn join(stacks: &mut Vec<Stack>, mut stack: Stack, assets: &Assets) {
    let stack_max = assets.items[stack.item].stack_max;
    for other in stacks.iter_mut() {
        if !other.joins(&stack) {
            continue;
        }
        let added = stack_max.saturating_sub(other.count).min(stack.count);
        other.count += added;
        stack.count -= added;
    }
    if stack.count > 0 {
        stacks.push(stack);
    }
}

impl Replicate for Bag {
    const NAME: &'static str = "bag";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.gold.to_le_bytes());
        put_varint(out, u32::try_from(self.things().count()).unwrap_or(0));
        for (slot, thing) in self.things() {
            out.push(u8::try_from(slot).unwrap_or(u8::MAX));
            thing.put(out);
        }
    }
}

/// Gold `u64`, then slot byte and thing, by the names of items.
impl Carry for Bag {
    const NAME: &'static str = "bag";
    fn save(&self, _: u32, assets: &Assets) -> Vec<u8> {
        let mut out = self.gold.to_le_bytes().to_vec();
        for (slot, thing) in self.things() {
            out.push(u8::try_from(slot).unwrap_or(u8::MAX));
            thing.save(&mut out, assets);
        }
        out
    }
    fn load(bytes: &[u8], _: u32, assets: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut bag = Self { gold: reader.u64()?, ..Self::default() };
        while !reader.is_empty() {
            let slot = usize::from(reader.u8()?);
            *bag.room().get_mut(slot)? = Some(Thing::load(&mut reader, assets)?);
        }
        Some(bag)
    }
}

impl Digest for Bag {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.gold);
        for (slot, thing) in self.things() {
            digester.u64(slot as u64);
            thing.digest(digester);
        }
    }
}

#[cfg(test)]
mod tests;
