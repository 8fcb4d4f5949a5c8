//! What a client measures: how long its inputs take to be applied, how old what it sees is, and when to send next.
//!
//! All in microseconds of one monotonic clock, given by the caller.

use sim::tick::TICK_MS;
use smallvec::SmallVec;

mod pacing;

pub(super) use pacing::Pacing;

/// Length of a tick in microseconds.
pub const TICK_US: u64 = TICK_MS as u64 * 1_000;
/// Samples kept until they are taken; beyond it the older half is lost.
const SAMPLES_MAX: usize = 4_096;
/// Inputs whose sending time is remembered.
const SENT_MAX: usize = 256;
/// Time over which the fastest arrival is the measure for the others: half of it, and half again.
const CLOCK_WINDOW_US: u64 = 10_000_000;

/// A bounded run of measurements in microseconds, taken away by whoever evaluates them.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    waiting: SmallVec<[u32; 4]>,
}

impl Samples {
    pub(super) fn push(&mut self, sample_us: u64) {
        if self.waiting.len() == SAMPLES_MAX {
            self.waiting.drain(..SAMPLES_MAX / 2);
        }
        self.waiting.push(u32::try_from(sample_us).unwrap_or(u32::MAX));
    }

    /// Takes all samples that wait, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.waiting.drain(..)
    }

    /// Samples that wait to be taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True when none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// Times from sending an input to hearing that it was applied.
#[derive(Debug, Clone, Default)]
pub(super) struct AckTimes {
    /// Oldest first. Those of a short path stand in the session itself, of which a load test has thousands.
    sent: SmallVec<[(u32, u64); 4]>,
}

impl AckTimes {
    pub(super) fn sent(&mut self, sequence: u32, now_us: u64) {
        if self.sent.len() == SENT_MAX {
            self.sent.remove(0);
        }
        self.sent.push((sequence, now_us));
    }

    pub(super) fn applied(&mut self, applied_sequence: u32, arrived_us: u64, mut took: impl FnMut(u64)) {
        let applied = self.sent.iter().take_while(|&&(sequence, _)| sequence <= applied_sequence).count();
        self.sent.drain(..applied).for_each(|(_, sent_us)| took(arrived_us.saturating_sub(sent_us)));
    }

    /// Inputs of another scene or before a forced position will never be applied.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
    }
}

/// Which tick the server is at, judged by the fastest of the recent arrivals.
///
/// A server that fell behind for good starts a new measure within two windows.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerClock {
    current: Option<Window>,
    previous: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began_us: u64,
    /// Smallest arrival minus tick time.
    offset_us: i64,
}

impl ServerClock {
    /// Notes the arrival of something made in `tick` and returns its age over the fastest, in microseconds.
    pub(crate) fn arrived(&mut self, tick: u32, arrived_us: u64) -> u64 {
        let offset_us = signed(arrived_us) - tick_time_us(tick);
        match &mut self.current {
            Some(window) if arrived_us.saturating_sub(window.began_us) < CLOCK_WINDOW_US / 2 => {
                window.offset_us = window.offset_us.min(offset_us);
            }
            current => {
                self.previous = current.map(|window| window.offset_us);
                *current = Some(Window { began_us: arrived_us, offset_us });
            }
        }
        let best_us = self.best_us().unwrap_or(offset_us);
        u64::try_from(offset_us - best_us).unwrap_or(0)
    }

    /// The tick whose news arrives just now over the fastest path, with its fraction; 0 before any arrival.
    #[allow(clippy::cast_precision_loss, reason = "exact for 285 years")]
    pub(crate) fn tick_at(&self, now_us: u64) -> f64 {
        let since_us = self.best_us().map_or(0, |offset_us| signed(now_us) - offset_us);
        since_us.max(0) as f64 / TICK_US as f64
    }

    fn best_us(&self) -> Option<i64> {
        let current = self.current.map(|window| window.offset_us);
        current.into_iter().chain(self.previous).min()
    }
}

fn tick_time_us(tick: u32) -> i64 {
    i64::from(tick).saturating_mul(signed(TICK_US))
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_applied_input_gives_one_sample() {
        let (mut times, mut samples) = (AckTimes::default(), Samples::default());
        for sequence in 1..=4 {
            times.sent(sequence, u64::from(sequence) * 50_000);
        }
        times.applied(3, 200_000, |took_us| samples.push(took_us));
        times.applied(3, 900_000, |took_us| samples.push(took_us));
        assert_eq!(samples.drain().collect::<Vec<_>>(), [150_000, 100_000, 50_000]);
    }

    #[test]
    fn the_fastest_arrival_is_the_measure_of_age() {
        let mut clock = ServerClock::default();
        assert_eq!(clock.arrived(100, 1_000_000), 0);
        assert_eq!(clock.arrived(101, 1_057_000), 7_000);
        assert_eq!(clock.arrived(102, 1_098_000), 0);
        assert_eq!(clock.arrived(103, 1_150_000), 2_000);
        assert!((clock.tick_at(1_123_000) - 102.5).abs() < 1e-3);
    }

    #[test]
    fn a_server_that_dropped_ticks_is_measured_anew_after_two_windows() {
        let mut clock = ServerClock::default();
        clock.arrived(0, 0);
        let late_us = 300_000;
        let ages: Vec<u64> =
            (1..1_000u32).map(|tick| clock.arrived(tick, u64::from(tick) * TICK_US + late_us)).collect();
        assert_eq!((ages.first(), ages.last()), (Some(&late_us), Some(&0)));
    }
}
