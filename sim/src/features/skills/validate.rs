//! Validate: players' requests to cast become intents, wait in the queue, or are refused with a reason. What a player cannot
//! see does not exist for it: the answer about a hidden target is the answer about none.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use smallvec::SmallVec;

use super::caster::{Caster, CasterItem};
use super::queue::{CastQueue, QueuedCast};
use super::rules::{Refusal, check_aim, check_caster, check_standing};
use super::{
    CastCommand, Casting, InterruptRules, ReleaseCastCommand, ReleaseIntent, StopCastCommand, StopIntent, Units,
    aim_of, now_ms,
};
use crate::assets::{CastDef, ClassDef, Disturbance, Id, SkillDef};
use crate::command::{Issued, Issuer, Rejections};
use crate::features::combat::Sides;
use crate::features::equipment::Gear;
use crate::features::players::Class;
use crate::ids::SimId;
use crate::intent::{CastIntent, CastTarget};
use crate::interest::Interest;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

/// How much longer than its window a cast waits whose start was pushed back, in milliseconds.
const PATIENCE_MS: u64 = 500;

type Asking = (Caster, &'static Class, &'static Gear, &'static Interest);

pub(super) fn validate_stops(
    mut asked: MessageReader<Issued<StopCastCommand>>,
    mut casters: Query<(&Casting, &mut CastQueue)>,
    mut intents: MessageWriter<StopIntent>,
    mut rejections: Rejections,
) {
    for Issued { by, .. } in asked.read() {
        let Ok((casting, mut queue)) = casters.get_mut(by.entity) else { continue };
        let waited = queue.0.take().is_some();
        if casting.0.is_some() {
            intents.write(StopIntent { caster: by.id, by: Disturbance::Stops });
        } else if !waited {
            rejections.reject(by, "not_casting");
        }
    }
}

pub(super) fn validate_releases(
    mut asked: MessageReader<Issued<ReleaseCastCommand>>,
    casters: Query<&Casting>,
    mut intents: MessageWriter<ReleaseIntent>,
    mut rejections: Rejections,
) {
    for Issued { by, .. } in asked.read() {
        let cast = casters.get(by.entity).ok().and_then(|casting| casting.0.as_ref());
        if cast.is_some_and(|cast| matches!(cast.def.cast, CastDef::Charge { .. })) {
            intents.write(ReleaseIntent { caster: by.id });
        } else {
            rejections.reject(by, "not_casting");
        }
    }
}

/// What a request is judged by.
#[derive(SystemParam)]
pub(super) struct Court<'w, 's> {
    tick: Res<'w, SimTick>,
    sides: Res<'w, Sides>,
    assets: Res<'w, SceneAssets>,
    geometry: Res<'w, SceneGeometry>,
    table: Res<'w, InterruptRules>,
    casters: Query<'w, 's, Asking>,
    units: Units<'w, 's>,
}

impl Court<'_, '_> {
    /// Whether a player may cast now; `busy` when it is about to cast something else in this tick.
    fn judge(&self, by: &Issuer, skill: Id<SkillDef>, target: CastTarget, busy: bool) -> Result<(), Refusal> {
        let (caster, class, gear, interest) = self.casters.get(by.entity).map_err(|_| Refusal::NoTarget)?;
        let view = caster.view(busy, self.tick.0, &self.sides);
        let known = self.assets.0.classes.get(class.0).is_some_and(|class| knows(class, skill));
        let known = known || gear.skills.contains(&skill);
        let (skill, def) = self.skill(&caster, skill).ok_or(Refusal::UnknownSkill)?;
        if !view.dead && !known {
            return Err(Refusal::UnknownSkill);
        }
        check_caster(&view, skill, def, self.tick.0)?;
        let sees = |id| id == by.id || interest.sees(id);
        let seen = |id| self.units.seen(id, caster.eyes()).filter(|_| sees(id));
        let aim = aim_of(def, target, by.id, seen).ok_or(Refusal::NoTarget)?;
        check_aim(&view, def, aim, 1.0, &self.geometry.0)?;
        check_standing(&view, def, &self.table.0)
    }

    /// Whether a player breaks off what it casts for the next cast.
    fn gives_way(&self, by: &Issuer) -> bool {
        let caster = self.casters.get(by.entity).ok();
        caster.is_some_and(|(caster, ..)| caster.is_under_way(self.tick.0) && caster.gives_way())
    }

    /// The skill that a button is at the moment.
    fn skill(&self, caster: &CasterItem<'_, '_>, skill: Id<SkillDef>) -> Option<(Id<SkillDef>, &SkillDef)> {
        let skill = caster.combo.in_place_of(skill, &self.assets.0, now_ms(self.tick.0));
        Some((skill, self.assets.0.skills.get(skill)?))
    }

    /// Until when a cast that is too early waits, if it is early enough to wait at all.
    fn waits_until_ms(&self, by: &Issuer, skill: Id<SkillDef>, refusal: Refusal) -> Option<u64> {
        if !is_early(refusal) {
            return None;
        }
        let (caster, ..) = self.casters.get(by.entity).ok()?;
        let (skill, def) = self.skill(&caster, skill)?;
        let (now, window_ms) = (now_ms(self.tick.0), u64::from(def.queue_window_ms));
        let ready_ms = caster.ready_ms(skill, def, now);
        (window_ms > 0 && ready_ms <= now + window_ms).then_some(now + window_ms + PATIENCE_MS)
    }
}

/// Whether time alone heals the reason of a refusal.
const fn is_early(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Casting | Refusal::Gcd | Refusal::Cooldown)
}

pub(super) fn validate_casts(
    court: Court,
    mut asked: MessageReader<Issued<CastCommand>>,
    mut queues: Query<&mut CastQueue>,
    (mut intents, mut stops): (MessageWriter<CastIntent>, MessageWriter<StopIntent>),
    mut rejections: Rejections,
    mut waiting: Local<Vec<Entity>>,
) {
    let mut begin = |by: &Issuer, intent: CastIntent| {
        if court.gives_way(by) {
            stops.write(StopIntent { caster: by.id, by: Disturbance::Recasts });
        }
        intents.write(intent);
    };
    let mut granted: SmallVec<[SimId; 8]> = SmallVec::new();
    for Issued { by, command: CastCommand { skill, target } } in asked.read() {
        let busy = granted.contains(&by.id);
        let Err(refusal) = court.judge(by, *skill, *target, busy) else {
            granted.push(by.id);
            begin(by, CastIntent { caster: by.id, skill: *skill, target: *target });
            continue;
        };
        let until_ms = court.waits_until_ms(by, *skill, refusal);
        let (Some(until_ms), Ok(mut queue)) = (until_ms, queues.get_mut(by.entity)) else {
            rejections.reject(by, refusal.reason());
            continue;
        };
        let queued = QueuedCast { by: *by, skill: *skill, target: *target, until_ms };
        match queue.0.replace(queued) {
            Some(before) => rejections.reject(&before.by, "replaced"),
            None => waiting.push(by.entity),
        }
    }
    let mut patients: Vec<QueuedCast> = waiting.iter().filter_map(|&entity| queues.get(entity).ok()?.0).collect();
    patients.sort_unstable_by_key(|queued| queued.by.id);
    patients.dedup_by_key(|queued| queued.by.id);
    for queued in patients {
        let verdict = court.judge(&queued.by, queued.skill, queued.target, granted.contains(&queued.by.id));
        let patient = now_ms(court.tick.0) < queued.until_ms;
        match verdict {
            Err(refusal) if is_early(refusal) && patient => continue,
            Ok(()) => {
                let QueuedCast { by, skill, target, .. } = queued;
                begin(&by, CastIntent { caster: by.id, skill, target });
            }
            Err(refusal) => rejections.reject(&queued.by, refusal.reason()),
        }
        if let Ok(mut queue) = queues.get_mut(queued.by.entity) {
            queue.0 = None;
        }
    }
    waiting.retain(|&entity| queues.get(entity).is_ok_and(|queue| queue.0.is_some()));
}

fn knows(class: &ClassDef, skill: Id<SkillDef>) -> bool {
    class.skills.iter().any(|known| known.id() == skill)
}
