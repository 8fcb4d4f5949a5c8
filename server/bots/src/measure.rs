//! What bots measure. A herd fills one [`Measures`] a second for each kind of network its bots have; they are added up
//! into seconds and into the whole. Times are microseconds in histograms of three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use net::client::swarm::LinkStats;
use net::client::{ClientSession, Stats};

/// Longest time a histogram tells from longer ones, in microseconds (60 s).
const TIME_US_MAX: u64 = 60_000_000;
/// Weight of the newest difference in the smoothed jitter, as RFC 3550 has it.
const JITTER_GAIN: f64 = 1.0 / 16.0;

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

    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the same bounds, so every value fits.
        let _fits = self.0.add(&other.0);
    }

    /// The time in milliseconds that a part (0 to 1) of all times does not exceed; 0 without any.
    #[allow(clippy::cast_precision_loss, reason = "below 2^26")]
    pub(crate) fn quantile_ms(&self, part: f64) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.value_at_quantile(part) as f64 / 1_000.0 }
    }

    /// How many times there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Times above the one before and not above this one, by upper bounds that grow by a quarter, in milliseconds.
    #[allow(clippy::cast_precision_loss, reason = "below 2^26 in time, and counts are for drawing")]
    pub(crate) fn bars(&self) -> Vec<(f64, u64)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let bars = self.0.iter_log(250, 1.25);
        bars.map(|bar| (bar.value_iterated_to() as f64 / 1_000.0, bar.count_since_last_iteration())).collect()
    }
}

/// Everything counted and measured by some bots in some time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measures {
    /// From sending an input to hearing that it was applied.
    pub(crate) ack: Times,
    /// How much later than the fastest of the last seconds updates came.
    pub(crate) update_age: Times,
    /// Round trips as the connection measures them, one sample per bot and second.
    pub(crate) rtt: Times,
    /// Smoothed jitter of updates, one sample per bot and second.
    pub(crate) jitter: Times,
    /// How far what is shown of others that move lags behind what the server has told them, a sample per comparison.
    pub(crate) view_lag: Times,
    pub(crate) counts: Counts,
    /// CPU time of the bots' threads.
    pub(crate) cpu: Duration,
    /// Time connected, over all bots.
    pub(crate) connected: Duration,
}

/// What is only counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) frames_received: u64,
    /// State frames that the server sent, as far as their numbers tell. What of them did not come is no count of its own:
    /// it falls again when one comes late.
    pub(crate) frames_numbered: u64,
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_received: u64,
    pub(crate) packets_sent: u64,
    pub(crate) decode_errors: u64,
    pub(crate) unknown_records: u64,
    pub(crate) corrections: u64,
    pub(crate) forced: u64,
    pub(crate) inputs_sent: u64,
    pub(crate) rejections: u64,
    pub(crate) visible_sum: u64,
    pub(crate) visible_samples: u64,
    pub(crate) turns: u64,
    /// Turns in which the bot walked.
    pub(crate) walking_turns: u64,
    /// What is shown of others, compared with what the server has told those others of themselves.
    pub(crate) views_compared: u64,
    /// Of these, what has rested for half a second and is shown elsewhere.
    pub(crate) views_late: u64,
}

impl Counts {
    fn pairs(&mut self, other: &Self) -> [(&mut u64, u64); 18] {
        [
            (&mut self.frames_received, other.frames_received),
            (&mut self.frames_numbered, other.frames_numbered),
            (&mut self.bytes_received, other.bytes_received),
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.packets_received, other.packets_received),
            (&mut self.packets_sent, other.packets_sent),
            (&mut self.decode_errors, other.decode_errors),
            (&mut self.unknown_records, other.unknown_records),
            (&mut self.corrections, other.corrections),
            (&mut self.forced, other.forced),
            (&mut self.inputs_sent, other.inputs_sent),
            (&mut self.rejections, other.rejections),
            (&mut self.visible_sum, other.visible_sum),
            (&mut self.visible_samples, other.visible_samples),
            (&mut self.turns, other.turns),
            (&mut self.walking_turns, other.walking_turns),
            (&mut self.views_compared, other.views_compared),
            (&mut self.views_late, other.views_late),
        ]
    }

    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.pairs(other).into_iter().for_each(|(own, more)| *own = own.saturating_add(more));
    }

    /// State frames that did not come. Those of a second are 0 when more came late than were missed.
    pub(crate) fn frames_lost(&self) -> u64 {
        self.frames_numbered.saturating_sub(self.frames_received)
    }

    /// What came since an earlier reading; no count ever falls.
    fn since(mut self, before: &Self) -> Self {
        self.pairs(before).into_iter().for_each(|(now, before)| *now = now.saturating_sub(before));
        self
    }
}

/// What has been taken over of one session, so that the next look finds what is new.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    counts: Counts,
    last_age_us: Option<u32>,
    jitter_us: f64,
}

impl Measures {
    /// Takes the times that came in since the last call, and keeps them when `measuring`.
    pub(crate) fn take_times(&mut self, session: &mut ClientSession, reading: &mut Reading, measuring: bool) {
        for time_us in session.ack_us().drain().filter(|_| measuring) {
            self.ack.record(time_us);
        }
        for age_us in session.update_age_us().drain() {
            let difference_us = reading.last_age_us.replace(age_us).map_or(0, |last_us| age_us.abs_diff(last_us));
            reading.jitter_us += (f64::from(difference_us) - reading.jitter_us) * JITTER_GAIN;
            if measuring {
                self.update_age.record(age_us);
            }
        }
    }

    /// Takes over what a session and its connection have counted since the last call.
    pub(crate) fn take_counts(&mut self, stats: &Stats, link: &LinkStats, reading: &mut Reading) {
        let counts = Counts {
            frames_received: stats.frames_received,
            frames_numbered: stats.frames_received + stats.frames_lost,
            bytes_received: link.received_bytes,
            bytes_sent: link.sent_bytes,
            packets_received: link.received_datagrams,
            packets_sent: link.sent_datagrams,
            decode_errors: stats.decode_errors,
            unknown_records: stats.unknown_records,
            corrections: stats.corrections,
            forced: stats.forced,
            inputs_sent: stats.inputs_sent,
            ..Counts::default()
        };
        self.counts.add(&counts.since(&reading.counts));
        reading.counts = counts;
    }

    /// Samples what changes slowly.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
    pub(crate) fn sample_path(&mut self, rtt: Duration, reading: &Reading) {
        self.rtt.record(u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX));
        self.jitter.record(reading.jitter_us as u32);
    }

    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.ack, &other.ack),
            (&mut self.update_age, &other.update_age),
            (&mut self.rtt, &other.rtt),
            (&mut self.jitter, &other.jitter),
            (&mut self.view_lag, &other.view_lag),
        ] {
            if more.count() > 0 {
                own.add(more);
            }
        }
        self.counts.add(&other.counts);
        self.cpu += other.cpu;
        self.connected += other.connected;
    }

    /// Forgets everything, and keeps its memory.
    pub(crate) fn clear(&mut self) {
        for times in [&mut self.ack, &mut self.update_age, &mut self.rtt, &mut self.jitter, &mut self.view_lag] {
            if times.count() > 0 {
                times.0.reset();
            }
        }
        (self.counts, self.cpu, self.connected) = (Counts::default(), Duration::ZERO, Duration::ZERO);
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

    #[test]
    fn the_bars_of_a_distribution_add_up_to_all_of_it() {
        let mut times = Times::default();
        (0..1_000).for_each(|time| times.record(time * 90));
        let bars = times.bars();
        assert_eq!(bars.iter().map(|(_, count)| count).sum::<u64>(), 1_000);
        assert!(bars.windows(2).all(|pair| pair[0].0 < pair[1].0), "{bars:?}");
    }

    #[test]
    fn a_session_is_taken_over_once_however_often_it_is_looked_at() {
        let (mut measures, mut reading) = (Measures::default(), Reading::default());
        for received in [10, 20, 20] {
            let stats = Stats { frames_received: received, ..Stats::default() };
            let link = LinkStats { sent_bytes: received * 60, ..LinkStats::default() };
            measures.take_counts(&stats, &link, &mut reading);
        }
        assert_eq!((measures.counts.frames_received, measures.counts.bytes_sent), (20, 1_200));
    }

    #[test]
    fn a_frame_that_comes_late_is_not_lost() {
        let (mut all, mut reading) = (Measures::default(), Reading::default());
        let mut lost = Vec::new();
        // Two are missing, one of them comes late, then that happens once more, and at last one more comes late.
        for (received, missing) in [(8, 2), (19, 1), (28, 2), (39, 1), (50, 0)] {
            let mut second = Measures::default();
            let stats = Stats { frames_received: received, frames_lost: missing, ..Stats::default() };
            second.take_counts(&stats, &LinkStats::default(), &mut reading);
            lost.push(second.counts.frames_lost());
            all.add(&second);
        }
        assert_eq!(lost, [2, 0, 1, 0, 0], "as far as each second knew");
        assert_eq!((all.counts.frames_received, all.counts.frames_lost()), (50, 0));
    }
}
