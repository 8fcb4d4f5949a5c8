//! Mana points. On the wire, for the owner alone: varint points, varint greatest points.

use bevy_ecs::prelude::*;

use crate::assets::Assets;
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::replicated::{Audience, Replicate};
use crate::wire::{Reader, put_varint};

/// Mana points of an actor. Written when casts start or are broken off (Act) and in the Resolve stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mana {
    /// Points, 0 to `mp_max`.
    pub mp: u32,
    /// Greatest points.
    pub mp_max: u32,
}

impl Mana {
    /// All of so many points.
    #[must_use]
    pub const fn full(mp_max: u32) -> Self {
        Self { mp: mp_max, mp_max }
    }

    /// Points that could be gained.
    #[must_use]
    pub const fn missing(&self) -> u32 {
        self.mp_max.saturating_sub(self.mp)
    }

    /// Reads replicated mana.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { mp: reader.varint()?, mp_max: reader.varint()? })
    }
}

/// Changes that count as changes only when something does change.
pub(crate) trait ManaChange {
    /// Adds points, up to the greatest.
    fn gain(&mut self, amount: u32);
    /// Takes points, down to 0.
    fn pay(&mut self, amount: u32);
    /// Sets the greatest; what is above is lost.
    fn fit(&mut self, mp_max: u32);
}

impl ManaChange for Mut<'_, Mana> {
    fn gain(&mut self, amount: u32) {
        let mp = self.mp.saturating_add(amount).min(self.mp_max.max(self.mp));
        let mp_max = self.mp_max;
        self.set_if_neq(Mana { mp, mp_max });
    }

    fn pay(&mut self, amount: u32) {
        let (mp, mp_max) = (self.mp.saturating_sub(amount), self.mp_max);
        self.set_if_neq(Mana { mp, mp_max });
    }

    fn fit(&mut self, mp_max: u32) {
        let mp = self.mp.min(mp_max);
        self.set_if_neq(Mana { mp, mp_max });
    }
}

impl Replicate for Mana {
    const NAME: &'static str = "mana";
    const AUDIENCE: Audience = Audience::Owner;
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.mp);
        put_varint(out, self.mp_max);
    }
}

impl Carry for Mana {
    const NAME: &'static str = "mana";
    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        bytes
    }
    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        Self::from_wire(&mut Reader::new(bytes))
    }
}

impl Digest for Mana {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.mp);
        digester.u32(self.mp_max);
    }
}
