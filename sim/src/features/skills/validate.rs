//! Validate: players' requests to cast become intents, or refusals with a reason. What a player cannot see does
//! not exist for it: the answer about a hidden target is the answer about none.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use super::act::Caster;
use super::rules::{Refusal, check_aim, check_caster, check_standing};
use super::{CastCommand, Casting, StopCastCommand, StopIntent, Units, aim_of};
use crate::assets::{ClassDef, Id, SkillDef};
use crate::command::{Issued, Rejections};
use crate::features::combat::Sides;
use crate::features::equipment::Gear;
use crate::features::players::Class;
use crate::ids::SimId;
use crate::intent::CastIntent;
use crate::interest::Interest;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

type Asking = (Caster, &'static Class, &'static Gear, &'static Interest);

pub(super) fn validate_stops(
    mut asked: MessageReader<Issued<StopCastCommand>>,
    casters: Query<&Casting>,
    mut intents: MessageWriter<StopIntent>,
    mut rejections: Rejections,
) {
    for Issued { by, .. } in asked.read() {
        if casters.get(by.entity).is_ok_and(|casting| casting.0.is_some()) {
            intents.write(StopIntent { caster: by.id });
        } else {
            rejections.reject(by, "not_casting");
        }
    }
}

pub(super) fn validate_casts(
    tick: Res<SimTick>,
    (assets, geometry, sides): (Res<SceneAssets>, Res<SceneGeometry>, Res<Sides>),
    mut asked: MessageReader<Issued<CastCommand>>,
    casters: Query<Asking>,
    units: Units,
    mut intents: MessageWriter<CastIntent>,
    mut rejections: Rejections,
) {
    let mut granted: SmallVec<[SimId; 8]> = SmallVec::new();
    for Issued { by, command } in asked.read() {
        let check = || {
            let (caster, class, gear, interest) = casters.get(by.entity).map_err(|_| Refusal::NoTarget)?;
            let view = caster.view(granted.contains(&by.id), &sides);
            let def = assets.0.skills.get(command.skill).ok_or(Refusal::UnknownSkill)?;
            let known = assets.0.classes.get(class.0).is_some_and(|class| knows(class, command.skill));
            let known = known || gear.skills.contains(&command.skill);
            if !view.dead && !known {
                return Err(Refusal::UnknownSkill);
            }
            check_caster(&view, command.skill, def, tick.0)?;
            let sees = |id| id == by.id || interest.sees(id);
            let seen = |id| units.seen(id, caster.eyes()).filter(|_| sees(id));
            let aim = aim_of(def, command.target, by.id, seen).ok_or(Refusal::NoTarget)?;
            check_aim(&view, def, aim, 1.0, &geometry.0)?;
            check_standing(&view, def)
        };
        match check() {
            Ok(()) => {
                granted.push(by.id);
                intents.write(CastIntent { caster: by.id, skill: command.skill, target: command.target });
            }
            Err(refusal) => rejections.reject(by, refusal.reason()),
        }
    }
}

fn knows(class: &ClassDef, skill: Id<SkillDef>) -> bool {
    class.skills.iter().any(|known| known.id() == skill)
}
