//! What bots measure. Each bot fills its own [`Measures`]; at the end they are added up. Times are microseconds
//! in histograms of three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use net::client::Client;

/// Longest time a histogram tells from longer ones, in microseconds (60 s).
const TIME_US_MAX: u64 = 60_000_000;

/// A distribution of times in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u32>);

impl Default for Times {
    fn default() -> Self {
        // The bounds are constants that the library accepts; its own default range would do as well.
        let bounded = Histogram::new_with_bounds(1, TIME_US_MAX, 3);
        Self(bounded.unwrap_or_else(|_| Histogram::new(3).expect("three digits are within the library's range")))
    }
}

impl Times {
    pub(crate) fn record(&mut self, time_us: u32) {
        self.0.saturating_record(u64::from(time_us));
    }

    fn add(&mut self, other: &Self) {
        // Both have the same bounds, so every value fits.
        let _fits = self.0.add(&other.0);
    }

    /// The time in milliseconds that a part (0 to 1) of all times does not exceed; 0 without any.
    #[allow(clippy::cast_precision_loss, reason = "below 2^26")]
    pub(crate) fn quantile_ms(&self, part: f64) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.value_at_quantile(part) as f64 / 1_000.0 }
    }
}

/// Everything counted and measured by one bot, or by many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measures {
    /// From sending an input to hearing that it was applied.
    pub(crate) ack: Times,
    /// How much later than the fastest of the last seconds updates came.
    pub(crate) update_age: Times,
    pub(crate) frames_received: u64,
    pub(crate) frames_lost: u64,
    pub(crate) bytes_received: u64,
    pub(crate) decode_errors: u64,
    pub(crate) corrections: u64,
    pub(crate) forced: u64,
    pub(crate) inputs_sent: u64,
    pub(crate) rejections: u64,
    pub(crate) visible_sum: u64,
    pub(crate) visible_samples: u64,
    /// Time connected, over all bots.
    pub(crate) connected: Duration,
}

impl Measures {
    /// Takes the times that came in since the last call, and keeps them when `measuring`.
    pub(crate) fn take_times(&mut self, client: &mut Client, measuring: bool) {
        for time_us in client.ack_us().drain().filter(|_| measuring) {
            self.ack.record(time_us);
        }
        for time_us in client.update_age_us().drain().filter(|_| measuring) {
            self.update_age.record(time_us);
        }
    }

    /// Takes the client's counts over at its end.
    pub(crate) fn take_counts(&mut self, client: &Client) {
        let stats = client.stats();
        self.frames_received = stats.frames_received;
        self.frames_lost = stats.frames_lost;
        self.bytes_received = stats.bytes_received;
        self.decode_errors = stats.decode_errors;
        self.corrections = stats.corrections;
        self.forced = stats.forced;
        self.inputs_sent = stats.inputs_sent;
    }

    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.ack.add(&other.ack);
        self.update_age.add(&other.update_age);
        self.frames_received += other.frames_received;
        self.frames_lost += other.frames_lost;
        self.bytes_received += other.bytes_received;
        self.decode_errors += other.decode_errors;
        self.corrections += other.corrections;
        self.forced += other.forced;
        self.inputs_sent += other.inputs_sent;
        self.rejections += other.rejections;
        self.visible_sum += other.visible_sum;
        self.visible_samples += other.visible_samples;
        self.connected += other.connected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_added_times_are_those_of_all() {
        let (mut low, mut high) = (Times::default(), Times::default());
        for time_us in 1..=500 {
            low.record(time_us * 100);
            high.record((500 + time_us) * 100);
        }
        low.add(&high);
        for (part, expected_ms) in [(0.5, 50.0), (0.95, 95.0), (1.0, 100.0)] {
            assert!((low.quantile_ms(part) - expected_ms).abs() < 0.2, "{part}: {}", low.quantile_ms(part));
        }
        assert_eq!(Times::default().quantile_ms(0.5), 0.0);
    }
}
