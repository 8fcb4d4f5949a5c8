//! Hit points, and who is in a fight. On the wire `vitals` is: varint hit points, varint greatest hit points,
//! flags byte (bit 0: dead). A character that travels keeps its hit points and, if need be, its death.

use bevy_ecs::prelude::*;

use crate::actor::Concealment;
use crate::assets::{Assets, RecoveryRules};
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::replicated::Replicate;
use crate::wire::{Reader, put_varint};

/// Hit points of an actor; with `hp_max` 0 it cannot be hurt. Written in the Resolve stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vitals {
    /// Hit points, 0 to `hp_max`.
    pub hp: u32,
    /// Greatest hit points.
    pub hp_max: u32,
    /// True from the death of an actor to its respawn.
    pub dead: bool,
}

impl Vitals {
    /// Alive with all of so many hit points.
    #[must_use]
    pub const fn full(hp_max: u32) -> Self {
        Self { hp: hp_max, hp_max, dead: false }
    }

    /// True from the death of an actor to its respawn.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// True for whoever can be hurt, healed or aimed at.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        !self.dead && self.hp_max > 0
    }

    /// Reads replicated vitals.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let (hp, hp_max, flags) = (reader.varint()?, reader.varint()?, reader.u8()?);
        (flags <= 1).then_some(Self { hp, hp_max, dead: flags & 1 == 1 })
    }
}

/// The dead see what the living do not.
pub(super) fn open_the_eyes_of_the_dead(mut actors: Query<(&Vitals, &mut Concealment), Changed<Vitals>>) {
    for (vitals, mut concealment) in &mut actors {
        let eyes = Concealment { dead: vitals.is_dead(), ..*concealment };
        concealment.set_if_neq(eyes);
    }
}

impl Replicate for Vitals {
    const NAME: &'static str = "vitals";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.hp);
        put_varint(out, self.hp_max);
        out.push(u8::from(self.dead));
    }
}

impl Carry for Vitals {
    const NAME: &'static str = "vitals";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        bytes
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        Self::from_wire(&mut Reader::new(bytes))
    }
}

impl Digest for Vitals {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.hp);
        digester.u32(self.hp_max);
        digester.u32(u32::from(self.dead));
    }
}

/// The level of an actor, from 1. Players' is written by their progress, monsters' when they are spawned.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub u16);

impl Default for Level {
    fn default() -> Self {
        Self(1)
    }
}

impl Digest for Level {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.0));
    }
}

/// When an actor's fight is over. Written in the Resolve stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fight {
    /// The first tick out of combat.
    pub calm_tick: u32,
}

impl Fight {
    /// True while in combat.
    #[must_use]
    pub const fn is_on(&self, tick: u32) -> bool {
        tick < self.calm_tick
    }

    /// Notes a hit given or taken.
    pub(super) const fn hit(&mut self, tick: u32, rules: &RecoveryRules) {
        self.calm_tick = tick + rules.calm_ticks();
    }
}

impl Digest for Fight {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.calm_tick);
    }
}

/// While true, no effect of others reaches the actor. Written by the feature that has the reason (a monster
/// on its way home).
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Untouchable(pub bool);

impl Digest for Untouchable {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vitals_come_back_from_the_wire_and_unknown_flags_are_refused() {
        for vitals in [
            Vitals::full(1),
            Vitals { hp: 0, hp_max: 500, dead: true },
            Vitals { hp: 70_000, hp_max: 80_000, dead: false },
        ] {
            let mut bytes = Vec::new();
            vitals.encode(&mut bytes);
            assert_eq!(Vitals::from_wire(&mut Reader::new(&bytes)), Some(vitals));
        }
        assert_eq!(Vitals::from_wire(&mut Reader::new(&[1, 1, 2])), None);
    }
}
