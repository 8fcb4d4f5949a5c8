//! What operators see at `/metrics`. One recorder per server, not one per process, so that tests can run several.
//! Everything known in advance is registered at 0: an alert on a counter that does not exist yet never fires.
//!
//! Tick threads write through [`SceneMetrics`], network threads through [`GatewayMetrics`]; both hold their handles,
//! so that a count is an atomic addition. `database_save_latency` of the seed is absent: nothing is saved to a database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

mod gateway;
mod latency;
mod memory;
mod names;
mod scene;
mod threads;

pub use gateway::GatewayMetrics;
pub use scene::SceneMetrics;

use crate::health::Health;

/// Quantiles of summaries.
const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 1.0];
/// A summary forgets in steps of this length, and knows three of them.
const SUMMARY_STEP: Duration = Duration::from_secs(20);

const METADATA: Metadata<'static> = Metadata::new("mainspring", Level::INFO, None);

/// All metrics of one server.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    server_id: String,
    online_players: Gauge,
    assets_epoch: Mutex<Option<Gauge>>,
    latencies: latency::Latencies,
}

impl Metrics {
    /// Makes a recorder and registers what is known in advance.
    ///
    /// # Errors
    /// None with the constants of this file; the exporter checks them.
    pub fn new(server_id: &str) -> anyhow::Result<Arc<Self>> {
        let builder = PrometheusBuilder::new().set_quantiles(&QUANTILES)?.set_bucket_duration(SUMMARY_STEP)?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        for (name, help) in names::DESCRIPTIONS {
            names::describe(&recorder, name, help);
        }
        let mut metrics = Self {
            recorder,
            handle,
            server_id: server_id.to_owned(),
            online_players: Gauge::noop(),
            assets_epoch: Mutex::default(),
            latencies: latency::Latencies::default(),
        };
        metrics.online_players = metrics.gauge(names::ONLINE_PLAYERS, "server_id", server_id.to_owned());
        for outcome in ["applied", "unchanged", "refused", "unreadable"] {
            metrics.counter(names::ASSETS_RELOAD, "outcome", outcome).increment(0);
        }
        for (name, reasons) in names::KNOWN_REASONS {
            for reason in *reasons {
                metrics.reason(name, reason).increment(0);
            }
        }
        Ok(Arc::new(metrics))
    }

    /// The page in Prometheus' text format, with the gauges that only a look at `health` can tell.
    #[must_use]
    pub fn render(&self, health: &Health) -> String {
        self.online_players.set(as_gauge(health.sessions()));
        let mut page = self.handle.render();
        self.latencies.write(names::MESSAGE_LATENCY_HELP, &mut page);
        threads::render(&mut page);
        memory::render(&mut page);
        page
    }

    /// Moves samples out of their buffers; to be called every few seconds whether anyone looks or not.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Counts a look at the watched game data: applied, unchanged, refused or unreadable.
    pub fn count_assets_reload(&self, outcome: &'static str) {
        self.counter(names::ASSETS_RELOAD, "outcome", outcome).increment(1);
    }

    /// States which game data is the newest.
    pub fn set_assets_epoch(&self, hash: u64) {
        let mut shown = self.assets_epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = shown.replace(self.gauge(names::ASSETS_EPOCH, "hash", format!("{hash:016x}"))) {
            before.set(0.0);
        }
        if let Some(gauge) = &*shown {
            gauge.set(1.0);
        }
    }

    /// The name in `server_id` and `gateway_id` labels.
    #[must_use]
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// The counter of one reason of a metric that is told apart by `reason` alone.
    fn reason(&self, name: &'static str, reason: &'static str) -> Counter {
        self.counter(name, "reason", reason)
    }

    fn counter(&self, name: &'static str, label: &'static str, value: impl Into<SharedString>) -> Counter {
        self.recorder.register_counter(&key(name, label, value), &METADATA)
    }

    fn gauge(&self, name: &'static str, label: &'static str, value: impl Into<SharedString>) -> Gauge {
        self.recorder.register_gauge(&key(name, label, value), &METADATA)
    }

    fn histogram(&self, name: &'static str, labels: Vec<Label>) -> Histogram {
        self.recorder.register_histogram(&Key::from_parts(name, labels), &METADATA)
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").field("server_id", &self.server_id).finish_non_exhaustive()
    }
}

fn key(name: &'static str, label: &'static str, value: impl Into<SharedString>) -> Key {
    Key::from_parts(name, vec![Label::new(label, value)])
}

#[allow(clippy::cast_precision_loss, reason = "counts of players and connections are far below 2^52")]
fn as_gauge(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_reasons_and_players_are_visible_before_anything_happened() {
        let metrics = Metrics::new("test").unwrap();
        let _scene = metrics.scene("scene/field");
        let page = metrics.render(&Health::new(["scene/field"]));
        for line in [
            "online_players{server_id=\"test\"} 0",
            "scene_player_count{scene_id=\"scene/field\"} 0",
            "combat_count{scene_id=\"scene/field\"} 0",
            "move_rejected_total{reason=\"speed\"} 0",
            "command_rejected_total{reason=\"cooldown\"} 0",
            "inbound_rejected_total{reason=\"malformed\"} 0",
            "session_closed_total{reason=\"flood\"} 0",
            "connection_refused_total{reason=\"login_timeout\"} 0",
            "connection_refused_total{reason=\"gone\"} 0",
            "connection_refused_total{reason=\"bad_login\"} 0",
            "connection_refused_total{reason=\"bad_name\"} 0",
            "tick_debt_dropped_total{scene_id=\"scene/field\"} 0",
            "tick_overruns_total{scene_id=\"scene/field\"} 0",
            "scene_session_count{scene_id=\"scene/field\"} 0",
            "scene_session_awake_count{scene_id=\"scene/field\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "`{line}` is missing in:\n{page}");
        }
        // One that never logs in has no session that could end.
        assert!(!page.contains("session_closed_total{reason=\"login_timeout\"}"), "{page}");
    }

    #[test]
    fn tick_times_are_a_summary_by_scene_and_stage() {
        let metrics = Metrics::new("test").unwrap();
        metrics.scene("scene/field").record_total(Duration::from_millis(3));
        let page = metrics.render(&Health::new([]));
        let wanted = "scene_tick_seconds{scene_id=\"scene/field\",stage=\"total\",quantile=\"0.99\"}";
        assert!(page.contains(wanted), "`{wanted}` is missing in:\n{page}");
        assert!(page.contains("# TYPE scene_tick_seconds summary"), "{page}");
    }
}
