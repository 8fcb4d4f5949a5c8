//! From the actions of a cast to what is queued: each action for every target in turn, in the order of the timeline. What
//! flies, lies on the ground or moves a body is asked for here and done in the Resolve stage.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use glam::Vec3;

use super::rules::{Aim, CasterView, FINISH_TOLERANCE};
use super::{Cast, CastEnded, CastOutcome, InterruptRules, TargetView, Units, aim_of};
use crate::assets::{Action, AreaDef, Id, ProjectileDef, SkillDef};
use crate::features::combat::{EffectAction, EffectQueued, Origin, Side, Worth};
use crate::ids::SimId;
use crate::intent::CastTarget;
use crate::interest::Visibility;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

/// What a cast needs to know of the scene, and where what it does goes.
#[derive(SystemParam)]
pub(super) struct Delivery<'w, 's> {
    pub(super) tick: Res<'w, SimTick>,
    pub(super) assets: Res<'w, SceneAssets>,
    pub(super) geometry: Res<'w, SceneGeometry>,
    pub(super) roster: Res<'w, Roster>,
    pub(super) table: Res<'w, InterruptRules>,
    units: Units<'w, 's>,
    effects: MessageWriter<'w, EffectQueued>,
    ended: MessageWriter<'w, CastEnded>,
    conjured: MessageWriter<'w, Conjured>,
    paid: MessageWriter<'w, LifePaid>,
}

/// A caster pays hit points, or gets them back. Written in Act, read in Resolve.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LifePaid {
    /// Who.
    pub(super) who: SimId,
    /// For which skill.
    pub(super) skill: Id<SkillDef>,
    /// Points lost; negative for points regained.
    pub(super) points: i64,
}

/// Something comes into being that lives on by itself. Written in Act by skills and in Resolve by the combat loop, read
/// in Resolve.
#[derive(Message, Debug, Clone, PartialEq)]
pub struct Conjured {
    /// Whose it is.
    pub source: SimId,
    /// What.
    pub what: Conjuring,
    /// Where it goes.
    pub toward: Toward,
    /// What its deeds are worth.
    pub worth: Worth,
    /// What stands behind it.
    pub origin: Origin,
    /// The skill that made it, as it was then.
    pub skill: Option<Arc<SkillDef>>,
    /// What the amounts of the skill are worth, in thousandths.
    pub thousandths: u32,
    /// How many deeds set one another off before it.
    pub depth: u8,
}

/// What comes into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conjuring {
    /// Something that flies.
    Projectile(Id<ProjectileDef>),
    /// Something that lies on the ground.
    Area(Id<AreaDef>),
}

/// Where what comes into being goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Toward {
    /// To someone.
    Unit(SimId),
    /// To a place in metres.
    Place(Vec3),
    /// Along the heading of its source, or to where that stands.
    Ahead,
}

impl Delivery<'_, '_> {
    /// What a cast is really aimed at now; `None` when it needs a target that is not there or cannot be seen.
    pub(super) fn aim(&self, id: SimId, eyes: Visibility, def: &SkillDef, target: CastTarget) -> Option<Aim> {
        aim_of(def, target, id, |other| self.units.seen(other, eyes))
    }

    /// Someone as a caster sees it; `None` when it is gone or hidden.
    pub(super) fn seen(&self, id: SimId, eyes: Visibility) -> Option<TargetView> {
        self.units.seen(id, eyes)
    }

    /// Tells how a cast ended.
    pub(super) fn end(&mut self, caster: SimId, skill: Id<SkillDef>, outcome: CastOutcome) {
        self.ended.write(CastEnded { caster, skill, outcome });
    }

    /// Has someone pay hit points for a skill; negative ones come back.
    pub(super) fn pay_life(&mut self, who: SimId, skill: Id<SkillDef>, points: i64) {
        if points != 0 {
            self.paid.write(LifePaid { who, skill, points });
        }
    }

    /// Queues what some actions of a cast do.
    pub(super) fn deliver(
        &mut self,
        view: &CasterView<'_>,
        phase: u16,
        cast: &Cast,
        aim: Aim,
        worth: &Worth,
        actions: &[&Action],
    ) {
        let source = view.side.id;
        let hit = self.units.hit(source, view, phase, &cast.def, aim, &self.geometry.0);
        let whole = [(source, 1_000)];
        for action in actions {
            if let Some(what) = conjuring(action) {
                self.conjured.write(Conjured {
                    source,
                    what,
                    toward: toward(aim),
                    worth: worth.clone(),
                    origin: Origin::Skill(cast.skill),
                    skill: Some(Arc::clone(&cast.def)),
                    thousandths: cast.scale_pct * 10,
                    depth: 0,
                });
                continue;
            }
            let door = |reach_m: f32| self.geometry.0.door_in_reach(view.feet, reach_m * FINISH_TOLERANCE);
            let Some((what, own)) = EffectAction::of(action, door) else { continue };
            let targets = if own { &whole[..] } else { &hit[..] };
            self.effects.write_batch(targets.iter().map(|&(target, thousandths)| EffectQueued {
                source,
                target,
                worth: worth.clone(),
                what: what.in_part(thousandths * cast.scale_pct / 100),
                origin: Origin::Skill(cast.skill),
                periodic: false,
                depth: 0,
            }));
        }
    }
}

/// What an action makes that lives on by itself.
fn conjuring(action: &Action) -> Option<Conjuring> {
    match action {
        Action::Launch { projectile } => Some(Conjuring::Projectile(projectile.id())),
        Action::Area { area } => Some(Conjuring::Area(area.id())),
        _ => None,
    }
}

fn toward(aim: Aim) -> Toward {
    match aim {
        Aim::Caster => Toward::Ahead,
        Aim::Unit(target) => Toward::Unit(target.id),
        Aim::Place(place) => Toward::Place(place),
    }
}

/// What the actions of something conjured come to for one target: queued in the order of the list, worth so many
/// thousandths, as deep in its chain as what made it. What it conjures itself is one deeper, so that nothing flies for ever
/// by launching itself.
pub(super) fn deeds<'a>(
    actions: impl IntoIterator<Item = &'a Action>,
    (source, target): (SimId, SimId),
    worth: &Worth,
    origin: Origin,
    (thousandths, depth): (u32, u8),
) -> Vec<EffectQueued> {
    let ready = actions.into_iter().filter_map(|action| EffectAction::of(action, |_| None));
    let queued = ready.map(|(what, own)| EffectQueued {
        source,
        target: if own { source } else { target },
        worth: worth.clone(),
        what: what.in_part(thousandths),
        origin,
        periodic: false,
        depth: depth.saturating_add(u8::from(matches!(what, EffectAction::Conjure(_)))),
    });
    queued.collect()
}

/// The side of something conjured: that of its source while it is there, and its faction alone afterwards.
pub(super) fn side_of(source: SimId, present: Option<Side>, worth: &Worth) -> Side {
    present.unwrap_or(Side::of_faction(source, worth.faction))
}
