//! Stable names of things: entities of one scene, and players across scenes.
//!
//! A [`SimId`] never depends on the ECS's own entity order, so it can key random numbers, logs and the wire.
//! Its high bits are a dense index that is used again no sooner than a minute after its owner has gone
//! (`roster`), its low bits count the owners of that index; so ids sort by index.

use bevy_ecs::prelude::*;

use crate::digest::{Digest, Digester};

/// Bits of a [`SimId`] that count the owners of its index; the other 20 are the index.
const GENERATION_BITS: u32 = 12;

/// Identity of an entity within its scene; given by the roster, never changed.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[component(immutable, on_add = crate::roster::enlist, on_remove = crate::roster::strike_off)]
pub struct SimId(u32);

impl SimId {
    /// Entities of one scene that can be told apart at any moment.
    pub const INDEX_MAX: u32 = (1 << (32 - GENERATION_BITS)) - 1;
    /// What a generation is counted modulo.
    pub const GENERATIONS: u32 = 1 << GENERATION_BITS;

    /// Joins a dense index (at most [`SimId::INDEX_MAX`]) and the count of its owners so far (wraps at 4,096).
    #[must_use]
    #[inline]
    pub const fn new(index: u32, generation: u32) -> Self {
        Self((index << GENERATION_BITS) | (generation % Self::GENERATIONS))
    }

    /// Reads an id as it stands in logs and on the wire.
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The id as it stands in logs and on the wire.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The dense index, for arrays with a place per entity.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        (self.0 >> GENERATION_BITS) as usize
    }

    /// How many owners the index had before this one, modulo 4,096.
    #[must_use]
    #[inline]
    pub const fn generation(self) -> u32 {
        self.0 % Self::GENERATIONS
    }
}

impl std::fmt::Display for SimId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}.{}", self.index(), self.generation())
    }
}

/// Gives out numbers that no other scene and no other run gives out: for what outlives its scene, such as single pieces of
/// items. The upper half is the scene's origin, the lower counts up. The origin follows from the seed until whoever runs the
/// scene gives it one of its own ([`SceneInput::Origin`](crate::input::SceneInput::Origin)), which is logged like all input.
#[derive(Resource, Debug, Clone, PartialEq, Eq)]
pub struct Mint {
    origin: u64,
    given_count: u64,
}

impl Mint {
    /// The mint of a scene by its origin.
    #[must_use]
    pub const fn of(origin: u64) -> Self {
        Self { origin, given_count: 0 }
    }

    /// The next number; never 0.
    pub const fn next(&mut self) -> u128 {
        self.given_count += 1;
        (self.origin as u128) << 64 | self.given_count as u128
    }
}

impl Digest for Mint {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.origin);
        digester.u64(self.given_count);
    }
}

/// A player across scenes and sessions; given by whoever checks logins.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayerId(pub u64);

impl std::fmt::Display for PlayerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "player {:016x}", self.0)
    }
}
