//! Act: casts stop, start, advance and take effect, caster by caster in the order of their ids. Everything is
//! checked again here, because what a command was validated against may have changed since.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;
use glam::Vec2;

use super::rules::{Aim, CasterView, FINISH_TOLERANCE, check_aim, check_caster};
use super::{
    Cast, CastEnded, CastOutcome, CastStarted, Casting, Cooldowns, Mana, ManaChange, StopIntent, Units, aim_of,
};
use crate::actor::{Concealment, Heading, Position};
use crate::assets::{Filter, Id, SkillDef, TagId};
use crate::features::buffs::Tags;
use crate::features::combat::{Attributes, EffectAction, EffectQueued, Level, Origin, SideData, Sides, Vitals};
use crate::ids::SimId;
use crate::intent::{CastIntent, CastTarget, MoveIntent};
use crate::interest::Visibility;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

/// What counts about a caster and nobody writes in the Act stage.
#[derive(QueryData)]
pub(super) struct Body {
    position: &'static Position,
    heading: &'static Heading,
    side: SideData,
    level: &'static Level,
    concealment: &'static Concealment,
    vitals: &'static Vitals,
    tags: &'static Tags,
    attributes: &'static Attributes,
    steps: &'static MoveIntent,
}

/// A caster to look at.
#[derive(QueryData)]
pub(super) struct Caster {
    body: Body,
    mana: &'static Mana,
    cooldowns: &'static Cooldowns,
    casting: &'static Casting,
}

impl CasterItem<'_, '_> {
    /// The caster as the rules see it; `busy` when it is about to cast something else.
    pub(super) fn view<'a>(&'a self, busy: bool, sides: &'a Sides) -> CasterView<'a> {
        self.body.view(self.mana, self.cooldowns, sides, busy || self.casting.0.is_some())
    }

    /// The caster's eyes.
    pub(super) fn eyes(&self) -> Visibility {
        self.body.eyes()
    }
}

impl<'w> BodyItem<'w, '_> {
    fn view<'a>(&self, mana: &Mana, cooldowns: &'a Cooldowns, sides: &'a Sides, casting: bool) -> CasterView<'a> {
        CasterView {
            feet: self.position.0,
            heading: *self.heading,
            side: self.side.side(),
            sides,
            dead: !self.vitals.is_alive(),
            tags: *self.tags,
            mp: mana.mp,
            cooldowns,
            casting,
            moving: self.moves(),
        }
    }

    fn eyes(&self) -> Visibility {
        let Concealment { phase, stealth } = *self.concealment;
        Visibility { faction: self.side.side().faction.0, phase, stealth }
    }

    fn moves(&self) -> bool {
        self.steps.steps.iter().any(|step| step.wish != Vec2::ZERO)
    }
}

type Acting<'w> = (Body, &'w mut Mana, &'w mut Cooldowns, &'w mut Casting);

/// What a cast needs to know of the scene, and where its effects go.
#[derive(SystemParam)]
pub(super) struct Stage<'w, 's> {
    tick: Res<'w, SimTick>,
    assets: Res<'w, SceneAssets>,
    geometry: Res<'w, SceneGeometry>,
    roster: Res<'w, Roster>,
    units: Units<'w, 's>,
    effects: MessageWriter<'w, EffectQueued>,
    ended: MessageWriter<'w, CastEnded>,
}

/// Casts that their casters break off end before anything else happens.
pub(super) fn stop_casts(mut asked: MessageReader<StopIntent>, mut stage: Stage, mut casters: Query<Acting>) {
    let mut stopping: Vec<SimId> = asked.read().map(|stop| stop.caster).collect();
    stopping.sort_unstable();
    for id in stopping {
        let found = stage.roster.entity(id).and_then(|entity| casters.get_mut(entity).ok());
        if let Some((_, mut mana, mut cooldowns, mut casting)) = found {
            stage.cancel(id, &mut mana, &mut cooldowns, &mut casting);
        }
    }
}

/// Casts begin: the price is paid, the cooldowns run; an instant skill takes effect at once.
pub(super) fn start_casts(
    sides: Res<Sides>,
    mut asked: MessageReader<CastIntent>,
    mut started: MessageWriter<CastStarted>,
    mut stage: Stage,
    mut casters: Query<Acting>,
) {
    let mut intents: Vec<CastIntent> = asked.read().copied().collect();
    intents.sort_by_key(|intent| intent.caster);
    let assets = stage.assets.0.clone();
    for CastIntent { caster: id, skill, target } in intents {
        let found = stage.roster.entity(id).and_then(|entity| casters.get_mut(entity).ok());
        let (Some((body, mut mana, mut cooldowns, mut casting)), Some(def)) = (found, assets.skills.get(skill)) else {
            continue;
        };
        let view = body.view(&mana, &cooldowns, &sides, casting.0.is_some());
        let aim = stage.aim(id, &body, def, target);
        let fits = check_caster(&view, skill, def, stage.tick.0).is_ok();
        let Some(aim) = aim.filter(|&aim| fits && check_aim(&view, def, aim, 1.0, &stage.geometry.0).is_ok()) else {
            stage.end(id, skill, CastOutcome::Refused);
            continue;
        };
        mana.pay(def.cost_mp);
        cooldowns.begin(skill, def, stage.tick.0);
        started.write(CastStarted { caster: id, skill, hostile: def.target.filter() == Filter::Enemy });
        if def.cast_ticks() == 0 {
            let view = body.view(&mana, &cooldowns, &sides, false);
            stage.take_effect(id, skill, def, &body, &view, aim);
        } else {
            casting.0 = Some(Cast { skill, target, finish_tick: stage.tick.0 + def.cast_ticks() });
        }
    }
}

/// Casts under way are interrupted, broken off by their casters' steps, or take effect when their time has come.
pub(super) fn advance_casts(sides: Res<Sides>, mut stage: Stage, mut casters: Query<(&SimId, Acting)>) {
    let under_way = casters.iter().filter(|(_, (.., casting))| casting.0.is_some());
    let mut ids: Vec<SimId> = under_way.map(|(&id, _)| id).collect();
    ids.sort_unstable();
    let assets = stage.assets.0.clone();
    for id in ids {
        let found = stage.roster.entity(id).and_then(|entity| casters.get_mut(entity).ok());
        let Some((_, (body, mut mana, mut cooldowns, mut casting))) = found else { continue };
        let Some(cast) = casting.0 else { continue };
        let Some(def) = assets.skills.get(cast.skill) else { continue };
        if !body.vitals.is_alive() || body.tags.has(TagId::STUNNED) || body.tags.has(TagId::SILENCED) {
            casting.0 = None;
            stage.end(id, cast.skill, CastOutcome::Interrupted);
        } else if def.move_cancels && body.moves() {
            stage.cancel(id, &mut mana, &mut cooldowns, &mut casting);
        } else if stage.tick.0 >= cast.finish_tick {
            casting.0 = None;
            let view = body.view(&mana, &cooldowns, &sides, false);
            let aim = stage.aim(id, &body, def, cast.target);
            match aim.filter(|&aim| check_aim(&view, def, aim, FINISH_TOLERANCE, &stage.geometry.0).is_ok()) {
                Some(aim) => stage.take_effect(id, cast.skill, def, &body, &view, aim),
                None => stage.end(id, cast.skill, CastOutcome::Failed),
            }
        }
    }
}

impl Stage<'_, '_> {
    fn aim(&self, id: SimId, body: &BodyItem<'_, '_>, def: &SkillDef, target: CastTarget) -> Option<Aim> {
        aim_of(def, target, id, |other| self.units.seen(other, body.eyes()))
    }

    fn end(&mut self, caster: SimId, skill: Id<SkillDef>, outcome: CastOutcome) {
        self.ended.write(CastEnded { caster, skill, outcome });
    }

    /// Ends a cast that its caster breaks off: mana and cooldown come back.
    fn cancel(&mut self, id: SimId, mana: &mut Mut<Mana>, cooldowns: &mut Cooldowns, casting: &mut Mut<Casting>) {
        let Some(cast) = casting.0 else { return };
        casting.0 = None;
        mana.gain(self.assets.0.skills.get(cast.skill).map_or(0, |def| def.cost_mp));
        cooldowns.give_back(cast.skill);
        self.end(id, cast.skill, CastOutcome::Cancelled);
    }

    /// Queues what a skill does: action by action, target by target.
    fn take_effect(
        &mut self,
        id: SimId,
        skill: Id<SkillDef>,
        def: &SkillDef,
        body: &BodyItem<'_, '_>,
        view: &CasterView<'_>,
        aim: Aim,
    ) {
        let hit = self.units.hit(id, view, body.concealment.phase, def, aim, &self.geometry.0);
        let worth = body.attributes.worth(*body.level, body.side.side().faction);
        for action in &def.actions {
            let door = |reach_m: f32| self.geometry.0.door_in_reach(view.feet, reach_m * FINISH_TOLERANCE);
            let Some((what, own)) = EffectAction::of(action, door) else { continue };
            let targets = if own { std::slice::from_ref(&id) } else { &hit[..] };
            self.effects.write_batch(targets.iter().map(|&target| EffectQueued {
                source: id,
                target,
                worth: worth.clone(),
                what,
                origin: Origin::Skill(skill),
                periodic: false,
                depth: 0,
            }));
        }
        self.end(id, skill, CastOutcome::Finished);
    }
}
