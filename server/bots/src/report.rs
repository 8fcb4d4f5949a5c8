//! What a load test found: a table for people, one JSON object for scripts. The names in the JSON are relied on.

use std::fmt;

use crate::measure::{Measures, Times};

/// Four points of a distribution, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Percentiles {
    /// Half are not above.
    pub p50: f64,
    /// 95 % are not above.
    pub p95: f64,
    /// 99 % are not above.
    pub p99: f64,
    /// None is above.
    pub max: f64,
}

impl Percentiles {
    fn of(times: &Times) -> Self {
        let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|part| times.quantile_ms(part));
        Self { p50, p95, p99, max }
    }
}

/// The figures of a load test.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    /// Bots asked for.
    pub bots: u32,
    /// Length of the measurement, after all had joined.
    pub seconds: f64,
    /// What they did.
    pub behaviour: &'static str,
    /// Bots that stood in the world.
    pub connected: u32,
    /// Bots that lost their session before the end.
    pub disconnects: u32,
    /// Bytes from the server that could not be read.
    pub decode_errors: u64,
    /// Things shown that cannot be true.
    pub invariant_violations: u64,
    /// Predictions of the own place that were off by more than half a metre.
    pub corrections: u64,
    /// Positions the server forced.
    pub forced_positions: u64,
    /// Commands the server refused.
    pub rejected_commands: u64,
    /// State frames that came.
    pub frames_received: u64,
    /// State frames that did not come.
    pub frames_lost: u64,
    /// Entities in view besides the own character, mean over bots and time.
    pub entities_visible: f64,
    /// UDP payload received, per client.
    pub bytes_per_second_per_client: f64,
    /// From sending an input to hearing that it was applied.
    pub ack_ms: Percentiles,
    /// How much later than the fastest updates came.
    pub update_age_ms: Percentiles,
    /// The first violations and lost sessions, in words.
    pub remarks: Vec<String>,
    #[serde(skip)]
    pub(crate) hostile: bool,
}

/// What happened to a herd, to make a report of.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) connected: u32,
    pub(crate) disconnects: u32,
    pub(crate) violations: u64,
    pub(crate) remarks: Vec<String>,
    pub(crate) measures: Measures,
}

/// Remarks that are kept.
const REMARKS_MAX: usize = 5;

impl Outcome {
    /// Adds another herd's.
    pub(crate) fn add(&mut self, other: Self) {
        self.connected += other.connected;
        self.disconnects += other.disconnects;
        self.violations += other.violations;
        self.remarks.extend(other.remarks);
        self.remarks.truncate(REMARKS_MAX);
        self.measures.add(&other.measures);
    }
}

impl Report {
    #[allow(clippy::cast_precision_loss, reason = "means for people")]
    pub(crate) fn new(plan: &crate::Plan, outcome: Outcome) -> Self {
        let Outcome { connected, disconnects, violations, remarks, measures } = outcome;
        let connected_s = measures.connected.as_secs_f64().max(1e-9);
        Self {
            bots: plan.count,
            seconds: plan.duration.as_secs_f64(),
            behaviour: plan.behaviour.name(),
            connected,
            disconnects,
            decode_errors: measures.decode_errors,
            invariant_violations: violations,
            corrections: measures.corrections,
            forced_positions: measures.forced,
            rejected_commands: measures.rejections,
            frames_received: measures.frames_received,
            frames_lost: measures.frames_lost,
            entities_visible: rounded(measures.visible_sum as f64 / measures.visible_samples.max(1) as f64),
            bytes_per_second_per_client: rounded(measures.bytes_received as f64 / connected_s),
            ack_ms: Percentiles::of(&measures.ack),
            update_age_ms: Percentiles::of(&measures.update_age),
            remarks,
            hostile: plan.behaviour.is_hostile(),
        }
    }

    /// True when every bot stood in the world until the end and saw nothing impossible. Of hostile bots, a closed
    /// session is what was to be shown.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let all_stayed = self.hostile || (self.connected == self.bots && self.disconnects == 0);
        all_stayed && self.decode_errors == 0 && self.invariant_violations == 0
    }

    /// One JSON object, with a line break at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}")) + "\n"
    }
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bots, connected, behaviour, seconds, .. } = self;
        writeln!(f, "{connected} of {bots} bots joined ({behaviour}), measured for {seconds:.0} s")?;
        writeln!(f, "{:<24}{:>9}{:>9}{:>9}{:>9}", "milliseconds", "p50", "p95", "p99", "max")?;
        for (name, times) in [("input to acknowledgement", self.ack_ms), ("update age", self.update_age_ms)] {
            let Percentiles { p50, p95, p99, max } = times;
            writeln!(f, "{name:<24}{p50:>9.1}{p95:>9.1}{p99:>9.1}{max:>9.1}")?;
        }
        let rows = [
            ("bytes/s per client", format!("{:.0}", self.bytes_per_second_per_client)),
            ("entities visible (mean)", format!("{:.1}", self.entities_visible)),
            ("frames received / lost", format!("{} / {}", self.frames_received, self.frames_lost)),
            ("corrections", self.corrections.to_string()),
            ("forced positions", self.forced_positions.to_string()),
            ("commands refused", self.rejected_commands.to_string()),
            ("disconnects", self.disconnects.to_string()),
            ("decode errors", self.decode_errors.to_string()),
            ("invariant violations", self.invariant_violations.to_string()),
        ];
        for (name, value) in rows {
            writeln!(f, "{name:<24}{value:>18}")?;
        }
        self.remarks.iter().try_for_each(|remark| writeln!(f, "! {remark}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(hostile: bool, disconnects: u32) -> Report {
        let none = Percentiles { p50: 0.0, p95: 0.0, p99: 0.0, max: 0.0 };
        Report {
            bots: 2,
            seconds: 1.0,
            behaviour: "roam",
            connected: 2,
            disconnects,
            decode_errors: 0,
            invariant_violations: 0,
            corrections: 0,
            forced_positions: 0,
            rejected_commands: 0,
            frames_received: 40,
            frames_lost: 0,
            entities_visible: 1.5,
            bytes_per_second_per_client: 1_000.0,
            ack_ms: none,
            update_age_ms: none,
            remarks: Vec::new(),
            hostile,
        }
    }

    #[test]
    fn a_dropped_bot_is_a_failure_unless_it_was_hostile() {
        assert!(report(false, 0).is_good());
        assert!(!report(false, 1).is_good());
        assert!(report(true, 2).is_good());
    }

    #[test]
    fn the_json_has_every_name_that_scripts_rely_on() {
        let json: serde_json::Value = serde_json::from_str(&report(false, 0).to_json()).unwrap();
        for name in [
            "bots",
            "seconds",
            "connected",
            "disconnects",
            "decode_errors",
            "invariant_violations",
            "corrections",
            "frames_received",
            "frames_lost",
            "entities_visible",
            "bytes_per_second_per_client",
        ] {
            assert!(json[name].is_number(), "{name}");
        }
        for (times, point) in [("ack_ms", "p50"), ("ack_ms", "p95"), ("update_age_ms", "p99"), ("update_age_ms", "max")]
        {
            assert!(json[times][point].is_number(), "{times}.{point}");
        }
    }
}
