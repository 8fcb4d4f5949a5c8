//! The list of an actor's buffs. It holds ticks at which things end, never what remains, so that clients are told only
//! when a buff comes, goes or is renewed; what moves on in silence (periods, shields, procs) does not mark the list as
//! changed. On the wire `buffs` is a varint count and for each buff that is not hidden: varint effect, varint stacks,
//! varint tick at which it ends, 0 for never.

use bevy_ecs::prelude::*;

use super::diminish::Diminished;
use super::period::Beat;
use crate::assets::{EffectDef, Id, SkillDef};
use crate::digest::{Digest, Digester};
use crate::features::combat::Worth;
use crate::ids::SimId;
use crate::replicated::Replicate;
use crate::wire::{Reader, put_varint};

/// Buffs an actor can have at once, hidden ones included; what comes beyond is refused and counted. Enough for forty
/// attackers with three effects each.
pub const BUFFS_MAX: usize = 128;
/// Buffs of an actor that clients are told of: the first of its list that are not hidden.
pub const BUFFS_SHOWN_MAX: usize = 32;
/// The end of what has none.
pub const FOREVER: u32 = u32::MAX;

/// One effect on one actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buff {
    /// Which effect.
    pub effect: Id<EffectDef>,
    /// Who applied it last; it may be gone already.
    pub source: SimId,
    /// The source's worth at that time; what the effect captures as it is follows the source.
    pub worth: Worth,
    /// The skill by which it came, if it came by one.
    pub skill: Option<Id<SkillDef>>,
    /// Stacks, from 1.
    pub stacks: u16,
    /// The tick it was first applied in.
    pub start_tick: u32,
    /// The tick it was last applied in.
    pub renewed_tick: u32,
    /// The tick it ends in, [`FOREVER`] for never; a period that ends there still counts.
    pub end_tick: u32,
    /// How long an application lasts here, after all that shortens it; [`FOREVER`] for no end.
    pub length_ticks: u32,
    /// The period that is running, if it has periods.
    pub beat: Option<Beat>,
    /// The ends of its stacks, the first first, when each has its own; otherwise empty.
    pub layers: Vec<u32>,
    /// Points that its shield has left.
    pub shield: u32,
    /// Damage its bearer has taken since it was last applied, if that can end it.
    pub wounds: u32,
    /// What its procs remember, in the order of the record.
    pub procs: Vec<ProcState>,
    /// Whether it works: its bearer has the tags it needs.
    pub working: bool,
    /// Whether clients are not told.
    pub hidden: bool,
    /// Whether its bearer applied it; the source then stays its bearer, wherever it goes.
    pub own: bool,
}

/// What a proc remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcState {
    /// The tick of the last chance it had; at first that of the application.
    pub attempt_tick: u32,
    /// The tick it last came true; at first that of the application.
    pub success_tick: u32,
    /// The first tick in which it may come true again.
    pub ready_tick: u32,
    /// How often it may still come true; `u16::MAX` without a limit.
    pub charges: u16,
}

/// The buffs of an actor in the order they came, at most [`BUFFS_MAX`]. Written in the Resolve stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct ActiveBuffs {
    pub(super) list: Vec<Buff>,
    pub(super) diminished: Vec<Diminished>,
    /// What the procs of the working ones react to, as a mask; worked out with the list.
    pub(super) reacts_to: u32,
}

impl ActiveBuffs {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Buff> {
        self.list.iter()
    }

    /// The first instance of an effect.
    #[must_use]
    pub fn of(&self, effect: Id<EffectDef>) -> Option<&Buff> {
        self.list.iter().find(|buff| buff.effect == effect)
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Reads the replicated list.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Vec<BuffSeen>> {
        let count = reader.varint().filter(|&count| count as usize <= BUFFS_SHOWN_MAX)?;
        let one = |reader: &mut Reader<'_>| {
            let (effect, stacks) = (Id::new(reader.varint()?), u16::try_from(reader.varint()?).ok()?);
            let end_tick = Some(reader.varint()?).filter(|&tick| tick > 0);
            Some(BuffSeen { effect, stacks, end_tick })
        };
        (0..count).map(|_| one(reader)).collect()
    }

    fn shown(&self) -> impl Iterator<Item = &Buff> {
        self.list.iter().filter(|buff| !buff.hidden).take(BUFFS_SHOWN_MAX)
    }
}

/// A buff as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuffSeen {
    /// Which effect.
    pub effect: Id<EffectDef>,
    /// Stacks.
    pub stacks: u16,
    /// The tick it ends in, if it ends.
    pub end_tick: Option<u32>,
}

impl Replicate for ActiveBuffs {
    const NAME: &'static str = "buffs";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::try_from(self.shown().count()).unwrap_or(0));
        for buff in self.shown() {
            put_varint(out, buff.effect.raw());
            put_varint(out, u32::from(buff.stacks));
            put_varint(out, if buff.end_tick == FOREVER { 0 } else { buff.end_tick });
        }
    }
}

impl Digest for ActiveBuffs {
    fn digest(&self, digester: &mut Digester) {
        self.list.iter().for_each(|buff| buff.digest(digester));
        for category in &self.diminished {
            digester.u32(category.category.raw());
            digester.u32(u32::from(category.count));
            digester.u32(category.forget_tick);
        }
    }
}

impl Digest for Buff {
    fn digest(&self, digester: &mut Digester) {
        for part in [self.effect.raw(), self.source.bits(), u32::from(self.stacks), self.start_tick, self.end_tick] {
            digester.u32(part);
        }
        for part in [self.renewed_tick, self.length_ticks, self.shield, self.wounds, u32::from(self.working)] {
            digester.u32(part);
        }
        digester.u32(self.skill.map_or(u32::MAX, Id::raw));
        for part in self.beat.iter().flat_map(|beat| [beat.from_tick, beat.due_tick, beat.carry_ms]) {
            digester.u32(part);
        }
        self.layers.iter().for_each(|&end_tick| digester.u32(end_tick));
        for proc in &self.procs {
            digester.u32(proc.attempt_tick);
            digester.u32(proc.success_tick);
            digester.u32(proc.ready_tick);
            digester.u32(u32::from(proc.charges));
        }
        self.worth.attributes.iter().for_each(|&value| digester.i64(i64::from(value)));
        self.worth.qualified.digest(digester);
        self.worth.cause.digest(digester);
    }
}

#[cfg(test)]
pub(super) fn test_buff(effect: u32, source: u32, tick: u32) -> Buff {
    let worth = Worth {
        attributes: Vec::from([7, 8, 9]).into(),
        level: 1,
        qualified: Default::default(),
        faction: crate::actor::Faction::PLAYERS,
        cause: Default::default(),
    };
    Buff {
        effect: Id::new(effect),
        source: SimId::new(source, 0),
        worth,
        skill: None,
        stacks: 1,
        start_tick: tick,
        renewed_tick: tick,
        end_tick: tick + 100,
        length_ticks: 100,
        beat: None,
        layers: Vec::new(),
        shield: 0,
        wounds: 0,
        procs: Vec::new(),
        working: true,
        hidden: false,
        own: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_without_what_is_hidden_and_a_cut_or_endless_one_is_refused() {
        let mut list = ActiveBuffs { list: vec![test_buff(3, 1, 80), test_buff(300, 1, 80)], ..Default::default() };
        list.list.push(Buff { hidden: true, ..test_buff(4, 1, 80) });
        list.list.push(Buff { end_tick: FOREVER, stacks: 500, ..test_buff(5, 1, 80) });
        let mut bytes = Vec::new();
        list.encode(&mut bytes);
        let seen = ActiveBuffs::from_wire(&mut Reader::new(&bytes)).unwrap();
        let seen: Vec<_> = seen.iter().map(|seen| (seen.effect.raw(), seen.stacks, seen.end_tick)).collect();
        assert_eq!(seen, [(3, 1, Some(180)), (300, 1, Some(180)), (5, 500, None)]);
        bytes.pop();
        assert_eq!(ActiveBuffs::from_wire(&mut Reader::new(&bytes)), None);
        assert_eq!(ActiveBuffs::from_wire(&mut Reader::new(&[33])), None);
    }

    #[test]
    fn clients_are_told_of_so_many_and_no_more() {
        let list = ActiveBuffs { list: (0..40).map(|effect| test_buff(effect, 1, 0)).collect(), ..Default::default() };
        let mut bytes = Vec::new();
        list.encode(&mut bytes);
        assert_eq!(ActiveBuffs::from_wire(&mut Reader::new(&bytes)).unwrap().len(), BUFFS_SHOWN_MAX);
    }
}
