//! The life of a buff: applied by chance, at work once per period, broken, cleared by death, expired; and what
//! all buffs of an actor together make of its attributes, states and concealment.

use bevy_ecs::prelude::*;

use super::active::remove_where;
use super::{ActiveBuffs, Application, BUFF_REFUSED, Buff, States, apply};
use crate::actor::{Concealment, Faction};
use crate::assets::{Assets, PeriodicAction, Polarity, State};
use crate::counters::Counters;
use crate::features::combat::{
    Attributes, Change, Died, EffectAction, EffectQueued, HealthChanged, HealthKind, Untouchable, Vitals, in_order,
};
use crate::features::skills::CastStarted;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Queues what is due in this tick, by the order of targets and then of their lists.
pub(super) fn queue_periodic_actions(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    actors: Query<(&SimId, &Vitals, &ActiveBuffs)>,
    mut queue: MessageWriter<EffectQueued>,
) {
    let mut due = Vec::new();
    for (&target, vitals, buffs) in &actors {
        if buffs.is_empty() || !vitals.is_alive() {
            continue;
        }
        for buff in buffs.iter() {
            let def = &assets.0.effects[buff.effect];
            if buff.is_due(def.period_ticks(), tick.0) {
                due.extend(def.periodic.iter().map(|action| periodic_effect(target, buff, action)));
            }
        }
    }
    due.sort_by_key(|effect| effect.target);
    queue.write_batch(due);
}

fn periodic_effect(target: SimId, buff: &Buff, action: &PeriodicAction) -> EffectQueued {
    let stacks = u32::from(buff.stacks);
    let what = match *action {
        PeriodicAction::Damage { ratio_bp } => EffectAction::Damage { ratio_bp: ratio_bp.saturating_mul(stacks) },
        PeriodicAction::Heal { ratio_bp } => EffectAction::Heal { ratio_bp: ratio_bp.saturating_mul(stacks) },
        PeriodicAction::RestoreMp { amount } => EffectAction::RestoreMp { amount: amount.saturating_mul(stacks) },
    };
    EffectQueued { source: buff.source, target, power: buff.power, what, skill: None }
}

/// Damage taken breaks what it breaks; who attacks is hidden no longer.
pub(super) fn break_buffs(
    assets: Res<SceneAssets>,
    roster: Res<Roster>,
    mut log: MessageReader<HealthChanged>,
    mut casts: MessageReader<CastStarted>,
    mut actors: Query<&mut ActiveBuffs>,
) {
    let effects = &assets.0.effects;
    for hurt in log.read().filter(|entry| entry.amount < 0 && entry.kind != HealthKind::Limit) {
        if let Some(mut buffs) = roster.entity(hurt.target).and_then(|entity| actors.get_mut(entity).ok()) {
            remove_where(&mut buffs, |buff| effects[buff.effect].breaks_on_damage);
        }
    }
    for cast in casts.read().filter(|cast| cast.hostile) {
        if let Some(mut buffs) = roster.entity(cast.caster).and_then(|entity| actors.get_mut(entity).ok()) {
            remove_where(&mut buffs, |buff| effects[buff.effect].states.contains(&State::Stealth));
        }
    }
}

/// Death ends everything that does not persist.
pub(super) fn clear_the_dead(
    roster: Res<Roster>,
    mut deaths: MessageReader<Died>,
    mut actors: Query<&mut ActiveBuffs>,
) {
    for death in deaths.read() {
        if let Some(mut buffs) = roster.entity(death.who).and_then(|entity| actors.get_mut(entity).ok()) {
            remove_where(&mut buffs, |buff| !buff.persists);
        }
    }
}

pub(super) fn expire_buffs(tick: Res<SimTick>, mut actors: Query<&mut ActiveBuffs>) {
    for mut buffs in &mut actors {
        remove_where(&mut buffs, |buff| buff.end_tick <= tick.0);
    }
}

type Target<'a> = (&'a Faction, &'a Vitals, &'a Untouchable, &'a mut ActiveBuffs);

/// Applies what skills have queued, after the damage of the same tick.
pub(super) fn apply_buffs(
    (tick, random): (Res<SimTick>, Res<Random>),
    (assets, roster): (Res<SceneAssets>, Res<Roster>),
    mut queued: MessageReader<EffectQueued>,
    mut actors: Query<Target>,
    mut counters: ResMut<Counters>,
) {
    for (place, effect_queued) in (0_u64..).zip(in_order(&mut queued)) {
        let EffectQueued { source, target, power, what: EffectAction::Apply { effect, chance_bp }, .. } = effect_queued
        else {
            continue;
        };
        let found = roster.entity(target).and_then(|entity| actors.get_mut(entity).ok());
        let Some((faction, vitals, untouchable, mut buffs)) = found else { continue };
        let def = &assets.0.effects[effect];
        let fits = source == target || (def.polarity == Polarity::Helpful) == (*faction == power.faction);
        if !vitals.is_alive() || !fits || (untouchable.0 && source != target) {
            continue;
        }
        if !random.draw(tick.0, source, Stream("effect chance"), place).chance_bp(chance_bp) {
            continue;
        }
        let end_tick = tick.0 + def.duration_ticks();
        let fresh = Buff { effect, source, power, stacks: 1, start_tick: tick.0, end_tick, persists: def.persists };
        if apply(&mut buffs.0, def, fresh, tick.0) == Application::Full {
            counters.add(BUFF_REFUSED, "full");
        }
    }
}

type Changed<'a> = (&'a ActiveBuffs, &'a mut Attributes, &'a mut States, &'a mut Concealment);

/// Works out attributes, states and concealment wherever a list has changed.
pub(super) fn work_out_changes(
    assets: Res<SceneAssets>,
    mut actors: Query<Changed, bevy_ecs::query::Changed<ActiveBuffs>>,
) {
    for (buffs, mut attributes, mut states, mut concealment) in &mut actors {
        let (changes, now) = sum(buffs, &assets.0);
        let next = attributes.with(&changes, &assets.0.attributes);
        attributes.set_if_neq(next);
        states.set_if_neq(now);
        let phase = concealment.phase;
        concealment.set_if_neq(Concealment { phase, stealth: now.has(State::Stealth) });
    }
}

fn sum(buffs: &ActiveBuffs, assets: &Assets) -> (Vec<Change>, States) {
    let (mut changes, mut states) = (Vec::new(), States::default());
    for buff in buffs.iter() {
        let def = &assets.effects[buff.effect];
        changes.extend(def.modifiers.iter().map(|modifier| Change {
            attribute: modifier.attr.attribute(),
            op: modifier.op,
            times: if modifier.per_stack { buff.stacks } else { 1 },
        }));
        states = def.states.iter().fold(states, |states, &state| states.with(state));
    }
    (changes, states)
}
