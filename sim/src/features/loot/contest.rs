//! Need before greed: a precious stack of a pile is rolled for by those who loot together. Whoever needs it rolls against
//! the others who need it; without any, whoever is greedy rolls. The highest of 1 to 100 wins, equal ones roll again, and after
//! some rounds the smaller id wins. Act: takes in what players choose. Resolve: settles when all who are still in the scene
//! have chosen, or after 30 s. Whoever leaves the scene before has passed, whatever was chosen; a party that breaks up rolls on.
//!
//! Bodies on the wire (told to each of those who may roll, who stands before it): pile `u32`, number byte, and then for
//! `loot_roll_started` varint tick and the thing; for `loot_rolled` roller `u32`, choice byte, roll byte (0: passed); for
//! `loot_won` winner `u32` (0: nobody).

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use rkyv::{Archive, Deserialize, Serialize};
use smallvec::SmallVec;

use super::pile::Hold;
use super::{Bag, LootTaken, Lying, Pile, PileSeen, Stack, ThingSeen};
use crate::assets::Assets;
use crate::command::{ClientCommand, CommandError, Issued, Rejections, read_archive, write_archive};
use crate::digest::{Digest, Digester};
use crate::features::equipment::Equipment;
use crate::features::players::Class;
use crate::ids::{PlayerId, SimId};
use crate::input::Players;
use crate::random::{Draw, Random, Stream};
use crate::replicated::{Audience, ClientEvent};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::{SimTick, TICKS_PER_SECOND};
use crate::wire::{Reader, put_varint};

/// Ticks in which to choose (30 s); who has not chosen then has passed.
pub const CONTEST_TICKS: u32 = 30 * TICKS_PER_SECOND;
/// The highest roll; the lowest is 1.
const ROLL_MAX: u32 = 100;
/// Rounds in which equals roll again.
const ROUNDS_MAX: u32 = 8;

/// What a player wants of a stack that is rolled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// Nothing.
    Pass,
    /// To have it, if nobody needs it.
    Greed,
    /// To use it.
    Need,
}

impl Choice {
    const ALL: [Self; 3] = [Self::Pass, Self::Greed, Self::Need];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// A stack that is rolled for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// What commands call it, within its pile.
    pub number: u8,
    /// The tick in which it is settled at the latest.
    pub until_tick: u32,
    /// Who may roll, and what each has chosen so far.
    pub entrants: SmallVec<[(PlayerId, Option<Choice>); 2]>,
}

impl Contest {
    /// A contest among players.
    #[must_use]
    pub fn among(number: u8, players: impl IntoIterator<Item = PlayerId>, tick: u32) -> Self {
        let entrants = players.into_iter().map(|player| (player, None)).collect();
        Self { number, until_tick: tick + CONTEST_TICKS, entrants }
    }

    fn is_due(&self, tick: u32, is_present: impl Fn(PlayerId) -> bool) -> bool {
        let is_done = |&(player, choice): &(PlayerId, Option<Choice>)| choice.is_some() || !is_present(player);
        tick >= self.until_tick || self.entrants.iter().all(is_done)
    }

    /// Everybody's choice and roll, 0 for who passed or has left, and the winner.
    fn settle(
        &self,
        draw: &mut Draw,
        is_present: impl Fn(PlayerId) -> bool,
    ) -> (Vec<(PlayerId, Choice, u32)>, Option<PlayerId>) {
        let choice = |who, said: Option<Choice>| said.filter(|_| is_present(who)).unwrap_or(Choice::Pass);
        let mut rolls: Vec<(PlayerId, Choice, u32)> =
            self.entrants.iter().map(|&(who, said)| (who, choice(who, said), 0)).collect();
        for roll in rolls.iter_mut().filter(|roll| roll.1 > Choice::Pass) {
            roll.2 = 1 + draw.below(ROLL_MAX);
        }
        let Some(best) =
            rolls.iter().map(|&(_, choice, roll)| (choice, roll)).max().filter(|best| best.0 > Choice::Pass)
        else {
            return (rolls, None);
        };
        let mut first: Vec<PlayerId> =
            rolls.iter().filter(|roll| (roll.1, roll.2) == best).map(|roll| roll.0).collect();
        for _ in 0..ROUNDS_MAX {
            if first.len() <= 1 {
                break;
            }
            let again: Vec<u32> = first.iter().map(|_| draw.below(ROLL_MAX)).collect();
            let most = again.iter().copied().max().unwrap_or(0);
            let mut rolls = again.into_iter();
            first.retain(|_| rolls.next() == Some(most));
        }
        (rolls, first.into_iter().min())
    }
}

impl Digest for Contest {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.number));
        digester.u32(self.until_tick);
        for &(player, choice) in &self.entrants {
            digester.u64(player.0);
            digester.u32(choice.map_or(0, |choice| choice as u32 + 1));
        }
    }
}

/// Chooses about a stack that is rolled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollCommand {
    /// Which pile.
    pub pile: SimId,
    /// Which of its contests.
    pub number: u8,
    /// What the player wants.
    pub choice: Choice,
}

#[derive(Archive, Serialize, Deserialize)]
struct RollWire {
    pile: u32,
    number: u8,
    choice: u8,
}

impl ClientCommand for RollCommand {
    const NAME: &'static str = "loot_roll";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        let RollWire { pile, number, choice } = read_archive(body)?;
        let choice = Choice::from_byte(choice).ok_or(CommandError::OutOfRange)?;
        Ok(Self { pile: SimId::from_bits(pile), number, choice })
    }

    fn encode(&self) -> Vec<u8> {
        write_archive(&RollWire { pile: self.pile.bits(), number: self.number, choice: self.choice as u8 })
    }
}

/// What every news of a contest begins with: which pile, and which of its contests.
fn put_contest(out: &mut Vec<u8>, pile: SimId, number: u8) {
    out.extend_from_slice(&pile.bits().to_le_bytes());
    out.push(number);
}

fn contest_from_wire(reader: &mut Reader<'_>) -> Option<(SimId, u8)> {
    Some((SimId::from_bits(reader.u32()?), reader.u8()?))
}

/// A stack is rolled for; told to each who may roll. The pile is named whether it is in view or not: a choice has to name
/// it, and an id is no place.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct LootRollStarted {
    /// Who is told.
    pub told: SimId,
    /// Which pile.
    pub pile: SimId,
    /// Which of its contests.
    pub number: u8,
    /// The tick in which it is settled at the latest.
    pub until_tick: u32,
    /// What it is about.
    pub thing: ThingSeen,
}

impl LootRollStarted {
    /// Reads the body of an event told to `told`.
    pub fn from_wire(told: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let ((pile, number), until_tick) = (contest_from_wire(reader)?, reader.varint()?);
        Some(Self { told, pile, number, until_tick, thing: ThingSeen::from_wire(reader)? })
    }
}

impl ClientEvent for LootRollStarted {
    const NAME: &'static str = "loot_roll_started";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.told
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_contest(out, self.pile, self.number);
        put_varint(out, self.until_tick);
        self.thing.put(out);
    }
}

/// Somebody's roll, told when the contest is settled, to each who could roll. They were one party when the pile fell, and
/// members of a party know each other's ids wherever in the scene they are; see `PartySeen`.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct LootRolled {
    /// Who is told.
    pub told: SimId,
    /// Which pile.
    pub pile: SimId,
    /// Which of its contests.
    pub number: u8,
    /// Whose roll.
    pub roller: SimId,
    /// What the roller wanted.
    pub choice: Choice,
    /// 1 to 100; 0 for who passed.
    pub roll: u8,
}

impl LootRolled {
    /// Reads the body of an event told to `told`.
    pub fn from_wire(told: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let ((pile, number), roller) = (contest_from_wire(reader)?, SimId::from_bits(reader.u32()?));
        Some(Self { told, pile, number, roller, choice: Choice::from_byte(reader.u8()?)?, roll: reader.u8()? })
    }
}

impl ClientEvent for LootRolled {
    const NAME: &'static str = "loot_rolled";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.told
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_contest(out, self.pile, self.number);
        out.extend_from_slice(&self.roller.bits().to_le_bytes());
        out.extend_from_slice(&[self.choice as u8, self.roll]);
    }
}

/// A contest is settled; told to each who could roll, and names who has won for the reason that `LootRolled` may.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct LootWon {
    /// Who is told.
    pub told: SimId,
    /// Which pile.
    pub pile: SimId,
    /// Which of its contests.
    pub number: u8,
    /// Who has won; nobody if all passed, and then it is for whoever may take from the pile.
    pub winner: Option<SimId>,
}

impl LootWon {
    /// Reads the body of an event told to `told`.
    pub fn from_wire(told: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let ((pile, number), winner) = (contest_from_wire(reader)?, reader.u32()?);
        Some(Self { told, pile, number, winner: (winner != 0).then(|| SimId::from_bits(winner)) })
    }
}

impl ClientEvent for LootWon {
    const NAME: &'static str = "loot_won";
    const AUDIENCE: Audience = Audience::Owner;
    fn subject(&self) -> SimId {
        self.told
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_contest(out, self.pile, self.number);
        out.extend_from_slice(&self.winner.map_or(0, SimId::bits).to_le_bytes());
    }
}

/// Act: takes in what players choose.
pub(super) fn choose(
    (assets, roster): (Res<SceneAssets>, Res<Roster>),
    mut asked: MessageReader<Issued<RollCommand>>,
    classes: Query<&Class>,
    mut piles: Query<&mut Pile>,
    mut rejections: Rejections,
) {
    for Issued { by, command } in asked.read() {
        let found = roster.entity(command.pile).and_then(|entity| piles.get_mut(entity).ok());
        let Some(mut pile) = found else {
            rejections.reject(by, "no_target");
            continue;
        };
        // What it is about is nobody's news who may not roll: the same answer as for a contest that is not there.
        let entrant = pile.things.iter_mut().find_map(|Lying { stack, hold }| match hold {
            Hold::Contested(contest) if contest.number == command.number => {
                let entrant = contest.entrants.iter_mut().find(|(player, _)| *player == by.player)?;
                Some((stack.item, &mut entrant.1))
            }
            _ => None,
        });
        let Some((item, said)) = entrant else {
            rejections.reject(by, "no_roll");
            continue;
        };
        let of_use = |class: &Class| assets.0.items[item].suits(class.0);
        if said.is_some() {
            rejections.reject(by, "chosen");
        } else if command.choice == Choice::Need && !classes.get(by.entity).is_ok_and(of_use) {
            rejections.reject(by, "not_of_use");
        } else {
            *said = Some(command.choice);
        }
    }
}

/// Where the news of a contest goes.
#[derive(SystemParam)]
pub(super) struct News<'w> {
    players: Res<'w, Players>,
    started: MessageWriter<'w, LootRollStarted>,
    rolled: MessageWriter<'w, LootRolled>,
    won: MessageWriter<'w, LootWon>,
    taken: MessageWriter<'w, LootTaken>,
}

impl News<'_> {
    fn id_of(&self, player: PlayerId) -> Option<SimId> {
        self.players.0.get(&player).map(|&(id, _)| id)
    }

    /// Tells those who may roll for something of a new pile.
    pub(super) fn tell_started(&mut self, pile_id: SimId, pile: &Pile) {
        for Lying { stack, hold } in &pile.things {
            let Hold::Contested(Contest { number, until_tick, entrants }) = hold else { continue };
            for &(player, _) in entrants {
                let Some(told) = self.id_of(player) else { continue };
                let thing = ThingSeen::of_stack(stack);
                self.started.write(LootRollStarted {
                    told,
                    pile: pile_id,
                    number: *number,
                    until_tick: *until_tick,
                    thing,
                });
            }
        }
    }

    fn tell_settled(&mut self, pile: SimId, number: u8, rolls: &[(PlayerId, Choice, u32)], winner: Option<PlayerId>) {
        let winner = winner.and_then(|winner| self.id_of(winner));
        for told in rolls.iter().filter_map(|roll| self.id_of(roll.0)).collect::<SmallVec<[SimId; 8]>>() {
            for &(roller, choice, roll) in rolls {
                let Some(roller) = self.id_of(roller) else { continue };
                let roll = u8::try_from(roll).unwrap_or(0);
                self.rolled.write(LootRolled { told, pile, number, roller, choice, roll });
            }
            self.won.write(LootWon { told, pile, number, winner });
        }
    }
}

/// Resolve: settles contests. What is won goes into the winner's bag wherever the winner is in the scene; what does not
/// fit stays in the pile, for the winner alone.
pub(super) fn settle(
    mut commands: Commands,
    (tick, random, assets): (Res<SimTick>, Res<Random>, Res<SceneAssets>),
    players: Res<Players>,
    mut piles: Query<(Entity, &SimId, &mut Pile)>,
    mut bags: Query<(&mut Bag, &Equipment)>,
    mut news: News,
) {
    let is_present = |player: PlayerId| players.0.contains_key(&player);
    let is_due = |lying: &Lying| matches!(&lying.hold, Hold::Contested(contest) if contest.is_due(tick.0, is_present));
    let due = piles.iter().filter(|(.., pile)| pile.things.iter().any(is_due));
    let mut due: Vec<(SimId, Entity)> = due.map(|(entity, &id, _)| (id, entity)).collect();
    due.sort_unstable();
    for (pile_id, entity) in due {
        let Ok((.., mut pile)) = piles.get_mut(entity) else { continue };
        for lying in pile.things.iter_mut().filter(|lying| is_due(lying)) {
            let Hold::Contested(contest) = &lying.hold else { continue };
            let mut draw = random.draw(tick.0, pile_id, Stream("need and greed"), u64::from(contest.number));
            let (rolls, winner) = contest.settle(&mut draw, is_present);
            news.tell_settled(pile_id, contest.number, &rolls, winner);
            lying.hold = winner.map_or(Hold::Open, Hold::Won);
            let Some(&(id, winner)) = winner.and_then(|winner| players.0.get(&winner)) else { continue };
            if let Ok((mut bag, worn)) = bags.get_mut(winner) {
                let stack = &mut lying.stack;
                let left = bag.put(stack.clone(), &assets.0.items[stack.item], worn.wears(stack.item));
                if left < stack.count {
                    let part = ThingSeen::of_stack(&Stack { count: stack.count - left, ..stack.clone() });
                    let PileSeen { gold, things } = PileSeen { gold: 0, things: vec![part] };
                    news.taken.write(LootTaken { taker: id, pile: pile_id, gold, things });
                }
                stack.count = left;
            }
        }
        pile.things.retain(|lying| lying.stack.count > 0);
        if pile.is_empty() {
            commands.entity(entity).despawn();
        }
    }
}

#[cfg(test)]
mod tests;
