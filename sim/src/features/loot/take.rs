//! Taking loot. Validate: requests become intents or refusals. Act: moves things from pile to bag, one taker
//! after the other in the order of their ids. The body of `loot_taken` is: pile `u32`, then as `pile`.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bevy_ecs::prelude::*;
use rkyv::{Archive, Deserialize, Serialize};

use super::{Bag, Pile, PileSeen, ThingSeen};
use crate::actor::Position;
use crate::assets::Assets;
use crate::command::{ClientCommand, CommandError, Issued, Issuer, Rejections, read_archive, write_archive};
use crate::features::combat::Vitals;
use crate::features::equipment::Equipment;
use crate::ids::SimId;
use crate::interest::Interest;
use crate::replicated::ClientEvent;
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;
use crate::wire::Reader;

/// How far a taker may stand from a pile, from centre to centre in metres.
pub const REACH_M: f32 = 3.0;

/// Asks to take everything that fits from a pile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeCommand {
    /// Which pile.
    pub pile: SimId,
}

#[derive(Archive, Serialize, Deserialize)]
struct TakeWire {
    pile: u32,
}

impl ClientCommand for TakeCommand {
    const NAME: &'static str = "take";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let wire: TakeWire = read_archive(body)?;
        Ok(Self { pile: SimId::from_bits(wire.pile) })
    }

    fn encode(&self) -> Vec<u8> {
        write_archive(&TakeWire { pile: self.pile.bits() })
    }
}

/// A take that passed every check. Written in Validate, read in Act.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TakeIntent {
    by: Issuer,
    pile: SimId,
}

/// Things went from a pile into a bag.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct LootTaken {
    /// Whose bag.
    pub taker: SimId,
    /// Which pile; all zeros for a client that never saw it.
    pub pile: SimId,
    /// Gold.
    pub gold: u32,
    /// Things.
    pub things: Vec<ThingSeen>,
}

impl LootTaken {
    /// Reads the body of an event about `taker`.
    pub fn from_wire(taker: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let pile = SimId::from_bits(reader.u32()?);
        let PileSeen { gold, things } = PileSeen::from_wire(reader)?;
        Some(Self { taker, pile, gold, things })
    }
}

impl ClientEvent for LootTaken {
    const NAME: &'static str = "loot_taken";
    fn subject(&self) -> SimId {
        self.taker
    }
    /// Who sees the taker need not see the pile: it may lie in another phase, or far from whoever has won something of it.
    fn other(&self) -> Option<SimId> {
        Some(self.pile)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pile.bits().to_le_bytes());
        PileSeen { gold: self.gold, things: self.things.clone() }.put(out);
    }
}

type Taker<'a> = (&'a Position, &'a Vitals, &'a Interest, &'a Bag, &'a Equipment);

pub(super) fn validate_takes(
    tick: Res<SimTick>,
    (assets, roster): (Res<SceneAssets>, Res<Roster>),
    mut asked: MessageReader<Issued<TakeCommand>>,
    takers: Query<Taker>,
    piles: Query<(&Position, &Pile)>,
    mut intents: MessageWriter<TakeIntent>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let check = || {
            let (position, vitals, interest, bag, worn) = takers.get(by.entity).map_err(|_| "no_target")?;
            let pile = roster.entity(command.pile).filter(|_| interest.sees(command.pile));
            let (place, pile) = pile.and_then(|entity| piles.get(entity).ok()).ok_or("no_target")?;
            let reasons = [
                (vitals.is_dead(), "dead"),
                (position.0.distance(place.0) > REACH_M, "range"),
                (!pile.has_for(by.player, tick.0), "not_yours"),
                (!pile.fits_into(bag, worn, by.player, tick.0, &assets.0), "bag_full"),
            ];
            reasons.into_iter().find(|(holds, _)| *holds).map_or(Ok(()), |(_, reason)| Err(reason))
        };
        match check() {
            Ok(()) => {
                intents.write(TakeIntent { by: *by, pile: command.pile });
            }
            Err(reason) => rejections.reject(by, reason),
        }
    }
}

pub(super) fn take_loot(
    mut commands: Commands,
    (tick, assets, roster): (Res<SimTick>, Res<SceneAssets>, Res<Roster>),
    mut intents: MessageReader<TakeIntent>,
    mut bags: Query<(&mut Bag, &Equipment)>,
    mut piles: Query<&mut Pile>,
    mut taken: MessageWriter<LootTaken>,
    mut rejections: Rejections,
) {
    let mut takes: Vec<TakeIntent> = intents.read().copied().collect();
    takes.sort_by_key(|take| take.by.id);
    for TakeIntent { by, pile: pile_id } in takes {
        let Some(entity) = roster.entity(pile_id) else { continue };
        let (Ok((mut bag, worn)), Ok(mut pile)) = (bags.get_mut(by.entity), piles.get_mut(entity)) else { continue };
        if !pile.fits_into(&bag, worn, by.player, tick.0, &assets.0) {
            // Another taker was first in this very tick.
            rejections.reject(&by, if pile.is_empty() { "no_target" } else { "bag_full" });
            continue;
        }
        let PileSeen { gold, things } = pile.move_into(&mut bag, worn, by.player, tick.0, &assets.0);
        if pile.is_empty() {
            commands.entity(entity).despawn();
        }
        taken.write(LootTaken { taker: by.id, pile: pile_id, gold, things });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stack;
    use super::*;
    use crate::assets::Id;

    #[test]
    fn a_take_and_its_event_come_back_as_they_were() {
        let (taker, pile) = (SimId::new(1, 0), SimId::new(9, 3));
        let command = TakeCommand { pile };
        let assets = crate::testing::test_assets(&[]);
        assert_eq!(TakeCommand::decode(&command.encode(), &assets), Ok(command));
        assert_eq!(TakeCommand::decode(&[1], &assets), Err(CommandError::Malformed));
        let things = vec![ThingSeen::of_stack(&Stack::plain(Id::new(200), 3))];
        let event = LootTaken { taker, pile, gold: 5, things };
        let mut bytes = Vec::new();
        event.encode(&mut bytes);
        assert_eq!(LootTaken::from_wire(taker, &mut Reader::new(&bytes)), Some(event));
        bytes.truncate(5);
        assert_eq!(LootTaken::from_wire(taker, &mut Reader::new(&bytes)), None);
    }
}
