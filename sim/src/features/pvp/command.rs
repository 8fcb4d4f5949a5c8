//! What players may ask about fights among themselves, and the archives it travels in.

use rkyv::{Archive, Deserialize, Serialize};

use crate::assets::Assets;
use crate::command::{ClientCommand, CommandError, read_archive, write_archive};
use crate::ids::SimId;

/// Raises or lowers the player's flag; a lowered one stays up for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagCommand {
    /// Whether it is to be up.
    pub up: bool,
}

impl ClientCommand for FlagCommand {
    const NAME: &'static str = "pvp_flag";
    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        match body {
            [up @ (0 | 1)] => Ok(Self { up: *up == 1 }),
            _ => Err(CommandError::Malformed),
        }
    }
    fn encode(&self) -> Vec<u8> {
        vec![u8::from(self.up)]
    }
}

/// Asks for something about a duel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuelCommand {
    /// Challenges a player in view.
    Challenge {
        /// The player's character.
        whom: SimId,
    },
    /// Accepts the challenge that waits.
    Accept,
    /// Declines it, or takes back the own one.
    Decline,
    /// Gives up the duel.
    Forfeit,
}

#[derive(Archive, Serialize, Deserialize)]
struct DuelWire {
    kind: u8,
    whom: u32,
}

impl ClientCommand for DuelCommand {
    const NAME: &'static str = "duel";
    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let DuelWire { kind, whom } = read_archive(body)?;
        Ok(match kind {
            0 => Self::Challenge { whom: SimId::from_bits(whom) },
            1 => Self::Accept,
            2 => Self::Decline,
            3 => Self::Forfeit,
            _ => return Err(CommandError::Malformed),
        })
    }
    fn encode(&self) -> Vec<u8> {
        let (kind, whom) = match self {
            Self::Challenge { whom } => (0, whom.bits()),
            Self::Accept => (1, 0),
            Self::Decline => (2, 0),
            Self::Forfeit => (3, 0),
        };
        write_archive(&DuelWire { kind, whom })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test_assets;

    #[test]
    fn commands_come_back_as_they_were_and_nonsense_is_refused() {
        let assets = test_assets(&[]);
        for up in [true, false] {
            assert_eq!(FlagCommand::decode(&FlagCommand { up }.encode(), &assets), Ok(FlagCommand { up }));
        }
        for bad in [&[][..], &[2], &[0, 0]] {
            assert_eq!(FlagCommand::decode(bad, &assets), Err(CommandError::Malformed));
        }
        let whom = SimId::new(7, 2);
        for command in
            [DuelCommand::Challenge { whom }, DuelCommand::Accept, DuelCommand::Decline, DuelCommand::Forfeit]
        {
            assert_eq!(DuelCommand::decode(&command.encode(), &assets), Ok(command));
        }
        let bad = write_archive(&DuelWire { kind: 4, whom: 0 });
        assert_eq!(DuelCommand::decode(&bad, &assets), Err(CommandError::Malformed));
    }
}
