//! How a buff comes and how damage breaks it, called from the combat loop: each deed meets the buffs as the deed before
//! left them. What buffs make of attributes and tags is worked out once, at the end of the stage.

use bevy_ecs::prelude::*;

use super::active::remove_where;
use super::{ActiveBuffs, Application, BUFF_REFUSED, Buff, apply};
use crate::assets::{Assets, EffectDef, Id, Polarity};
use crate::features::combat::{EffectQueued, Resolver};
use crate::random::Stream;

/// Applies an effect by chance: helpful ones to the own side, harmful ones to others, either to oneself.
pub(crate) fn apply_effect(
    resolver: &mut Resolver,
    deed: &EffectQueued,
    effect: Id<EffectDef>,
    chance_pct: u32,
    salt: u64,
) {
    if !resolver.draw(deed, Stream("effect chance"), salt).chance_bp(chance_pct * 100) {
        return;
    }
    let (assets, tick) = (resolver.assets.0.clone(), resolver.tick.0);
    let Some(def) = assets.effects.get(effect) else { return };
    let Some(side) = resolver.patient(deed.target).map(|target| target.side.side()) else { return };
    let (harms, helps) = resolver.bearing(deed, side);
    let fits = if def.polarity == Polarity::Helpful { helps } else { harms };
    if deed.source != deed.target && !fits {
        return;
    }
    let Some(mut target) = resolver.patient(deed.target) else { return };
    let end_tick = tick + def.duration_ticks();
    let (source, worth) = (deed.source, deed.worth.clone());
    let fresh = Buff { effect, source, worth, stacks: 1, start_tick: tick, end_tick, persists: def.persists };
    if apply(&mut target.buffs.0, def, fresh, tick) == Application::Full {
        resolver.counters.add(BUFF_REFUSED, "full");
    }
}

/// Damage taken ends what it ends.
pub(crate) fn break_by_damage(buffs: &mut Mut<ActiveBuffs>, assets: &Assets) {
    remove_where(buffs, |buff| assets.effects[buff.effect].breaks_on_damage);
}
