//! What a bot knows about its own skills: which it has, what they are for, and when each is ready again. It
//! counts for itself, as a player does, and a turn later than the server rather than earlier.

use std::collections::BTreeMap;

use sim::assets::{Action, Filter, Id, SkillDef};

use crate::senses::Senses;

/// Turns by which a cooldown is believed to last longer, for the way to the server.
const LATE_TURNS: u32 = 2;

/// When skills are ready again, in turns.
#[derive(Debug, Default)]
pub(super) struct SkillBook {
    ready: BTreeMap<u32, u32>,
    gcd_until: u32,
}

/// Hurts enemies.
pub(super) fn is_harmful(skill: &SkillDef) -> bool {
    skill.target.filter() == Filter::Enemy && has(skill, |action| matches!(action, Action::Damage { .. }))
}

/// Heals its caster or others.
pub(super) fn is_healing(skill: &SkillDef) -> bool {
    skill.target.filter() != Filter::Enemy && has(skill, |action| matches!(action, Action::Heal { .. }))
}

fn has(skill: &SkillDef, wanted: impl Fn(&Action) -> bool) -> bool {
    skill.actions().any(wanted)
}

impl SkillBook {
    /// The skills of the bot's class, in the order of the action bar.
    pub(super) fn known<'a>(
        &self,
        senses: &Senses<'a>,
    ) -> impl Iterator<Item = (Id<SkillDef>, &'a SkillDef)> + use<'a> {
        let (assets, class) = (senses.assets, senses.class);
        class.skills.iter().filter_map(|skill| Some((skill.id(), assets.skills.get(skill.id())?)))
    }

    /// The first wanted skill that could be cast now with so much mana; rarer ones before the one at hand always.
    pub(super) fn ready<'a>(
        &self,
        senses: &Senses<'a>,
        mana: u32,
        wanted: impl Fn(&SkillDef) -> bool,
    ) -> Option<(Id<SkillDef>, &'a SkillDef)> {
        if senses.turn < self.gcd_until {
            return None;
        }
        let is_ready = |id: Id<SkillDef>| self.ready.get(&id.raw()).is_none_or(|&turn| senses.turn >= turn);
        let usable =
            self.known(senses).filter(|(id, skill)| is_ready(*id) && skill.mana_cost() <= mana && wanted(skill));
        usable.max_by_key(|(_, skill)| skill.cooldown_ticks())
    }

    /// Notes that a skill is being cast.
    pub(super) fn used(&mut self, turn: u32, id: Id<SkillDef>, skill: &SkillDef) {
        self.ready.insert(id.raw(), turn + skill.cooldown_ticks() + LATE_TURNS);
        self.gcd_until = turn + skill.gcd_ticks() + LATE_TURNS;
    }
}
