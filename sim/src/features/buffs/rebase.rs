//! What a new epoch of the game data does to buffs. They keep the time that remains, stacks and what they captured; what
//! they change is worked out anew from the new records. A buff whose effect is gone goes in silence: nothing that it
//! would do at its end happens.

use bevy_ecs::prelude::*;

use super::clock::first_beat;
use super::procs::fresh_procs;
use super::{ActiveBuffs, BreakBar, Buff, Tags, totals};
use crate::assets::{AttributeId, EffectDef};
use crate::epoch::EpochSwap;
use crate::tick::SimTick;

/// Fits the buffs of everyone to the new data; lists that hold nothing that reads differently stay untouched.
pub(super) fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let tick = world.resource::<SimTick>().0;
    let mut actors = world.query::<(&mut ActiveBuffs, &mut Tags, &mut BreakBar)>();
    for (mut buffs, mut tags, mut bar) in actors.iter_mut(world) {
        let diminished = buffs.diminished.iter().any(|known| swap.is_gone(known.category));
        if !diminished && !buffs.list.iter().any(|buff| swap.has_changed(buff.effect)) {
            continue;
        }
        buffs.diminished.retain(|known| !swap.is_gone(known.category));
        buffs.list.retain(|buff| !swap.is_gone(buff.effect));
        for buff in buffs.list.iter_mut().filter(|buff| swap.has_changed(buff.effect)) {
            if let Some(def) = swap.new.effects.get(buff.effect) {
                fit(buff, def, tick);
            }
        }
        if bar.effect().is_some_and(|effect| swap.is_gone(effect)) {
            *bar = BreakBar::default();
        }
        totals::settle(&mut buffs, &mut tags, &swap.new);
    }
}

/// Fits one buff to a record that reads differently.
fn fit(buff: &mut Buff, def: &EffectDef, tick: u32) {
    buff.stacks = buff.stacks.min(def.stack.max.max(1));
    buff.layers.truncate(usize::from(buff.stacks));
    buff.hidden = def.hidden;
    // A period that runs goes on; the next one has the new length.
    buff.beat = def.period.as_ref().map(|period| {
        let fresh = first_beat(period, buff.worth.of(AttributeId::HASTE), tick);
        buff.beat.unwrap_or(fresh)
    });
    if def.absorb.is_none() {
        buff.shield = 0;
    }
    // Each proc keeps what it remembers, by its place; those that are new begin now.
    let known = buff.procs.len();
    let fresh = fresh_procs(def, tick);
    buff.procs.truncate(fresh.len());
    buff.procs.extend(fresh.into_iter().skip(known));
}
