//! The list of an actor's buffs. It holds ticks at which things end, never what remains, so that it changes
//! only when a buff comes, goes or is renewed. On the wire `buffs` is a varint count and for each buff: varint
//! effect, stacks byte, varint tick at which it ends.

use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use crate::actor::Faction;
use crate::assets::{Assets, EffectDef, Id};
use crate::digest::{Digest, Digester};
use crate::features::combat::Worth;
use crate::features::players::Carry;
use crate::ids::SimId;
use crate::replicated::Replicate;
use crate::wire::{Reader, put_varint};

/// Buffs an actor can have at once; what comes beyond is refused and counted.
pub const BUFFS_MAX: usize = 32;
/// Attributes that a saved buff may have captured.
const ATTRIBUTES_MAX: u32 = 1_024;

/// One effect on one actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buff {
    /// Which effect.
    pub effect: Id<EffectDef>,
    /// Who applied it last; it may be gone already.
    pub source: SimId,
    /// The source's worth at that time.
    pub worth: Worth,
    /// Stacks, from 1.
    pub stacks: u8,
    /// The tick it was first applied in; periods count from here, whatever renews it.
    pub start_tick: u32,
    /// The tick it ends in; a period that ends there still counts.
    pub end_tick: u32,
    /// Whether it survives death and travels with the character.
    pub persists: bool,
}

impl Buff {
    /// True in the ticks in which a period of so many ticks ends; never for 0.
    #[must_use]
    pub const fn is_due(&self, period_ticks: u32, tick: u32) -> bool {
        let age_ticks = tick.saturating_sub(self.start_tick);
        period_ticks > 0 && age_ticks > 0 && tick <= self.end_tick && age_ticks.is_multiple_of(period_ticks)
    }
}

/// The buffs of an actor in the order they came, at most [`BUFFS_MAX`]. Written in the Resolve stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct ActiveBuffs(pub(super) SmallVec<[Buff; 2]>);

impl ActiveBuffs {
    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Buff> {
        self.0.iter()
    }

    /// The first instance of an effect.
    #[must_use]
    pub fn of(&self, effect: Id<EffectDef>) -> Option<&Buff> {
        self.0.iter().find(|buff| buff.effect == effect)
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the replicated list.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Vec<BuffSeen>> {
        let count = reader.varint().filter(|&count| count as usize <= BUFFS_MAX)?;
        let one = |reader: &mut Reader<'_>| {
            let (effect, stacks, end_tick) = (Id::new(reader.varint()?), reader.u8()?, reader.varint()?);
            Some(BuffSeen { effect, stacks, end_tick })
        };
        (0..count).map(|_| one(reader)).collect()
    }
}

/// Removes the buffs that a rule names; the list counts as changed only when one goes.
pub(crate) fn remove_where(buffs: &mut Mut<ActiveBuffs>, rule: impl Fn(&Buff) -> bool) {
    if buffs.0.iter().any(&rule) {
        buffs.0.retain(|buff| !rule(buff));
    }
}

/// Removes all buffs.
pub(crate) fn clear_all(buffs: &mut Mut<ActiveBuffs>) {
    remove_where(buffs, |_| true);
}

/// Ends everything that came from someone.
pub(crate) fn clear_of_source(buffs: &mut Mut<ActiveBuffs>, source: SimId) {
    remove_where(buffs, |buff| buff.source == source);
}

/// A buff as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuffSeen {
    /// Which effect.
    pub effect: Id<EffectDef>,
    /// Stacks.
    pub stacks: u8,
    /// The tick it ends in.
    pub end_tick: u32,
}

impl Replicate for ActiveBuffs {
    const NAME: &'static str = "buffs";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u32::try_from(self.0.len()).unwrap_or(0));
        for buff in &self.0 {
            put_varint(out, buff.effect.raw());
            out.push(buff.stacks);
            put_varint(out, buff.end_tick);
        }
    }
}

/// Those that persist, with the time that remains. Ids of sources mean nothing elsewhere: afterwards the buff
/// counts as nobody's.
impl Carry for ActiveBuffs {
    const NAME: &'static str = "buffs";
    fn save(&self, tick: u32, _: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        for buff in self.0.iter().filter(|buff| buff.persists && buff.end_tick > tick) {
            put_varint(&mut out, buff.effect.raw());
            out.push(buff.stacks);
            put_varint(&mut out, buff.end_tick - tick);
            put_varint(&mut out, tick.saturating_sub(buff.start_tick));
            put_varint(&mut out, u32::try_from(buff.worth.attributes.len()).unwrap_or(0));
            buff.worth.attributes.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            out.extend_from_slice(&buff.worth.faction.0.to_le_bytes());
        }
        out
    }

    fn load(bytes: &[u8], tick: u32, assets: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut buffs = Self::default();
        while !reader.is_empty() && buffs.0.len() < BUFFS_MAX {
            let (raw, stacks, left_ticks, age_ticks) =
                (reader.varint()?, reader.u8()?, reader.varint()?, reader.varint()?);
            let count = reader.varint().filter(|&count| count <= ATTRIBUTES_MAX)?;
            let attributes = (0..count).map(|_| reader.i32()).collect::<Option<Vec<i32>>>()?;
            let worth = Worth { attributes: attributes.into(), level: 1, faction: Faction(reader.u32()?) };
            let Some(effect) = assets.effects.id_of_raw(raw) else { continue };
            // A young scene has fewer ticks behind it than the buff: its next period then starts later.
            let (start_tick, end_tick) = (tick.saturating_sub(age_ticks), tick.saturating_add(left_ticks));
            let source = SimId::from_bits(0);
            buffs.0.push(Buff { effect, source, worth, stacks, start_tick, end_tick, persists: true });
        }
        Some(buffs)
    }
}

impl Digest for ActiveBuffs {
    fn digest(&self, digester: &mut Digester) {
        for buff in &self.0 {
            digester.u32(buff.effect.raw());
            digester.u32(buff.source.bits());
            digester.u32(u32::from(buff.stacks));
            digester.u32(buff.start_tick);
            digester.u32(buff.end_tick);
            buff.worth.attributes.iter().for_each(|&value| digester.i64(i64::from(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buff(effect: u32, persists: bool) -> Buff {
        let worth = Worth { attributes: [7, 1, 15_000].into(), level: 1, faction: Faction::PLAYERS };
        let (effect, source) = (Id::new(effect), SimId::new(1, 0));
        Buff { effect, source, worth, stacks: 2, start_tick: 100, end_tick: 180, persists }
    }

    #[test]
    fn a_period_is_due_after_one_period_and_last_at_the_end() {
        let due: Vec<u32> = (90..200).filter(|&tick| buff(0, false).is_due(20, tick)).collect();
        assert_eq!(due, [120, 140, 160, 180]);
        assert!((90..200).all(|tick| !buff(0, false).is_due(0, tick)));
    }

    #[test]
    fn a_list_is_read_back_and_a_cut_or_endless_one_is_refused() {
        let list = ActiveBuffs([buff(3, false), buff(300, true)].into_iter().collect());
        let mut bytes = Vec::new();
        list.encode(&mut bytes);
        let seen = ActiveBuffs::from_wire(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(
            seen.iter().map(|seen| (seen.effect.raw(), seen.stacks, seen.end_tick)).collect::<Vec<_>>(),
            [(3, 2, 180), (300, 2, 180)]
        );
        bytes.pop();
        assert_eq!(ActiveBuffs::from_wire(&mut Reader::new(&bytes)), None);
        assert_eq!(ActiveBuffs::from_wire(&mut Reader::new(&[33])), None);
    }
}
