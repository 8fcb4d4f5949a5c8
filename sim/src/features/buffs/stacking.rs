//! What happens when an effect meets itself: whether it joins an instance, how far stacks go, what becomes of the
//! remaining time, of shields and of periods; and what its end leaves. Pure.

use super::period::Beat;
use super::{BUFFS_MAX, Buff, FOREVER};
use crate::assets::{AttributeId, EffectDef, PeriodRefresh, StackApply, StackBy, StackExpire, ticks_of};

/// What an application came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Application {
    /// A new instance.
    New,
    /// An instance that was there gained a stack or time, or was replaced.
    Renewed,
    /// As `Renewed`, but there were as many stacks as can be.
    Overflow,
    /// There were as many stacks as can be, and the effect lets nothing more happen then.
    Denied,
    /// The one that is there is stronger.
    Weaker,
    /// The actor has too many buffs.
    Full,
}

/// Applies `fresh` (one stack of a full application that begins at `tick`) to a list. Returns what came of it and, if
/// it stayed, its place.
pub fn apply(list: &mut Vec<Buff>, def: &EffectDef, fresh: Buff, tick: u32) -> (Application, Option<usize>) {
    let joins =
        |buff: &Buff| buff.effect == fresh.effect && (def.stack.by == StackBy::Target || buff.source == fresh.source);
    match list.iter().position(joins) {
        Some(index) => {
            let how = join(&mut list[index], def, fresh, tick);
            (how, (how != Application::Denied && how != Application::Weaker).then_some(index))
        }
        None if list.len() >= BUFFS_MAX => (Application::Full, None),
        None => {
            let mut fresh = fresh;
            if def.stack.on_apply == StackApply::AddIndependent {
                fresh.layers = vec![fresh.end_tick];
            }
            list.push(fresh);
            (Application::New, Some(list.len() - 1))
        }
    }
}

fn join(buff: &mut Buff, def: &EffectDef, fresh: Buff, tick: u32) -> Application {
    if def.stack.on_apply == StackApply::Replace {
        if strength(&fresh) < strength(buff) {
            return Application::Weaker;
        }
        *buff = Buff { working: buff.working, ..fresh };
        return Application::Renewed;
    }
    let is_full = buff.stacks >= def.stack.max.max(1);
    if is_full && def.stack.deny_overflow {
        return Application::Denied;
    }
    buff.stacks = buff.stacks.saturating_add(1).min(def.stack.max.max(1));
    renew_end(buff, def, &fresh, is_full, tick);
    renew_shield(buff, def, fresh.shield);
    if let (Some(beat), Some(begun)) = (&mut buff.beat, fresh.beat)
        && def.period.is_some_and(|period| period.on_refresh == PeriodRefresh::Restart)
    {
        *beat = begun;
    }
    for (known, begun) in buff.procs.iter_mut().zip(&fresh.procs) {
        known.charges = begun.charges;
    }
    (buff.renewed_tick, buff.wounds) = (tick, 0);
    (buff.source, buff.worth, buff.skill) = (fresh.source, fresh.worth, fresh.skill);
    if is_full { Application::Overflow } else { Application::Renewed }
}

fn renew_end(buff: &mut Buff, def: &EffectDef, fresh: &Buff, is_full: bool, tick: u32) {
    match def.stack.on_apply {
        StackApply::RefreshDuration => {
            buff.end_tick = buff.end_tick.max(fresh.end_tick);
            buff.length_ticks = fresh.length_ticks;
        }
        StackApply::ExtendDuration { max_ms } => {
            let longest = tick.saturating_add(ticks_of(max_ms));
            let extended = buff.end_tick.saturating_add(fresh.length_ticks);
            buff.end_tick = extended.min(longest).max(buff.end_tick);
        }
        StackApply::AddIndependent => {
            if is_full && !buff.layers.is_empty() {
                buff.layers.remove(0);
            }
            let place = buff.layers.partition_point(|&end_tick| end_tick <= fresh.end_tick);
            buff.layers.insert(place, fresh.end_tick);
            buff.end_tick = buff.layers.last().copied().unwrap_or(fresh.end_tick);
        }
        StackApply::KeepDuration | StackApply::Replace => {}
    }
}

fn renew_shield(buff: &mut Buff, def: &EffectDef, points: u32) {
    let Some(absorb) = &def.absorb else { return };
    buff.shield = match absorb.per_stack {
        true => buff.shield.saturating_add(points).min(points.saturating_mul(u32::from(buff.stacks))),
        false => buff.shield.max(points),
    };
}

/// What tells the stronger of two instances.
fn strength(buff: &Buff) -> (u32, i32, i32, u32) {
    (buff.shield, buff.worth.of(AttributeId::POWER), buff.worth.of(AttributeId::ATTACK), buff.end_tick)
}

/// What the time makes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing yet.
    NotYet,
    /// It has fewer stacks and goes on.
    Fewer,
    /// All of it is over.
    Over,
}

/// Ends what is over at `tick`: stacks with their own time, one stack of several, or all of it.
pub(super) fn expire(buff: &mut Buff, def: &EffectDef, tick: u32) -> Ending {
    let over = buff.layers.partition_point(|&end_tick| end_tick <= tick);
    if over > 0 && over < buff.layers.len() {
        buff.layers.drain(..over);
        buff.stacks = u16::try_from(buff.layers.len()).unwrap_or(u16::MAX);
        return Ending::Fewer;
    }
    if buff.end_tick == FOREVER || buff.end_tick > tick {
        return Ending::NotYet;
    }
    if def.stack.on_expire == StackExpire::RemoveOne && buff.stacks > 1 && buff.length_ticks > 0 {
        buff.stacks -= 1;
        buff.end_tick = buff.end_tick.saturating_add(buff.length_ticks);
        return Ending::Fewer;
    }
    Ending::Over
}

/// The first tick in which something about an instance is due, [`FOREVER`] for none.
#[must_use]
pub(super) fn due_tick(buff: &Buff) -> u32 {
    let beat = buff.beat.map_or(FOREVER, |Beat { due_tick, .. }| due_tick);
    let layer = buff.layers.first().copied().unwrap_or(FOREVER);
    beat.min(layer).min(buff.end_tick)
}

#[cfg(test)]
mod tests;
