//! Whether expectations come true: each is judged once, at its time or at the end, and says what it saw instead.

use bevy_ecs::prelude::*;
use glam::Vec2;

use super::Trial;
use crate::actor::Position;
use crate::assets::designer_tests::Expectation;
use crate::assets::{Disappointment, EffectDef, Id, MonsterDef, SkillDef, TagId, ticks_of};
use crate::features::buffs::{ActiveBuffs, Tags};
use crate::features::combat::{Attributes, Vitals};
use crate::features::monsters::{AiTrace, Brain, Mood, Species};
use crate::features::skills::Mana;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::tick::TICK_MS;

/// Nodes of a decision that a message has room for.
const TRACE_LINES_MAX: usize = 12;

impl Trial<'_> {
    /// Judges what is due after so many ticks.
    pub(super) fn judge_due(&mut self, tick: u32) {
        let end = ticks_of(self.def.run_ms);
        for (index, expectation) in self.def.expect.iter().enumerate() {
            if due_tick(expectation, end) != tick {
                continue;
            }
            if let Err(seen) = self.judge(expectation) {
                let wanted = self.wanted(expectation);
                let why = expectation.units().first().and_then(|(_, unit)| self.why(unit));
                let test = self.def.id.clone();
                self.failed.push(Disappointment { test, expectation: index, wanted, seen, why });
            }
        }
    }

    /// What was seen instead, for one that did not come true.
    fn judge(&self, expectation: &Expectation) -> Result<(), String> {
        match expectation {
            Expectation::HasEffect { unit, effect, stacks, .. } => self.judge_effect(unit, effect.id(), *stacks),
            Expectation::LacksEffect { unit, effect, .. } => match self.stacks(unit, effect.id()) {
                0 => Ok(()),
                stacks => Err(format!("it has {stacks}")),
            },
            Expectation::Hp { unit, pct, .. } => {
                let vitals = self.get::<Vitals>(unit).copied().unwrap_or_default();
                let found = u64::from(vitals.hp) * 100 / u64::from(vitals.hp_max.max(1));
                within(found, *pct, &format!("{} of {} hit points, {found} %", vitals.hp, vitals.hp_max))
            }
            Expectation::HasTag { unit, tag, .. } => match self.has_tag(unit, tag.id()) {
                true => Ok(()),
                false => Err("it does not have it".to_owned()),
            },
            Expectation::LacksTag { unit, tag, .. } => match self.has_tag(unit, tag.id()) {
                true => Err("it has it".to_owned()),
                false => Ok(()),
            },
            Expectation::Attribute { unit, attr, value, .. } => {
                let found = self.get::<Attributes>(unit).map_or(0, |own| own.current(attr.attribute()));
                if (value.0..=value.1).contains(&found) { Ok(()) } else { Err(format!("it is {found}")) }
            }
            Expectation::Mana { unit, points, .. } => {
                let found = self.get::<Mana>(unit).map_or(0, |mana| mana.mp);
                within(u64::from(found), *points, &format!("it has {found}"))
            }
            Expectation::Dead { unit, by_ms } => self.judge_death(unit, *by_ms),
            Expectation::Alive { unit, .. } => match self.get::<Vitals>(unit) {
                Some(vitals) if vitals.is_alive() => Ok(()),
                _ => Err("it is dead".to_owned()),
            },
            Expectation::Casts { unit, skill, times } => {
                let own = self.casts(unit, skill.id());
                within(own.len() as u64, *times, &format!("it did {} times{}", own.len(), self.other_casts(unit)))
            }
            Expectation::Decides { unit, skill, within_ms } => match self.casts(unit, skill.id()).first() {
                Some(tick) if *tick <= ticks_of(*within_ms) => Ok(()),
                Some(tick) => Err(format!("it did at {}", time(*tick))),
                None => Err(format!("it did not{}", self.other_casts(unit))),
            },
            Expectation::Attacks { unit, victim, .. } => self.judge_victim(unit, victim),
            Expectation::Damages { unit, target, points } => {
                let found = self.watch.damage.get(&(self.id(unit), self.id(target))).copied().unwrap_or(0);
                within(found, *points, &format!("{found} points"))
            }
            Expectation::Refused { unit, reason } => self.judge_refusal(unit, reason),
            Expectation::Near { unit, to: other, within_m, .. } => {
                let metres = self.distance_m(unit, other);
                if metres <= *within_m { Ok(()) } else { Err(format!("they are {metres:.1} m apart")) }
            }
            Expectation::Far { unit, from: other, beyond_m, .. } => {
                let metres = self.distance_m(unit, other);
                if metres > *beyond_m { Ok(()) } else { Err(format!("they are {metres:.1} m apart")) }
            }
            Expectation::Count { monster, alive, .. } => {
                let found = self.count(monster.id());
                within(found, *alive, &format!("{found} are alive"))
            }
        }
    }

    fn judge_effect(&self, unit: &str, effect: Id<EffectDef>, stacks: (u32, u32)) -> Result<(), String> {
        let found = self.stacks(unit, effect);
        let buffs = self.get::<ActiveBuffs>(unit).into_iter().flat_map(ActiveBuffs::iter);
        let others: Vec<&str> = buffs.map(|buff| self.assets.effects[buff.effect].id.as_str()).collect();
        let seen = match (found, others.is_empty()) {
            (0, true) => "nothing rests on it".to_owned(),
            (0, false) => format!("on it rest {}", others.join(", ")),
            _ => format!("it has {found}"),
        };
        within(u64::from(found), stacks, &seen)
    }

    fn judge_death(&self, unit: &str, by_ms: Option<u32>) -> Result<(), String> {
        let limit = by_ms.map_or(u32::MAX, ticks_of);
        match self.watch.deaths.get(&self.id(unit)) {
            Some(tick) if *tick <= limit => Ok(()),
            Some(tick) => Err(format!("it died at {}", time(*tick))),
            None => {
                let hp = self.get::<Vitals>(unit).map_or(0, |vitals| vitals.hp);
                Err(format!("it is alive with {hp} hit points"))
            }
        }
    }

    fn judge_victim(&self, unit: &str, victim: &str) -> Result<(), String> {
        match self.get::<Brain>(unit).map(|brain| brain.mood) {
            Some(Mood::Fighting { victim: found }) if found == self.id(victim) => Ok(()),
            Some(Mood::Fighting { victim: found }) => Err(format!("it is after {}", self.name(found))),
            _ => Err("it is after nobody".to_owned()),
        }
    }

    fn judge_refusal(&self, unit: &str, reason: &str) -> Result<(), String> {
        let own = self.watch.refusals.iter().filter(|(asker, _)| asker == unit);
        let reasons: Vec<&str> = own.map(|(_, reason)| *reason).collect();
        match reasons.contains(&reason) {
            true => Ok(()),
            false if reasons.is_empty() => Err("nothing was refused".to_owned()),
            false => Err(format!("the refusals are {}", reasons.join(", "))),
        }
    }

    fn get<T: Component>(&self, unit: &str) -> Option<&T> {
        let world = self.scene.world();
        world.get::<T>(world.resource::<Roster>().entity(self.id(unit))?)
    }

    fn stacks(&self, unit: &str, effect: Id<EffectDef>) -> u32 {
        let buffs = self.get::<ActiveBuffs>(unit).into_iter().flat_map(ActiveBuffs::iter);
        buffs.filter(|buff| buff.effect == effect).map(|buff| u32::from(buff.stacks)).sum()
    }

    fn has_tag(&self, unit: &str, tag: TagId) -> bool {
        self.get::<Tags>(unit).is_some_and(|tags| tags.has(tag))
    }

    /// Ticks at which a unit began to cast a skill.
    fn casts(&self, unit: &str, skill: Id<SkillDef>) -> Vec<u32> {
        let id = self.id(unit);
        let own = self.watch.casts.iter().filter(|(_, caster, cast)| *caster == id && *cast == skill);
        own.map(|(tick, ..)| *tick).collect()
    }

    /// What else a unit cast, as the end of a sentence.
    fn other_casts(&self, unit: &str) -> String {
        let id = self.id(unit);
        let own = self.watch.casts.iter().filter(|(_, caster, _)| *caster == id);
        let own: Vec<String> =
            own.take(6).map(|(tick, _, cast)| format!("{} at {}", self.assets.skills[*cast].id, time(*tick))).collect();
        if own.is_empty() { "; it cast nothing".to_owned() } else { format!("; it cast {}", own.join(", ")) }
    }

    fn distance_m(&self, one: &str, other: &str) -> f32 {
        let place = |unit: &str| self.get::<Position>(unit).map_or(Vec2::splat(f32::INFINITY), |at| at.place());
        place(one).distance(place(other))
    }

    fn count(&self, monster: Id<MonsterDef>) -> u64 {
        let world = self.scene.world();
        let Some(mut query) = world.try_query::<(&Species, &Vitals)>() else { return 0 };
        query.iter(world).filter(|(species, vitals)| species.0 == monster && vitals.is_alive()).count() as u64
    }

    fn name(&self, id: SimId) -> &str {
        self.units.iter().find(|unit| unit.id == id).map_or("somebody else", |unit| unit.given.unit.as_str())
    }

    /// What is expected, as a clause.
    fn wanted(&self, expectation: &Expectation) -> String {
        let what = match expectation {
            Expectation::HasEffect { unit, effect, stacks, .. } if stacks.1 == u32::MAX && stacks.0 == 1 => {
                format!("{unit} has {}", effect.name())
            }
            Expectation::HasEffect { unit, effect, stacks, .. } => {
                format!("{unit} has {} stacks of {}", range(*stacks), effect.name())
            }
            Expectation::LacksEffect { unit, effect, .. } => format!("{unit} does not have {}", effect.name()),
            Expectation::Hp { unit, pct, .. } => format!("{unit} has {} % of its hit points", range(*pct)),
            Expectation::HasTag { unit, tag, .. } => format!("{unit} has the tag {}", tag.name()),
            Expectation::LacksTag { unit, tag, .. } => format!("{unit} does not have the tag {}", tag.name()),
            Expectation::Attribute { unit, attr, value: (least, most), .. } => {
                format!("{} of {unit} is {least} to {most}", attr.name())
            }
            Expectation::Mana { unit, points, .. } => format!("{unit} has {} points of mana", range(*points)),
            Expectation::Dead { unit, .. } => format!("{unit} is dead"),
            Expectation::Alive { unit, .. } => format!("{unit} is alive"),
            Expectation::Casts { unit, skill, times } => {
                format!("{unit} casts {} {} times", skill.name(), range(*times))
            }
            Expectation::Decides { unit, skill, .. } => format!("{unit} decides to cast {}", skill.name()),
            Expectation::Attacks { unit, victim, .. } => format!("{unit} is after {victim}"),
            Expectation::Damages { unit, target, points } => {
                format!("{unit} takes {} points from {target}", range(*points))
            }
            Expectation::Refused { unit, reason } => format!("a command of {unit} is refused as `{reason}`"),
            Expectation::Near { unit, to, within_m, .. } => format!("{unit} is within {within_m} m of {to}"),
            Expectation::Far { unit, from, beyond_m, .. } => format!("{unit} is farther than {beyond_m} m from {from}"),
            Expectation::Count { monster, alive, .. } => format!("{} of {} are alive", range(*alive), monster.name()),
        };
        match expectation.time_ms() {
            Some(("at_ms", ms)) => format!("{what} at {}", time(ticks_of(ms))),
            Some((_, ms)) => format!("{what} by {}", time(ticks_of(ms))),
            None => what,
        }
    }

    /// Why a unit did what it did last, if a tree decides for it: what the tree asked, and what came of it.
    fn why(&self, unit: &str) -> Option<String> {
        let thought = self.scene.world().resource::<AiTrace>().last.get(&self.id(unit))?;
        let (tick, lines) = (thought.tick, thought.trace.to_string());
        let asked: Vec<&str> = lines.lines().map(str::trim).take(TRACE_LINES_MAX).collect();
        Some(format!("{unit} decided in tick {tick}: {}", asked.join("; ")))
    }
}

/// The tick after which an expectation is judged; `end` for what adds up over the whole test.
fn due_tick(expectation: &Expectation, end: u32) -> u32 {
    match expectation.time_ms() {
        Some(("at_ms", ms)) => ticks_of(ms),
        _ => end,
    }
}

fn within(found: u64, (least, most): (u32, u32), seen: &str) -> Result<(), String> {
    let is_within = (u64::from(least)..=u64::from(most)).contains(&found);
    if is_within { Ok(()) } else { Err(seen.to_owned()) }
}

fn range((least, most): (u32, u32)) -> String {
    match (least, most) {
        (least, u32::MAX) => format!("at least {least}"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    }
}

fn time(tick: u32) -> String {
    format!("{:.2} s", f64::from(tick * TICK_MS) / 1_000.0)
}
