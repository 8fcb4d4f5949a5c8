//! What takes effects away, called from the combat loop: damage, dispels, actions that end an effect by name; and what
//! wears break bars down. After the loop: death, and the attack that gives the hidden away.

use bevy_ecs::prelude::*;

use super::absorb::{Incoming, absorb};
use super::break_bar::wear_down;
use super::ending::{Cause, Ending};
use super::totals::settle;
use super::{ActiveBuffs, BUFF_REFUSED, Buff, FOREVER, Tags, apply};
use crate::assets::{Assets, DamageBreak, EffectDef, Id, OnDeath, Polarity, TagId};
use crate::features::combat::{Died, EffectQueued, PatientItem, Resolver, Worklist};
use crate::features::skills::CastStarted;
use crate::ids::SimId;
use crate::random::{Draw, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Has someone's shields take what they take of so many points; returns what they took.
pub(crate) fn shield(
    target: &mut PatientItem<'_, '_>,
    incoming: Incoming,
    points: u32,
    (depth, tick): (u8, u32),
    assets: &Assets,
    work: &mut Worklist,
) -> u32 {
    let mut out = Vec::new();
    let ending = Ending { bearer: *target.id, tick, depth: depth + 1, assets, out: &mut out };
    let before = target.buffs.list.len();
    let taken = absorb(&mut target.buffs, incoming, points, ending);
    if target.buffs.list.len() != before {
        settle(&mut target.buffs, &mut target.tags, assets);
    }
    work.set_off(out);
    taken
}

/// Damage that was taken ends what it ends; what came in the same tick stays.
pub(crate) fn break_by_damage(
    target: &mut PatientItem<'_, '_>,
    points: u32,
    (depth, tick): (u8, u32),
    assets: &Assets,
    mut draw: Draw,
    work: &mut Worklist,
) {
    let hp_max = u64::from(target.vitals.hp_max);
    let mut breaks = |buff: &mut Buff| {
        let Some(def) = assets.effects.get(buff.effect).filter(|_| buff.renewed_tick < tick) else { return false };
        match def.breaks_on_damage {
            DamageBreak::Never => false,
            DamageBreak::Always => true,
            DamageBreak::Chance { pct } => draw.chance_bp(pct.saturating_mul(100)),
            DamageBreak::Above { hp_pct } => {
                buff.wounds = buff.wounds.saturating_add(points);
                u64::from(buff.wounds) * 100 >= hp_max * u64::from(hp_pct)
            }
        }
    };
    let list = &mut target.buffs.bypass_change_detection().list;
    let broken: Vec<usize> =
        list.iter_mut().enumerate().filter_map(|(index, buff)| breaks(buff).then_some(index)).collect();
    if broken.is_empty() {
        return;
    }
    let mut out = Vec::new();
    let mut ending = Ending { bearer: *target.id, tick, depth: depth + 1, assets, out: &mut out };
    for (gone, index) in broken.into_iter().enumerate() {
        ending.end(&mut target.buffs, index - gone, Cause::Removed);
    }
    settle(&mut target.buffs, &mut target.tags, assets);
    work.set_off(out);
}

/// Ends an effect by name, or takes stacks off it; with several instances the oldest loses them first.
pub(crate) fn remove(
    resolver: &mut Resolver,
    deed: &EffectQueued,
    (effect, stacks): (Id<EffectDef>, u16),
    work: &mut Worklist,
) {
    let (assets, tick) = (resolver.assets.0.clone(), resolver.tick.0);
    let Some(mut target) = resolver.patient(deed.target) else { return };
    let mut left = if stacks == 0 { u16::MAX } else { stacks };
    let mut out = Vec::new();
    let mut ending = Ending { bearer: deed.target, tick, depth: deed.depth + 1, assets: &assets, out: &mut out };
    while let Some(index) = target.buffs.list.iter().position(|buff| buff.effect == effect).filter(|_| left > 0) {
        let held = target.buffs.list[index].stacks;
        if held > left {
            lose_stacks(&mut target.buffs.list[index], left);
            break;
        }
        ending.end(&mut target.buffs, index, Cause::Removed);
        left = if stacks == 0 { left } else { left - held };
    }
    settle(&mut target.buffs, &mut target.tags, &assets);
    work.set_off(out);
}

fn lose_stacks(buff: &mut Buff, count: u16) {
    buff.stacks -= count;
    let layers = usize::from(count).min(buff.layers.len().saturating_sub(1));
    buff.layers.drain(..layers);
}

/// A dispel as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispelling {
    /// What it takes away, as a mask.
    pub(crate) kinds: u8,
    /// How many effects.
    pub(crate) count: u16,
    /// Chance for each in percent.
    pub(crate) chance_pct: u32,
    /// Whether the source gets them.
    pub(crate) steal: bool,
}

/// Takes effects away, those that came last first: harmful ones from friends, helpful ones from others. An effect that
/// withstands counts as tried.
pub(crate) fn dispel(resolver: &mut Resolver, deed: &EffectQueued, asked: Dispelling, salt: u64, work: &mut Worklist) {
    let (assets, tick) = (resolver.assets.0.clone(), resolver.tick.0);
    let mut draw = resolver.draw(deed, Stream("dispel"), salt);
    let Some(side) = resolver.patient(deed.target).map(|target| target.side.side()) else { return };
    let (harms, helps) = resolver.bearing(deed, side);
    let wanted = match (helps, harms) {
        (true, _) => Polarity::Harmful,
        (false, true) => Polarity::Helpful,
        (false, false) => return,
    };
    let Some(mut target) = resolver.patient(deed.target) else { return };
    let suits = |buff: &Buff| {
        assets.effects.get(buff.effect).is_some_and(|def| def.dispel.bit() & asked.kinds != 0 && def.polarity == wanted)
    };
    let (mut tried, mut out, mut stolen) = (0, Vec::new(), Vec::new());
    let mut ending = Ending { bearer: deed.target, tick, depth: deed.depth + 1, assets: &assets, out: &mut out };
    let mut candidates: Vec<(u32, usize)> = target
        .buffs
        .list
        .iter()
        .enumerate()
        .filter(|(_, buff)| suits(buff))
        .map(|(index, buff)| (buff.start_tick, index))
        .collect();
    candidates.sort_unstable();
    candidates.reverse();
    let mut gone = Vec::new();
    for (_, index) in candidates {
        if tried == asked.count {
            break;
        }
        tried += 1;
        let resist_pct =
            assets.effects.get(target.buffs.list[index].effect).map_or(0, |def| def.dispel_resist_pct.min(100));
        if draw.chance_bp(asked.chance_pct.min(100) * (100 - resist_pct)) {
            gone.push(index);
        }
    }
    // From the back, so that the places of the others stay; each dispel's own order does not matter to the list.
    gone.sort_unstable_by(|a, b| b.cmp(a));
    for index in gone {
        stolen.extend(ending.end(&mut target.buffs, index, Cause::Dispelled(deed.source)));
    }
    settle(&mut target.buffs, &mut target.tags, &assets);
    work.set_off(out);
    if asked.steal && wanted == Polarity::Helpful {
        receive_stolen(resolver, deed.source, stolen, &assets);
    }
}

/// Gives a thief what it stole, for the time that remains; the thief is its source from then on.
fn receive_stolen(resolver: &mut Resolver, thief: SimId, stolen: Vec<Buff>, assets: &Assets) {
    let tick = resolver.tick.0;
    for buff in stolen {
        let Some(mut patient) = resolver.patient(thief) else { return };
        let Some(def) = assets.effects.get(buff.effect) else { continue };
        let (stacks, layers) = (buff.stacks, buff.layers.clone());
        let length_ticks = if buff.end_tick == FOREVER { FOREVER } else { buff.end_tick.saturating_sub(tick) };
        let taken = Buff { source: thief, own: true, length_ticks, renewed_tick: tick, ..buff };
        let (_, place) = apply(&mut patient.buffs.list, def, taken, tick);
        if let Some(taken) = place.and_then(|place| patient.buffs.list.get_mut(place)) {
            taken.stacks = taken.stacks.max(stacks);
            if !layers.is_empty() && taken.layers.len() < layers.len() {
                taken.layers = layers;
            }
        } else {
            resolver.counters.add(BUFF_REFUSED, "full");
            continue;
        }
        settle(&mut patient.buffs, &mut patient.tags, assets);
    }
}

/// Wears a break bar down.
pub(crate) fn stagger(resolver: &mut Resolver, deed: &EffectQueued, points: u32, work: &mut Worklist) {
    let (assets, tick) = (resolver.assets.0.clone(), resolver.tick.0);
    let Some(mut target) = resolver.patient(deed.target) else { return };
    let mut out = Vec::new();
    wear_down(&mut target, points, (deed.depth + 1, tick), &assets, &mut out);
    work.set_off(out);
}

type Marked<'a> = (&'a SimId, &'a mut ActiveBuffs, &'a mut Tags);

/// Who attacks is hidden no longer.
pub(super) fn reveal_attackers(
    (tick, assets, roster): (Res<SimTick>, Res<SceneAssets>, Res<Roster>),
    mut casts: MessageReader<CastStarted>,
    mut actors: Query<Marked>,
    mut queue: MessageWriter<EffectQueued>,
) {
    let hides = |buff: &Buff| assets.0.effects.get(buff.effect).is_some_and(|def| def.grants.set().has(TagId::STEALTH));
    let mut out = Vec::new();
    for cast in casts.read().filter(|cast| cast.hostile) {
        if let Some(found) = roster.entity(cast.caster).and_then(|entity| actors.get_mut(entity).ok()) {
            end_in(found, &assets.0, tick.0, &mut out, hides);
        }
    }
    queue.write_batch(out);
}

/// Death ends everything that does not outlast it.
pub(super) fn clear_the_dead(
    (tick, assets, roster): (Res<SimTick>, Res<SceneAssets>, Res<Roster>),
    mut deaths: MessageReader<Died>,
    mut actors: Query<Marked>,
    mut queue: MessageWriter<EffectQueued>,
) {
    let ends = |buff: &Buff| assets.0.effects.get(buff.effect).is_none_or(|def| def.on_death == OnDeath::Drop);
    let mut out = Vec::new();
    for death in deaths.read() {
        if let Some(found) = roster.entity(death.who).and_then(|entity| actors.get_mut(entity).ok()) {
            end_in(found, &assets.0, tick.0, &mut out, ends);
        }
    }
    queue.write_batch(out);
}

fn end_in(
    (&bearer, mut buffs, mut tags): (&SimId, Mut<ActiveBuffs>, Mut<Tags>),
    assets: &Assets,
    tick: u32,
    out: &mut Vec<EffectQueued>,
    rule: impl FnMut(&Buff) -> bool,
) {
    Ending { bearer, tick, depth: 0, assets, out }.end_where(&mut buffs, Cause::Removed, rule);
    settle(buffs.bypass_change_detection(), &mut tags, assets);
}
