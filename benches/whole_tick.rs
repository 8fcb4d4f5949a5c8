//! What does a whole tick cost, and does its cost follow the crowd? Every stage from the clients' datagrams to the
//! datagrams for every client, without sockets; each client is honest and answers as a real one would. On one core, or with
//! the word `threads` after `--` as the server would: large scenes then share Replicate out to all cores.
//!
//! `cargo bench --bench whole_tick` takes about four minutes; words after `--` choose parts: `2k`, `10k`, `50k` (all
//! moving, about 100 in view of each), `crowd` (2,000 in one place), `idle` (10,000 players who stand), `asleep` (10,000 monsters nobody is near),
//! `memory` (100,000 idle players, bytes each).

use std::time::Duration;

#[path = "whole_tick/crowd.rs"]
mod crowd;
#[path = "whole_tick/report.rs"]
mod report;
#[path = "spread.rs"]
mod spread;

use crowd::{Crowd, Scenario};
use net::outbound::ReplicationLimits;
use report::Measured;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ticks before anything is measured: everybody has come in and has been told so.
const WARM_TICKS: u32 = 40;
/// Ticks measured in each part, at most.
const TICKS_MAX: u32 = 600;
/// Wall time of one part's measured ticks, the clients' own work included, at most.
const PART_MAX: Duration = Duration::from_secs(30);

const MOVING: Scenario = Scenario { players: 0, monsters: 0, in_view: 100.0, side_m: None, moving: true };
/// As large as a circle of 20 m across.
const ONE_PLACE: Scenario = Scenario { side_m: Some(17.7), ..MOVING };

const PARTS: [(&str, &str, Scenario); 6] = [
    ("2k", "2,000 players moving", Scenario { players: 2_000, ..MOVING }),
    ("10k", "10,000 players moving", Scenario { players: 10_000, ..MOVING }),
    ("50k", "20,000 players and 30,000 monsters moving", Scenario { players: 20_000, monsters: 30_000, ..MOVING }),
    ("crowd", "2,000 players in a circle of 20 m", Scenario { players: 2_000, ..ONE_PLACE }),
    ("idle", "10,000 players standing", Scenario { players: 10_000, moving: false, ..MOVING }),
    ("asleep", "10,000 sleeping monsters", Scenario { players: 1, monsters: 10_000, moving: false, ..MOVING }),
];

/// Players whose memory is measured, and how many of them each sees.
const HOARD: Scenario = Scenario { players: 100_000, monsters: 0, in_view: 10.0, side_m: None, moving: false };

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (parts, others): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| *word != "threads");
    let threads = if others.is_empty() { 1 } else { ReplicationLimits::default().threads };
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| *word == part);
    println!("Replicate on {threads} thread(s)");
    for (part, title, scenario) in PARTS {
        if is_wanted(part) {
            let mut crowd = Crowd::of(scenario, threads);
            (0..WARM_TICKS).for_each(|_| {
                crowd.tick();
            });
            println!("{title}\n{}", Measured::of(&mut crowd, TICKS_MAX, PART_MAX));
        }
    }
    if is_wanted("memory") {
        memory();
    }
}

/// Resident bytes before and after a scene has taken in its players and told each of what is in view.
fn memory() {
    let before_bytes = report::resident_bytes();
    let mut crowd = Crowd::of(HOARD, 1);
    (0..WARM_TICKS).for_each(|_| {
        crowd.tick();
    });
    let grown_bytes = report::resident_bytes().saturating_sub(before_bytes);
    println!(
        "100,000 idle players, 10 in view of each\n  {} KiB each, the test's clients included; {}",
        grown_bytes / 1_024 / u64::from(HOARD.players),
        Measured::of(&mut crowd, 40, PART_MAX),
    );
    let components = crowd.component_bytes();
    let all: usize = components.iter().map(|(_, bytes)| bytes).sum();
    let largest: Vec<String> = components.iter().take(12).map(|(name, bytes)| format!("{name} {bytes}")).collect();
    println!("  {all} bytes in {} components, of them {}", components.len(), largest.join(", "));
}
