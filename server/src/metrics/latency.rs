//! `message_latency`: a histogram fed with counts. Its messages are the most frequent thing a server sees, so scenes count
//! them by bucket and add a tick's counts at once; the page is written here.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use net::sessions::{LATENCY_BOUNDS_US, Latency};

use super::names::MESSAGE_LATENCY;

/// The histograms by `msg_type`.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    pub(super) input: LatencyHistogram,
    pub(super) command: LatencyHistogram,
    pub(super) view: LatencyHistogram,
}

/// One histogram; only ever grows.
#[derive(Debug, Default)]
pub(super) struct LatencyHistogram {
    counts: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl LatencyHistogram {
    /// Adds what a scene has counted in a tick.
    pub(super) fn add(&self, latency: &Latency) {
        for (sum, &count) in self.counts.iter().zip(&latency.counts).filter(|(_, count)| **count > 0) {
            sum.fetch_add(count, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(latency.sum_us, Ordering::Relaxed);
    }

    fn write(&self, msg_type: &str, page: &mut String) -> fmt::Result {
        let mut below = 0;
        let labels = format!("msg_type=\"{msg_type}\"");
        for (count, bound_us) in self.counts.iter().zip(LATENCY_BOUNDS_US) {
            below += count.load(Ordering::Relaxed);
            writeln!(page, "{MESSAGE_LATENCY}_bucket{{{labels},le=\"{}\"}} {below}", seconds(bound_us))?;
        }
        let all = below + self.counts.last().map_or(0, |longest| longest.load(Ordering::Relaxed));
        writeln!(page, "{MESSAGE_LATENCY}_bucket{{{labels},le=\"+Inf\"}} {all}")?;
        writeln!(page, "{MESSAGE_LATENCY}_sum{{{labels}}} {}", seconds(self.sum_us.load(Ordering::Relaxed)))?;
        writeln!(page, "{MESSAGE_LATENCY}_count{{{labels}}} {all}")
    }
}

impl Latencies {
    /// Appends the histograms to the page, with their `help`.
    pub(super) fn write(&self, help: &str, page: &mut String) {
        let header = format!("# HELP {MESSAGE_LATENCY} {help}\n# TYPE {MESSAGE_LATENCY} histogram\n");
        page.push_str(&header);
        for (msg_type, histogram) in [("input", &self.input), ("command", &self.command), ("view", &self.view)] {
            let written = histogram.write(msg_type, page);
            debug_assert!(written.is_ok(), "a string takes everything");
        }
        page.push('\n');
    }
}

#[allow(clippy::cast_precision_loss, reason = "250 years are 2^53 microseconds")]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_from_bucket_to_bucket() {
        let latencies = Latencies::default();
        let mut latency = Latency { sum_us: 3_060_000, ..Latency::default() };
        (latency.counts[0], latency.counts[3], latency.counts[10]) = (5, 1, 1);
        latencies.input.add(&latency);
        latencies.input.add(&latency);
        let mut page = String::new();
        latencies.write("Seconds.", &mut page);
        for line in [
            "# TYPE message_latency histogram",
            "message_latency_bucket{msg_type=\"input\",le=\"0.025\"} 10",
            "message_latency_bucket{msg_type=\"input\",le=\"0.05\"} 12",
            "message_latency_bucket{msg_type=\"input\",le=\"+Inf\"} 14",
            "message_latency_sum{msg_type=\"input\"} 6.12",
            "message_latency_count{msg_type=\"command\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "`{line}` is missing in:\n{page}");
        }
    }
}
