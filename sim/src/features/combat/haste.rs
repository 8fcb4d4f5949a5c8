//! What haste makes of a duration. Haste is in basis points above normal: 10,000 is twice as fast, so half as long.
//! Pure.

use crate::tick::TICK_MS;

/// A duration under haste: `base x 10,000 / (10,000 + haste)`, rounded to the nearest tick (halves up), at least one tick
/// for what takes time at all. Haste below -9,000 counts as -9,000: ten times as long.
#[must_use]
pub fn hasted_ms(base_ms: u32, haste_bp: i32) -> u32 {
    hasted_ticks(base_ms / TICK_MS, haste_bp) * TICK_MS
}

/// The same in ticks.
#[must_use]
pub fn hasted_ticks(base_ticks: u32, haste_bp: i32) -> u32 {
    if base_ticks == 0 {
        return 0;
    }
    let speed_bp = (10_000 + i64::from(haste_bp).max(-9_000)).unsigned_abs();
    let ticks = (u64::from(base_ticks) * 10_000 + speed_bp / 2) / speed_bp;
    u32::try_from(ticks.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn haste_shortens_to_whole_ticks_and_never_to_nothing() {
        assert_eq!(
            [0, 10_000, 5_000, -5_000, -50_000].map(|haste_bp| hasted_ms(1_500, haste_bp)),
            [1_500, 750, 1_000, 3_000, 15_000]
        );
        // 1,500 / 1.3 = 1,153.8 ms, 23.08 ticks; 50 / 3 is still a tick; nothing stays nothing.
        assert_eq!((hasted_ms(1_500, 3_000), hasted_ms(50, 20_000), hasted_ms(0, 500)), (1_150, 50, 0));
    }
}
