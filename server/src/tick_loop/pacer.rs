//! When a tick is due: every 50 ms on a grid that does not drift. A late loop catches up with at most
//! [`CATCH_UP_TICKS_MAX`] ticks in a row; what it owes beyond that is dropped and counted, because a server that
//! repays a long pause with a burst of ticks is slow twice. Pure: the time is an argument.

use sim::tick::TICK_MS;

/// Microseconds from one tick to the next.
pub const TICK_US: u64 = TICK_MS as u64 * 1_000;
/// Ticks that may follow a late one without a pause.
pub const CATCH_UP_TICKS_MAX: u64 = 2;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Nothing until this time, in microseconds.
    Wait {
        /// When the next tick is due.
        until_us: u64,
    },
    /// Run a tick.
    Tick {
        /// Ticks that were due and will never run.
        dropped_ticks: u64,
    },
}

/// The grid of due times of one loop.
#[derive(Debug, Clone)]
pub struct Pacer {
    due_us: u64,
}

impl Pacer {
    /// A grid whose first tick is due at `start_us`.
    #[must_use]
    pub const fn new(start_us: u64) -> Self {
        Self { due_us: start_us }
    }

    /// Says what to do at `now_us`; a tick that it asks for counts as run.
    pub fn pace(&mut self, now_us: u64) -> Pace {
        let Some(late_us) = now_us.checked_sub(self.due_us) else { return Pace::Wait { until_us: self.due_us } };
        let dropped_ticks = (late_us / TICK_US).saturating_sub(CATCH_UP_TICKS_MAX);
        self.due_us += (dropped_ticks + 1) * TICK_US;
        Pace::Tick { dropped_ticks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Pace = Pace::Tick { dropped_ticks: 0 };

    fn ms(ms: u64) -> u64 {
        ms * 1_000
    }

    #[test]
    fn a_punctual_loop_ticks_every_50_ms_without_drift() {
        let mut pacer = Pacer::new(0);
        for tick in 0..1_000 {
            // 3 ms late each time: the grid does not move.
            assert_eq!(pacer.pace(ms(tick * 50 + 3)), RUN);
            assert_eq!(pacer.pace(ms(tick * 50 + 4)), Pace::Wait { until_us: ms((tick + 1) * 50) });
        }
    }

    #[test]
    fn a_pause_of_two_ticks_is_repaid_in_full() {
        let mut pacer = Pacer::new(0);
        assert_eq!(pacer.pace(0), RUN);
        assert_eq!([(); 3].map(|()| pacer.pace(ms(150))), [RUN; 3]);
        assert_eq!(pacer.pace(ms(150)), Pace::Wait { until_us: ms(200) });
    }

    #[test]
    fn a_long_pause_is_repaid_by_two_ticks_and_the_rest_is_dropped_and_counted() {
        let mut pacer = Pacer::new(0);
        assert_eq!(pacer.pace(0), RUN);
        // Due at 50, 100, .. 1000: twenty ticks, of which the late one and two more run.
        assert_eq!(pacer.pace(ms(1_000)), Pace::Tick { dropped_ticks: 17 });
        assert_eq!([(); 2].map(|()| pacer.pace(ms(1_000))), [RUN; 2]);
        assert_eq!(pacer.pace(ms(1_000)), Pace::Wait { until_us: ms(1_050) });
    }

    #[test]
    fn a_loop_that_needs_60_ms_per_tick_never_owes_more_than_two() {
        let mut pacer = Pacer::new(0);
        let (mut now_us, mut ran, mut dropped) = (0, 0_u64, 0);
        for _ in 0..600 {
            match pacer.pace(now_us) {
                Pace::Tick { dropped_ticks } => {
                    (ran, dropped) = (ran + 1, dropped + dropped_ticks);
                    now_us += ms(60);
                }
                Pace::Wait { until_us } => now_us = until_us,
            }
        }
        assert_eq!(ran, 600, "an overloaded loop never waits");
        let owed = now_us / TICK_US - ran - dropped;
        assert!(owed <= CATCH_UP_TICKS_MAX + 1, "{owed}");
    }
}
