//! What a bot knows about its own skills: which it has, what they are for, and when each is ready again. The server tells
//! a player its cooldowns, charges and locked schools; what the bot counts for itself is only how long its last request is
//! under way, so that it does not ask twice.

use sim::assets::{Action, Filter, Id, SkillDef};

use crate::senses::Senses;

/// Turns a request is under way besides the time that the path takes: one until it is heard and one until that is told.
const UNDER_WAY_TURNS: u32 = 2;
/// Length of a turn in milliseconds.
const TURN_MS: u128 = 50;

/// What was asked for last.
#[derive(Debug, Default)]
pub(super) struct SkillBook {
    /// The turn until which the answer to the last request is not here.
    asked_until: u32,
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
        if senses.turn < self.asked_until {
            return None;
        }
        let (cooldowns, tick) = (senses.cooldowns(), senses.next_server_tick());
        let is_ready = |id: Id<SkillDef>, skill: &SkillDef| cooldowns.ready_tick(id, skill) <= tick;
        let usable =
            self.known(senses).filter(|(id, skill)| skill.mana_cost() <= mana && wanted(skill) && is_ready(*id, skill));
        usable.max_by_key(|(_, skill)| skill.cooldown_ticks())
    }

    /// Notes that a skill has been asked for.
    pub(super) fn asked(&mut self, senses: &Senses<'_>) {
        let path_turns = u32::try_from(senses.rtt.as_millis().div_ceil(TURN_MS)).unwrap_or(u32::MAX);
        self.asked_until = senses.turn.saturating_add(path_turns).saturating_add(UNDER_WAY_TURNS);
    }

    /// The answer is here: no.
    pub(super) fn refused(&mut self) {
        self.asked_until = 0;
    }
}
