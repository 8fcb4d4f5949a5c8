//! What a fighting monster can do by its own list of skills: the first that is worth it and can be used, and how near the
//! next one needs it to be. Pure.

use crate::actor::Heading;
use crate::assets::{Action, Assets, Filter, Id, MonsterDef, Ref, SkillDef, SkillTarget};
use crate::features::buffs::ActiveBuffs;
use crate::features::combat::Vitals;
use crate::features::skills::{Aim, CasterView, Refusal, TargetView, check_aim, check_caster};
use crate::intent::CastTarget;
use crate::space::Geometry;
use glam::{Vec2, Vec3};

/// How near to the end of a skill's reach a monster comes.
const REACH_PART: f32 = 0.8;
/// Healing is worth it below this many percent of hit points.
const HEAL_BELOW_PERCENT: u64 = 70;
/// Height of eyes above feet, in metres.
const EYES_M: f32 = 1.5;

/// Everything a choice depends on.
pub(super) struct Situation<'a> {
    pub(super) tick: u32,
    pub(super) assets: &'a Assets,
    pub(super) geometry: &'a Geometry,
    pub(super) def: &'a MonsterDef,
    pub(super) view: CasterView<'a>,
    pub(super) vitals: Vitals,
    pub(super) buffs: &'a ActiveBuffs,
    pub(super) victim: TargetView,
}

/// The longest reach of the skills with which a monster attacks, in metres; 0 without any.
pub(super) fn longest_reach_m(def: &MonsterDef, assets: &Assets) -> f32 {
    let targets = def.skills.iter().map(|skill| &assets.skills[skill.id()].target);
    targets.filter(|target| target.filter() != Filter::Ally).map(SkillTarget::reach_m).fold(0.0, f32::max)
}

impl Situation<'_> {
    /// The heading that faces the victim.
    pub(super) fn facing(&self) -> Heading {
        let way = self.victim.feet - self.view.feet;
        Heading::along(Vec2::new(way.x, way.z)).unwrap_or(self.view.heading)
    }

    /// The first of its skills that is worth it and can be used, and at what.
    pub(super) fn first_usable(&self) -> Option<(Id<SkillDef>, CastTarget)> {
        self.def.skills.iter().map(Ref::id).find_map(|skill| {
            let hostile = self.assets.skills[skill].target.filter() != Filter::Ally;
            let target = if hostile { CastTarget::Unit(self.victim.id) } else { CastTarget::Caster };
            self.obstacle(skill).is_none().then_some((skill, target))
        })
    }

    /// The word for what keeps it from casting a skill, or makes that pointless.
    pub(super) fn obstacle(&self, skill: Id<SkillDef>) -> Option<&'static str> {
        let (def, view) = (&self.assets.skills[skill], CasterView { heading: self.facing(), ..self.view });
        if let Err(refusal) = check_caster(&view, skill, def, self.tick) {
            return Some(refusal.reason());
        }
        if !self.is_worth_it(def) {
            return Some("not_worth_it");
        }
        (!self.reaches(&view, def)).then_some("out_of_reach")
    }

    /// Whether it is as near to its victim as its next skill needs, and sees it.
    pub(super) fn is_near(&self) -> bool {
        let (mut next_m, mut shortest_m) = (None, f32::INFINITY);
        for skill in self.def.skills.iter().map(Ref::id) {
            let def = &self.assets.skills[skill];
            if def.target.filter() == Filter::Ally {
                continue;
            }
            shortest_m = shortest_m.min(def.target.reach_m());
            let ready = check_caster(&self.view, skill, def, self.tick);
            if matches!(ready, Ok(()) | Err(Refusal::Gcd)) && !self.view.cooldowns.runs(skill, def, self.tick) {
                next_m = next_m.or(Some(def.target.reach_m()));
            }
        }
        let hold_m = next_m.unwrap_or(shortest_m).min(1_000.0) * REACH_PART;
        self.view.feet.distance(self.victim.feet) <= hold_m && self.sees()
    }

    fn reaches(&self, view: &CasterView<'_>, def: &SkillDef) -> bool {
        let distance_m = view.feet.distance(self.victim.feet);
        match def.target {
            SkillTarget::Caster => true,
            SkillTarget::Around { radius_m, filter, .. }
            | SkillTarget::Cone { radius_m, filter, .. }
            | SkillTarget::Line { length_m: radius_m, filter, .. } => {
                filter == Filter::Ally || (distance_m <= radius_m * REACH_PART && self.sees())
            }
            SkillTarget::Unit { filter: Filter::Ally, .. } | SkillTarget::Chain { filter: Filter::Ally, .. } => true,
            SkillTarget::Unit { .. } | SkillTarget::Chain { .. } => {
                check_aim(view, def, Aim::Unit(self.victim), 1.0, self.geometry).is_ok()
            }
            SkillTarget::Ground { .. } => {
                check_aim(view, def, Aim::Place(self.victim.feet), 1.0, self.geometry).is_ok()
            }
        }
    }

    /// Help for itself is worth it when it is missing.
    fn is_worth_it(&self, def: &SkillDef) -> bool {
        if def.target.filter() != Filter::Ally {
            return true;
        }
        let hurt = u64::from(self.vitals.hp) * 100 < u64::from(self.vitals.hp_max) * HEAL_BELOW_PERCENT;
        def.actions().any(|action| match (action, action.applied()) {
            (Action::Heal { .. }, _) => hurt,
            (_, Some(effect)) => self.buffs.of(effect.id()).is_none(),
            _ => false,
        })
    }

    pub(super) fn sees(&self) -> bool {
        self.geometry.line_is_clear(self.view.feet + Vec3::Y * EYES_M, self.victim.feet + Vec3::Y * EYES_M)
    }
}
