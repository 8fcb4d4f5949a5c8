//! Equipment: what a character wears, and what that does. Act: puts on and takes off, each change whole or not at all, and
//! uses things. Resolve: works out what is worn, before attributes are.
//!
//! A thing is in the bag or worn, never both and never neither. What is worn counts through [`Gear`]: modifiers in the
//! attribute pipeline, effects that last as long, skills its wearer has.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::assets::{Assets, Id, ItemDef};
use crate::digest::{Digest, DigestApp, Digester};
use crate::epoch::{EpochApp, EpochSwap};
use crate::features::combat::{Contributor, Modifiers};
use crate::features::loot::{LootSystems, Thing, ThingSeen, follow_things, spend_charge};
use crate::features::players::Carry;
use crate::features::players::{CarryApp, Player};
use crate::features::skills::{CastSystems, ValidateSystems};
use crate::replicated::{Audience, Replicate};
use crate::tick::{Tick, TickSystems};
use crate::wire::{Reader, put_varint};

mod change;
mod command;
mod gear;
mod slots;
mod uses;
mod worn;

pub use change::{EquipRefusal, Wearer, put_on, take_off};
pub use command::{EquipCommand, UnequipCommand};
pub use gear::Gear;
pub use slots::EquipSlot;
pub use uses::{ItemUses, UseFrom, UseItemCommand};
pub use worn::WornEffects;

/// What a character wears, by [`EquipSlot`]. Written in the Act stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Equipment {
    worn: [Option<Thing>; EquipSlot::COUNT],
}

/// What others see of a character's equipment: items by slot. Written with [`Equipment`].
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Outfit(pub Vec<(EquipSlot, Id<ItemDef>)>);

/// Equipment's places in a tick.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EquipmentSystems {
    /// Things are put on and taken off (Act).
    Change,
    /// What is worn is worked out (Act, after changes).
    WorkOut,
}

impl Equipment {
    /// What is worn in a slot.
    #[must_use]
    pub fn thing(&self, slot: EquipSlot) -> Option<&Thing> {
        self.worn[slot.index()].as_ref()
    }

    /// What is worn, in the order of slots.
    pub fn iter(&self) -> impl Iterator<Item = (EquipSlot, &Thing)> {
        EquipSlot::ALL.into_iter().filter_map(|slot| Some((slot, self.thing(slot)?)))
    }

    /// Whether an item is worn anywhere.
    #[must_use]
    pub fn wears(&self, item: Id<ItemDef>) -> bool {
        self.iter().any(|(_, thing)| thing.stack().is_some_and(|stack| stack.item == item))
    }

    /// Takes what is worn in a slot, and wears something else or nothing.
    fn replace(&mut self, slot: EquipSlot, thing: Option<Thing>) -> Option<Thing> {
        std::mem::replace(&mut self.worn[slot.index()], thing)
    }

    /// Spends a charge of the piece of a serial, if it is worn; without any left it is gone.
    fn spend_charge(&mut self, serial: Option<u128>) -> bool {
        self.worn.iter_mut().any(|slot| spend_charge(slot, serial))
    }

    /// Reads replicated equipment.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Vec<(EquipSlot, ThingSeen)>> {
        let count = reader.varint().filter(|&count| count as usize <= EquipSlot::COUNT)?;
        let worn = |reader: &mut Reader<'_>| Some((EquipSlot::from_byte(reader.u8()?)?, ThingSeen::from_wire(reader)?));
        (0..count).map(|_| worn(reader)).collect()
    }
}

impl Outfit {
    fn of(worn: &Equipment) -> Self {
        let seen = worn.iter().filter(|(slot, _)| slot.is_visible());
        Self(seen.filter_map(|(slot, thing)| Some((slot, thing.stack()?.item))).collect())
    }

    /// Reads a replicated outfit.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let count = reader.varint().filter(|&count| count as usize <= EquipSlot::COUNT)?;
        let worn = |reader: &mut Reader<'_>| Some((EquipSlot::from_byte(reader.u8()?)?, Id::new(reader.varint()?)));
        (0..count).map(|_| worn(reader)).collect::<Option<_>>().map(Self)
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.register_required_components::<Player, Equipment>()
        .register_required_components::<Player, Outfit>()
        .register_required_components::<Player, Gear>()
        .register_required_components::<Player, ItemUses>()
        .register_required_components::<Player, WornEffects>();
    app.configure_sets(
        Tick,
        (
            EquipmentSystems::Change.after(LootSystems::Arrange),
            EquipmentSystems::WorkOut.after(EquipmentSystems::Change),
        )
            .in_set(TickSystems::Act)
            .after(CastSystems::Run),
    );
    app.add_systems(
        Tick,
        (
            uses::validate_uses
                .in_set(TickSystems::Validate)
                .after(ValidateSystems::Takes)
                .before(ValidateSystems::Casts),
            (uses::spend_uses, command::change_equipment).chain().in_set(EquipmentSystems::Change),
            (gear::work_out_gear, show_outfits, worn::keep_worn_effects).chain().in_set(EquipmentSystems::WorkOut),
        ),
    );
    app.on_epoch(follow_epoch);
    app.carry::<Equipment>().carry::<ItemUses>().carry::<WornEffects>();
    app.digest_component::<Equipment>("equipment")
        .digest_component::<ItemUses>("equipment")
        .digest_component::<WornEffects>("equipment");
}

/// What an exchange of the game data makes of what is worn: items that are gone become relics that do nothing, and what the
/// others do is worked out anew.
fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let mut wearers = world.query::<(&mut Equipment, &mut Gear, &mut Modifiers)>();
    for (mut worn, mut gear, mut modifiers) in wearers.iter_mut(world) {
        if follow_things(&mut worn.bypass_change_detection().worn, swap) {
            worn.set_changed();
        }
        let next = Gear::of(&worn, &swap.new);
        Modifiers::set(&mut modifiers, Contributor::Equipment, next.changes.clone());
        gear.set_if_neq(next);
    }
}

fn show_outfits(mut wearers: Query<(&Equipment, &mut Outfit), Changed<Equipment>>) {
    for (worn, mut outfit) in &mut wearers {
        outfit.set_if_neq(Outfit::of(worn));
    }
}

/// Varint count, and for each: slot byte and the thing.
impl Replicate for Equipment {
    const NAME: &'static str = "equipment";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::try_from(self.iter().count()).unwrap_or(0));
        for (slot, thing) in self.iter() {
            out.push(slot.byte());
            thing.put(out);
        }
    }
}

/// Varint count, and for each: slot byte and varint item.
impl Replicate for Outfit {
    const NAME: &'static str = "outfit";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::try_from(self.0.len()).unwrap_or(0));
        for (slot, item) in &self.0 {
            out.push(slot.byte());
            put_varint(out, item.raw());
        }
    }
}

/// Slot byte and thing, by the names of items.
impl Carry for Equipment {
    const NAME: &'static str = "equipment";
    fn save(&self, _: u32, assets: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        for (slot, thing) in self.iter() {
            out.push(slot.byte());
            thing.save(&mut out, assets);
        }
        out
    }
    fn load(bytes: &[u8], _: u32, assets: &Assets) -> Option<Self> {
        let (mut worn, mut reader) = (Self::default(), Reader::new(bytes));
        while !reader.is_empty() {
            let slot = EquipSlot::from_byte(reader.u8()?)?;
            worn.replace(slot, Some(Thing::load(&mut reader, assets)?));
        }
        Some(worn)
    }
}

impl Digest for Equipment {
    fn digest(&self, digester: &mut Digester) {
        for (slot, thing) in self.iter() {
            digester.u32(u32::from(slot.byte()));
            thing.digest(digester);
        }
    }
}
