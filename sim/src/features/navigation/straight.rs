//! Getting somewhere without a navmesh: straight ahead, and when that does not get anywhere for a second, sideways
//! for a while.

use glam::Vec2;

use crate::digest::{Digest, Digester};
use crate::random::Draw;

/// How often progress is looked at, in ticks (1 s).
const LOOK_TICKS: u32 = 20;
/// Less than this in [`LOOK_TICKS`] is no progress, in metres.
const PROGRESS_M: f32 = 0.5;
/// How long a side-step lasts, in ticks.
const SIDE_STEP_TICKS: u32 = 15;
/// A walk that pauses longer than this begins anew, in ticks.
const PAUSE_TICKS: u32 = 2;

/// How a blind walk is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Steering {
    from: Vec2,
    from_tick: u32,
    last_tick: u32,
    side: f32,
    side_until_tick: u32,
}

impl Steering {
    /// The direction of this tick from one place towards another, of length 1 or 0; `draw` decides which side to try
    /// when blocked.
    pub(super) fn direction(&mut self, from: Vec2, to: Vec2, tick: u32, draw: impl FnOnce() -> Draw) -> Vec2 {
        if tick.wrapping_sub(self.last_tick) > PAUSE_TICKS {
            (self.from, self.from_tick) = (from, tick);
        }
        self.last_tick = tick;
        if tick.wrapping_sub(self.from_tick) >= LOOK_TICKS {
            if self.from.distance(from) < PROGRESS_M {
                self.side = if draw().chance_bp(5_000) { 1.0 } else { -1.0 };
                self.side_until_tick = tick + SIDE_STEP_TICKS;
            }
            (self.from, self.from_tick) = (from, tick);
        }
        let ahead = (to - from).normalize_or_zero();
        if tick < self.side_until_tick { ahead.perp() * self.side } else { ahead }
    }
}

impl Digest for Steering {
    fn digest(&self, digester: &mut Digester) {
        digester.f32(self.from.x);
        digester.f32(self.from.y);
        digester.u32(self.from_tick);
        digester.u32(self.last_tick);
        digester.f32(self.side);
        digester.u32(self.side_until_tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    #[test]
    fn whoever_is_blocked_for_a_second_steps_aside_for_a_while() {
        let (mut steering, random) = (Steering::default(), Random::new(5));
        let mut sideways = Vec::new();
        for tick in 1..80 {
            let draw = || random.draw(tick, SimId::new(1, 0), Stream("test"), 0);
            let direction = steering.direction(Vec2::ZERO, Vec2::new(10.0, 0.0), tick, draw);
            sideways.push(direction.x.abs() < 0.5);
        }
        let first = sideways.iter().position(|&aside| aside);
        assert_eq!(first, Some(19), "after 20 ticks without progress");
        assert_eq!(sideways.iter().filter(|&&aside| aside).count(), 3 * 15);
    }

    #[test]
    fn whoever_gets_on_goes_straight() {
        let (mut steering, random, mut place) = (Steering::default(), Random::new(5), Vec2::ZERO);
        for tick in 1..80 {
            let draw = || random.draw(tick, SimId::new(1, 0), Stream("test"), 0);
            let direction = steering.direction(place, Vec2::new(100.0, 0.0), tick, draw);
            assert!((direction - Vec2::X).length() < 1e-6);
            place += direction * 0.3;
        }
    }
}
