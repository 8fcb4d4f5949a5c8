//! What a client can say about its connection in figures: percentiles from a small fixed histogram, jitter, loss.
//!
//! Nothing here allocates or grows: a client of ten thousand in one process costs as much as a client of one.

use std::time::Duration;

/// Unit of the histogram, in microseconds.
const UNIT_US: u32 = 256;
/// Buckets up to which each holds one unit.
const LINEAR: u32 = 16;
/// Buckets of every doubling beyond: the value of one is 1/8 off at most.
const PER_OCTAVE: u32 = 8;
/// Buckets in all: up to 16.7 s, and all that is longer in the last.
const BUCKETS: usize = 112;

/// Times in microseconds, each within an eighth of what it was.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: [u32; BUCKETS],
    total: u32,
    max_us: u32,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: [0; BUCKETS], total: 0, max_us: 0 }
    }
}

/// Where times lie, in microseconds; all 0 when there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// Half of them are at most this.
    pub p50_us: u32,
    /// 95 of 100 are at most this.
    pub p95_us: u32,
    /// 99 of 100 are at most this.
    pub p99_us: u32,
    /// The longest.
    pub max_us: u32,
}

impl Histogram {
    /// Takes a time in.
    pub fn record(&mut self, time_us: u64) {
        let time_us = u32::try_from(time_us).unwrap_or(u32::MAX);
        if let Some(count) = self.counts.get_mut(bucket_of(time_us)) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
        self.max_us = self.max_us.max(time_us);
    }

    /// Times taken in, less those forgotten.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.total
    }

    /// Forgets half of what was taken in, so that what comes counts more than what was.
    pub fn forget_half(&mut self) {
        self.counts.iter_mut().for_each(|count| *count /= 2);
        self.total = self.counts.iter().sum();
    }

    /// The time that `per_cent` of all are at most, as the upper end of its bucket; 0 when there are none.
    #[must_use]
    pub fn at(&self, per_cent: u32) -> u32 {
        if self.total == 0 {
            return 0;
        }
        let rank = (u64::from(self.total) * u64::from(per_cent)).div_ceil(100).max(1);
        let mut below = 0;
        let reached = self.counts.iter().position(|&count| {
            below += u64::from(count);
            below >= rank
        });
        reached.map_or(self.max_us, upper_end_us).min(self.max_us)
    }

    /// The usual ones.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        Quantiles { p50_us: self.at(50), p95_us: self.at(95), p99_us: self.at(99), max_us: self.max_us }
    }
}

fn bucket_of(time_us: u32) -> usize {
    let units = time_us / UNIT_US;
    if units < LINEAR {
        return units as usize;
    }
    let octave = units.ilog2() - LINEAR.ilog2();
    let step = (units >> (octave + 1)) - PER_OCTAVE;
    ((LINEAR + octave * PER_OCTAVE + step) as usize).min(BUCKETS - 1)
}

fn upper_end_us(bucket: usize) -> u32 {
    let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
    let units = if bucket < LINEAR {
        bucket + 1
    } else {
        let (octave, step) = ((bucket - LINEAR) / PER_OCTAVE, (bucket - LINEAR) % PER_OCTAVE);
        (PER_OCTAVE + step + 1) << (octave + 1)
    };
    units.saturating_mul(UNIT_US) - 1
}

/// The mean difference between neighbours' times on the way, smoothed as RFC 3550 (6.4.1) does it for RTP.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InterarrivalJitter {
    last: Option<(u32, u64)>,
    /// In sixteenths of a microsecond.
    smoothed: u64,
}

impl InterarrivalJitter {
    /// Notes that what was made in `tick` came at `arrived_us`; further datagrams of a tick, and older ones, do not count.
    pub(super) fn arrived(&mut self, tick: u32, arrived_us: u64, tick_us: u64) {
        let Some((last_tick, last_us)) = self.last else {
            self.last = Some((tick, arrived_us));
            return;
        };
        if tick <= last_tick {
            return;
        }
        self.last = Some((tick, arrived_us));
        let expected_us = u64::from(tick - last_tick) * tick_us;
        let difference_us = arrived_us.saturating_sub(last_us).abs_diff(expected_us);
        self.smoothed = self.smoothed - self.smoothed / 16 + difference_us;
    }

    /// In microseconds.
    pub(super) fn us(self) -> u64 {
        self.smoothed / 16
    }
}

/// What a client has counted since it connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// State frames that came, each once.
    pub frames_received: u64,
    /// State frames that did not come, as far as is known now.
    pub frames_lost: u64,
    /// UDP payload received, in bytes; 0 for a session without a connection.
    pub bytes_received: u64,
    /// UDP payload sent, in bytes; 0 for a session without a connection.
    pub bytes_sent: u64,
    /// Datagrams, frames and records that could not be read.
    pub decode_errors: u64,
    /// Records about entities that were not known.
    pub unknown_records: u64,
    /// Batches out of order: a broken promise of the server.
    pub batch_gaps: u64,
    /// Predictions that were off by more than half a metre.
    pub corrections: u64,
    /// Positions the server forced.
    pub forced: u64,
    /// Inputs sent.
    pub inputs_sent: u64,
}

/// How the way to the server is, over the whole session.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Timings {
    /// The round trip as QUIC measures it; 0 for a session without a connection.
    pub rtt: Duration,
    /// From sending an input to hearing that it was applied: the round trip, and the wait for the tick.
    pub input_echo: Quantiles,
    /// How much later than the fastest of the last seconds state frames came.
    pub update_age: Quantiles,
    /// Interarrival jitter of state frames, in microseconds (RFC 3550).
    pub jitter_us: u64,
    /// State frames that did not come, 0 to 1.
    pub loss: f32,
    /// How far behind the newest news others are shown now, in ticks.
    pub delay_ticks: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_without_a_gap_and_hold_what_they_say() {
        let mut last = 0;
        for time_us in (0..20_000_000).step_by(97) {
            let bucket = bucket_of(time_us);
            assert!(bucket == last || bucket == last + 1, "{time_us} us: {bucket} after {last}");
            last = bucket;
            if bucket < BUCKETS - 1 {
                assert!(upper_end_us(bucket) >= time_us, "{time_us} us is beyond its bucket");
                assert!(upper_end_us(bucket) <= time_us.max(UNIT_US) / 8 * 9 + UNIT_US, "{time_us} us: too wide");
            }
        }
        assert_eq!(last, BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_an_eighth_off_at_most() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantiles(), Quantiles::default());
        for time_us in 1..=100_000 {
            histogram.record(time_us);
        }
        let quantiles = histogram.quantiles();
        for (found, exact) in [(quantiles.p50_us, 50_000), (quantiles.p95_us, 95_000), (quantiles.p99_us, 99_000)] {
            assert!((exact..=exact / 8 * 9).contains(&found), "{found} for {exact}");
        }
        assert_eq!(quantiles.max_us, 100_000);
        histogram.record(u64::MAX);
        assert_eq!(histogram.quantiles().max_us, u32::MAX);
    }

    #[test]
    fn what_comes_counts_more_than_what_was() {
        let mut histogram = Histogram::default();
        (0..100).for_each(|_| histogram.record(1_000));
        (0..4).for_each(|_| histogram.forget_half());
        (0..20).for_each(|_| histogram.record(90_000));
        assert_eq!(histogram.count(), 26);
        assert!(histogram.at(50) > 80_000);
    }

    #[test]
    fn an_even_path_has_no_jitter_and_an_uneven_one_as_much_as_it_varies() {
        let (mut even, mut uneven) = (InterarrivalJitter::default(), InterarrivalJitter::default());
        for tick in 0..400_u32 {
            let on_time_us = u64::from(tick) * 50_000;
            even.arrived(tick, on_time_us, 50_000);
            uneven.arrived(tick, on_time_us + u64::from(tick % 2) * 8_000, 50_000);
            uneven.arrived(tick, on_time_us + 20_000, 50_000);
        }
        assert_eq!(even.us(), 0);
        assert!((7_500..=8_000).contains(&uneven.us()), "{}", uneven.us());
    }
}
