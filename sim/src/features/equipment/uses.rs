//! Using things: an item casts its skill by the same intent as any cast, and is spent when the cast takes effect. Validate:
//! requests become casts. Act: spends what took effect, and starts the cooldown that items of one group share.

use bevy_ecs::prelude::*;
use glam::Vec3;
use rkyv::{Archive, Deserialize, Serialize};

use super::change::Wearer;
use super::{EquipRefusal, EquipSlot, Equipment};
use crate::assets::{Assets, Id, ItemDef, OnUseDef, SkillDef, Uses, pity_key};
use crate::command::{ClientCommand, CommandError, Issued, Rejections, read_archive, write_archive};
use crate::digest::{Digest, Digester};
use crate::features::combat::{Level, Vitals};
use crate::features::loot::{Bag, BagRefusal, Stack};
use crate::features::players::{Carry, Class};
use crate::features::skills::{CastEnded, CastOutcome, Casting};
use crate::ids::SimId;
use crate::intent::{CastIntent, CastTarget};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;
use crate::wire::{Reader, put_varint};

/// Where a thing that is used is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseFrom {
    /// In a slot of the bag.
    Bag(u8),
    /// Worn.
    Worn(EquipSlot),
}

/// Asks to use a thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UseItemCommand {
    /// Where it is.
    pub from: UseFrom,
    /// What its skill is aimed at.
    pub target: CastTarget,
}

#[derive(Archive, Serialize, Deserialize)]
struct UseWire {
    worn: u8,
    slot: u8,
    target: u8,
    unit: u32,
    place: (f32, f32, f32),
}

/// Places farther than this from the origin exist in no scene, in metres.
const PLACE_MAX_M: f32 = 100_000.0;

impl ClientCommand for UseItemCommand {
    const NAME: &'static str = "use_item";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let UseWire { worn, slot, target, unit, place } = read_archive(body)?;
        let from = match worn {
            0 => UseFrom::Bag(slot),
            1 => UseFrom::Worn(EquipSlot::from_byte(slot).ok_or(CommandError::OutOfRange)?),
            _ => return Err(CommandError::Malformed),
        };
        let place = Vec3::from(place);
        let target = match target {
            0 => CastTarget::Caster,
            1 => CastTarget::Unit(SimId::from_bits(unit)),
            2 if place.is_finite() && place.abs().max_element() <= PLACE_MAX_M => CastTarget::Ground(place),
            2 => return Err(CommandError::OutOfRange),
            _ => return Err(CommandError::Malformed),
        };
        Ok(Self { from, target })
    }

    fn encode(&self) -> Vec<u8> {
        let (worn, slot) = match self.from {
            UseFrom::Bag(slot) => (0, slot),
            UseFrom::Worn(slot) => (1, slot.byte()),
        };
        let (target, unit, place) = match self.target {
            CastTarget::Caster => (0, 0, Vec3::ZERO),
            CastTarget::Unit(id) => (1, id.bits(), Vec3::ZERO),
            CastTarget::Ground(place) => (2, 0, place),
        };
        write_archive(&UseWire { worn, slot, target, unit, place: place.into() })
    }
}

/// What a character is using, and when it may use what again. Written in Validate and Act.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemUses {
    pending: Option<PendingUse>,
    /// Keys of groups and the ticks they may be used again in, sorted by key.
    ends: Vec<(u64, u32)>,
}

/// A use whose cast is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PendingUse {
    item: Id<ItemDef>,
    serial: Option<u128>,
    skill: Id<SkillDef>,
}

impl ItemUses {
    /// True while a group's cooldown runs.
    #[must_use]
    pub fn waits(&self, group: &str, tick: u32) -> bool {
        let key = key_of(group);
        self.ends.iter().any(|&(other, end_tick)| other == key && end_tick > tick)
    }

    fn begin(&mut self, group: &str, ticks: u32, tick: u32) {
        let key = key_of(group);
        self.ends.retain(|&(other, end_tick)| end_tick > tick && other != key);
        let place = self.ends.partition_point(|&(other, _)| other < key);
        self.ends.insert(place, (key, tick.saturating_add(ticks)));
    }
}

/// A number for a group that depends on its name alone.
fn key_of(group: &str) -> u64 {
    pity_key("cooldown", group)
}

type User<'a> = (&'a Class, &'a Level, &'a Vitals, &'a Casting, &'a Bag, &'a Equipment, &'a mut ItemUses);

/// Validate: requests become casts, or refusals.
pub(super) fn validate_uses(
    (tick, assets): (Res<SimTick>, Res<SceneAssets>),
    mut asked: MessageReader<Issued<UseItemCommand>>,
    mut users: Query<User>,
    mut intents: MessageWriter<CastIntent>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let Ok((class, level, vitals, casting, bag, worn, mut uses)) = users.get_mut(by.entity) else { continue };
        let busy = casting.0.is_some() || uses.pending.is_some();
        let user = Wearer { class: class.0, level: level.0, dead: vitals.is_dead(), casting: busy, fighting: false };
        match usable(user, command.from, bag, worn, &uses, (&assets.0, tick.0)) {
            Ok((stack, on_use)) => {
                let serial = stack.piece.as_ref().map(|piece| piece.serial);
                uses.pending = Some(PendingUse { item: stack.item, serial, skill: on_use.skill.id() });
                intents.write(CastIntent { caster: by.id, skill: on_use.skill.id(), target: command.target });
            }
            Err(reason) => rejections.reject(by, reason),
        }
    }
}

/// The stack that is used and what that does.
fn usable<'a>(
    user: Wearer,
    from: UseFrom,
    bag: &'a Bag,
    worn: &'a Equipment,
    uses: &ItemUses,
    (assets, tick): (&'a Assets, u32),
) -> Result<(&'a Stack, &'a OnUseDef), &'static str> {
    let stack = match from {
        UseFrom::Bag(slot) => bag.stack(usize::from(slot)).map_err(BagRefusal::reason)?,
        UseFrom::Worn(slot) => {
            let thing = worn.thing(slot).ok_or(BagRefusal::NoItem.reason())?;
            thing.stack().ok_or(BagRefusal::Relic.reason())?
        }
    };
    let def = assets.items.get(stack.item).ok_or(BagRefusal::Relic.reason())?;
    let on_use = def.on_use.as_ref().ok_or("not_usable")?;
    if def.equip.is_some() && matches!(from, UseFrom::Bag(_)) {
        return Err("not_worn");
    }
    user.check(true).and_then(|()| user.check_item(def)).map_err(EquipRefusal::reason)?;
    let waits = on_use.cooldown.as_ref().is_some_and(|cooldown| uses.waits(&cooldown.group, tick));
    let spent = matches!(on_use.uses, Uses::Charges(_)) && stack.piece.as_ref().is_none_or(|piece| piece.charges == 0);
    match (waits, spent) {
        (true, _) => Err("cooldown"),
        (_, true) => Err("no_charges"),
        _ => Ok((stack, on_use)),
    }
}

/// Act: what took effect is spent, and its group waits; a cast that came to nothing costs nothing.
pub(super) fn spend_uses(
    (tick, assets, roster): (Res<SimTick>, Res<SceneAssets>, Res<Roster>),
    mut ended: MessageReader<CastEnded>,
    mut users: Query<(&mut ItemUses, &mut Bag, &mut Equipment)>,
) {
    for cast in ended.read() {
        let found = roster.entity(cast.caster).and_then(|entity| users.get_mut(entity).ok());
        let Some((mut uses, mut bag, mut worn)) = found else { continue };
        let Some(used) = uses.pending.filter(|used| used.skill == cast.skill) else { continue };
        uses.pending = None;
        if cast.outcome != CastOutcome::Finished {
            continue;
        }
        // An item that was taken out of the data while it was used works to its end.
        let Some(on_use) = &assets.0.items[used.item].on_use else { continue };
        if let Some(cooldown) = &on_use.cooldown {
            uses.begin(&cooldown.group, cooldown.ticks(), tick.0);
        }
        match on_use.uses {
            Uses::Endless => {}
            Uses::Consumed => bag.spend(used.item, used.serial),
            Uses::Charges(_) => {
                let was_worn = worn.bypass_change_detection().spend_charge(used.serial);
                if was_worn {
                    worn.set_changed();
                } else {
                    bag.spend_charge(used.serial);
                }
            }
        }
    }
}

/// Pairs of group key `u64` and varint remaining ticks.
impl Carry for ItemUses {
    const NAME: &'static str = "item_uses";
    fn save(&self, tick: u32, _: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        for &(key, end_tick) in self.ends.iter().filter(|(_, end_tick)| *end_tick > tick) {
            out.extend_from_slice(&key.to_le_bytes());
            put_varint(&mut out, end_tick - tick);
        }
        out
    }
    fn load(bytes: &[u8], tick: u32, _: &Assets) -> Option<Self> {
        let (mut reader, mut ends) = (Reader::new(bytes), Vec::new());
        while !reader.is_empty() {
            ends.push((reader.u64()?, tick.saturating_add(reader.varint()?)));
        }
        Some(Self { pending: None, ends })
    }
}

impl Digest for ItemUses {
    fn digest(&self, digester: &mut Digester) {
        if let Some(PendingUse { item, serial, skill }) = self.pending {
            digester.u32(item.raw());
            digester.bytes(&serial.unwrap_or(0).to_le_bytes());
            digester.u32(skill.raw());
        }
        for &(key, end_tick) in &self.ends {
            digester.u64(key);
            digester.u32(end_tick);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_as_they_were_and_others_are_refused() {
        let assets = crate::testing::test_assets(&[]);
        for from in [UseFrom::Bag(39), UseFrom::Worn(EquipSlot::SecondTrinket)] {
            for target in [CastTarget::Caster, CastTarget::Unit(SimId::new(4, 1)), CastTarget::Ground(Vec3::ONE)] {
                let command = UseItemCommand { from, target };
                assert_eq!(UseItemCommand::decode(&command.encode(), &assets), Ok(command));
            }
        }
        let wire = UseWire { worn: 1, slot: 16, target: 0, unit: 0, place: (0.0, 0.0, 0.0) };
        assert_eq!(UseItemCommand::decode(&write_archive(&wire), &assets), Err(CommandError::OutOfRange));
        let wire = UseWire { worn: 0, slot: 0, target: 2, unit: 0, place: (f32::NAN, 0.0, 0.0) };
        assert_eq!(UseItemCommand::decode(&write_archive(&wire), &assets), Err(CommandError::OutOfRange));
    }

    #[test]
    fn a_group_waits_also_in_the_next_scene() {
        let assets = crate::testing::test_assets(&[]);
        let mut uses = ItemUses::default();
        uses.begin("potion", 100, 1_000);
        assert!(uses.waits("potion", 1_099) && !uses.waits("potion", 1_100) && !uses.waits("trinket", 1_000));
        let uses = ItemUses::load(&uses.save(1_040, &assets), 5, &assets).unwrap();
        assert!(uses.waits("potion", 64) && !uses.waits("potion", 65));
    }
}
