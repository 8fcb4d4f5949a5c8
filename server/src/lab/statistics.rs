//! Estimates with their uncertainty, each at 95 %: shares after Wilson, means with Student's t, medians from order
//! statistics. Pure, and the same numbers for the same samples in any order of threads.
//!
//! Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927); the
//! expansion of t's quantiles is 26.7.5 of Abramowitz and Stegun, "Handbook of mathematical functions" (1964).

use serde::Serialize;

/// The normal distribution's quantile at 97.5 %.
const Z: f64 = 1.959_963_984_540_054;
/// Student's t at 97.5 % where its expansion is not yet good: 1 to 10 degrees of freedom.
const T_SMALL: [f64; 10] =
    [12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139];

/// A value and the interval that holds the true one with a confidence of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// The same in another unit.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor }
    }

    /// True when the interval holds `value`.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A share of `count` cases, 0 to 1, with Wilson's score interval; everything is possible when there are no cases.
#[must_use]
pub fn share(hits: usize, count: usize) -> Estimate {
    if count == 0 {
        return Estimate { value: 0.0, low: 0.0, high: 1.0 };
    }
    let (n, p) = (count as f64, hits as f64 / count as f64);
    let (z2, whole) = (Z * Z, 1.0 + Z * Z / n);
    let middle = (p + z2 / (2.0 * n)) / whole;
    let half = Z / whole * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At the ends the exact interval touches 0 or 1; rounding must not take it across.
    let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if hits == count { 1.0 } else { (middle + half).min(1.0) };
    Estimate { value: p, low, high }
}

/// The mean of samples, with Student's interval; of a single sample, and of none (0), nothing is known around it.
#[must_use]
pub fn mean(samples: &[f64]) -> Estimate {
    let n = samples.len() as f64;
    if samples.is_empty() {
        return Estimate { value: 0.0, low: 0.0, high: 0.0 };
    }
    let value = samples.iter().sum::<f64>() / n;
    if samples.len() == 1 {
        return Estimate { value, low: value, high: value };
    }
    let variance = samples.iter().map(|sample| (sample - value).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t_quantile(samples.len() - 1) * (variance / n).sqrt();
    Estimate { value, low: value - half, high: value + half }
}

/// Student's t at 97.5 % with so many degrees of freedom, from 1.
#[must_use]
pub fn t_quantile(freedom: usize) -> f64 {
    if let Some(&exact) = freedom.checked_sub(1).and_then(|index| T_SMALL.get(index)) {
        return exact;
    }
    let v = freedom.max(1) as f64;
    let first = (Z.powi(3) + Z) / 4.0;
    let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0;
    let third = (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0;
    Z + first / v + second / v.powi(2) + third / v.powi(3)
}

/// The least sample that at least `p` (0 to 1) of the samples do not exceed; samples are in ascending order. 0 of none.
#[must_use]
pub fn quantile(sorted: &[u32], p: f64) -> u32 {
    let rank = (p * sorted.len() as f64).ceil().max(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among the samples")]
    let index = rank as usize - 1;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// The median of ascending samples, with the interval between the order statistics that the binomial distribution
/// (in its normal approximation) names: it supposes nothing about the samples' distribution.
#[must_use]
pub fn median(sorted: &[u32]) -> Estimate {
    let n = sorted.len() as f64;
    let at = |rank: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among the samples")]
        let index = (rank.max(1.0) as usize - 1).min(sorted.len().saturating_sub(1));
        f64::from(sorted.get(index).copied().unwrap_or(0))
    };
    let half = Z * n.sqrt() / 2.0;
    let (low, high) = (at((n / 2.0 - half).floor()), at((1.0 + n / 2.0 + half).ceil()));
    Estimate { value: f64::from(quantile(sorted, 0.5)), low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
    }

    #[test]
    fn shares_have_wilsons_published_intervals() {
        // 81 of 263, the worked example of Newcombe (1998), method 3 without continuity correction.
        let found = share(81, 263);
        close(found.low, 0.2553);
        close(found.high, 0.3662);
        let none = share(0, 20);
        close(none.low, 0.0);
        close(none.high, 0.1611);
        let all = share(29, 29);
        close(all.low, 0.8830);
        close(all.high, 1.0);
        assert_eq!((share(0, 0).low, share(0, 0).high), (0.0, 1.0));
    }

    #[test]
    fn student_agrees_with_the_tables() {
        for (freedom, expected) in
            [(1, 12.706), (4, 2.776), (7, 2.365), (10, 2.228), (12, 2.179), (30, 2.042), (120, 1.980)]
        {
            close(t_quantile(freedom), expected);
        }
        close(t_quantile(1_000_000), Z);
    }

    #[test]
    fn a_mean_knows_less_of_fewer_samples() {
        let few = mean(&[1.0, 2.0, 3.0]);
        close(few.value, 2.0);
        // 4.303 x 1 / sqrt(3)
        close(few.high - few.value, 2.4842);
        let many: Vec<f64> = (0..300).map(|sample| f64::from(sample % 3 + 1)).collect();
        assert!(mean(&many).high - mean(&many).low < few.high - few.low);
        assert_eq!(mean(&[7.0]), Estimate { value: 7.0, low: 7.0, high: 7.0 });
    }

    #[test]
    fn quantiles_are_samples() {
        let samples: Vec<u32> = (1..=100).collect();
        assert_eq!([0.0, 0.05, 0.5, 0.95, 1.0].map(|p| quantile(&samples, p)), [1, 5, 50, 95, 100]);
        assert_eq!(quantile(&[], 0.5), 0);
        // The 40th and the 61st of 100: the textbook's ranks.
        assert_eq!(median(&samples), Estimate { value: 50.0, low: 40.0, high: 61.0 });
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let random = sim::random::Random::new(5);
        let mut held = [0_u32; 3];
        for round in 0..400 {
            let mut draw = random.draw(round, sim::ids::SimId::new(0, 0), sim::random::Stream("samples"), 0);
            let mut samples: Vec<u32> = (0..60).map(|_| draw.below(1_001)).collect();
            let hits = samples.iter().filter(|sample| **sample < 300).count();
            held[0] += u32::from(share(hits, 60).holds(300.0 / 1_001.0));
            held[1] +=
                u32::from(mean(&samples.iter().map(|sample| f64::from(*sample)).collect::<Vec<_>>()).holds(500.0));
            samples.sort_unstable();
            held[2] += u32::from(median(&samples).holds(500.0));
        }
        // 380 are expected; four standard deviations of what is left to luck, and Wilson's interval is discrete.
        assert!(held.iter().all(|held| (362..=398).contains(held)), "{held:?} of 400 hold it");
    }
}
