//! Combos: what an actor used last, and what that turns its next skill into.

use bevy_ecs::prelude::*;

use crate::assets::{Assets, Id, SkillDef};
use crate::digest::{Digest, Digester};

/// The skill an actor used last. Written in the Act stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Combo(Option<(Id<SkillDef>, u64)>);

impl Combo {
    /// Nothing used yet.
    pub const NONE: Self = Self(None);

    /// Notes what took effect and the scene's time in milliseconds.
    pub(super) fn note(&mut self, skill: Id<SkillDef>, now_ms: u64) {
        self.0 = Some((skill, now_ms));
    }

    /// Whether `before` was used last, no longer than `within_ms` ago.
    #[must_use]
    pub fn follows(&self, before: Id<SkillDef>, within_ms: u32, now_ms: u64) -> bool {
        self.0.is_some_and(|(last, ms)| last == before && now_ms <= ms + u64::from(within_ms))
    }

    /// What a skill is at the moment: another, while the one before turns it into that.
    #[must_use]
    pub fn in_place_of(&self, skill: Id<SkillDef>, assets: &Assets, now_ms: u64) -> Id<SkillDef> {
        let becomes = assets.skills.get(skill).and_then(|def| def.becomes.as_ref());
        match becomes {
            Some(becomes) if self.follows(skill, becomes.within_ms, now_ms) => becomes.skill.id(),
            _ => skill,
        }
    }

    /// What the amounts of a skill are worth now, in percent.
    #[must_use]
    pub(super) fn scale_pct(&self, def: &SkillDef, now_ms: u64) -> u32 {
        let combo = def.requires.combo.as_ref();
        let bonus = combo.filter(|combo| self.follows(combo.after.id(), combo.within_ms, now_ms));
        bonus.and_then(|combo| combo.bonus_pct).unwrap_or(100)
    }
}

impl Digest for Combo {
    fn digest(&self, digester: &mut Digester) {
        let (skill, ms) = self.0.map_or((0, 0), |(skill, ms)| (skill.raw() + 1, ms));
        digester.u32(skill);
        digester.u64(ms);
    }
}
