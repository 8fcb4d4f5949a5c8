//! What a load test found: a table for people, one JSON object for scripts. The names in the JSON are relied on.

use std::collections::BTreeSet;
use std::fmt;

use sim::ids::SimId;

use crate::measure::{Counts, Measures, Times};
use crate::scrape::ServerReport;
use crate::series::Point;

/// Remarks that are kept.
const REMARKS_MAX: usize = 5;

/// Four points of a distribution, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
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
    pub(crate) fn of(times: &Times) -> Self {
        let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|part| times.quantile_ms(part));
        Self { p50, p95, p99, max }
    }
}

/// What all bots of one kind of network measured while all had joined.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Path {
    /// State frames that came.
    pub frames_received: u64,
    /// State frames that did not come.
    pub frames_lost: u64,
    /// The part of all state frames that did not come, 0 to 1.
    pub loss: f64,
    /// From sending an input to hearing that it was applied.
    pub ack_ms: Percentiles,
    /// How much later than the fastest updates came.
    pub update_age_ms: Percentiles,
    /// Round trips as the connections measure them.
    pub rtt_ms: Percentiles,
    /// Smoothed difference between the delays of successive updates, as in RFC 3550.
    pub jitter_ms: Percentiles,
    /// How far what is shown of others that move lags behind what the server has told them; its maximum is the silence.
    pub view_lag_ms: Percentiles,
    /// What is shown of others, compared with what the server has told them of themselves.
    pub views_compared: u64,
    /// Of these, what has rested for half a second and is still shown elsewhere.
    pub views_late: u64,
    /// Predictions of the own place that were off by more than half a metre, per bot and 10 s of walking.
    pub corrections_per_10s_walking: f64,
}

/// Distributions in bars, as (upper bound in milliseconds, how many).
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Distributions {
    /// From sending an input to hearing that it was applied.
    pub ack_ms: Vec<(f64, u64)>,
    /// How much later than the fastest updates came.
    pub update_age_ms: Vec<(f64, u64)>,
}

/// The figures of a load test.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Report {
    /// Bots asked for.
    pub bots: u32,
    /// Bots that checked what they were shown of others; all checked what they were told of themselves.
    pub bots_checking: u32,
    /// Length of the measurement, after all had joined.
    pub seconds: f64,
    /// What they did.
    pub behaviour: &'static str,
    /// Bots that stood in the world.
    pub connected: u32,
    /// Bots that lost their session before the end.
    pub disconnects: u32,
    /// Logins that had to be tried again, because the server or the path had given them up: of bots that join, and of
    /// bots that come back.
    pub logins_retried: u32,
    /// Bytes from the server that could not be read.
    pub decode_errors: u64,
    /// Records about entities that the client did not know; on a path without loss there are none.
    pub unknown_records: u64,
    /// Things shown that cannot be true.
    pub invariant_violations: u64,
    /// Predictions of the own place that were off by more than half a metre.
    pub corrections: u64,
    /// Positions the server forced.
    pub forced_positions: u64,
    /// Commands the server refused.
    pub rejected_commands: u64,
    /// Entities in view besides the own character, mean over bots and time.
    pub entities_visible: f64,
    /// UDP payload received, per client.
    pub bytes_per_second_per_client: f64,
    /// UDP payload sent, per client.
    pub bytes_sent_per_second_per_client: f64,
    /// UDP packets received, per bot and turn: those with acknowledgements alone are beyond one for each tick.
    pub packets_received_per_turn: f64,
    /// UDP packets sent, per bot and turn.
    pub packets_sent_per_turn: f64,
    /// CPU time of the bots' threads per bot and turn, in microseconds.
    pub client_cpu_us_per_tick: f64,
    /// All bots together.
    #[serde(flatten)]
    pub path: Path,
    /// The bots with a bad network, when the others had a good one.
    pub impaired: Option<Path>,
    /// The bots with a good network, when others had a bad one.
    pub others: Option<Path>,
    /// Lines that were lost and found again, when the network was cut.
    pub returns: Option<Returns>,
    /// What the server said of itself, when it could be asked.
    pub server: Option<ServerReport>,
    /// Entity updates not sent because nobody saw them, as a part of what telling everyone in the scene everything would
    /// have been, 0 to 1; as the server counts it, or else as the bots see it.
    pub updates_saved: Option<f64>,
    /// The first violations and lost sessions, in words.
    pub remarks: Vec<String>,
    /// The same as bars, all bots together.
    pub distributions: Distributions,
    /// What was typed.
    pub command_line: String,
    /// The course of the test, a point a second from the first join on.
    pub series: Vec<Point>,
    #[serde(skip)]
    pub(crate) hostile: bool,
}

/// What happened to a herd, to make a report of.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) connected: u32,
    pub(crate) disconnects: u32,
    pub(crate) logins_retried: u32,
    pub(crate) violations: u64,
    pub(crate) remarks: Vec<String>,
    /// What the first bot that did not get in was told.
    pub(crate) refusal: Option<String>,
    /// The server's game data, when it is not the plan's.
    pub(crate) other_assets: Option<u64>,
    /// While all had joined: of those with a good network, and of the impaired.
    pub(crate) groups: [Measures; 2],
    /// From the first join to the last goodbye.
    pub(crate) life: Counts,
    /// What became of lines that were lost.
    pub(crate) returns: Returned,
    pub(crate) server: Option<ServerReport>,
    pub(crate) series: Vec<Point>,
}

/// Lines that were lost and found again.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Returns {
    /// Bots that lost their line.
    pub lost: u32,
    /// Those that came back by token.
    pub resumed: u32,
    /// Those of them that had the same entity as before.
    pub same_entity: u32,
    /// Characters in anyone's view at the end that are no bot's: doubles, when bots are alone.
    pub doubles: u32,
    /// From the network's return to standing in the world again, in milliseconds.
    pub after_ms: Percentiles,
}

/// The same while it is being counted.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    pub(crate) lost: u32,
    pub(crate) resumed: u32,
    pub(crate) same_entity: u32,
    /// Characters in view at the end that are no bot's.
    pub(crate) strangers: BTreeSet<SimId>,
    pub(crate) after: Times,
}

impl Returned {
    fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.resumed += other.resumed;
        self.same_entity += other.same_entity;
        self.strangers.extend(&other.strangers);
        self.after.add(&other.after);
    }
}

impl From<Returned> for Returns {
    fn from(counted: Returned) -> Self {
        let Returned { lost, resumed, same_entity, strangers, after } = counted;
        let doubles = u32::try_from(strangers.len()).unwrap_or(u32::MAX);
        Self { lost, resumed, same_entity, doubles, after_ms: Percentiles::of(&after) }
    }
}

impl Outcome {
    /// Adds another herd's.
    pub(crate) fn add(&mut self, other: Self) {
        self.connected += other.connected;
        self.disconnects += other.disconnects;
        self.logins_retried += other.logins_retried;
        self.refusal = self.refusal.take().or(other.refusal);
        self.other_assets = self.other_assets.or(other.other_assets);
        self.violate(other.violations, other.remarks);
        self.groups.iter_mut().zip(&other.groups).for_each(|(own, more)| own.add(more));
        self.life.add(&other.life);
        self.returns.add(&other.returns);
    }

    /// Adds what a group of bots measured in some time, in which all had joined if `measuring`.
    pub(crate) fn add_measures(&mut self, group: usize, measures: &Measures, measuring: bool) {
        self.life.add(&measures.counts);
        if measuring && let Some(own) = self.groups.get_mut(group) {
            own.add(measures);
        }
    }

    /// A bot did not get in.
    pub(crate) fn refuse(&mut self, why: String) {
        self.remark(format!("a bot could not join: {why}"));
        self.refusal.get_or_insert(why);
    }

    /// A bot lost its session.
    pub(crate) fn drop_one(&mut self, why: String) {
        self.disconnects += 1;
        self.remark(why);
    }

    /// A bot was shown what cannot be true.
    pub(crate) fn violate(&mut self, count: u64, told: Vec<String>) {
        self.violations += count;
        told.into_iter().for_each(|what| self.remark(what));
    }

    fn remark(&mut self, remark: String) {
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(remark);
        }
    }
}

impl Path {
    #[allow(clippy::cast_precision_loss, reason = "parts and means for people")]
    fn of(measures: &Measures) -> Self {
        let Measures { ack, update_age, rtt, jitter, view_lag, counts, .. } = measures;
        let frames_lost = counts.frames_lost();
        let frames = counts.frames_received + frames_lost;
        let walked_10s = counts.walking_turns as f64 / 200.0;
        Self {
            frames_received: counts.frames_received,
            frames_lost,
            loss: frames_lost as f64 / frames.max(1) as f64,
            ack_ms: Percentiles::of(ack),
            update_age_ms: Percentiles::of(update_age),
            rtt_ms: Percentiles::of(rtt),
            jitter_ms: Percentiles::of(jitter),
            view_lag_ms: Percentiles::of(view_lag),
            views_compared: counts.views_compared,
            views_late: counts.views_late,
            corrections_per_10s_walking: if walked_10s > 0.0 { counts.corrections as f64 / walked_10s } else { 0.0 },
        }
    }
}

impl Report {
    #[allow(clippy::cast_precision_loss, reason = "means for people")]
    pub(crate) fn new(plan: &crate::Plan, outcome: Outcome) -> Self {
        let [clear, impaired] = &outcome.groups;
        let mut all = clear.clone();
        all.add(impaired);
        let is_split = plan.network.is_split(plan.count);
        let (connected_s, counts) = (all.connected.as_secs_f64().max(1e-9), all.counts);
        Self {
            bots: plan.count,
            bots_checking: plan.count.div_ceil(plan.check_every.max(1)),
            seconds: plan.duration.as_secs_f64(),
            behaviour: plan.behaviour.name(),
            connected: outcome.connected,
            disconnects: outcome.disconnects,
            logins_retried: outcome.logins_retried,
            decode_errors: outcome.life.decode_errors,
            unknown_records: outcome.life.unknown_records,
            invariant_violations: outcome.violations,
            corrections: outcome.life.corrections,
            forced_positions: outcome.life.forced,
            rejected_commands: outcome.life.rejections,
            entities_visible: rounded(counts.visible_sum as f64 / counts.visible_samples.max(1) as f64),
            bytes_per_second_per_client: rounded(counts.bytes_received as f64 / connected_s),
            bytes_sent_per_second_per_client: rounded(counts.bytes_sent as f64 / connected_s),
            packets_received_per_turn: hundredths(counts.packets_received as f64 / counts.turns.max(1) as f64),
            packets_sent_per_turn: hundredths(counts.packets_sent as f64 / counts.turns.max(1) as f64),
            client_cpu_us_per_tick: rounded(all.cpu.as_secs_f64() * 1e6 / counts.turns.max(1) as f64),
            path: Path::of(&all),
            impaired: is_split.then(|| Path::of(impaired)),
            others: is_split.then(|| Path::of(clear)),
            updates_saved: updates_saved(&outcome, counts.visible_sum as f64 / counts.visible_samples.max(1) as f64),
            returns: plan.network.cut.map(|_| Returns::from(outcome.returns)),
            server: outcome.server,
            remarks: outcome.remarks,
            command_line: plan.command_line.clone(),
            distributions: Distributions { ack_ms: all.ack.bars(), update_age_ms: all.update_age.bars() },
            series: outcome.series,
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

    /// One page for people, with plots; a single HTML file without outside references.
    #[must_use]
    pub fn to_html(&self) -> String {
        crate::page::html(self)
    }

    /// One JSON object, with a line break at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}")) + "\n"
    }
}

/// The server's own count; or, without one, the part of the bots that a bot does not see: all move, so all change.
fn updates_saved(outcome: &Outcome, visible: f64) -> Option<f64> {
    let counted = outcome.server.as_ref().and_then(|server| server.updates_sent_of_broadcast);
    let others = f64::from(outcome.connected.saturating_sub(1));
    counted.or_else(|| (others > 0.0).then(|| (visible / others).min(1.0))).map(|sent| 1.0 - sent)
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn write_path(f: &mut fmt::Formatter<'_>, whose: &str, path: &Path) -> fmt::Result {
    writeln!(f, "{:<24}{:>9}{:>9}{:>9}{:>9}", format!("milliseconds{whose}"), "p50", "p95", "p99", "max")?;
    for (name, times) in [
        ("input to acknowledgement", path.ack_ms),
        ("update age", path.update_age_ms),
        ("round trip", path.rtt_ms),
        ("jitter", path.jitter_ms),
        ("lag of others in view", path.view_lag_ms),
    ] {
        let Percentiles { p50, p95, p99, max } = times;
        writeln!(f, "{name:<24}{p50:>9.1}{p95:>9.1}{p99:>9.1}{max:>9.1}")?;
    }
    let (received, lost, percent) = (path.frames_received, path.frames_lost, path.loss * 100.0);
    writeln!(f, "{:<24}{:>18}", "frames received / lost", format!("{received} / {lost} ({percent:.3} %)"))?;
    let (compared, late) = (path.views_compared, path.views_late);
    writeln!(f, "{:<24}{:>18}", "views compared / late", format!("{compared} / {late}"))?;
    writeln!(f, "{:<24}{:>18.3}", "corrections per 10 s", path.corrections_per_10s_walking)
}

fn write_server(f: &mut fmt::Formatter<'_>, server: &ServerReport) -> fmt::Result {
    if let Some(total) = server.tick_ms.get("total") {
        let (mean, p50, p99) = (total.mean, total.p50, total.p99);
        writeln!(f, "{:<24}{:>18}", "server tick ms", format!("{mean:.2} / {p50:.2} / {p99:.2}"))?;
    }
    if let Some(us) = server.cpu_us_per_client_tick {
        writeln!(f, "{:<24}{us:>18.1}", "server us/client-tick")?;
    }
    if let Some(bytes) = server.resident_bytes {
        writeln!(f, "{:<24}{:>18.0}", "server memory MiB", bytes / f64::from(1 << 20))?;
    }
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bots, connected, behaviour, seconds, .. } = self;
        writeln!(f, "{connected} of {bots} bots joined ({behaviour}), measured for {seconds:.0} s")?;
        write_path(f, "", &self.path)?;
        for (whose, path) in [(", impaired", &self.impaired), (", others", &self.others)] {
            path.as_ref().map_or(Ok(()), |path| write_path(f, whose, path))?;
        }
        let rows = [
            ("bytes/s per client down", format!("{:.0}", self.bytes_per_second_per_client)),
            ("bytes/s per client up", format!("{:.0}", self.bytes_sent_per_second_per_client)),
            (
                "packets per turn up/down",
                format!("{:.2} / {:.2}", self.packets_sent_per_turn, self.packets_received_per_turn),
            ),
            ("bot CPU us per turn", format!("{:.1}", self.client_cpu_us_per_tick)),
            ("entities visible (mean)", format!("{:.1}", self.entities_visible)),
            ("corrections", self.corrections.to_string()),
            ("forced positions", self.forced_positions.to_string()),
            ("commands refused", self.rejected_commands.to_string()),
            ("disconnects", self.disconnects.to_string()),
            ("logins tried again", self.logins_retried.to_string()),
            ("decode errors", self.decode_errors.to_string()),
            ("bots that check others", self.bots_checking.to_string()),
            ("invariant violations", self.invariant_violations.to_string()),
        ];
        for (name, value) in rows {
            writeln!(f, "{name:<24}{value:>18}")?;
        }
        if let Some(Returns { lost, resumed, same_entity, doubles, after_ms }) = self.returns {
            let Percentiles { p50, p99, max, .. } = after_ms;
            writeln!(f, "{lost} lines lost, {resumed} resumed, {same_entity} as the same entity, {doubles} doubles")?;
            writeln!(f, "back after the network's return: p50 {p50:.0} ms, p99 {p99:.0} ms, max {max:.0} ms")?;
        }
        if let Some(saved) = self.updates_saved {
            writeln!(f, "{:<24}{:>16.1} %", "updates saved", saved * 100.0)?;
        }
        if let Some(server) = &self.server {
            write_server(f, server)?;
        }
        self.remarks.iter().try_for_each(|remark| writeln!(f, "! {remark}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(hostile: bool, disconnects: u32) -> Report {
        Report { bots: 2, connected: 2, disconnects, hostile, ..Report::default() }
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
            "logins_retried",
            "decode_errors",
            "invariant_violations",
            "corrections",
            "frames_received",
            "frames_lost",
            "loss",
            "client_cpu_us_per_tick",
            "entities_visible",
            "bytes_per_second_per_client",
        ] {
            assert!(json[name].is_number(), "{name}");
        }
        for times in ["ack_ms", "update_age_ms", "rtt_ms", "jitter_ms"] {
            for point in ["p50", "p95", "p99", "max"] {
                assert!(json[times][point].is_number(), "{times}.{point}");
            }
        }
    }
}
