//! Real procs per minute: how often something happens per minute of fighting, whatever the speed of the blows, with a
//! term that ends bad luck. Pure. The published formula: a chance of
//! `max(1, 1 + (t_success / (60 / ppm) - 1.5) x 3) x ppm x t_attempt / 60`, with the seconds since the last success
//! (at most 1,000) and since the last attempt (at most 10).

/// Ticks since the last attempt that count at most (10 s).
const ATTEMPT_TICKS_MAX: u64 = 200;
/// Ticks since the last success that count at most (1,000 s).
const SUCCESS_TICKS_MAX: u64 = 20_000;
/// Ticks in a minute times thousandths: `ppm_milli x ticks / MINUTE` is a count of procs.
const MINUTE: u128 = 1_200 * 1_000;
/// A certain chance.
pub(super) const CERTAIN_PPM: u32 = 1_000_000;

/// The chance in millionths, to the nearest. `ppm_milli` is thousandths of a proc per minute.
#[must_use]
pub fn chance_millionths(ppm_milli: u32, since_attempt_ticks: u32, since_success_ticks: u32) -> u32 {
    let rate = u128::from(ppm_milli);
    let attempt = u128::from(u64::from(since_attempt_ticks).min(ATTEMPT_TICKS_MAX));
    let success = u128::from(u64::from(since_success_ticks).min(SUCCESS_TICKS_MAX));
    // 1 + (x - 1.5) x 3 = 3x - 3.5 with x = rate x success / MINUTE; everything in 1 / (2 x MINUTE).
    let luck = (6 * rate * success).saturating_sub(7 * MINUTE).max(2 * MINUTE);
    let (over, under) = (rate * attempt * luck * u128::from(CERTAIN_PPM), 2 * MINUTE * MINUTE);
    u32::try_from((over + under / 2) / under).unwrap_or(CERTAIN_PPM).min(CERTAIN_PPM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};
    use crate::tick::TICKS_PER_SECOND;

    /// The chance with times in seconds.
    fn chance(ppm_milli: u32, attempt_s: u32, success_s: u32) -> u32 {
        chance_millionths(ppm_milli, attempt_s * TICKS_PER_SECOND, success_s * TICKS_PER_SECOND)
    }

    #[test]
    fn the_formula_gives_the_published_values() {
        // One a minute, 10 s after the last attempt: a sixth while luck is not bad.
        assert_eq!([0, 60, 90].map(|success| chance(1_000, 10, success)), [166_667; 3]);
        // 120 s without: 1 + (2 - 1.5) x 3 = 2.5 times that; 150 s: 4 times.
        assert_eq!([120, 150].map(|success| chance(1_000, 10, success)), [416_667, 666_667]);
        // 1.5 s between attempts at 2 a minute: 0.05.
        assert_eq!(chance_millionths(2_000, 30, 0), 50_000);
        assert_eq!(chance(1_000, 1, 0), 16_667);
    }

    #[test]
    fn long_pauses_count_ten_seconds_and_long_bad_luck_a_thousand() {
        assert_eq!(chance(1_000, 500, 0), chance(1_000, 10, 0));
        // A tenth a minute: x = 1000 / 600, so 1 + (1.6667 - 1.5) x 3 = 1.5 times a sixtieth.
        assert_eq!(chance(100, 10, 1_000), 25_000);
        assert_eq!(chance(100, 10, 100_000), 25_000);
        assert_eq!(chance(1_000, 10, 1_000), CERTAIN_PPM);
    }

    #[test]
    fn over_an_hour_of_blows_the_rate_is_a_little_above_what_is_said() {
        let random = Random::new(5);
        let mut per_hour = Vec::new();
        for between_ticks in [10, 30, 60] {
            let (mut procs, mut last_success) = (0_u32, 0);
            for tick in (between_ticks..20 * 72_000).step_by(between_ticks as usize) {
                let chance = chance_millionths(2_000, between_ticks, tick - last_success);
                if random.draw(tick, SimId::new(1, 0), Stream("test"), 0).below(CERTAIN_PPM) < chance {
                    (procs, last_success) = (procs + 1, tick);
                }
            }
            per_hour.push(procs / 20);
        }
        // 120 said; the term against bad luck adds about 13 % whatever the speed of the blows.
        assert!(per_hour.iter().all(|count| (128..=144).contains(count)), "{per_hour:?}");
    }
}
