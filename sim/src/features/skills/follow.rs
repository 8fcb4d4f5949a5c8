//! Resolve, after the combat loop: what deeds come to for casts, cooldowns and bodies. Blows push casts back, kicks end
//! them and lock their schools, force moves bodies, and what was paid with life is taken from it.

use bevy_ecs::prelude::*;

use super::cooldowns::now_ms;
use super::deliver::{Conjured, LifePaid, Toward};
use super::displace::{Bodies, destination};
use super::{CastEnded, CastOutcome, Casting, Cooldowns, Mana, ManaChange, rules::price};
use crate::assets::{CastDef, CostTime, Id, Pool, Refund, School, SkillDef, TagId};
use crate::features::buffs::Tags;
use crate::features::combat::{EffectAction, EffectQueued, HealthChanged, HealthKind, Origin, Vitals};
use crate::features::movement::ForceMove;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

/// A deed that the combat loop let pass and that concerns skills. Written in the loop, read right after it.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct PassedOn(pub EffectQueued);

/// Hit points that casters paid are taken, and those of broken casts come back.
pub(super) fn take_life(
    roster: Res<Roster>,
    mut paid: MessageReader<LifePaid>,
    mut log: MessageWriter<HealthChanged>,
    mut actors: Query<&mut Vitals>,
) {
    for &LifePaid { who, skill, points } in paid.read() {
        let Some(mut vitals) = roster.entity(who).and_then(|entity| actors.get_mut(entity).ok()) else { continue };
        log.write_batch(charge_life((who, skill), &mut vitals, points));
    }
}

/// Takes what a skill costs in hit points, or gives it back when it is less than nothing; what the log says of it.
fn charge_life((who, skill): (SimId, Id<SkillDef>), vitals: &mut Mut<Vitals>, points: i64) -> Option<HealthChanged> {
    if !vitals.is_alive() {
        return None;
    }
    // A blow of the same tick may have come first: a price never kills.
    let after = (i64::from(vitals.hp) - points).clamp(1, i64::from(vitals.hp_max.max(1)));
    let change = after - i64::from(vitals.hp);
    if change == 0 {
        return None;
    }
    vitals.hp = u32::try_from(after).unwrap_or(1);
    let entry = HealthChanged::own(who, i32::try_from(change).unwrap_or(0), HealthKind::Price);
    Some(HealthChanged { origin: Origin::Skill(skill), ..entry })
}

/// Direct damage moves the end of casts: a cast takes longer, a channel ends earlier.
pub(super) fn push_back(
    roster: Res<Roster>,
    tick: Res<SimTick>,
    mut log: MessageReader<HealthChanged>,
    mut casters: Query<&mut Casting>,
) {
    for entry in log.read() {
        if entry.kind != HealthKind::Direct || entry.amount >= 0 || entry.source == entry.target {
            continue;
        }
        let Some(mut casting) = roster.entity(entry.target).and_then(|entity| casters.get_mut(entity).ok()) else {
            continue;
        };
        let Some(pushback) = casting.0.as_ref().and_then(|cast| {
            let pushback = cast.def.cast.pushback()?;
            (cast.pushes < pushback.max).then_some(pushback)
        }) else {
            continue;
        };
        if let Some(cast) = casting.0.as_mut() {
            cast.pushes += 1;
            cast.finish_ms = match cast.def.cast {
                CastDef::Channel { .. } => cast.finish_ms.saturating_sub(u64::from(pushback.ms)).max(now_ms(tick.0)),
                _ => cast.finish_ms + u64::from(pushback.ms),
            };
        }
    }
}

type Caster<'a> = (&'a Tags, &'a mut Casting, &'a mut Cooldowns, &'a mut Mana, &'a mut Vitals);

/// Kicks and changes of cooldowns, in the order in which the loop let them pass.
pub(super) fn disturb(
    (tick, roster, assets): (Res<SimTick>, Res<Roster>, Res<SceneAssets>),
    mut passed: MessageReader<PassedOn>,
    (mut ended, mut log): (MessageWriter<CastEnded>, MessageWriter<HealthChanged>),
    mut casters: Query<Caster>,
) {
    let now = now_ms(tick.0);
    for PassedOn(deed) in passed.read() {
        let found = roster.entity(deed.target).and_then(|entity| casters.get_mut(entity).ok());
        let Some((tags, mut casting, mut cooldowns, mut mana, mut vitals)) = found else { continue };
        match deed.what {
            EffectAction::Interrupt { lockout_ms } if !tags.has(TagId::IMMUNE_INTERRUPT) => {
                let Some(cast) = casting.0.take_if(|cast| cast.def.cast.is_interruptible()) else { continue };
                for school in School::ALL.map(School::tag) {
                    if lockout_ms > 0 && cast.def.tags.set().has(school) {
                        cooldowns.lock(school, now + u64::from(lockout_ms), now);
                    }
                }
                if cast.def.refund == Refund::Always && cast.ticks == 0 {
                    mana.gain(price(&cast.def, Pool::Mana, mana.mp_max, Some(CostTime::OnStart)));
                    let life = price(&cast.def, Pool::Hp, vitals.hp_max, Some(CostTime::OnStart));
                    log.write_batch(charge_life((deed.target, cast.skill), &mut vitals, -i64::from(life)));
                    cooldowns.give_back(cast.skill, &cast.def);
                }
                ended.write(CastEnded { caster: deed.target, skill: cast.skill, outcome: CastOutcome::Interrupted });
            }
            EffectAction::Cooldown { skill, ms } => {
                if let Some(def) = assets.0.skills.get(skill) {
                    cooldowns.reduce(skill, def, ms);
                }
            }
            _ => {}
        }
    }
}

/// What the loop conjures, and whom it moves.
pub(super) fn carry_on(
    geometry: Res<SceneGeometry>,
    mut passed: MessageReader<PassedOn>,
    bodies: Bodies,
    mut conjured: MessageWriter<Conjured>,
    mut forced: MessageWriter<ForceMove>,
) {
    let mut moved: Vec<(SimId, glam::Vec3)> = Vec::new();
    for PassedOn(deed) in passed.read() {
        match deed.what {
            EffectAction::Conjure(what) => {
                conjured.write(Conjured {
                    source: deed.source,
                    what,
                    toward: Toward::Unit(deed.target),
                    worth: deed.worth.clone(),
                    origin: deed.origin,
                    skill: None,
                    thousandths: 1_000,
                    depth: deed.depth,
                });
            }
            EffectAction::Displace { how, distance_cm } => {
                // Two pushes in one tick follow on each other.
                let at = |id| moved.iter().rev().find(|(who, _)| *who == id).map(|&(_, to)| to);
                if let Some((id, to)) = destination(&bodies, &geometry.0, deed, how, distance_cm, at) {
                    moved.push((id, to));
                    forced.write(ForceMove { id, to });
                }
            }
            _ => {}
        }
    }
}
