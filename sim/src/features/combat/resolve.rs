//! Resolve: queued effects in their order, each on the world as the one before left it. Damage to the dead is
//! nothing; whoever loses the last hit point dies at once, and the last damage is the killer's.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;

use super::{
    Attributes, Died, EffectAction, EffectQueued, Fight, HealthChanged, HealthKind, Roll, Untouchable, Vitals, damage,
    heal,
};
use crate::actor::Faction;
use crate::assets::{AttributeId, State};
use crate::counters::{COMBAT, Counters};
use crate::features::buffs::States;
use crate::features::skills::{Mana, ManaChange};
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::tick::SimTick;

/// Takes what is queued and puts it into the order in which it is resolved.
pub(crate) fn in_order(queued: &mut MessageReader<EffectQueued>) -> Vec<EffectQueued> {
    let mut effects: Vec<EffectQueued> = queued.read().copied().collect();
    // Stable: those of one source stay in the order they were queued.
    effects.sort_by_key(|effect| effect.source);
    effects
}

/// Where results go.
#[derive(SystemParam)]
pub(super) struct Results<'w> {
    counters: ResMut<'w, Counters>,
    log: MessageWriter<'w, HealthChanged>,
    deaths: MessageWriter<'w, Died>,
}

type Target<'a> =
    (&'a Faction, &'a Attributes, &'a States, &'a Untouchable, &'a mut Vitals, &'a mut Mana, &'a mut Fight);

pub(super) fn apply_effects(
    tick: Res<SimTick>,
    random: Res<Random>,
    roster: Res<Roster>,
    mut queued: MessageReader<EffectQueued>,
    mut actors: Query<Target>,
    mut results: Results,
) {
    for (place, effect) in (0_u64..).zip(in_order(&mut queued)) {
        let target = roster.entity(effect.target).and_then(|entity| actors.get_mut(entity).ok());
        let Some((faction, attributes, states, untouchable, mut vitals, mut mana, mut fight)) = target else {
            continue;
        };
        let friendly = *faction == effect.power.faction;
        if !vitals.is_alive() || (untouchable.0 && effect.source != effect.target) {
            continue;
        }
        let crit_rate_bp = if effect.skill.is_some() { effect.power.crit_rate_bp } else { 0 };
        let roll = || Roll::draw(&mut random.draw(tick.0, effect.source, Stream("combat roll"), place), crit_rate_bp);
        match effect.what {
            EffectAction::Damage { ratio_bp } if !friendly => {
                fight.hit(tick.0);
                if !states.has(State::Invulnerable) {
                    let roll = roll();
                    let points = damage(&effect.power, ratio_bp, attributes.current(AttributeId::ARMOR), roll);
                    hurt(&effect, points, roll.crit, &mut vitals, &mut results);
                }
                let source = roster.entity(effect.source).and_then(|entity| actors.get_mut(entity).ok());
                if let Some((.., mut fight)) = source {
                    fight.hit(tick.0);
                }
            }
            EffectAction::Heal { ratio_bp } if friendly => {
                mend(&effect, heal(&effect.power, ratio_bp, roll()), &mut vitals, &mut results);
            }
            EffectAction::RestoreMp { amount } if friendly => mana.gain(amount),
            EffectAction::Threat { .. } if !friendly => fight.hit(tick.0),
            // Effects that stay are applied by the buffs, after this.
            _ => {}
        }
    }
}

fn hurt(effect: &EffectQueued, points: u32, crit: bool, vitals: &mut Vitals, results: &mut Results) {
    let lost = points.min(vitals.hp);
    vitals.hp -= lost;
    results.counters.add(COMBAT, if crit { "crit" } else { "hit" });
    results.log.write(entry(effect, -signed(lost), crit));
    if vitals.hp == 0 {
        vitals.dead = true;
        results.counters.add(COMBAT, "death");
        results.deaths.write(Died { who: effect.target, killer: Some(effect.source) });
    }
}

fn mend(effect: &EffectQueued, points: u32, vitals: &mut Mut<Vitals>, results: &mut Results) {
    let gained = points.min(vitals.hp_max.saturating_sub(vitals.hp));
    if gained > 0 {
        vitals.hp += gained;
        results.counters.add(COMBAT, "heal");
        results.log.write(entry(effect, signed(gained), false));
    }
}

fn entry(effect: &EffectQueued, amount: i32, crit: bool) -> HealthChanged {
    let kind = if effect.skill.is_some() { HealthKind::Direct } else { HealthKind::Periodic };
    HealthChanged { target: effect.target, source: effect.source, amount, kind, crit }
}

/// Hit points as a signed amount; they are at most a hundred million.
pub(super) fn signed(points: u32) -> i32 {
    i32::try_from(points).unwrap_or(i32::MAX)
}

/// The log's entry for a change that nobody did to `target`.
pub(super) fn own_entry(target: SimId, amount: i32, kind: HealthKind) -> HealthChanged {
    HealthChanged { target, source: target, amount, kind, crit: false }
}
