//! What does it cost to tell every client what changed in its view, beside `bevy_replicon` doing the same? The same
//! numbers of entities and clients, the same count in view of each, every entity moving in every tick, every message
//! acknowledged two ticks later, no sockets: medians of one run, each side warmed up first.
//!
//! Ours is measured twice: from the first look at what changed to the finished datagrams (Replicate and Transmit), which
//! is what the peer does with a visibility that was decided beforehand; and with the decision who sees whom (Perceive).
//! The peer needs `--features replicon`. Words after `--` choose cases by clients and entities, such as `500x500`.

use std::time::Duration;

#[path = "replication/ours.rs"]
mod ours;
#[cfg(feature = "replicon")]
#[path = "replication/peer.rs"]
mod peer;
#[path = "spread.rs"]
mod spread;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ticks before the first that is measured.
const WARM_UP_TICKS: u32 = 40;
/// Ticks of which the median is taken.
const TICKS: u32 = 101;

/// Clients, entities (the clients' characters among them) and how many of them each client sees.
#[derive(Debug, Clone, Copy)]
struct Case {
    clients: u32,
    entities: u32,
    in_view: u32,
}

const CASES: [Case; 3] = [
    Case { clients: 500, entities: 500, in_view: 100 },
    Case { clients: 1_000, entities: 1_000, in_view: 100 },
    Case { clients: 1_000, entities: 10_000, in_view: 50 },
];

/// What one side did in a tick of a case.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// From what changed to the messages, median over the ticks.
    replicate: Duration,
    /// The same with the decision who sees whom, where it is part of it.
    with_interest: Option<Duration>,
    /// Entities in view of a client, mean.
    in_view: f64,
    /// Bytes of state a client is sent, mean.
    client_bytes: f64,
}

impl Cost {
    fn describe(&self, case: Case) -> String {
        let pairs = f64::from(case.clients) * self.in_view;
        let per_pair = |took: Duration| took.as_secs_f64() * 1e9 / pairs;
        let interest = self.with_interest.map_or(String::new(), |took| {
            format!("; with interest {:9.3} ms, {:6.1} ns a pair", took.as_secs_f64() * 1e3, per_pair(took))
        });
        format!(
            "{:9.3} ms a tick, {:6.1} ns a pair ({:.0} in view), {:.1} bytes an update{interest}",
            self.replicate.as_secs_f64() * 1e3,
            per_pair(self.replicate),
            self.in_view,
            self.client_bytes / self.in_view,
        )
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |case: &Case| words.is_empty() || words.contains(&format!("{}x{}", case.clients, case.entities));
    for case in CASES.into_iter().filter(is_wanted) {
        let Case { clients, entities, in_view } = case;
        println!("{clients} clients, {entities} entities, {in_view} in view of each");
        let ours = ours::measure(case);
        println!("  mainspring     {}", ours.describe(case));
        #[cfg(feature = "replicon")]
        {
            let peer = peer::measure(case);
            println!("  bevy_replicon  {}", peer.describe(case));
            let ratio = |took: Duration| peer.replicate.as_secs_f64() / took.as_secs_f64();
            let with_interest = ours.with_interest.map_or(0.0, ratio);
            println!(
                "  ratio          {:.0} times; {with_interest:.0} times with interest on our side",
                ratio(ours.replicate)
            );
        }
    }
}
