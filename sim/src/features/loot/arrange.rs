//! What players do inside their bags. Act: moves, splits, sorts and destroys, in the order of players and of their commands.

use bevy_ecs::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};

use super::Bag;
use crate::assets::Assets;
use crate::command::{ClientCommand, CommandError, Issued, Rejections, read_archive, write_archive};
use crate::scene::SceneAssets;

/// Asks for a change inside the bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BagCommand {
    /// Moves what lies in a slot onto its like, or in exchange for what lies in the other.
    Move {
        /// From which slot.
        from: u8,
        /// To which.
        to: u8,
    },
    /// Puts some of a stack into an empty slot.
    Split {
        /// From which slot.
        from: u8,
        /// To which.
        to: u8,
        /// How many.
        count: u32,
    },
    /// Joins and orders everything.
    Sort,
    /// Destroys some of what lies in a slot.
    Destroy {
        /// In which slot.
        slot: u8,
        /// How many.
        count: u32,
    },
}

#[derive(Archive, Serialize, Deserialize)]
struct BagWire {
    kind: u8,
    from: u8,
    to: u8,
    count: u32,
}

impl ClientCommand for BagCommand {
    const NAME: &'static str = "bag";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let BagWire { kind, from, to, count } = read_archive(body)?;
        match kind {
            0 => Ok(Self::Move { from, to }),
            1 => Ok(Self::Split { from, to, count }),
            2 => Ok(Self::Sort),
            3 => Ok(Self::Destroy { slot: from, count }),
            _ => Err(CommandError::Malformed),
        }
    }

    fn encode(&self) -> Vec<u8> {
        write_archive(&match *self {
            Self::Move { from, to } => BagWire { kind: 0, from, to, count: 0 },
            Self::Split { from, to, count } => BagWire { kind: 1, from, to, count },
            Self::Sort => BagWire { kind: 2, from: 0, to: 0, count: 0 },
            Self::Destroy { slot, count } => BagWire { kind: 3, from: slot, to: 0, count },
        })
    }
}

pub(super) fn arrange_bags(
    assets: Res<SceneAssets>,
    mut asked: MessageReader<Issued<BagCommand>>,
    mut bags: Query<&mut Bag>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let Ok(mut bag) = bags.get_mut(by.entity) else { continue };
        // Not marked as changed by what is refused.
        let inside = bag.bypass_change_detection();
        let done = match *command {
            BagCommand::Move { from, to } => inside.shift(usize::from(from), usize::from(to), &assets.0),
            BagCommand::Split { from, to, count } => inside.split(usize::from(from), usize::from(to), count),
            BagCommand::Destroy { slot, count } => inside.destroy(usize::from(slot), count),
            BagCommand::Sort => {
                inside.sort(&assets.0);
                Ok(())
            }
        };
        match done {
            Ok(()) => bag.set_changed(),
            Err(refusal) => rejections.reject(by, refusal.reason()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_as_they_were_and_others_are_refused() {
        let assets = crate::testing::test_assets(&[]);
        for command in [
            BagCommand::Move { from: 1, to: 255 },
            BagCommand::Split { from: 2, to: 3, count: u32::MAX },
            BagCommand::Sort,
            BagCommand::Destroy { slot: 39, count: 0 },
        ] {
            assert_eq!(BagCommand::decode(&command.encode(), &assets), Ok(command));
        }
        let unknown = write_archive(&BagWire { kind: 4, from: 0, to: 0, count: 0 });
        assert_eq!(BagCommand::decode(&unknown, &assets), Err(CommandError::Malformed));
    }
}
