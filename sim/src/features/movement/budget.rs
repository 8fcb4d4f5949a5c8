//! How far a player may move, by the server's clock: at most 20 % more than its speed from one step to the
//! next (the seed's tolerance, up to half a second of steps after a silence), and at most 2 % more than its
//! speed over any 5 s.
//!
//! Distances are whole micrometres, so that the sums of the window are kept and never added up anew, and a tick in
//! which nothing is asked is made up for in the next in which something is: whoever stands costs nothing.

use bevy_ecs::prelude::*;

use crate::assets::Assets;
use crate::digest::{Digest, Digester};
use crate::features::players::Carry;
use crate::wire::Reader;

/// The window of the long limit, in ticks (5 s).
pub const WINDOW_TICKS: usize = 100;
/// Credit of one step, in tenths of a step.
const STEP_CREDIT: u8 = 10;
/// Credit that a tick gives: one step, and the seed's 20 %.
const TICK_CREDIT: u8 = 12;
/// Credit at most, for steps that come at once after a silence: 10 ticks' worth.
const CREDIT_MAX: u8 = 10 * TICK_CREDIT;
/// What may be moved in the window, in hundredths of what the speed allows.
const WINDOW_PERCENT: u64 = 102;
/// What the long limit forgives, in micrometres.
const SLACK_UM: u64 = 1_000;
/// Ticks back within which a speed that has just been lowered still excuses a longer step (1 s).
const RECENT_TICKS: usize = 20;
/// Micrometres in a metre.
const UM_PER_M: f32 = 1e6;

/// The last 5 s of one player.
#[derive(Component, Debug, Clone)]
pub struct DistanceBudget {
    window: [Entry; WINDOW_TICKS],
    at: usize,
    /// The tick that was opened last; 0 before the first.
    tick: u32,
    credit: u8,
    /// Entries of the window that allow anything.
    allowing_count: u8,
    pending_um: u32,
    /// Sums over the window.
    moved_um: u64,
    allowed_um: u64,
}

/// One tick of the window, in micrometres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Entry {
    moved_um: u32,
    allowed_um: u32,
}

impl Default for DistanceBudget {
    fn default() -> Self {
        Self {
            window: [Entry::default(); WINDOW_TICKS],
            at: 0,
            tick: 0,
            // Nothing is saved up by arriving: leaving and coming back must not be a way to run.
            credit: 0,
            allowing_count: 0,
            pending_um: 0,
            moved_um: 0,
            allowed_um: 0,
        }
    }
}

impl DistanceBudget {
    /// Opens a tick in which one step at full speed covers `step_m` metres. Ticks left out since the last one count as
    /// ticks without a step, at the speed of the last.
    pub fn begin_tick(&mut self, tick: u32, step_m: f32) {
        self.catch_up(tick.wrapping_sub(1));
        self.tick = tick;
        self.open(micrometres(step_m));
    }

    /// True when the tick has been opened.
    #[must_use]
    pub const fn has_begun(&self, tick: u32) -> bool {
        self.tick == tick
    }

    /// Opens the ticks up to and with `tick` that nobody has opened.
    fn catch_up(&mut self, tick: u32) {
        let missed = if self.tick == 0 { 0 } else { tick.saturating_sub(self.tick) };
        let step_um = self.window[self.at].allowed_um;
        // After a whole window of them one more changes nothing.
        (0..WINDOW_TICKS.min(missed as usize)).for_each(|_| self.open(step_um));
        self.tick = self.tick.saturating_add(missed);
    }

    fn open(&mut self, step_um: u32) {
        self.at = (self.at + 1) % WINDOW_TICKS;
        self.put(Entry { moved_um: 0, allowed_um: step_um });
        if self.is_fresh() {
            // A character that has just arrived gets the window it would have had standing here.
            (0..WINDOW_TICKS).for_each(|_| {
                self.at = (self.at + 1) % WINDOW_TICKS;
                self.put(Entry { moved_um: 0, allowed_um: step_um });
            });
        }
        self.credit = self.credit.saturating_add(TICK_CREDIT).min(CREDIT_MAX);
        self.pending_um = 0;
    }

    fn put(&mut self, entry: Entry) {
        let before = std::mem::replace(&mut self.window[self.at], entry);
        self.moved_um = self.moved_um + u64::from(entry.moved_um) - u64::from(before.moved_um);
        self.allowed_um = self.allowed_um + u64::from(entry.allowed_um) - u64::from(before.allowed_um);
        self.allowing_count = self.allowing_count + u8::from(entry.allowed_um > 0) - u8::from(before.allowed_um > 0);
    }

    /// True when one more step fits both limits.
    #[must_use]
    pub fn allows_step(&self) -> bool {
        let step_um = u64::from(self.window[self.at].allowed_um);
        let wanted_um = self.moved_um + u64::from(self.pending_um) + step_um;
        self.credit >= STEP_CREDIT && wanted_um * 100 <= self.allowed_um * WINDOW_PERCENT + SLACK_UM * 100
    }

    /// Takes one step's worth until [`DistanceBudget::spend`] says what it really was.
    pub fn take_step(&mut self) {
        self.credit = self.credit.saturating_sub(STEP_CREDIT);
        self.pending_um = self.pending_um.saturating_add(self.window[self.at].allowed_um);
    }

    /// Books the distance moved in this tick, in metres.
    pub fn spend(&mut self, distance_m: f32) {
        let Entry { moved_um, allowed_um } = self.window[self.at];
        self.put(Entry { moved_um: moved_um.saturating_add(micrometres(distance_m)), allowed_um });
        self.pending_um = 0;
    }

    /// The longest step the speed of the last second allowed, in metres.
    #[must_use]
    pub fn recent_step_m(&self) -> f32 {
        let recent = (0..RECENT_TICKS).map(|back| self.window[(self.at + WINDOW_TICKS - back) % WINDOW_TICKS]);
        metres(recent.map(|entry| entry.allowed_um).max().unwrap_or(0))
    }

    const fn is_fresh(&self) -> bool {
        self.moved_um == 0 && self.allowing_count <= 1
    }

    /// The window from its oldest entry to its newest.
    fn oldest_first(&self) -> impl Iterator<Item = Entry> + '_ {
        (1..=WINDOW_TICKS).map(|ahead| self.window[(self.at + ahead) % WINDOW_TICKS])
    }
}

/// Whole micrometres of a length, at most 4 km.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
fn micrometres(metres: f32) -> u32 {
    (metres * UM_PER_M).round() as u32
}

#[allow(clippy::cast_precision_loss, reason = "a step is far shorter than 16 m")]
fn metres(micrometres: u32) -> f32 {
    micrometres as f32 / UM_PER_M
}

/// The window travels with its character: neither a portal nor a new login begins another one.
impl Carry for DistanceBudget {
    const NAME: &'static str = "distance_budget";

    fn save(&self, tick: u32, _: &Assets) -> Vec<u8> {
        let mut budget = self.clone();
        budget.catch_up(tick.wrapping_sub(1));
        let credit_steps = f32::from(budget.credit) / f32::from(STEP_CREDIT);
        let mut out = credit_steps.to_le_bytes().to_vec();
        for entry in budget.oldest_first() {
            out.extend_from_slice(&metres(entry.moved_um).to_le_bytes());
            out.extend_from_slice(&metres(entry.allowed_um).to_le_bytes());
        }
        out
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
    fn load(bytes: &[u8], tick: u32, _: &Assets) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let credit = (reader.f32()? * f32::from(STEP_CREDIT)).round() as u8;
        let mut budget = Self { credit: credit.min(CREDIT_MAX), tick: tick.saturating_sub(1), ..Self::default() };
        for at in 0..WINDOW_TICKS {
            budget.at = at;
            budget.put(Entry { moved_um: micrometres(reader.f32()?), allowed_um: micrometres(reader.f32()?) });
        }
        Some(budget)
    }
}

impl Digest for DistanceBudget {
    fn digest(&self, digester: &mut Digester) {
        let Entry { moved_um, allowed_um } = self.window[self.at];
        [self.tick, moved_um, allowed_um, u32::from(self.credit)].into_iter().for_each(|part| digester.u32(part));
        digester.u64(self.moved_um);
        digester.u64(self.allowed_um);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps granted per tick when `asked` are wanted in every tick.
    fn run(ticks: usize, mut asked: impl FnMut(usize) -> usize) -> Vec<usize> {
        let (mut budget, mut granted) = (DistanceBudget::default(), Vec::new());
        for tick in 0..ticks {
            budget.begin_tick(u32::try_from(tick).unwrap() + 1, 0.3);
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
        for tick in 1..=250_u16 {
            budget.begin_tick(u32::from(tick), 0.3);
            budget.spend(0.3 * f32::from(tick % 2));
        }
        let assets = crate::testing::test_assets(&[]);
        // Elsewhere the ticks have other numbers.
        let mut travelled = DistanceBudget::load(&budget.save(251, &assets), 1_000, &assets).unwrap();
        for tick in 0..150 {
            budget.begin_tick(251 + tick, 0.3);
            travelled.begin_tick(1_000 + tick, 0.3);
            assert_eq!(budget.allows_step(), travelled.allows_step());
            if budget.allows_step() {
                budget.spend(0.3);
                travelled.spend(0.3);
            }
        }
    }

    #[test]
    fn ticks_left_out_count_as_ticks_without_a_step() {
        let (mut every, mut some) = (DistanceBudget::default(), DistanceBudget::default());
        for (begin, idle) in [(1, 3), (10, 1), (40, 250), (400, 99), (600, 0)] {
            for tick in begin..begin + 5 {
                for budget in [&mut every, &mut some] {
                    budget.begin_tick(tick, 0.3);
                    budget.take_step();
                    budget.spend(0.29);
                }
            }
            (begin + 5..begin + 5 + idle).for_each(|tick| every.begin_tick(tick, 0.3));
            for budget in [&mut every, &mut some] {
                budget.begin_tick(begin + 5 + idle, 0.3);
            }
            assert_eq!(every.allows_step(), some.allows_step());
            assert_eq!(every.oldest_first().collect::<Vec<_>>(), some.oldest_first().collect::<Vec<_>>());
            assert_eq!((every.credit, every.moved_um), (some.credit, some.moved_um));
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
