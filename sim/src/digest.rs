//! The state hash of a scene: one number per subsystem and tick, by which two runs are compared. Each
//! component hashes with its entity's [`SimId`] and the results are added up, so that no storage order shows.

use std::hash::Hasher;

use bevy_app::App;
use bevy_ecs::prelude::*;
use rustc_hash::FxHasher;

use crate::ids::SimId;

/// Takes in the parts of one value.
#[derive(Default)]
pub struct Digester(FxHasher);

impl Digester {
    /// Takes 64 bits.
    pub fn u64(&mut self, value: u64) {
        self.0.write_u64(value);
    }

    /// Takes 32 bits.
    pub fn u32(&mut self, value: u32) {
        self.0.write_u64(u64::from(value));
    }

    /// Takes a signed number.
    pub fn i64(&mut self, value: i64) {
        self.0.write_u64(value.cast_unsigned());
    }

    /// Takes a number by its bits.
    pub fn f32(&mut self, value: f32) {
        self.u32(value.to_bits());
    }

    /// Takes bytes and their count.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.write(bytes);
    }

    /// The 64-bit result, well mixed.
    #[must_use]
    pub fn finish(&self) -> u64 {
        let mut hash = self.0.finish();
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^ (hash >> 33)
    }
}

/// State that two equal runs must share.
pub trait Digest {
    /// Hands every part that matters to the digester.
    fn digest(&self, digester: &mut Digester);
}

type Part = (&'static str, Box<dyn FnMut(&mut World) -> u64 + Send + Sync>);

/// The list of what is hashed.
#[derive(Resource, Default)]
pub(crate) struct Digests {
    parts: Vec<Part>,
}

/// Registration of state that two equal runs must share.
pub trait DigestApp {
    /// Hashes a component of every entity under a subsystem's name.
    fn digest_component<T: Component + Digest>(&mut self, subsystem: &'static str) -> &mut Self;
    /// Hashes a resource under a subsystem's name.
    fn digest_resource<T: Resource + Digest>(&mut self, subsystem: &'static str) -> &mut Self;
}

impl DigestApp for App {
    fn digest_component<T: Component + Digest>(&mut self, subsystem: &'static str) -> &mut Self {
        let mut query: Option<QueryState<(&SimId, &T)>> = None;
        let sum = move |world: &mut World| {
            let query = query.get_or_insert_with(|| QueryState::new(world));
            query.iter(world).fold(0_u64, |sum, (id, value)| {
                let mut digester = Digester::default();
                digester.u32(id.bits());
                value.digest(&mut digester);
                sum.wrapping_add(digester.finish())
            })
        };
        self.add_digest(subsystem, Box::new(sum))
    }

    fn digest_resource<T: Resource + Digest>(&mut self, subsystem: &'static str) -> &mut Self {
        let hash = |world: &mut World| {
            let mut digester = Digester::default();
            if let Some(resource) = world.get_resource::<T>() {
                resource.digest(&mut digester);
            }
            digester.finish()
        };
        self.add_digest(subsystem, Box::new(hash))
    }
}

trait AddDigest {
    fn add_digest(
        &mut self,
        subsystem: &'static str,
        part: Box<dyn FnMut(&mut World) -> u64 + Send + Sync>,
    ) -> &mut Self;
}

impl AddDigest for App {
    fn add_digest(
        &mut self,
        subsystem: &'static str,
        part: Box<dyn FnMut(&mut World) -> u64 + Send + Sync>,
    ) -> &mut Self {
        self.world_mut().get_resource_or_init::<Digests>().parts.push((subsystem, part));
        self
    }
}

/// One number of the hashes of all subsystems.
#[must_use]
pub fn combined(hashes: &[(&'static str, u64)]) -> u64 {
    hashes.iter().fold(0, |sum, &(_, hash)| sum.rotate_left(9).wrapping_add(hash))
}

/// The hash of each subsystem, in the order they were first registered. For whoever has the world in hand within a tick;
/// what runs later in it does not count.
pub fn state_hashes(world: &mut World) -> Vec<(&'static str, u64)> {
    let mut digests = std::mem::take(&mut *world.get_resource_or_init::<Digests>());
    let mut hashes: Vec<(&'static str, u64)> = Vec::new();
    for (subsystem, part) in &mut digests.parts {
        let hash = part(world);
        match hashes.iter_mut().find(|(name, _)| name == subsystem) {
            // Rotated, so that two parts of one subsystem cannot cancel out.
            Some((_, sum)) => *sum = sum.rotate_left(9).wrapping_add(hash),
            None => hashes.push((subsystem, hash)),
        }
    }
    *world.resource_mut::<Digests>() = digests;
    hashes
}
