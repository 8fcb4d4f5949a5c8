//! The server's own figures: its `/metrics` page, read once a second while bots play, as any monitor would read it. A
//! server that cannot be asked is no error; there is nothing to say of it then.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(800);
/// Largest page that is read, in bytes.
const PAGE_BYTES_MAX: u64 = 4 << 20;
/// Ticks in a second.
const TICKS_PER_SECOND: f64 = 20.0;
/// The stages of a tick in their order, as the label `stage` names them; the last is the whole.
const STAGES: [&str; 10] =
    ["receive", "validate", "think", "act", "move", "resolve", "perceive", "replicate", "transmit", "total"];

/// What the server said of itself, from the time all bots had joined.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct ServerReport {
    /// The scene with the most characters, of which the tick times are.
    pub scene: String,
    /// Characters in it at the last look.
    pub players: f64,
    /// Milliseconds by stage of its tick and of the whole (`total`).
    pub tick_ms: BTreeMap<String, StageTimes>,
    /// CPU time of the server's process per connected client and tick, in microseconds; absent when it does not say.
    pub cpu_us_per_client_tick: Option<f64>,
    /// Cores in use by each of its threads, mean.
    pub thread_cores: BTreeMap<String, f64>,
    /// Resident memory of the server's process in bytes; absent when it does not say.
    pub resident_bytes: Option<f64>,
    /// UDP payload to each client per second, as the server counts it.
    pub bytes_per_second_per_client: f64,
    /// State records sent, as a part of what sending every change to everyone in the scene would have been, 0 to 1.
    pub updates_sent_of_broadcast: Option<f64>,
    /// The course of the test, a point for every second that could be asked about.
    pub series: Vec<ServerPoint>,
}

/// How long a stage took.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct StageTimes {
    /// Mean over the test.
    pub mean: f64,
    /// Half were not above, in the server's last minute.
    pub p50: f64,
    /// 99 % were not above, in the server's last minute.
    pub p99: f64,
}

/// One second of the server.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct ServerPoint {
    /// Seconds since the first bot set out.
    pub second: f64,
    /// Mean milliseconds of each stage in the order of the tick, the whole last.
    pub stage_ms: Vec<f64>,
    /// 99 % of whole ticks were not above, in the server's last minute, in milliseconds.
    pub total_p99_ms: f64,
    /// CPU time per connected client and tick, in microseconds.
    pub cpu_us_per_client_tick: Option<f64>,
    /// UDP payload to each client, in bytes.
    pub bytes_per_client: f64,
}

/// One value of the page with its labels.
#[derive(Debug, Clone, PartialEq)]
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: f64,
}

impl Sample<'_> {
    fn label(&self, wanted: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
    }
}

/// What a look at the page told that the next look is compared with.
#[derive(Debug, Clone)]
struct Look {
    at: Instant,
    /// Seconds and ticks of every stage since its scene began, by scene and stage.
    stages: BTreeMap<(String, String), (f64, f64)>,
    threads: BTreeMap<String, f64>,
    cpu_s: Option<f64>,
    sent_bytes: f64,
    updates: Option<(f64, f64)>,
}

/// Watches a server.
#[derive(Debug)]
pub(crate) struct Watch {
    server: SocketAddr,
    began: Instant,
    first: Option<Look>,
    last: Option<Look>,
    report: ServerReport,
}

impl Watch {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self { server, began: Instant::now(), first: None, last: None, report: ServerReport::default() }
    }

    /// Looks once; what it says counts from the first look with `measuring` on.
    pub(crate) fn look(&mut self, measuring: bool) {
        if let Some(page) = fetch(self.server) {
            self.take(&page, Instant::now(), measuring);
        }
    }

    /// The newest point.
    pub(crate) fn newest(&self) -> Option<&ServerPoint> {
        self.report.series.last()
    }

    /// What was found, if the server ever answered.
    pub(crate) fn finish(self) -> Option<ServerReport> {
        self.last.is_some().then_some(self.report)
    }

    fn take(&mut self, page: &str, at: Instant, measuring: bool) {
        let samples: Vec<Sample<'_>> = page.lines().filter_map(parse).collect();
        if let Some((scene, players)) = busiest(&samples, &self.report.scene) {
            scene.clone_into(&mut self.report.scene);
            self.report.players = players;
        }
        let look = Look::of(&samples, at);
        let clients = total(&samples, "online_players").unwrap_or(0.0).max(1.0);
        if let Some(last) = &self.last {
            let second = at.duration_since(self.began).as_secs_f64();
            let p99 = quantile(&samples, &self.report.scene, "total", "0.99");
            self.report.series.push(look.point_since(last, &self.report.scene, second, clients, p99));
        }
        if measuring {
            let first = self.first.get_or_insert_with(|| look.clone());
            self.report.sum_up(first, &look, clients, &samples);
        }
        self.last = Some(look);
    }
}

impl ServerReport {
    fn sum_up(&mut self, first: &Look, now: &Look, clients: f64, samples: &[Sample<'_>]) {
        let seconds = now.at.duration_since(first.at).as_secs_f64();
        for stage in STAGES {
            let mean = now.stage_ms_since(first, &self.scene, stage);
            let [p50, p99] = ["0.5", "0.99"].map(|part| quantile(samples, &self.scene, stage, part));
            self.tick_ms.insert(stage.to_owned(), StageTimes { mean, p50, p99 });
        }
        self.resident_bytes = total(samples, "process_resident_memory_bytes");
        if seconds <= 0.0 {
            return;
        }
        self.cpu_us_per_client_tick = now.cpu_us_since(first, clients);
        self.bytes_per_second_per_client = (now.sent_bytes - first.sent_bytes) / seconds / clients;
        let share = |(thread, now_s): (&String, &f64)| {
            (thread.clone(), (now_s - first.threads.get(thread).unwrap_or(&0.0)) / seconds)
        };
        self.thread_cores = now.threads.iter().map(share).collect();
        self.updates_sent_of_broadcast = now.updates.zip(first.updates).and_then(|(now, first)| {
            let (sent, all) = (now.0 - first.0, now.1 - first.1);
            (all > 0.0).then(|| sent / all)
        });
    }
}

impl Look {
    fn of(samples: &[Sample<'_>], at: Instant) -> Self {
        let (mut stages, mut threads): (BTreeMap<_, (f64, f64)>, BTreeMap<_, _>) = Default::default();
        for sample in samples {
            let stage = || {
                let (scene, stage) = (sample.label("scene_id"), sample.label("stage"));
                (scene.unwrap_or_default().to_owned(), stage.unwrap_or_default().to_owned())
            };
            match sample.name {
                "scene_tick_seconds_sum" => stages.entry(stage()).or_default().0 = sample.value,
                "scene_tick_seconds_count" => stages.entry(stage()).or_default().1 = sample.value,
                "thread_cpu_seconds_total" => {
                    let thread = sample.label("thread").unwrap_or_default();
                    *threads.entry(thread.to_owned()).or_default() += sample.value;
                }
                _ => {}
            }
        }
        let of_threads = (!threads.is_empty()).then(|| threads.values().sum());
        let sent = samples.iter().filter(|s| s.name == "transport_bytes_total" && s.label("direction") == Some("sent"));
        Self {
            at,
            stages,
            cpu_s: total(samples, "process_cpu_seconds_total").or(of_threads),
            threads,
            sent_bytes: sent.map(|sample| sample.value).sum(),
            updates: total(samples, "scene_updates_sent_total").zip(total(samples, "scene_updates_broadcast_total")),
        }
    }

    /// Mean of a stage of one scene, in milliseconds; 0 when it had no tick.
    fn stage_ms_since(&self, before: &Self, scene: &str, stage: &str) -> f64 {
        let place = (scene.to_owned(), stage.to_owned());
        let read = |look: &Self| look.stages.get(&place).copied().unwrap_or_default();
        let ((sum, count), (sum_before, count_before)) = (read(self), read(before));
        if count > count_before { (sum - sum_before) / (count - count_before) * 1_000.0 } else { 0.0 }
    }

    fn cpu_us_since(&self, before: &Self, clients: f64) -> Option<f64> {
        let ticks = self.at.duration_since(before.at).as_secs_f64() * TICKS_PER_SECOND;
        let spent_s = self.cpu_s? - before.cpu_s?;
        (ticks > 0.0).then(|| spent_s * 1e6 / ticks / clients)
    }

    fn point_since(&self, before: &Self, scene: &str, second: f64, clients: f64, total_p99_ms: f64) -> ServerPoint {
        let seconds = self.at.duration_since(before.at).as_secs_f64().max(1e-3);
        ServerPoint {
            second,
            stage_ms: STAGES.map(|stage| self.stage_ms_since(before, scene, stage)).to_vec(),
            total_p99_ms,
            cpu_us_per_client_tick: self.cpu_us_since(before, clients),
            bytes_per_client: (self.sent_bytes - before.sent_bytes) / seconds / clients,
        }
    }
}

/// The scene with the most characters, and how many; the `present` one as long as no other has more.
fn busiest<'a>(samples: &'a [Sample<'_>], present: &str) -> Option<(&'a str, f64)> {
    let counts = samples.iter().filter(|sample| sample.name == "scene_player_count");
    let scenes = counts.filter_map(|sample| Some((sample.label("scene_id")?, sample.value)));
    scenes.max_by(|(a, in_a), (b, in_b)| in_a.total_cmp(in_b).then((*a == present).cmp(&(*b == present))))
}

fn total(samples: &[Sample<'_>], name: &str) -> Option<f64> {
    let mut found = samples.iter().filter(|sample| sample.name == name).peekable();
    found.peek()?;
    Some(found.map(|sample| sample.value).sum())
}

/// A quantile of a stage in milliseconds, 0 when the page has none.
fn quantile(samples: &[Sample<'_>], scene: &str, stage: &str, part: &str) -> f64 {
    let is_it = |sample: &&Sample<'_>| {
        sample.name == "scene_tick_seconds"
            && sample.label("scene_id") == Some(scene)
            && sample.label("stage") == Some(stage)
            && sample.label("quantile") == Some(part)
    };
    samples.iter().find(is_it).map_or(0.0, |sample| sample.value * 1_000.0)
}

/// The page's text, or nothing.
fn fetch(server: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {server}\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.take(PAGE_BYTES_MAX).read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split_whitespace().nth(1).filter(|status| *status == "200")?;
    Some(body.to_owned())
}

/// A line such as `name{a="b",c="d"} 1.5`; `None` for remarks and anything else.
fn parse(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = series.split_once('{') else {
        return (!series.starts_with('#')).then_some(Sample { name: series, labels: Vec::new(), value });
    };
    let pairs = labels.strip_suffix('}')?.split(',').filter_map(|pair| pair.split_once('='));
    Some(Sample { name, labels: pairs.map(|(name, text)| (name, text.trim_matches('"'))).collect(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ticks: f64, cpu_s: f64, sent: f64) -> String {
        format!(
            "# TYPE scene_tick_seconds summary\n\
             scene_tick_seconds{{scene_id=\"scene/field\",stage=\"total\",quantile=\"0.5\"}} 0.004\n\
             scene_tick_seconds{{scene_id=\"scene/field\",stage=\"total\",quantile=\"0.99\"}} 0.009\n\
             scene_tick_seconds_sum{{scene_id=\"scene/field\",stage=\"total\"}} {}\n\
             scene_tick_seconds_count{{scene_id=\"scene/field\",stage=\"total\"}} {ticks}\n\
             scene_player_count{{scene_id=\"scene/field\"}} 100\n\
             scene_player_count{{scene_id=\"scene/dungeon\"}} 1\n\
             online_players{{server_id=\"s\"}} 100\n\
             thread_cpu_seconds_total{{thread=\"net-0\"}} {cpu_s}\n\
             transport_bytes_total{{direction=\"sent\"}} {sent}\n\
             transport_bytes_total{{direction=\"received\"}} 7\n",
            ticks * 0.005,
        )
    }

    #[test]
    fn two_looks_say_what_the_time_between_them_cost() {
        let (mut watch, now) = (Watch::new(SocketAddr::from(([127, 0, 0, 1], 1))), Instant::now());
        watch.take(&page(1_000.0, 3.0, 1_000.0), now, true);
        watch.take(&page(1_020.0, 3.5, 2_001_000.0), now + Duration::from_secs(1), true);
        let report = watch.finish().unwrap();
        assert_eq!((report.scene.as_str(), report.players), ("scene/field", 100.0));
        let total = report.tick_ms["total"];
        assert!((total.mean - 5.0).abs() < 1e-6 && (total.p50 - 4.0).abs() < 1e-9 && (total.p99 - 9.0).abs() < 1e-9);
        assert!((report.cpu_us_per_client_tick.unwrap() - 250.0).abs() < 1e-6, "half a core for 2,000 client ticks");
        assert!((report.bytes_per_second_per_client - 20_000.0).abs() < 1e-6);
        assert!((report.thread_cores["net-0"] - 0.5).abs() < 1e-9);
        assert_eq!(report.series.len(), 1);
    }

    /// A page of two scenes: characters, ticks and milliseconds of each tick so far.
    fn page_of_two(scenes: [(&str, u32, f64, f64); 2]) -> String {
        let lines = scenes.map(|(scene, players, ticks, ms)| {
            format!(
                "scene_tick_seconds_sum{{scene_id=\"{scene}\",stage=\"total\"}} {}\n\
                 scene_tick_seconds_count{{scene_id=\"{scene}\",stage=\"total\"}} {ticks}\n\
                 scene_player_count{{scene_id=\"{scene}\"}} {players}\n",
                ticks * ms / 1_000.0
            )
        });
        lines.concat()
    }

    #[test]
    fn a_scene_that_becomes_the_busiest_is_compared_with_itself() {
        let (mut watch, now) = (Watch::new(SocketAddr::from(([127, 0, 0, 1], 1))), Instant::now());
        let looks = [(9, 1, 0.0), (9, 1, 1.0), (2, 8, 2.0), (5, 5, 3.0)];
        for (field, dungeon, second) in looks {
            let ticks = second * 20.0;
            let scenes = [("field", field, 5_000.0 + ticks, 2.0), ("dungeon", dungeon, 100.0 + ticks, 7.0)];
            watch.take(&page_of_two(scenes), now + Duration::from_secs_f64(second), true);
        }
        let report = watch.finish().unwrap();
        let totals: Vec<f64> = report.series.iter().map(|point| *point.stage_ms.last().unwrap()).collect();
        for (found, expected) in totals.iter().zip([2.0, 7.0, 7.0]) {
            assert!((found - expected).abs() < 1e-6, "{totals:?}");
        }
        assert_eq!(report.scene, "dungeon", "as busy as the other now, and it was the busiest");
        assert!((report.tick_ms["total"].mean - 7.0).abs() < 1e-6, "{report:?}");
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        for line in ["", "# HELP a b 1", "a{b=\"c\" 1", "a b"] {
            assert_eq!(parse(line), None, "{line}");
        }
        assert_eq!(parse("a 2").map(|sample| sample.value), Some(2.0));
    }
}
