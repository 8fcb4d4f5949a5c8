//! Putting on and taking off: the rules, pure. Every change is whole or not at all; what it displaces goes into the bag,
//! and where there is no room for that, nothing happens.

use crate::assets::{Assets, Bind, ClassDef, Id, ItemDef, SlotKind};
use crate::features::loot::{Bag, BagRefusal, Thing};

use super::{EquipSlot, Equipment};

/// Why something is not put on or taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EquipRefusal {
    /// The wearer is dead.
    Dead,
    /// The wearer is casting.
    Casting,
    /// The wearer is in a fight, and it is not held in a hand.
    Fighting,
    /// It cannot be worn, or not there.
    WrongSlot,
    /// It is for other classes.
    WrongClass,
    /// It is for higher levels.
    Level,
    /// Another of it is worn, and nobody wears two.
    Unique,
    /// Something about the bag.
    Bag(BagRefusal),
}

impl EquipRefusal {
    /// Stable word for clients and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Casting => "casting",
            Self::Fighting => "fighting",
            Self::WrongSlot => "wrong_slot",
            Self::WrongClass => "wrong_class",
            Self::Level => "level",
            Self::Unique => "unique",
            Self::Bag(refusal) => refusal.reason(),
        }
    }
}

impl From<BagRefusal> for EquipRefusal {
    fn from(refusal: BagRefusal) -> Self {
        Self::Bag(refusal)
    }
}

/// What counts about a wearer.
#[derive(Debug, Clone, Copy)]
pub struct Wearer {
    /// Its class.
    pub class: Id<ClassDef>,
    /// Its level.
    pub level: u16,
    /// Whether it is dead.
    pub dead: bool,
    /// Whether it is casting.
    pub casting: bool,
    /// Whether it is in a fight.
    pub fighting: bool,
}

impl Wearer {
    pub(super) fn check(&self, held: bool) -> Result<(), EquipRefusal> {
        let reasons = [
            (self.dead, EquipRefusal::Dead),
            (self.casting, EquipRefusal::Casting),
            (self.fighting && !held, EquipRefusal::Fighting),
        ];
        reasons.into_iter().find(|(holds, _)| *holds).map_or(Ok(()), |(_, refusal)| Err(refusal))
    }

    /// Whether the wearer may use or wear an item at all.
    ///
    /// # Errors
    /// [`EquipRefusal::WrongClass`] or [`EquipRefusal::Level`].
    pub fn check_item(&self, def: &ItemDef) -> Result<(), EquipRefusal> {
        if !def.suits(self.class) {
            return Err(EquipRefusal::WrongClass);
        }
        if self.level < def.level { Err(EquipRefusal::Level) } else { Ok(()) }
    }
}

/// Puts on what lies in a slot of the bag: in the slot asked for, or in the first free one it fits, or else in exchange for
/// what is in the preferred one. Something for both hands displaces what is in either; something for the off hand displaces
/// something for both.
///
/// # Errors
/// The first reason against it; then nothing has happened.
pub fn put_on(
    bag: &mut Bag,
    worn: &mut Equipment,
    wearer: Wearer,
    from: usize,
    to: Option<EquipSlot>,
    assets: &Assets,
) -> Result<EquipSlot, EquipRefusal> {
    let stack = bag.stack(from)?;
    let (item, def) = (stack.item, &assets.items[stack.item]);
    let equip = def.equip.as_ref().ok_or(EquipRefusal::WrongSlot)?;
    wearer.check(equip.slot.is_held())?;
    wearer.check_item(def)?;
    let fitting = EquipSlot::of_kind(equip.slot);
    let free = || fitting.iter().copied().find(|&slot| worn.thing(slot).is_none() && !is_blocked(slot, worn, assets));
    let to = to.or_else(free).unwrap_or(fitting[0]);
    if !fitting.contains(&to) {
        return Err(EquipRefusal::WrongSlot);
    }
    let twin =
        |&(slot, thing): &(EquipSlot, &Thing)| slot != to && thing.stack().is_some_and(|stack| stack.item == item);
    if equip.unique && worn.iter().any(|worn| twin(&worn)) {
        return Err(EquipRefusal::Unique);
    }
    let other = displaced_besides(equip.slot, to, worn, assets);
    // One of what is displaced takes the place of what is put on.
    let needed = usize::from(other.is_some() && worn.thing(to).is_some());
    if bag.free_slots() < needed {
        return Err(EquipRefusal::Bag(BagRefusal::Full));
    }
    let mut thing = bag.take(from).ok_or(BagRefusal::NoItem)?;
    if let Thing::Stack(stack) = &mut thing {
        stack.bound |= def.bind == Bind::OnEquip;
    }
    let displaced = [worn.replace(to, Some(thing)), other.and_then(|other| worn.replace(other, None))];
    for (place, thing) in [Some(from), None].into_iter().zip(displaced.into_iter().flatten()) {
        lay_back(bag, thing, place);
    }
    Ok(to)
}

/// Takes off what is worn in a slot, into a slot of the bag or the first free one.
///
/// # Errors
/// The first reason against it; then nothing has happened.
pub fn take_off(
    bag: &mut Bag,
    worn: &mut Equipment,
    wearer: Wearer,
    from: EquipSlot,
    to: Option<usize>,
    assets: &Assets,
) -> Result<(), EquipRefusal> {
    let thing = worn.thing(from).ok_or(BagRefusal::NoItem)?;
    let equip = thing.stack().and_then(|stack| assets.items[stack.item].equip.as_ref());
    // What the game data no longer has, or no longer lets wear, can always be taken off by who is not in a fight.
    wearer.check(equip.is_some_and(|equip| equip.slot.is_held()))?;
    if bag.free_slots() == 0 {
        return Err(EquipRefusal::Bag(BagRefusal::Full));
    }
    let Some(thing) = worn.replace(from, None) else { return Err(EquipRefusal::Bag(BagRefusal::NoItem)) };
    bag.lay(thing, to).map(drop).map_err(|(thing, refusal)| {
        worn.replace(from, Some(thing));
        EquipRefusal::Bag(refusal)
    })
}

/// The other hand, if what is in it cannot stay when something is put on.
fn displaced_besides(kind: SlotKind, to: EquipSlot, worn: &Equipment, assets: &Assets) -> Option<EquipSlot> {
    let other = match to {
        EquipSlot::MainHand if kind == SlotKind::TwoHand => EquipSlot::OffHand,
        EquipSlot::OffHand if is_blocked(to, worn, assets) => EquipSlot::MainHand,
        _ => return None,
    };
    worn.thing(other).map(|_| other)
}

/// Whether a slot is held empty by something for both hands.
fn is_blocked(slot: EquipSlot, worn: &Equipment, assets: &Assets) -> bool {
    let main = worn.thing(EquipSlot::MainHand).and_then(Thing::stack);
    let both = main.and_then(|stack| assets.items[stack.item].equip.as_ref()).map(|equip| equip.slot);
    slot == EquipSlot::OffHand && both == Some(SlotKind::TwoHand)
}

/// Puts a displaced thing where there is room, which has been looked for before.
fn lay_back(bag: &mut Bag, thing: Thing, place: Option<usize>) {
    if let Err((thing, _)) = bag.lay(thing, place) {
        let laid = bag.lay(thing, None);
        debug_assert!(laid.is_ok(), "room was counted before anything was displaced");
    }
}

#[cfg(test)]
mod tests;
