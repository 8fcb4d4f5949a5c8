//! Counter-based randomness: a number depends on (scene seed, tick, entity, purpose, salt) and on nothing else,
//! so that no order of systems and no replay can change it. The mixing is the finaliser of SplitMix64
//! (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).

use bevy_ecs::prelude::*;

use crate::ids::SimId;

/// What a draw is for; two purposes never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream(pub &'static str);

/// The scene's source of randomness; written once when the scene is made.
#[derive(Resource, Debug, Clone, Copy)]
pub struct Random {
    seed: u64,
}

impl Random {
    /// A source for one scene.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The scene's seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Starts the draws of one entity for one purpose in one tick; `salt` tells apart draws that share all three.
    #[must_use]
    pub fn draw(&self, tick: u32, id: SimId, stream: Stream, salt: u64) -> Draw {
        let purpose = stream
            .0
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let place = (u64::from(tick) << 32) | u64::from(id.bits());
        Draw { state: mix(mix(mix(self.seed ^ purpose) ^ place) ^ salt) }
    }
}

/// A run of random numbers.
#[derive(Debug, Clone)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number in `0..end`, 0 when `end` is 0. The bias is below 2^-32 for any `end` of 32 bits.
    pub fn below(&mut self, end: u32) -> u32 {
        let wide = (self.next_u64() >> 32) * u64::from(end);
        u32::try_from(wide >> 32).unwrap_or(0)
    }

    /// A number in `min..=max`; `min` when the range is empty.
    pub fn between(&mut self, min: i32, max: i32) -> i32 {
        let span = u32::try_from(i64::from(max) - i64::from(min) + 1).unwrap_or(0);
        min.saturating_add_unsigned(self.below(span))
    }

    /// True in `chance_bp` of 10,000 cases.
    pub fn chance_bp(&mut self, chance_bp: u32) -> bool {
        self.below(10_000) < chance_bp
    }

    /// A number in `0.0..1.0` with 24 random bits.
    pub fn unit(&mut self) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "24 bits fit a f32 exactly")]
        let bits = (self.next_u64() >> 40) as f32;
        bits / 16_777_216.0
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_every_part_of_their_key() {
        let id = SimId::new(1, 0);
        let first = |seed, tick, id, stream, salt| Random::new(seed).draw(tick, id, Stream(stream), salt).next_u64();
        let base = first(1, 1, id, "a", 0);
        for other in [
            first(2, 1, id, "a", 0),
            first(1, 2, id, "a", 0),
            first(1, 1, SimId::new(2, 0), "a", 0),
            first(1, 1, id, "b", 0),
            first(1, 1, id, "a", 1),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(base, first(1, 1, id, "a", 0));
    }

    #[test]
    fn a_chance_of_30_percent_comes_true_in_30_percent() {
        let random = Random::new(7);
        let hits = (0..100_000)
            .filter(|&tick| random.draw(tick, SimId::new(1, 0), Stream("test"), 0).chance_bp(3_000))
            .count();
        assert!((29_500..30_500).contains(&hits), "{hits}");
    }
}
