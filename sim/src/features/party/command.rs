//! What players may ask about parties. Members are named by their numbers in the party, others by their bodies.

use rkyv::{Archive, Deserialize, Serialize};

use super::LootRule;
use crate::assets::Assets;
use crate::command::{ClientCommand, CommandError, read_archive, write_archive};
use crate::ids::SimId;

/// Asks for a change of a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartyCommand {
    /// Invites a player in view.
    Invite {
        /// The player's character.
        whom: SimId,
    },
    /// Accepts the invitation that waits.
    Accept,
    /// Declines it.
    Decline,
    /// Leaves the party.
    Leave,
    /// The leader sends a member away.
    Kick {
        /// The member's number.
        member: u16,
    },
    /// The leader makes another the leader.
    Promote {
        /// The member's number.
        member: u16,
    },
    /// The leader says how loot is shared.
    SetLootRule {
        /// How.
        rule: LootRule,
    },
    /// The leader makes a raid of the party, or a party of the raid.
    SetRaid {
        /// Whether it is to be a raid.
        raid: bool,
    },
}

/// The archive: a kind and its one number.
#[derive(Archive, Serialize, Deserialize)]
struct PartyWire {
    kind: u8,
    value: u32,
}

impl ClientCommand for PartyCommand {
    const NAME: &'static str = "party";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let PartyWire { kind, value } = read_archive(body)?;
        let member = || u16::try_from(value).map_err(|_| CommandError::OutOfRange);
        let byte = || u8::try_from(value).map_err(|_| CommandError::OutOfRange);
        Ok(match kind {
            0 => Self::Invite { whom: SimId::from_bits(value) },
            1 => Self::Accept,
            2 => Self::Decline,
            3 => Self::Leave,
            4 => Self::Kick { member: member()? },
            5 => Self::Promote { member: member()? },
            6 => Self::SetLootRule { rule: LootRule::from_byte(byte()?).ok_or(CommandError::OutOfRange)? },
            7 => Self::SetRaid { raid: value != 0 },
            _ => return Err(CommandError::Malformed),
        })
    }

    fn encode(&self) -> Vec<u8> {
        let (kind, value) = match *self {
            Self::Invite { whom } => (0, whom.bits()),
            Self::Accept => (1, 0),
            Self::Decline => (2, 0),
            Self::Leave => (3, 0),
            Self::Kick { member } => (4, u32::from(member)),
            Self::Promote { member } => (5, u32::from(member)),
            Self::SetLootRule { rule } => (6, u32::from(rule.byte())),
            Self::SetRaid { raid } => (7, u32::from(raid)),
        };
        write_archive(&PartyWire { kind, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_as_they_were_and_others_are_refused() {
        let assets = crate::testing::test_assets(&[]);
        let commands = [
            PartyCommand::Invite { whom: SimId::new(7, 2) },
            PartyCommand::Accept,
            PartyCommand::Decline,
            PartyCommand::Leave,
            PartyCommand::Kick { member: 3 },
            PartyCommand::Promote { member: 65_535 },
            PartyCommand::SetLootRule { rule: LootRule::Personal },
            PartyCommand::SetRaid { raid: true },
        ];
        for command in commands {
            assert_eq!(PartyCommand::decode(&command.encode(), &assets), Ok(command));
        }
        let decode = |kind, value| PartyCommand::decode(&write_archive(&PartyWire { kind, value }), &assets);
        assert_eq!(decode(8, 0), Err(CommandError::Malformed));
        assert_eq!(decode(6, 4), Err(CommandError::OutOfRange));
        assert_eq!(decode(4, 70_000), Err(CommandError::OutOfRange));
        assert_eq!(PartyCommand::decode(&[1], &assets), Err(CommandError::Malformed));
    }
}
