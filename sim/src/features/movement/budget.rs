//! How far a player may move, by the server's clock: at most 20 % more than its speed from one step to the
//! next (the seed's tolerance, up to half a second of steps after a silence), and at most 2 % more than its
//! speed over any 5 s.

use bevy_ecs::prelude::*;

use crate::assets::Assets;
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::wire::Reader;

/// The window of the long limit, in ticks (5 s).
pub const WINDOW_TICKS: usize = 100;
/// Steps that may be credited per tick: one, and the seed's 20 %.
const STEPS_PER_TICK: f32 = 1.2;
/// Steps that may come at once after a silence: 10 ticks' worth.
const STEPS_BURST: f32 = 10.0 * STEPS_PER_TICK;
/// What may be moved in the window, as a part of what the speed allows.
const WINDOW_TOLERANCE: f32 = 1.02;
/// Ticks back within which a speed that has just been lowered still excuses a longer step (1 s).
const RECENT_TICKS: usize = 20;

/// The last 5 s of one player.
#[derive(Component, Debug, Clone)]
pub struct DistanceBudget {
    moved_m: [f32; WINDOW_TICKS],
    allowed_m: [f32; WINDOW_TICKS],
    at: usize,
    credit_steps: f32,
    pending_m: f32,
}

impl Default for DistanceBudget {
    fn default() -> Self {
        Self {
            moved_m: [0.0; WINDOW_TICKS],
            allowed_m: [0.0; WINDOW_TICKS],
            at: 0,
            // Nothing is saved up by arriving: leaving and coming back must not be a way to run.
            credit_steps: 0.0,
            pending_m: 0.0,
        }
    }
}

impl DistanceBudget {
    /// Opens a tick in which one step at full speed covers `step_m` metres.
    pub fn begin_tick(&mut self, step_m: f32) {
        self.at = (self.at + 1) % WINDOW_TICKS;
        self.moved_m[self.at] = 0.0;
        self.allowed_m[self.at] = step_m;
        if self.allowed_m.contains(&0.0) && self.is_fresh() {
            // A character that has just arrived gets the window it would have had standing here.
            self.allowed_m = [step_m; WINDOW_TICKS];
        }
        self.credit_steps = (self.credit_steps + STEPS_PER_TICK).min(STEPS_BURST);
        self.pending_m = 0.0;
    }

    /// True when one more step fits both limits.
    #[must_use]
    pub fn allows_step(&self) -> bool {
        let step_m = self.allowed_m[self.at];
        let moved_m = self.moved_m.iter().sum::<f32>() + self.pending_m;
        let allowed_m = self.allowed_m.iter().sum::<f32>() * WINDOW_TOLERANCE;
        self.credit_steps >= 1.0 && moved_m + step_m <= allowed_m + 1e-3
    }

    /// Takes one step's worth until [`DistanceBudget::spend`] says what it really was.
    pub fn take_step(&mut self) {
        self.credit_steps -= 1.0;
        self.pending_m += self.allowed_m[self.at];
    }

    /// Books the distance moved in this tick, in metres.
    pub fn spend(&mut self, distance_m: f32) {
        self.moved_m[self.at] += distance_m;
        self.pending_m = 0.0;
    }

    /// The longest step the speed of the last second allowed, in metres.
    #[must_use]
    pub fn recent_step_m(&self) -> f32 {
        let recent = (0..RECENT_TICKS).map(|back| self.allowed_m[(self.at + WINDOW_TICKS - back) % WINDOW_TICKS]);
        recent.fold(0.0, f32::max)
    }

    fn is_fresh(&self) -> bool {
        self.moved_m.iter().all(|&moved_m| moved_m == 0.0) && self.allowed_m.iter().filter(|&&m| m > 0.0).count() <= 1
    }
}

/// The window travels with its character: neither a portal nor a new login begins another one.
impl Carry for DistanceBudget {
    const NAME: &'static str = "distance_budget";

    fn save(&self, _: u32, _: &Assets) -> Vec<u8> {
        let mut out = self.credit_steps.to_le_bytes().to_vec();
        for back in (0..WINDOW_TICKS).rev() {
            let at = (self.at + WINDOW_TICKS - back) % WINDOW_TICKS;
            out.extend_from_slice(&self.moved_m[at].to_le_bytes());
            out.extend_from_slice(&self.allowed_m[at].to_le_bytes());
        }
        out
    }

    fn load(bytes: &[u8], _: u32, _: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut budget = Self { credit_steps: reader.f32()?, at: WINDOW_TICKS - 1, ..Self::default() };
        for at in 0..WINDOW_TICKS {
            (budget.moved_m[at], budget.allowed_m[at]) = (reader.f32()?, reader.f32()?);
        }
        Some(budget)
    }
}

impl Digest for DistanceBudget {
    fn digest(&self, digester: &mut Digester) {
        digester.f32(self.moved_m[self.at]);
        digester.f32(self.allowed_m[self.at]);
        digester.f32(self.credit_steps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps granted per tick when `asked` are wanted in every tick.
    fn run(ticks: usize, mut asked: impl FnMut(usize) -> usize) -> Vec<usize> {
        let (mut budget, mut granted) = (DistanceBudget::default(), Vec::new());
        for tick in 0..ticks {
            budget.begin_tick(0.3);
            let mut steps = 0;
            while steps < asked(tick) && budget.allows_step() {
                budget.take_step();
                steps += 1;
            }
            #[allow(clippy::cast_precision_loss, reason = "a handful")]
            budget.spend(0.3 * steps as f32);
            granted.push(steps);
        }
        granted
    }

    #[test]
    fn nobody_moves_more_than_2_percent_too_far_in_any_5_seconds() {
        for pattern in
            [|_| 2, |tick: usize| 20 * usize::from(tick.is_multiple_of(11)), |tick: usize| usize::from(tick > 300) * 9]
        {
            let granted = run(2_000, pattern);
            for window in granted.windows(WINDOW_TICKS) {
                let steps: usize = window.iter().sum();
                assert!(steps <= 102, "{steps} steps in 100 ticks");
            }
        }
    }

    #[test]
    fn a_window_that_travelled_allows_what_it_would_have_allowed() {
        let mut budget = DistanceBudget::default();
        for tick in 0..250_u16 {
            budget.begin_tick(0.3);
            budget.spend(0.3 * f32::from(tick % 2));
        }
        let assets = crate::testing::test_assets(&[]);
        let mut travelled = DistanceBudget::load(&budget.save(0, &assets), 0, &assets).unwrap();
        for _ in 0..150 {
            budget.begin_tick(0.3);
            travelled.begin_tick(0.3);
            assert_eq!(budget.allows_step(), travelled.allows_step());
            if budget.allows_step() {
                budget.spend(0.3);
                travelled.spend(0.3);
            }
        }
    }

    #[test]
    fn an_honest_client_loses_no_step_to_jitter() {
        let jittery = |tick: usize| [1, 0, 2, 1, 1, 0, 0, 3][tick % 8];
        let granted: usize = run(800, jittery).iter().sum();
        assert_eq!(granted, 800);
    }

    #[test]
    fn a_silence_of_half_a_second_may_be_made_up_at_once() {
        let granted = run(21, |tick| if tick == 20 { 20 } else { 0 });
        assert_eq!(granted[20], 12);
    }
}
