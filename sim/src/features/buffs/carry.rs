//! What travels with a character: buffs by the names of their effects and of the attributes they captured, conditional
//! modifiers included, with the time that remains. What an effect's record says about leaving is heeded on the way out; whoever comes from another scene
//! may have been away for a while, see [`Away`].

use bevy_ecs::prelude::*;

use super::active::{ActiveBuffs, Buff, FOREVER};
use super::{BUFFS_MAX, clock, procs};
use crate::actor::Faction;
use crate::assets::{Assets, AttributeId, EffectDef, Id, Logout};
use crate::features::combat::{Qualified, Trigger, Worth};
use crate::features::players::Carry;
use crate::ids::SimId;
use crate::tick::TICK_MS;
use crate::wire::{Reader, put_prefixed, put_varint};

impl Carry for ActiveBuffs {
    const NAME: &'static str = "buffs";
    fn save(&self, tick: u32, assets: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        for buff in self.list.iter().filter(|buff| buff.end_tick > tick) {
            if let Some(def) = assets.effects.get(buff.effect).filter(|def| def.logout != Logout::Drop) {
                save(buff, def, tick, assets, &mut out);
            }
        }
        out
    }

    fn load(bytes: &[u8], tick: u32, assets: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut buffs = Self::default();
        while !reader.is_empty() {
            let loaded = load(&mut reader, tick, assets)?;
            buffs.list.extend(loaded.filter(|_| buffs.list.len() < BUFFS_MAX));
        }
        Some(buffs)
    }
}

/// Bits of the flags byte.
const OWN: u8 = 1;

fn save(buff: &Buff, def: &EffectDef, tick: u32, assets: &Assets, out: &mut Vec<u8>) {
    put_prefixed(out, def.id.as_bytes());
    out.push(if buff.own { OWN } else { 0 });
    // Times are saved plus one, so that 0 is forever.
    let left = |end_tick: u32| if end_tick == FOREVER { 0 } else { end_tick.saturating_sub(tick).saturating_add(1) };
    let length = if buff.length_ticks == FOREVER { 0 } else { buff.length_ticks.saturating_add(1) };
    let age_ticks = tick.saturating_sub(buff.start_tick);
    for part in [u32::from(buff.stacks), left(buff.end_tick), length, age_ticks, buff.shield, buff.wounds] {
        put_varint(out, part);
    }
    put_varint(out, buff.beat.map_or(0, |beat| beat.due_tick.saturating_sub(tick)));
    put_varint(out, u32::try_from(buff.layers.len()).unwrap_or(0));
    buff.layers.iter().for_each(|&end_tick| put_varint(out, left(end_tick)));
    put_varint(out, u32::try_from(buff.procs.len()).unwrap_or(0));
    for proc in &buff.procs {
        put_varint(out, proc.ready_tick.saturating_sub(tick));
        put_varint(out, u32::from(proc.charges));
    }
    let values = assets.attributes.iter().map(|(id, def)| (def.id.as_str(), buff.worth.of(id)));
    let values: Vec<(&str, i32)> = values.filter(|&(_, value)| value != 0).collect();
    put_varint(out, u32::try_from(values.len()).unwrap_or(0));
    for (name, value) in values {
        put_prefixed(out, name.as_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&buff.worth.level.to_le_bytes());
    out.extend_from_slice(&buff.worth.faction.0.to_le_bytes());
    buff.worth.qualified.save(assets, out);
    let Trigger { amount, absorbed, crit } = buff.worth.cause;
    [amount, absorbed, u32::from(crit)].into_iter().for_each(|part| put_varint(out, part));
}

fn name<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    std::str::from_utf8(reader.prefixed()?).ok()
}

/// Reads one buff; the inner `None` is one whose effect the game data no longer has.
#[allow(clippy::option_option, reason = "unreadable and unknown are two things")]
fn load(reader: &mut Reader<'_>, tick: u32, assets: &Assets) -> Option<Option<Buff>> {
    let effect = assets.effects.by_name(name(reader)?);
    let own = reader.u8()? & OWN != 0;
    let stacks = u16::try_from(reader.varint()?).ok()?.max(1);
    let end_of = |left: u32| left.checked_sub(1).map_or(FOREVER, |left| tick.saturating_add(left));
    let (end_tick, length) = (end_of(reader.varint()?), reader.varint()?);
    let (age_ticks, shield, wounds) = (reader.varint()?, reader.varint()?, reader.varint()?);
    let beat_left = reader.varint()?;
    let layers = (0..reader.varint()?.min(u32::from(u16::MAX))).map(|_| Some(end_of(reader.varint()?)));
    let layers: Vec<u32> = layers.collect::<Option<_>>()?;
    let proc = |reader: &mut Reader<'_>| Some((reader.varint()?, u16::try_from(reader.varint()?).ok()?));
    let known: Vec<(u32, u16)> = (0..reader.varint()?.min(256)).map(|_| proc(reader)).collect::<Option<_>>()?;
    let worth = load_worth(reader, assets)?;
    let Some((effect, def)) = effect.and_then(|effect| Some((effect, assets.effects.get(effect)?))) else {
        return Some(None);
    };
    let mut procs = procs::fresh_procs(def, tick);
    for (proc, (ready, charges)) in procs.iter_mut().zip(known) {
        (proc.ready_tick, proc.charges) = (tick.saturating_add(ready), charges.min(proc.charges));
    }
    let mut beat = def.period.as_ref().map(|period| clock::first_beat(period, worth.of(AttributeId::HASTE), tick));
    if let Some(beat) = beat.as_mut().filter(|_| beat_left > 0) {
        beat.due_tick = beat.due_tick.min(tick.saturating_add(beat_left));
    }
    Some(Some(Buff {
        effect,
        // Whoever applied it is not known here; its bearer claims what was its own.
        source: SimId::from_bits(0),
        worth,
        skill: None,
        stacks: stacks.min(def.stack.max.max(1)),
        // A young scene has fewer ticks behind it than the buff.
        start_tick: tick.saturating_sub(age_ticks),
        renewed_tick: tick.saturating_sub(age_ticks),
        end_tick,
        length_ticks: length.checked_sub(1).unwrap_or(FOREVER),
        beat,
        layers,
        shield,
        wounds,
        procs,
        working: true,
        hidden: def.hidden,
        own,
    }))
}

fn load_worth(reader: &mut Reader<'_>, assets: &Assets) -> Option<Worth> {
    let mut values = vec![0; assets.attributes.len()];
    for _ in 0..reader.varint()? {
        let attribute = name(reader)?.strip_prefix("attribute/").and_then(|name| assets.attributes.by_name(name));
        let value = reader.i32()?;
        if let Some(slot) = attribute.and_then(|attribute| values.get_mut(attribute.index())) {
            *slot = value;
        }
    }
    let (level, faction) = (reader.u16()?, Faction(reader.u32()?));
    let qualified = Qualified::load(reader, assets)?;
    let cause = Trigger { amount: reader.varint()?, absorbed: reader.varint()?, crit: reader.varint()? != 0 };
    Some(Worth { attributes: values.into(), level, qualified, faction, cause })
}

/// How long a character was nowhere before it entered, in ms: said by whoever keeps characters, as the part `away` (a
/// little-endian `u64`). Taken into account and dropped when the character enters.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away {
    ms: u64,
}

impl Away {
    /// The part of a character that says how long it was away.
    #[must_use]
    pub fn part(ms: u64) -> (String, Vec<u8>) {
        (Self::NAME.to_owned(), ms.to_le_bytes().to_vec())
    }
}

impl Carry for Away {
    const NAME: &'static str = "away";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        self.ms.to_le_bytes().to_vec()
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        Some(Self { ms: Reader::new(bytes).u64()? })
    }
}

type Newcomer<'a> = (Entity, &'a SimId, &'a mut ActiveBuffs, Option<&'a Away>);

/// Buffs that newcomers bring: their own are theirs again, and the time of some has run on meanwhile.
pub(super) fn receive_newcomers(
    assets: Res<crate::scene::SceneAssets>,
    mut newcomers: Query<Newcomer, Added<ActiveBuffs>>,
    mut commands: Commands,
) {
    for (entity, &id, mut buffs, away) in &mut newcomers {
        let away_ticks = away.map_or(0, |away| u32::try_from(away.ms / u64::from(TICK_MS)).unwrap_or(FOREVER));
        if away.is_some() {
            commands.entity(entity).remove::<Away>();
        }
        let runs_on =
            |effect: Id<EffectDef>| assets.0.effects.get(effect).is_some_and(|def| def.logout == Logout::KeepRealTime);
        for buff in &mut buffs.list {
            if buff.own {
                buff.source = id;
            }
            if away_ticks > 0 && runs_on(buff.effect) {
                pass(buff, away_ticks);
            }
        }
    }
}

/// Lets time pass in which nothing happens; what has run out by then ends in the next tick.
fn pass(buff: &mut Buff, ticks: u32) {
    let earlier = |end_tick: &mut u32| {
        if *end_tick != FOREVER {
            *end_tick = end_tick.saturating_sub(ticks);
        }
    };
    earlier(&mut buff.end_tick);
    buff.layers.iter_mut().for_each(earlier);
}
