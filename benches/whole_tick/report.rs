//! The clock and what it says: every tick counts, by its whole and by its stages, so that a percentile is one of the
//! ticks that were.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use net::sessions;
use sim::tick::TickSystems;

use crate::crowd::{Crowd, Scenario};

/// What some ticks of a crowd took.
pub(crate) struct Measured {
    scenario: Scenario,
    in_view: f64,
    side_m: f32,
    ticks: Vec<Duration>,
    stages: [Vec<Duration>; TickSystems::ALL.len()],
    datagrams: u64,
    datagram_bytes: u64,
    frame_bytes: u64,
}

impl Measured {
    /// Ticks a crowd until there are `ticks_max`, or `part_max` has passed.
    pub(crate) fn of(crowd: &mut Crowd, ticks_max: u32, part_max: Duration) -> Self {
        let spent = probe(crowd);
        sessions::take_stats(&mut crowd.scene.scene);
        let (mut ticks, began) = (Vec::new(), Instant::now());
        while ticks.len() < ticks_max as usize && began.elapsed() < part_max {
            ticks.push(crowd.tick());
        }
        crowd.scene.scene.set_probe(Box::new(|_| {}));
        let stats = sessions::take_stats(&mut crowd.scene.scene);
        ticks.sort_unstable();
        let mut stages = std::mem::take(&mut *spent.lock().expect("nobody panicked"));
        stages.iter_mut().for_each(|stage| stage.sort_unstable());
        Self {
            scenario: crowd.scenario,
            in_view: crowd.in_view(),
            side_m: crowd.side_m(),
            ticks,
            stages,
            datagrams: stats.datagrams,
            datagram_bytes: stats.datagram_bytes,
            frame_bytes: stats.frame_bytes,
        }
    }
}

type Spent = Arc<Mutex<[Vec<Duration>; TickSystems::ALL.len()]>>;

/// Notes from now on what each stage of a crowd's ticks takes.
fn probe(crowd: &mut Crowd) -> Spent {
    let spent = Spent::default();
    let (sink, mut running) = (Arc::clone(&spent), None::<(TickSystems, Instant)>);
    crowd.scene.scene.set_probe(Box::new(move |stage| {
        let now = Instant::now();
        if let Some((before, since)) = running.take() {
            sink.lock().expect("nobody panicked")[before as usize].push(now - since);
        }
        running = stage.map(|stage| (stage, now));
    }));
    spent
}

/// The value that `part` of sorted values are below or at.
fn percentile(sorted: &[Duration], part: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a few hundred")]
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (percentile(&self.ticks, 0.5), percentile(&self.ticks, 0.99));
        let entities = f64::from(self.scenario.players + self.scenario.monsters);
        let client_ticks = f64::from(self.scenario.players) * self.ticks.len() as f64;
        writeln!(
            f,
            "  tick p50 {:.2} ms, p99 {:.2} ms over {} ticks; {:.0} ns an entity; {:.1} in view, square of {:.0} m",
            ms(p50),
            ms(p99),
            self.ticks.len(),
            p50.as_secs_f64() * 1e9 / entities,
            self.in_view,
            self.side_m,
        )?;
        write!(f, "  stages p50 / p99 in ms:")?;
        for (stage, spent) in TickSystems::ALL.into_iter().zip(&self.stages) {
            let (p50, p99) = (percentile(spent, 0.5), percentile(spent, 0.99));
            write!(f, " {} {:.2} / {:.2}", stage.name(), ms(p50), ms(p99))?;
        }
        writeln!(
            f,
            "\n  per client and tick: {:.2} datagrams, {:.0} bytes in them, {:.0} on the stream",
            self.datagrams as f64 / client_ticks,
            self.datagram_bytes as f64 / client_ticks,
            self.frame_bytes as f64 / client_ticks,
        )
    }
}

/// Memory of this process that is in use, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    resident.unwrap_or(0) * 4_096
}
