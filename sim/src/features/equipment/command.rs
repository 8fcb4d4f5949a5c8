//! What players may ask about what they wear.

use bevy_ecs::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};

use super::change::{EquipRefusal, Wearer, put_on, take_off};
use super::{EquipSlot, Equipment};
use crate::assets::Assets;
use crate::command::{ClientCommand, CommandError, Issued, Issuer, Rejections, read_archive, write_archive};
use crate::features::combat::{Fight, Level, Vitals};
use crate::features::loot::Bag;
use crate::features::players::Class;
use crate::features::skills::Casting;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Stands for "wherever it fits" on the wire.
const ANYWHERE: u8 = u8::MAX;

/// Asks to put on what lies in a slot of the bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EquipCommand {
    /// Slot of the bag.
    pub from: u8,
    /// Where; `None` for wherever it fits.
    pub to: Option<EquipSlot>,
}

/// Asks to take off what is worn in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnequipCommand {
    /// What.
    pub from: EquipSlot,
    /// Slot of the bag; `None` for the first free one.
    pub to: Option<u8>,
}

/// The archive of both: slots, or [`ANYWHERE`].
#[derive(Archive, Serialize, Deserialize)]
struct ChangeWire {
    from: u8,
    to: u8,
}

impl ClientCommand for EquipCommand {
    const NAME: &'static str = "equip";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let ChangeWire { from, to } = read_archive(body)?;
        let to = match to {
            ANYWHERE => None,
            to => Some(EquipSlot::from_byte(to).ok_or(CommandError::OutOfRange)?),
        };
        Ok(Self { from, to })
    }

    fn encode(&self) -> Vec<u8> {
        write_archive(&ChangeWire { from: self.from, to: self.to.map_or(ANYWHERE, EquipSlot::byte) })
    }
}

impl ClientCommand for UnequipCommand {
    const NAME: &'static str = "unequip";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let ChangeWire { from, to } = read_archive(body)?;
        let from = EquipSlot::from_byte(from).ok_or(CommandError::OutOfRange)?;
        Ok(Self { from, to: (to != ANYWHERE).then_some(to) })
    }

    fn encode(&self) -> Vec<u8> {
        write_archive(&ChangeWire { from: self.from.byte(), to: self.to.unwrap_or(ANYWHERE) })
    }
}

/// What counts about a character that wears something else.
type Changing<'a> = (&'a Class, &'a Level, &'a Vitals, &'a Casting, &'a Fight, &'a mut Bag, &'a mut Equipment);

/// Act: changes what is worn, in the order of players and of their commands.
pub(super) fn change_equipment(
    (tick, assets): (Res<SimTick>, Res<SceneAssets>),
    mut on: MessageReader<Issued<EquipCommand>>,
    mut off: MessageReader<Issued<UnequipCommand>>,
    mut wearers: Query<Changing>,
    mut rejections: Rejections,
) {
    let mut change = |by: &Issuer, change: &dyn Fn(&mut Bag, &mut Equipment, Wearer) -> Result<(), EquipRefusal>| {
        let Ok((class, level, vitals, casting, fight, mut bag, mut worn)) = wearers.get_mut(by.entity) else { return };
        let wearer = Wearer {
            class: class.0,
            level: level.0,
            dead: vitals.is_dead(),
            casting: casting.0.is_some(),
            fighting: fight.is_on(tick.0),
        };
        // Not marked as changed by what is refused.
        match change(bag.bypass_change_detection(), worn.bypass_change_detection(), wearer) {
            Ok(()) => {
                bag.set_changed();
                worn.set_changed();
            }
            Err(refusal) => rejections.reject(by, refusal.reason()),
        }
    };
    for Issued { by, command } in off.read() {
        let to = command.to.map(usize::from);
        change(by, &|bag, worn, wearer| take_off(bag, worn, wearer, command.from, to, &assets.0));
    }
    for Issued { by, command } in on.read() {
        let from = usize::from(command.from);
        change(by, &|bag, worn, wearer| put_on(bag, worn, wearer, from, command.to, &assets.0).map(drop));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_as_they_were_and_unknown_slots_are_refused() {
        let assets = crate::testing::test_assets(&[]);
        for to in [None, Some(EquipSlot::OffHand)] {
            let command = EquipCommand { from: 39, to };
            assert_eq!(EquipCommand::decode(&command.encode(), &assets), Ok(command));
        }
        for to in [None, Some(12)] {
            let command = UnequipCommand { from: EquipSlot::SecondRing, to };
            assert_eq!(UnequipCommand::decode(&command.encode(), &assets), Ok(command));
        }
        let wire = |from, to| write_archive(&ChangeWire { from, to });
        assert_eq!(EquipCommand::decode(&wire(0, 16), &assets), Err(CommandError::OutOfRange));
        assert_eq!(UnequipCommand::decode(&wire(16, 0), &assets), Err(CommandError::OutOfRange));
        assert_eq!(UnequipCommand::decode(&[0], &assets), Err(CommandError::Malformed));
    }
}
