//! When an actor may cast what again. Cooldowns are kept as the ticks they end in; those that are over are
//! forgotten when the next one begins, so the list is never longer than the actor's skills.

use bevy_ecs::prelude::*;

use crate::assets::{Assets, Id, SkillDef};
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::wire::{Reader, put_varint};

/// Cooldowns of an actor, sorted by skill. Written in the Act stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct Cooldowns {
    gcd_end_tick: u32,
    ends: Vec<(Id<SkillDef>, u32)>,
}

impl Cooldowns {
    /// True while the global cooldown keeps every skill from starting.
    #[must_use]
    pub const fn gcd_runs(&self, tick: u32) -> bool {
        tick < self.gcd_end_tick
    }

    /// True while the skill's own cooldown keeps it from starting.
    #[must_use]
    pub fn runs(&self, skill: Id<SkillDef>, tick: u32) -> bool {
        self.end_tick(skill) > tick
    }

    /// The first tick in which neither keeps the skill from starting; it may have passed.
    #[must_use]
    pub fn ready_tick(&self, skill: Id<SkillDef>) -> u32 {
        self.end_tick(skill).max(self.gcd_end_tick)
    }

    /// Begins both for a skill that starts at `tick`.
    pub fn begin(&mut self, skill: Id<SkillDef>, def: &SkillDef, tick: u32) {
        self.gcd_end_tick = tick + def.gcd_ticks();
        self.ends.retain(|&(other, end_tick)| end_tick > tick && other != skill);
        if def.cooldown_ticks() > 0 {
            let place = self.ends.partition_point(|&(other, _)| other < skill);
            self.ends.insert(place, (skill, tick + def.cooldown_ticks()));
        }
    }

    /// Ends the skill's own cooldown; the global one runs on.
    pub fn give_back(&mut self, skill: Id<SkillDef>) {
        self.ends.retain(|&(other, _)| other != skill);
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn end_tick(&self, skill: Id<SkillDef>) -> u32 {
        self.ends.iter().find(|(other, _)| *other == skill).map_or(0, |&(_, end_tick)| end_tick)
    }
}

/// Varint remaining global cooldown, then pairs of varint skill and varint remaining ticks.
impl Carry for Cooldowns {
    const NAME: &'static str = "cooldowns";
    fn save(&self, tick: u32, _: &Assets) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.gcd_end_tick.saturating_sub(tick));
        for &(skill, end_tick) in self.ends.iter().filter(|(_, end_tick)| *end_tick > tick) {
            put_varint(&mut out, skill.raw());
            put_varint(&mut out, end_tick - tick);
        }
        out
    }

    fn load(bytes: &[u8], tick: u32, assets: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let gcd_end_tick = tick.saturating_add(reader.varint()?);
        let mut ends = Vec::new();
        while !reader.is_empty() {
            let (raw, left_ticks) = (reader.varint()?, reader.varint()?);
            ends.extend(assets.skills.id_of_raw(raw).map(|skill| (skill, tick.saturating_add(left_ticks))));
        }
        Some(Self { gcd_end_tick, ends })
    }
}

impl Digest for Cooldowns {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.gcd_end_tick);
        for &(skill, end_tick) in &self.ends {
            digester.u32(skill.raw());
            digester.u32(end_tick);
        }
    }
}
