//! What the leaves of a tree saw, in words, for the trace of a decision. It is asked only about monsters that somebody
//! watches, right after the leaf, and changes nothing.

use super::fight::ground_distance_m;
use super::view::{FightView, hp_pct};
use crate::assets::{Condition, Deed, Ref};
use crate::behaviour::Status;
use crate::features::skills::check_caster;

impl FightView<'_, '_, '_, '_, '_> {
    /// The value that a condition was about; `None` where yes or no is all there is to say.
    pub(super) fn explain_check(&self, condition: &Condition) -> Option<String> {
        let percent = |of: u32| Some(format!("{of} %"));
        match condition {
            Condition::HpBelow(_) => percent(hp_pct(self.me.vitals)),
            Condition::ManaBelow(_) => percent(self.mana_pct()),
            Condition::TargetHpBelow(_) => percent(self.hp_pct_of(self.target.id)),
            Condition::TargetWithin(_) => Some(format!("{:.1} m", self.target_m())),
            Condition::AlliesNear { radius_m, .. } => Some(format!("{}", self.count_near(*radius_m, true))),
            Condition::EnemiesNear { radius_m, .. } => Some(format!("{}", self.count_near(*radius_m, false))),
            Condition::AllyBelow { radius_m, .. } => percent(self.lowest_ally(*radius_m).1),
            Condition::SkillReady(skill) => {
                let def = &self.assets.skills[skill.id()];
                let refusal = check_caster(&self.caster(), skill.id(), def, self.scenery.tick.0).err()?;
                Some(refusal.reason().to_owned())
            }
            Condition::PhaseIs(_) => {
                let phase = self.me.mind.phase().and_then(|phase| self.def.phases.get(phase));
                Some(phase.map_or_else(|| "no phase yet".to_owned(), |phase| phase.name.clone()))
            }
            Condition::FightingFor(_) => Some(format!("{} ms", self.fighting_ticks() * crate::tick::TICK_MS)),
            Condition::AddsAlive(_) => Some(format!("{}", self.adds_alive())),
            Condition::HomeBeyond(_) => {
                Some(format!("{:.1} m", ground_distance_m(self.me.position.0, self.me.home.feet)))
            }
            Condition::TargetInSight
            | Condition::TargetCasting
            | Condition::HasTag(_)
            | Condition::TargetHasTag(_)
            | Condition::HasEffect(_)
            | Condition::TargetHasEffect(_)
            | Condition::TimerElapsed(_)
            | Condition::VarAtLeast { .. }
            | Condition::Random(_) => None,
        }
    }

    /// Why a deed could not be done, or which of many it came to.
    pub(super) fn explain_deed(&self, deed: &Deed, status: Status) -> Option<String> {
        match (deed, status) {
            (Deed::Cast { skill, at }, Status::Failure) => self.aim(skill.id(), *at).err().map(str::to_owned),
            (Deed::CastAny, Status::Failure) => Some(self.explain_list()),
            (Deed::CastAny, _) => {
                let (skill, _) = self.situation().first_usable()?;
                Some(self.assets.skills[skill].id.clone())
            }
            (Deed::CastTagged { tag, at }, _) => {
                let tagged = self.def.skills.iter().map(Ref::id);
                let mut tagged = tagged.filter(|skill| self.assets.skills[*skill].tags.set().has(tag.id()));
                let told = match status {
                    Status::Failure => {
                        let refusal = |skill| Some((skill, self.aim(skill, *at).err()?));
                        let told = tagged.filter_map(refusal);
                        told.map(|(skill, why)| format!("{}: {why}", self.assets.skills[skill].id)).collect::<Vec<_>>()
                    }
                    _ => vec![self.assets.skills[tagged.find(|skill| self.aim(*skill, *at).is_ok())?].id.clone()],
                };
                Some(told.join(", "))
            }
            (Deed::Approach { .. } | Deed::KeepDistance { .. } | Deed::Flee { .. }, _) => {
                Some(format!("{:.1} m away", self.target_m()))
            }
            (Deed::Summon { .. }, Status::Failure) => Some(format!("{} are alive", self.adds_alive())),
            _ => None,
        }
    }

    /// Each skill of its list with what keeps it from being cast.
    fn explain_list(&self) -> String {
        let situation = self.situation();
        let skills = self.def.skills.iter();
        let told = skills.filter_map(|skill| Some(format!("{}: {}", skill.name(), situation.obstacle(skill.id())?)));
        let told: Vec<String> = told.collect();
        if told.is_empty() { "it has no skills".to_owned() } else { told.join(", ") }
    }
}
