//! The course of a test: one point a second, from what all herds hand in. A second is closed when all have had time to
//! hand in theirs; its distributions shrink to a few percentiles then, so that a long test stays small.

use std::collections::BTreeMap;

use crate::measure::{Measures, Times};

/// Seconds that stay open for herds that were held up.
const OPEN_SECONDS: u32 = 2;

/// What one second was like for all bots.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Point {
    /// Seconds since the first bot set out.
    pub second: u32,
    /// Bots connected, mean over the second.
    pub connected: f64,
    /// From sending an input to hearing that it was applied, in milliseconds.
    pub ack_ms: Quantiles,
    /// How much later than the fastest updates came, in milliseconds.
    pub update_age_ms: Quantiles,
    /// State frames that came.
    pub frames_received: u64,
    /// State frames that did not come, as far as was known then.
    pub frames_lost: u64,
    /// UDP payload from the server per client, in bytes.
    pub bytes_down: f64,
    /// UDP payload to the server per client, in bytes.
    pub bytes_up: f64,
    /// Predictions of the own place that were off by more than half a metre.
    pub corrections: u64,
    /// Entities in view besides the own character, mean over bots.
    pub visible: f64,
    /// CPU time of the bots' threads per turn of a bot, in microseconds.
    pub client_cpu_us: f64,
}

/// Three points of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Quantiles {
    /// Half are not above.
    pub p50: f64,
    /// 95 % are not above.
    pub p95: f64,
    /// 99 % are not above.
    pub p99: f64,
}

impl Quantiles {
    fn of(times: &Times) -> Self {
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|part| times.quantile_ms(part));
        Self { p50, p95, p99 }
    }
}

/// Points, and the seconds that are not closed yet.
#[derive(Debug, Default)]
pub(crate) struct Series {
    open: BTreeMap<u32, Measures>,
    points: Vec<Point>,
}

impl Series {
    /// Adds a herd's second, and closes those that nobody adds to any more.
    pub(crate) fn add(&mut self, second: u32, measures: &Measures) {
        self.open.entry(second).or_default().add(measures);
        while let Some(oldest) = self.open.first_entry()
            && oldest.key() + OPEN_SECONDS < second
        {
            let (second, measures) = oldest.remove_entry();
            self.points.push(point(second, &measures));
        }
    }

    /// The closed seconds so far.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// All seconds.
    pub(crate) fn finish(mut self) -> Vec<Point> {
        let rest = std::mem::take(&mut self.open);
        self.points.extend(rest.iter().map(|(&second, measures)| point(second, measures)));
        self.points
    }
}

#[allow(clippy::cast_precision_loss, reason = "means for people")]
fn point(second: u32, measures: &Measures) -> Point {
    let (counts, connected) = (&measures.counts, measures.connected.as_secs_f64());
    let per_client = |bytes: u64| if connected > 0.0 { bytes as f64 / connected } else { 0.0 };
    Point {
        second,
        connected,
        ack_ms: Quantiles::of(&measures.ack),
        update_age_ms: Quantiles::of(&measures.update_age),
        frames_received: counts.frames_received,
        frames_lost: counts.frames_lost(),
        bytes_down: per_client(counts.bytes_received),
        bytes_up: per_client(counts.bytes_sent),
        corrections: counts.corrections,
        visible: counts.visible_sum as f64 / counts.visible_samples.max(1) as f64,
        client_cpu_us: measures.cpu.as_secs_f64() * 1e6 / counts.turns.max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn second(bytes_received: u64) -> Measures {
        let mut measures = Measures { connected: Duration::from_secs(10), ..Measures::default() };
        measures.counts.bytes_received = bytes_received;
        measures
    }

    #[test]
    fn a_second_has_what_all_herds_handed_in_and_closes_after_two_more() {
        let mut series = Series::default();
        for (at, bytes) in [(0, 1_000), (1, 50), (0, 3_000), (2, 50)] {
            series.add(at, &second(bytes));
        }
        assert_eq!(series.points(), []);
        series.add(3, &second(50));
        assert_eq!(series.points().len(), 1);
        assert!((series.points()[0].bytes_down - 200.0).abs() < 1e-9, "4,000 bytes in 20 s of connections");
        let seconds: Vec<u32> = series.finish().iter().map(|point| point.second).collect();
        assert_eq!(seconds, [0, 1, 2, 3]);
    }
}
