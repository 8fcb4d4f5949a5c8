//! When an effect does what it does once per period. Pure.
//!
//! Periods follow one another without gaps, whatever renews the effect. A hasted period lasts `period / (1 + haste)`,
//! to the nearest millisecond, with the haste at its beginning: haste that comes in its middle counts from the next one
//! on, and the duration stays, so that haste means more ticks and not a shorter effect. Milliseconds that do not fill a
//! tick are carried on, so that no rate is lost to rounding.

use crate::features::combat::hasted_ms;
use crate::tick::TICK_MS;

/// The period that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The tick it began in.
    pub from_tick: u32,
    /// The tick it ends in.
    pub due_tick: u32,
    /// What it is longer than whole ticks, in ms below a tick; the next one is that much longer.
    pub carry_ms: u32,
}

impl Beat {
    /// A first period that begins now.
    #[must_use]
    pub const fn starting(tick: u32, period_ms: u32) -> Self {
        Self { from_tick: tick, due_tick: tick, carry_ms: 0 }.next(period_ms)
    }

    /// The period after this one.
    #[must_use]
    pub const fn next(self, period_ms: u32) -> Self {
        let length_ms = if period_ms < TICK_MS { TICK_MS } else { period_ms };
        let total_ms = self.carry_ms + length_ms;
        let due_tick = self.due_tick.saturating_add(total_ms / TICK_MS);
        Self { from_tick: self.due_tick, due_tick, carry_ms: total_ms % TICK_MS }
    }

    /// How much of this period has passed when its effect ends early, in thousandths: 0 to 999.
    #[must_use]
    pub fn share_at(self, end_tick: u32) -> u32 {
        let whole_ticks = self.due_tick.saturating_sub(self.from_tick).max(1);
        let passed_ticks = end_tick.saturating_sub(self.from_tick).min(whole_ticks);
        let share = u64::from(passed_ticks) * 1_000 / u64::from(whole_ticks);
        u32::try_from(share).unwrap_or(999).min(999)
    }
}

/// A period under haste in ms, from one tick.
#[must_use]
pub fn hasted_period_ms(period_ms: u32, haste_bp: i32) -> u32 {
    hasted_ms(period_ms, haste_bp).max(TICK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(from_tick: u32, period_ms: u32, count: usize) -> Vec<u32> {
        let beats =
            std::iter::successors(Some(Beat::starting(from_tick, period_ms)), |beat| Some(beat.next(period_ms)));
        beats.take(count).map(|beat| beat.due_tick).collect()
    }

    #[test]
    fn periods_follow_one_another_without_gaps() {
        assert_eq!(due(100, 1_000, 4), [120, 140, 160, 180]);
    }

    #[test]
    fn what_does_not_fill_a_tick_is_carried_on() {
        // 1,430 ms: exact ends at 28.6, 57.2, 85.8, 114.4, 143.0 ticks.
        assert_eq!(due(0, 1_430, 5), [28, 57, 85, 114, 143]);
    }

    #[test]
    fn haste_shortens_periods_and_never_below_a_tick() {
        assert_eq!(
            [0, 5_000, 10_000, -5_000].map(|haste| hasted_period_ms(2_000, haste)),
            [2_000, 1_333, 1_000, 4_000]
        );
        assert_eq!([hasted_period_ms(100, i32::MAX), hasted_period_ms(100, i32::MIN)], [50, 1_000]);
    }

    #[test]
    fn an_effect_that_ends_early_has_done_a_share_of_its_period() {
        let beat = Beat::starting(100, 2_000);
        assert_eq!([100, 110, 130, 139, 140, 500].map(|end| beat.share_at(end)), [0, 250, 750, 975, 999, 999]);
    }
}
