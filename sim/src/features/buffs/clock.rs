//! The time of buffs: what is due in a tick, before anything else of the Resolve stage happens. An actor with nothing due
//! costs one comparison. Periods act, stacks and effects end, channelled effects end with their channel; what follows is
//! queued in the order of bearers' ids and of their lists.

use bevy_ecs::prelude::*;

use super::deeds::Author;
use super::ending::{Cause, Ending};
use super::period::{Beat, hasted_period_ms};
use super::stacking::{self, due_tick, expire};
use super::{ActiveBuffs, Buff, FOREVER};
use crate::assets::{Assets, AttributeId, EffectDef, FirstTick, PeriodDef};
use crate::features::combat::{Attributes, EffectQueued, Vitals};
use crate::features::skills::Casting;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// When something about an actor's buffs is due next. Worked out whenever the list changes; derived, so not hashed.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuffClock {
    due_tick: u32,
}

impl Default for BuffClock {
    fn default() -> Self {
        Self { due_tick: FOREVER }
    }
}

impl BuffClock {
    /// Sets the clock to the first thing that is due after `tick`.
    pub(super) fn wind(&mut self, buffs: &ActiveBuffs, assets: &Assets, tick: u32) {
        let due = |buff: &Buff| {
            let watched = assets.effects.get(buff.effect).is_some_and(|def| def.channelled);
            if watched { tick + 1 } else { due_tick(buff) }
        };
        self.due_tick = buffs.list.iter().map(due).min().unwrap_or(FOREVER);
    }
}

/// The first period of an effect that is applied now.
pub(super) fn first_beat(period: &PeriodDef, haste_bp: i32, tick: u32) -> Beat {
    Beat::starting(tick, length_ms(period, haste_bp))
}

fn length_ms(period: &PeriodDef, haste_bp: i32) -> u32 {
    if period.hasted { hasted_period_ms(period.ms, haste_bp) } else { period.ms }
}

/// What an effect that is applied for the first time does at once, per period.
pub(super) fn acts_at_once(def: &EffectDef) -> bool {
    def.period.is_some_and(|period| period.first == FirstTick::Immediately)
}

type Bearer<'a> = (Entity, &'a SimId, &'a Vitals, &'a mut ActiveBuffs, &'a mut BuffClock);
type Source<'a> = (&'a Vitals, &'a Attributes, &'a Casting);

/// Does what is due.
pub(super) fn run_clocks(
    tick: Res<SimTick>,
    (assets, roster): (Res<SceneAssets>, Res<Roster>),
    mut bearers: Query<Bearer>,
    sources: Query<Source>,
    mut queue: MessageWriter<EffectQueued>,
    mut due: Local<Vec<(SimId, Entity)>>,
) {
    let is_due = |(.., clock): &(Entity, &SimId, &Vitals, &ActiveBuffs, &BuffClock)| clock.due_tick <= tick.0;
    due.extend(bearers.iter().filter(is_due).map(|(entity, &id, ..)| (id, entity)));
    due.sort_unstable_by_key(|&(id, _)| id);
    let mut out = Vec::new();
    for (bearer, entity) in due.drain(..) {
        let Ok((_, _, vitals, mut buffs, mut clock)) = bearers.get_mut(entity) else { continue };
        let source_of = |id: SimId| roster.entity(id).and_then(|entity| sources.get(entity).ok());
        let ending = Ending { bearer, tick: tick.0, depth: 0, assets: &assets.0, out: &mut out };
        run(&mut buffs, vitals.is_alive(), ending, source_of);
        clock.wind(&buffs, &assets.0, tick.0);
    }
    queue.write_batch(out);
}

fn run<'a>(
    buffs: &mut Mut<ActiveBuffs>,
    alive: bool,
    mut ending: Ending<'_>,
    source_of: impl Fn(SimId) -> Option<(&'a Vitals, &'a Attributes, &'a Casting)>,
) {
    let (mut index, mut changed) = (0, false);
    let list = buffs.bypass_change_detection();
    while let Some(buff) = list.list.get_mut(index) {
        let Some(def) = ending.assets.effects.get(buff.effect) else {
            index += 1;
            continue;
        };
        let source = source_of(buff.source);
        if def.channelled && !source.is_some_and(|(vitals, _, casting)| channels(vitals, casting, buff)) {
            ending.end(list, index, Cause::Removed);
            changed = true;
            continue;
        }
        recapture(buff, def, source.map(|(_, attributes, _)| attributes));
        beat(buff, def, alive, &mut ending);
        match expire(buff, def, ending.tick) {
            stacking::Ending::NotYet => index += 1,
            stacking::Ending::Fewer => (index, changed) = (index + 1, true),
            stacking::Ending::Over => {
                act_in_part(buff, def, alive, &mut ending);
                ending.end(list, index, Cause::Expired);
                changed = true;
            }
        }
    }
    if changed {
        buffs.set_changed();
    }
}

fn channels(vitals: &Vitals, casting: &Casting, buff: &Buff) -> bool {
    vitals.is_alive() && casting.0.as_ref().is_some_and(|cast| buff.skill.is_none_or(|skill| cast.skill == skill))
}

/// Takes over those values of the source that count as they are.
fn recapture(buff: &mut Buff, def: &EffectDef, attributes: Option<&Attributes>) {
    let Some(attributes) = attributes else { return };
    for attribute in def.capture.dynamic() {
        let now = attributes.current(attribute);
        if buff.worth.of(attribute) != now {
            let values = std::sync::Arc::make_mut(&mut buff.worth.attributes);
            if let Some(value) = values.get_mut(attribute.index()) {
                *value = now;
            }
        }
    }
}

/// Acts for every period that has ended; a period that ends with the effect still counts.
fn beat(buff: &mut Buff, def: &EffectDef, alive: bool, ending: &mut Ending<'_>) {
    let Some(period) = &def.period else { return };
    while let Some(beat) = buff.beat.filter(|beat| beat.due_tick <= ending.tick.min(buff.end_tick)) {
        if alive && buff.working {
            let author = Author::of(buff, ending.depth);
            author.act_periodically(&def.periodic, ending.bearer, (buff.stacks, 1_000), ending.out);
        }
        buff.beat = Some(beat.next(length_ms(period, buff.worth.of(AttributeId::HASTE))));
    }
}

fn act_in_part(buff: &Buff, def: &EffectDef, alive: bool, ending: &mut Ending<'_>) {
    let partial = def.period.is_some_and(|period| period.partial_last) && alive && buff.working;
    let share = buff.beat.map_or(0, |beat| beat.share_at(buff.end_tick));
    if partial && share > 0 {
        let author = Author::of(buff, ending.depth);
        author.act_periodically(&def.periodic, ending.bearer, (buff.stacks, share), ending.out);
    }
}
