//! Act: casts stop, advance, take effect and start, caster by caster in the order of their ids. One machine serves instant,
//! cast, channel and charge: a cast has a date, an end, and a timeline between them that is done up to the present.
//! Everything is checked again here, because what a command was validated against may have changed since.
//!
//! A cast is dated: it may start up to [`Punctuality::allowance_ms`] after it could have, and counts from then. What is
//! under way goes on before anything starts, so that the next cast begins in the tick in which the last one ends.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::caster::{Acting, ActingItem};
use super::cooldowns::now_ms;
use super::deliver::Delivery;
use super::interrupts::{Stopped, state_that_ends};
use super::rules::{Aim, CasterView, FINISH_TOLERANCE, check_aim, check_caster, price};
use super::{Cast, CastOutcome, CastStarted, Casting, ManaChange, ReleaseIntent, StopIntent};
use crate::assets::{
    At, AttributeId, CastDef, CostTime, Disturbance, Filter, FirstTick, Id, InterruptDef, Pool, SkillDef,
};
use crate::features::combat::{Sides, hasted_ms};
use crate::ids::SimId;
use crate::intent::{CastIntent, CastTarget};

/// Casts that their casters break off end before anything else happens; charges that are let go come to their end.
pub(super) fn stop_casts(
    mut stops: MessageReader<StopIntent>,
    mut releases: MessageReader<ReleaseIntent>,
    mut stage: Delivery,
    mut casters: Query<Acting>,
) {
    let mut stopping: Vec<StopIntent> = stops.read().copied().collect();
    stopping.sort_unstable_by_key(|stop| (stop.caster, stop.by));
    for StopIntent { caster, by } in stopping {
        if let Some(mut caster) = stage.roster.entity(caster).and_then(|entity| casters.get_mut(entity).ok()) {
            suffer(&mut stage, &mut caster, by);
        }
    }
    let now = now_ms(stage.tick.0);
    for ReleaseIntent { caster } in releases.read() {
        let found = stage.roster.entity(*caster).and_then(|entity| casters.get_mut(entity).ok());
        let Some(mut caster) = found else { continue };
        let Some(cast) = caster.casting.0.as_mut() else { continue };
        if let CastDef::Charge { min_ms, .. } = cast.def.cast {
            cast.finish_ms = cast.finish_ms.min(now.max(cast.start_ms + u64::from(min_ms)));
        }
    }
}

type Begun<'w, 's> = Query<'w, 's, (&'static SimId, &'static Casting), Changed<Casting>>;

/// Casts under way are interrupted, broken off by their casters' steps, go on, or take effect when their time has come.
pub(super) fn advance_casts(
    sides: Res<Sides>,
    mut stage: Delivery,
    mut casters: ParamSet<(Begun, Query<Acting>)>,
    mut under_way: Local<Vec<SimId>>,
) {
    under_way.extend(casters.p0().iter().filter(|(_, casting)| casting.0.is_some()).map(|(&id, _)| id));
    under_way.sort_unstable();
    under_way.dedup();
    let mut casters = casters.p1();
    under_way.retain(|&id| {
        let found = stage.roster.entity(id).and_then(|entity| casters.get_mut(entity).ok());
        let Some(mut caster) = found else { return false };
        let Some(cast) = caster.casting.0.clone() else { return false };
        match ended_by(&stage, id, &caster, &cast) {
            Some(by) => suffer(&mut stage, &mut caster, by),
            None => go_on(&sides, &mut stage, &mut caster, cast),
        }
        caster.casting.0.is_some()
    });
}

/// What ends a cast now, if anything does: something about its caster first, then about its target.
fn ended_by(stage: &Delivery, id: SimId, caster: &ActingItem<'_, '_>, cast: &Cast) -> Option<Disturbance> {
    let body = &caster.body;
    let own = cast.ended_by_caster(body.is_alive(), &body.tags.granted, body.moves());
    own.or_else(|| match cast.target {
        CastTarget::Unit(target) if target != id => {
            cast.ended_by_target(stage.seen(target, body.eyes()), body.position.0, &stage.geometry.0)
        }
        _ => None,
    })
}

/// Does what lies between the last tick and this one on a cast's timeline.
fn go_on(sides: &Sides, stage: &mut Delivery, caster: &mut ActingItem<'_, '_>, mut cast: Cast) {
    let now = now_ms(stage.tick.0);
    let until = now.min(cast.finish_ms);
    while let Some((ms, at)) = next_moment(&cast, until) {
        cast.done_ms = ms;
        if let At::Tick(tick) = at {
            cast.ticks = tick;
            if !pay(stage, caster, (cast.skill, &cast.def), CostTime::PerTick) {
                fail(stage, caster);
                return;
            }
        }
        if !take_effect(sides, stage, caster, &cast, &[at]) {
            fail(stage, caster);
            return;
        }
    }
    cast.done_ms = until;
    if now < cast.finish_ms {
        // The moments of a timeline are nobody else's business: a cast that merely goes on is no change.
        caster.casting.bypass_change_detection().0 = Some(cast);
    } else {
        finish(sides, stage, caster, cast);
    }
}

/// The next moment of a timeline after what is done, up to a time: ticks and marks in the order of time, a mark first.
fn next_moment(cast: &Cast, until_ms: u64) -> Option<(u64, At)> {
    let mut next: Option<(u64, At)> = None;
    let mut offer = |ms: u64, at: At| {
        if ms <= until_ms && next.is_none_or(|(least, _)| ms < least) {
            next = Some((ms, at));
        }
    };
    for moment in &cast.def.timeline {
        if let At::Ms(after) = moment.at {
            let ms = cast.start_ms + u64::from(after);
            // The start itself is done with the start.
            if ms > cast.done_ms {
                offer(ms, moment.at);
            }
        }
    }
    if let CastDef::Channel { first, .. } = cast.def.cast
        && cast.tick_ms > 0
    {
        let periods = u64::from(cast.ticks) + u64::from(first == FirstTick::AfterPeriod);
        let ms = cast.start_ms + periods * u64::from(cast.tick_ms);
        offer(ms, At::Tick(cast.ticks.saturating_add(1)));
    }
    next
}

/// A cast comes to its end: what is paid then is paid, and it takes effect if its target can still be reached.
fn finish(sides: &Sides, stage: &mut Delivery, caster: &mut ActingItem<'_, '_>, cast: Cast) {
    let moments = match cast.def.launches() {
        true => &[At::Release, At::Finish][..],
        false => &[At::Release, At::Finish, At::Hit][..],
    };
    let mut worth = cast.clone();
    let held_ms = u32::try_from(cast.finish_ms - cast.start_ms).unwrap_or(u32::MAX);
    worth.scale_pct = cast.scale_pct * cast.def.cast.scale_pct(held_ms) / 100;
    let payable = can_pay(caster, &cast.def, CostTime::OnFinish);
    if !payable || !take_effect(sides, stage, caster, &worth, moments) {
        caster.casting.set_if_neq(Casting(Some(cast)));
        fail(stage, caster);
        return;
    }
    pay(stage, caster, (cast.skill, &cast.def), CostTime::OnFinish);
    caster.casting.set_if_neq(Casting(None));
    caster.cooldowns.cast_ended(cast.finish_ms);
    caster.combo.note(cast.skill, now_ms(stage.tick.0));
    stage.end(*caster.id, cast.skill, CastOutcome::Finished);
}

/// Does the actions of some moments to everyone they reach; false when the target cannot be reached any more.
fn take_effect(sides: &Sides, stage: &mut Delivery, caster: &ActingItem<'_, '_>, cast: &Cast, moments: &[At]) -> bool {
    let id = *caster.id;
    let view = caster.view(false, sides);
    let aim = stage.aim(id, caster.body.eyes(), &cast.def, cast.target);
    let reached = |aim: &Aim| check_aim(&view, &cast.def, *aim, FINISH_TOLERANCE, &stage.geometry.0).is_ok();
    let Some(aim) = aim.filter(reached) else { return false };
    deliver(stage, caster, &view, cast, aim, moments);
    true
}

fn deliver(
    stage: &mut Delivery,
    caster: &ActingItem<'_, '_>,
    view: &CasterView<'_>,
    cast: &Cast,
    aim: Aim,
    moments: &[At],
) {
    let worth = caster.body.worth();
    for &at in moments {
        let each = matches!(at, At::Tick(_)).then_some(At::EachTick);
        let actions = cast.def.timeline.iter().filter(|moment| moment.at == at || Some(moment.at) == each);
        let actions: Vec<_> = actions.flat_map(|moment| &moment.actions).collect();
        if !actions.is_empty() {
            stage.deliver(view, caster.body.phase(), cast, aim, &worth, &actions);
        }
    }
}

/// Casts begin: the price is paid, the cooldowns run; an instant skill takes effect at once.
pub(super) fn start_casts(
    sides: Res<Sides>,
    mut asked: MessageReader<CastIntent>,
    mut started: MessageWriter<CastStarted>,
    mut stage: Delivery,
    mut casters: Query<Acting>,
) {
    let mut intents: Vec<CastIntent> = asked.read().copied().collect();
    intents.sort_by_key(|intent| intent.caster);
    let assets = stage.assets.0.clone();
    for intent in intents {
        let Some(mut caster) = stage.roster.entity(intent.caster).and_then(|entity| casters.get_mut(entity).ok())
        else {
            continue;
        };
        let skill = caster.combo.in_place_of(intent.skill, &assets, now_ms(stage.tick.0));
        let Some(def) = assets.skills.arc(skill) else { continue };
        let hostile = def.target.filter() == Filter::Enemy;
        if start(&sides, &mut stage, &mut caster, skill, def, intent) {
            let target = if let CastTarget::Unit(id) = intent.target { Some(id) } else { None };
            started.write(CastStarted { caster: intent.caster, skill, target, hostile });
        } else {
            stage.end(intent.caster, intent.skill, CastOutcome::Refused);
        }
    }
}

fn start(
    sides: &Sides,
    stage: &mut Delivery,
    caster: &mut ActingItem<'_, '_>,
    skill: Id<SkillDef>,
    def: &Arc<SkillDef>,
    intent: CastIntent,
) -> bool {
    let (id, now) = (intent.caster, now_ms(stage.tick.0));
    let view = caster.view(caster.casting.0.is_some(), sides);
    let aim = stage.aim(id, caster.body.eyes(), def, intent.target);
    let fits = check_caster(&view, skill, def, stage.tick.0).is_ok();
    let Some(aim) = aim.filter(|&aim| fits && check_aim(&view, def, aim, 1.0, &stage.geometry.0).is_ok()) else {
        return false;
    };
    let table = Arc::clone(&stage.table.0);
    if state_that_ends(&table, def, &caster.body.tags.granted).is_some() {
        return false;
    }
    let haste_bp = caster.body.attribute(AttributeId::HASTE);
    let date_ms = caster.cooldowns.dated_ms(skill, def, now, caster.allowance_ms());
    let cast = cast_of((skill, def, table), intent, date_ms, caster);
    pay(stage, caster, (skill, def), CostTime::OnStart);
    caster.cooldowns.begin(skill, def, date_ms, haste_bp);
    let view = caster.view(false, sides);
    deliver(stage, caster, &view, &cast, aim, &[At::Start, At::Ms(0)]);
    if matches!(def.cast, CastDef::Instant) {
        finish(sides, stage, caster, cast);
    } else {
        caster.casting.0 = Some(cast);
        // A channel may tick with its start.
        if let Some(cast) = caster.casting.0.clone().filter(|cast| next_moment(cast, now).is_some()) {
            go_on(sides, stage, caster, cast);
        }
    }
    true
}

fn cast_of(
    (skill, def, table): (Id<SkillDef>, &Arc<SkillDef>, Arc<InterruptDef>),
    intent: CastIntent,
    date_ms: u64,
    caster: &ActingItem<'_, '_>,
) -> Cast {
    let (haste_bp, cast_bp) =
        (caster.body.attribute(AttributeId::HASTE), caster.body.attribute(AttributeId::CAST_SPEED));
    let quick_ms = |ms: u32| if def.cast.is_hasted() { hasted_ms(hasted_ms(ms, haste_bp), cast_bp) } else { ms };
    let (length_ms, tick_ms) = match def.cast {
        // The whole follows from the tick, so that haste never changes how many there are.
        CastDef::Channel { ms, tick_ms, .. } => (quick_ms(tick_ms) * (ms / tick_ms.max(1)), quick_ms(tick_ms)),
        _ => (quick_ms(def.cast.length_ms()), 0),
    };
    Cast {
        skill,
        def: Arc::clone(def),
        table,
        target: intent.target,
        start_ms: date_ms,
        finish_ms: date_ms + u64::from(length_ms),
        tick_ms,
        done_ms: date_ms,
        ticks: 0,
        pushes: 0,
        scale_pct: caster.combo.scale_pct(def, date_ms),
    }
}

/// Has something happen to what is being cast.
fn suffer(stage: &mut Delivery, caster: &mut ActingItem<'_, '_>, by: Disturbance) {
    let now = now_ms(stage.tick.0);
    let stopped = caster.interruptible().suffer(by, 0, now);
    stop(stage, *caster.id, stopped);
}

/// Ends what is being cast because it cannot take effect.
fn fail(stage: &mut Delivery, caster: &mut ActingItem<'_, '_>) {
    let stopped = caster.interruptible().end(CastOutcome::Failed, false);
    stop(stage, *caster.id, stopped);
}

fn stop(stage: &mut Delivery, id: SimId, stopped: Option<Stopped>) {
    if let Some(Stopped { skill, outcome, hp_back }) = stopped {
        stage.pay_life(id, skill, -i64::from(hp_back));
        stage.end(id, skill, outcome);
    }
}

fn can_pay(caster: &ActingItem<'_, '_>, def: &SkillDef, when: CostTime) -> bool {
    let mana = price(def, Pool::Mana, caster.mana.mp_max, Some(when));
    let hp = caster.price_of_life(def, when);
    caster.mana.mp >= mana && (hp == 0 || caster.body.vitals.hp > hp)
}

/// Takes what a skill costs at a time; false when there is not enough, and then nothing is taken.
fn pay(
    stage: &mut Delivery,
    caster: &mut ActingItem<'_, '_>,
    (skill, def): (Id<SkillDef>, &SkillDef),
    when: CostTime,
) -> bool {
    if !can_pay(caster, def, when) {
        return false;
    }
    caster.mana.pay(price(def, Pool::Mana, caster.mana.mp_max, Some(when)));
    stage.pay_life(*caster.id, skill, i64::from(caster.price_of_life(def, when)));
    true
}
