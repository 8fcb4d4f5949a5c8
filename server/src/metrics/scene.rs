//! The metrics that one scene's tick thread writes, with all handles at hand. Reasons that first occur at run
//! time are registered when they do; that costs a lookup per reason and tick, not per event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, Histogram, Label};
use net::sessions::SessionStats;
use sim::counters;
use sim::tick::{TICK_MS, TickSystems};

use super::{Metrics, as_gauge, names};

/// How long a tick may take.
const TICK: Duration = Duration::from_millis(TICK_MS as u64);

/// What one scene's thread writes.
pub struct SceneMetrics {
    metrics: Arc<Metrics>,
    total: Histogram,
    players: Gauge,
    sessions: Gauge,
    awake: Gauge,
    overruns: Counter,
    combat: Counter,
    debt: Counter,
    datagrams: Counter,
    datagrams_displaced: Counter,
    datagram_bytes: Counter,
    updates_sent: Counter,
    updates_broadcast: Counter,
    frame_bytes: Counter,
}

impl Metrics {
    /// The metrics of the scene called `scene`.
    #[must_use]
    pub fn scene(self: &Arc<Self>, scene: &str) -> SceneMetrics {
        let count = |name| self.counter(name, "scene_id", scene.to_owned());
        let made = SceneMetrics {
            total: self.tick_histogram(scene, "total"),
            players: self.gauge(names::SCENE_PLAYER_COUNT, "scene_id", scene.to_owned()),
            sessions: self.gauge(names::SCENE_SESSION_COUNT, "scene_id", scene.to_owned()),
            awake: self.gauge(names::SCENE_AWAKE_COUNT, "scene_id", scene.to_owned()),
            overruns: count(names::TICK_OVERRUNS),
            combat: count(names::COMBAT_COUNT),
            debt: count(names::TICK_DEBT_DROPPED),
            datagrams: count(names::DATAGRAMS),
            datagrams_displaced: count(names::DATAGRAMS_DISPLACED),
            datagram_bytes: count(names::DATAGRAM_BYTES),
            updates_sent: count(names::UPDATES_SENT),
            updates_broadcast: count(names::UPDATES_BROADCAST),
            frame_bytes: count(names::FRAME_BYTES),
            metrics: Arc::clone(self),
        };
        made.players.set(0.0);
        made.sessions.set(0.0);
        made.awake.set(0.0);
        let more = [&made.overruns, &made.combat, &made.debt, &made.updates_sent, &made.updates_broadcast];
        let sent = [&made.datagrams, &made.datagrams_displaced, &made.datagram_bytes, &made.frame_bytes];
        for counter in more.into_iter().chain(sent) {
            counter.increment(0);
        }
        made
    }

    /// A probe for [`sim::scene::Scene::set_probe`] that records how long each stage took.
    #[must_use]
    pub fn stage_probe(&self, scene: &str) -> Box<dyn FnMut(Option<TickSystems>) + Send + Sync> {
        let histograms = TickSystems::ALL.map(|stage| (stage, self.tick_histogram(scene, stage.name())));
        let mut running: Option<(TickSystems, Instant)> = None;
        Box::new(move |begins| {
            let now = Instant::now();
            if let Some((stage, began)) = running
                && let Some((_, histogram)) = histograms.iter().find(|(known, _)| *known == stage)
            {
                histogram.record(now.duration_since(began));
            }
            running = begins.map(|stage| (stage, now));
        })
    }

    fn tick_histogram(&self, scene: &str, stage: &'static str) -> Histogram {
        let labels = vec![Label::new("scene_id", scene.to_owned()), Label::new("stage", stage)];
        self.histogram(names::SCENE_TICK_SECONDS, labels)
    }
}

impl SceneMetrics {
    /// Records how long a whole tick took, network and log included.
    pub fn record_total(&self, took: Duration) {
        self.total.record(took);
        self.overruns.increment(u64::from(took > TICK));
    }

    /// Counts ticks that were due and will never run.
    pub fn count_debt(&self, ticks: u64) {
        self.debt.increment(ticks);
    }

    /// States how many characters are in the scene, how many of them have a session, and how many of those were looked at.
    pub fn set_players(&self, characters: usize, sessions: usize, awake: usize) {
        self.players.set(as_gauge(characters));
        self.sessions.set(as_gauge(sessions));
        self.awake.set(as_gauge(awake));
    }

    /// Adds what the simulation counted, as (metric, label, count).
    pub fn count_sim(&self, counts: impl IntoIterator<Item = (&'static str, &'static str, u64)>) {
        for (metric, label, count) in counts {
            if metric == counters::COMBAT {
                // A death is the end of a blow that was counted.
                self.combat.increment(if label == "death" { 0 } else { count });
            } else {
                self.metrics.reason(metric, label).increment(count);
            }
        }
    }

    /// Adds what the sessions did: what was sent, what was refused, and how long messages waited for their tick.
    /// Sessions that ended are counted where their connections are, once.
    pub fn count_sessions(&self, stats: SessionStats) {
        self.datagrams.increment(stats.datagrams);
        self.datagrams_displaced.increment(stats.datagrams_displaced);
        self.datagram_bytes.increment(stats.datagram_bytes);
        self.updates_sent.increment(stats.updates_sent);
        self.updates_broadcast.increment(stats.updates_broadcast);
        self.frame_bytes.increment(stats.frame_bytes);
        for (reason, count) in stats.rejected {
            self.metrics.reason(names::INBOUND_REJECTED, reason).increment(count);
        }
        for (result, count) in [("equal", stats.state_hashes_equal), ("different", stats.desyncs.len() as u64)] {
            if count > 0 {
                self.metrics.reason(names::STATE_HASHES, result).increment(count);
            }
        }
        let latencies = &self.metrics.latencies;
        latencies.input.add(&stats.input_latency);
        latencies.command.add(&stats.command_latency);
        latencies.view.add(&stats.view_latency);
    }

    /// Counts a replay log that ended before its scene.
    pub fn count_recording_stopped(&self, reason: &'static str) {
        self.metrics.reason(names::RECORDING_STOPPED, reason).increment(1);
    }
}
