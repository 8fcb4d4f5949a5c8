//! The life of a buff: at work once per period, given away by an attack, cleared by death, expired; and what
//! all buffs of an actor together make of its attributes, tags and concealment.

use bevy_ecs::prelude::*;

use super::active::remove_where;
use super::{ActiveBuffs, Buff, Tags};
use crate::actor::Concealment;
use crate::assets::{Action, Assets, TagId};
use crate::features::combat::{
    Change, ChangeSource, Contributor, Died, EffectAction, EffectQueued, Modifiers, Origin, Vitals,
};
use crate::features::skills::CastStarted;
use crate::ids::SimId;
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
                due.extend(def.periodic.iter().filter_map(|action| periodic_effect(target, buff, action)));
            }
        }
    }
    due.sort_by_key(|effect| effect.target);
    queue.write_batch(due);
}

fn periodic_effect(target: SimId, buff: &Buff, action: &Action) -> Option<EffectQueued> {
    let (what, own) = EffectAction::of(action, |_| None)?;
    let what = what.times(u32::from(buff.stacks));
    let target = if own { buff.source } else { target };
    let (source, worth, origin) = (buff.source, buff.worth.clone(), Origin::Effect(buff.effect));
    Some(EffectQueued { source, target, worth, what, origin, periodic: true, depth: 0 })
}

/// Who attacks is hidden no longer.
pub(super) fn reveal_attackers(
    assets: Res<SceneAssets>,
    roster: Res<Roster>,
    mut casts: MessageReader<CastStarted>,
    mut actors: Query<&mut ActiveBuffs>,
) {
    let effects = &assets.0.effects;
    for cast in casts.read().filter(|cast| cast.hostile) {
        if let Some(mut buffs) = roster.entity(cast.caster).and_then(|entity| actors.get_mut(entity).ok()) {
            remove_where(&mut buffs, |buff| effects[buff.effect].grants.set().has(TagId::STEALTH));
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

type Changed<'a> = (&'a ActiveBuffs, &'a mut Modifiers, &'a mut Tags, &'a mut Concealment);

/// Works out attributes, tags and concealment wherever a list has changed.
pub(super) fn work_out_changes(
    assets: Res<SceneAssets>,
    mut actors: Query<Changed, bevy_ecs::query::Changed<ActiveBuffs>>,
) {
    for (buffs, mut modifiers, mut tags, mut concealment) in &mut actors {
        let (changes, now) = sum(buffs, &assets.0);
        Modifiers::set(&mut modifiers, Contributor::Effects, changes);
        tags.set_if_neq(now);
        let phase = concealment.phase;
        concealment.set_if_neq(Concealment { phase, stealth: now.has(TagId::STEALTH) });
    }
}

fn sum(buffs: &ActiveBuffs, assets: &Assets) -> (Vec<Change>, Tags) {
    let (mut changes, mut tags) = (Vec::new(), Tags::default());
    for buff in buffs.iter() {
        let def = &assets.effects[buff.effect];
        changes.extend(
            def.modifiers
                .iter()
                .map(|modifier| Change::of(modifier, buff.stacks, ChangeSource::Effect(buff.effect, buff.source))),
        );
        tags.granted = tags.granted.union(def.grants.set());
    }
    (changes, tags)
}
