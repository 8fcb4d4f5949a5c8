//! Which moment of the server's time others are shown at: behind the newest by as much as news is late here.
//!
//! The delay follows the arrivals: one tick, so that there are two snapshots around the moment, and what the slowest of
//! twenty arrivals is late by, a frame that never came counting as late as the next one was. Shown time follows it by running
//! up to a tenth faster or slower, so it never jumps and never runs backwards; only after a gap of more than a second it
//! begins anew.

use crate::client::statistics::Histogram;
use crate::client::timing::TICK_US;

/// Least delay, in ticks.
pub const DELAY_TICKS_MIN: f64 = 1.0;
/// Largest delay, in ticks (300 ms).
pub const DELAY_TICKS_MAX: f64 = 6.0;
/// Arrivals that need not be waited for, of a hundred.
const LATE_PER_CENT: u32 = 5;
/// Arrivals after which half of the measurements are forgotten: about five seconds.
const MEASURED_MAX: u32 = 200;
/// Most that shown time runs faster or slower than time.
const SLEW_MAX: f64 = 0.1;
/// How much faster or slower, per tick that shown time is off.
const SLEW_PER_TICK: f64 = 0.05;
/// Shown time that is off by so many ticks begins anew.
const OFF_TICKS_MAX: f64 = 20.0;
/// Frames lost in a row that are looked at.
const LOST_MAX: u32 = 8;

/// The clock that others are shown by.
#[derive(Debug, Clone)]
pub struct Playback {
    lateness: Histogram,
    newest_tick: u32,
    newest_frame: u32,
    /// When, at which moment, and how fast since.
    anchor: Option<(u64, f64)>,
    rate: f64,
}

impl Default for Playback {
    fn default() -> Self {
        let lateness = Histogram::default();
        Playback { lateness, newest_tick: 0, newest_frame: 0, anchor: None, rate: 1.0 }
    }
}

impl Playback {
    /// Takes in that state frame number `frame`, made in `tick`, came at `arrived_us`, `age_us` later than the fastest
    /// would have. `server_tick` is where the server is by the fastest way, in ticks, at that time.
    pub(crate) fn arrived(&mut self, (frame, tick): (u32, u32), arrived_us: u64, age_us: u64, server_tick: f64) {
        self.lateness.record(age_us);
        if frame > self.newest_frame {
            let lost = (frame - self.newest_frame - 1).min(tick.saturating_sub(self.newest_tick + 1));
            if self.newest_frame > 0 {
                (1..=lost.min(LOST_MAX)).for_each(|behind| self.lateness.record(age_us + u64::from(behind) * TICK_US));
            }
            (self.newest_frame, self.newest_tick) = (frame, tick);
        }
        if self.lateness.count() > MEASURED_MAX {
            self.lateness.forget_half();
        }
        let wanted = server_tick - self.delay_ticks();
        let shown = self.moment(arrived_us);
        let off = wanted - shown;
        if self.anchor.is_none() || off.abs() > OFF_TICKS_MAX {
            self.anchor = Some((arrived_us, wanted));
            self.rate = 1.0;
        } else {
            self.anchor = Some((arrived_us, shown));
            self.rate = 1.0 + (off * SLEW_PER_TICK).clamp(-SLEW_MAX, SLEW_MAX);
        }
    }

    /// The moment shown at `now_us`, in server ticks with their fraction; 0 before anything came. Grows with `now_us`.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "the time since the last frame is short")]
    pub fn moment(&self, now_us: u64) -> f64 {
        let Some((at_us, moment)) = self.anchor else { return 0.0 };
        moment + now_us.saturating_sub(at_us) as f64 / TICK_US as f64 * self.rate
    }

    /// How far behind the newest news others are to be shown, in ticks: [`DELAY_TICKS_MIN`] to [`DELAY_TICKS_MAX`].
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "lateness is far below 2^52 us")]
    pub fn delay_ticks(&self) -> f64 {
        let late_ticks = self.lateness.at(100 - LATE_PER_CENT) as f64 / TICK_US as f64;
        (DELAY_TICKS_MIN + late_ticks).clamp(DELAY_TICKS_MIN, DELAY_TICKS_MAX)
    }
}

#[cfg(test)]
mod tests;
