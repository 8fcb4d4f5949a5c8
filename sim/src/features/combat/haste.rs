//! What haste makes of a duration: the one rule that casts, cooldowns and periods share. Haste is in basis points above
//! normal: 10,000 is twice as fast, so half as long. Pure.

/// Basis points in a whole.
const BP: i64 = 10_000;
/// The slowest: ten times as long.
const HASTE_MIN_BP: i64 = -9_000;

/// A duration under haste, `ms x 10,000 / (10,000 + haste)`, rounded half up to the millisecond: what is less than a tick
/// is carried on by whoever adds such durations up. Haste below -9,000 counts as -9,000.
#[must_use]
pub fn hasted_ms(ms: u32, haste_bp: i32) -> u32 {
    let speed_bp = (BP + i64::from(haste_bp).max(HASTE_MIN_BP)).unsigned_abs();
    let hasted = (u64::from(ms) * BP.unsigned_abs() + speed_bp / 2) / speed_bp;
    u32::try_from(hasted).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn haste_shortens_and_its_lack_lengthens_up_to_ten_times() {
        assert_eq!(
            [0, 10_000, 5_000, -5_000, -50_000].map(|haste_bp| hasted_ms(1_500, haste_bp)),
            [1_500, 750, 1_000, 3_000, 15_000]
        );
        // 1,430 / 1.07 = 1,336.4; nothing stays nothing.
        assert_eq!((hasted_ms(1_430, 700), hasted_ms(0, 500), hasted_ms(100, i32::MAX)), (1_336, 0, 0));
    }
}
