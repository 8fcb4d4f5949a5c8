//! Latency over the real protocol. Clients play one rotation through QUIC, each through a link of its own: 10 ms and 150 ms
//! there and back with jitter and loss, and liars. All play in the same scene in the same real time, so that nothing but the
//! way differs. What a client can say about its latency is its `view_tick`, and what it can do is to answer late.
//! The scene ticks at 20 Hz here: what is measured are milliseconds. `MAINSPRING_LATENCY_SECONDS` plays longer,
//! and from a minute on the bound is two in a hundred.

use std::ops::Range;
use std::time::Duration;

use net::client::Client;
use net::codec::{decode_input, encode_input};
use net::lossy_link::{Impairment, LossyLink};
use sim::features::skills::{ALLOWANCE_MS_MAX, CastCommand, CastStarted, Cooldowns};
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::locomotion::StepInput;
use sim::testing::test_assets;
use sim::wire::Reader;

use crate::combat::{skill, told};
use crate::live_scene::{LiveScene, unhurried};

/// Clients look and act five times in a tick of the scene: none of them waits for the scene's clock.
const LOOK_MS: u64 = 10;
const LOOKS_PER_TICK: u32 = 5;
const TICK_MS: f64 = 50.0;
/// Global cooldown of the rotation, no multiple of the tick.
const GCD_MS: f64 = 1_430.0;
/// Ticks before its end in which the queue window of the rotation has surely begun: 400 ms.
const WINDOW_TICKS: u32 = 7;
/// How long it is played, unless the environment says otherwise.
const SECONDS: u32 = 12;
/// From how many seconds on one packet lost at a bad moment is less than the bound of two in a hundred.
const LONG_SECONDS: u32 = 60;
/// Looks before the casts are counted: three seconds.
const LOOKS_BEFORE: u32 = 300;
/// Looks after which a cast that was neither confirmed nor refused is asked for again.
const PATIENCE_LOOKS: u32 = 100;

const DATA: [(&str, &str); 2] = [
    (
        "skills/latency.ron",
        r#"[(id: "skill/beat", gcd: (ms: 1_430), queue_window_ms: 400, target: Unit(filter: Enemy, range_m: 25),
             timeline: [(at: Hit, do: [Threat(amount: 1)])])]"#,
    ),
    (
        "classes/latency.ron",
        r#"(id: "class/beater", movement: "move/test", attributes: {"hp_max": Flat(1000)}, skills: ["skill/beat"])"#,
    ),
];

/// How a client goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Asks when it sees that its cooldown is about to end, as players press a button again and again: within the skill's
    /// queue window.
    Honest,
    /// Asks when it sees its cooldown over, never before.
    Patient,
    /// Asks as often as a session may, and says that what it sees is as old as can be.
    Flooding,
    /// As `Flooding`, over a way that it makes now short and now long.
    Switching,
}

struct Player {
    name: &'static str,
    manner: Manner,
    client: Client,
    link: LossyLink,
    id: SimId,
    /// The tick in which its cooldown ended when it asked last, and how many looks ago that was.
    asked: Option<(u32, u32)>,
    /// Ticks in which its casts began.
    casts: Vec<u32>,
}

/// A way of so many milliseconds there and back, in all, with a tenth of it (at least 2 ms) by chance.
fn way(rtt_ms: u32, loss_pct: u8, seed: u64) -> Impairment {
    let jitter_ms = (rtt_ms / 10).max(2);
    Impairment {
        loss_pct,
        delay_ms: (rtt_ms / 2).saturating_sub(jitter_ms / 2),
        jitter_ms,
        seed,
        ..Impairment::default()
    }
}

impl Player {
    async fn join(live: &mut LiveScene, name: &'static str, manner: Manner, impairment: Impairment) -> Self {
        let link = LossyLink::start(live.addr(), impairment).await.expect("the proxy starts");
        let client = live.join_as(name, "class/beater", link.addr()).await;
        let id = live.character(name);
        Self { name, manner, client, link, id, asked: None, casts: Vec::new() }
    }

    /// The tick in which the global cooldown ends, as the client knows it.
    fn cooldown_ends(&self) -> u32 {
        let world = self.client.world();
        let seen = world.component("cooldowns").and_then(|place| world.own_value(place));
        let seen = seen.and_then(|bytes| Cooldowns::from_wire(&mut Reader::new(bytes)));
        seen.and_then(|seen| seen.gcds.iter().map(|&(_, tick)| tick).max()).unwrap_or(0)
    }

    /// Takes what has come and does what its manner says; `look` counts from the beginning.
    fn act(&mut self, look: u32, beat: CastCommand) {
        self.client.poll();
        let begins_tick = look.is_multiple_of(LOOKS_PER_TICK);
        if begins_tick {
            self.step();
        }
        let ends = self.cooldown_ends();
        let asks = match self.manner {
            Manner::Honest | Manner::Patient => {
                let waits = self.asked.is_some_and(|(end, at)| end == ends && look - at < PATIENCE_LOOKS);
                let early_ticks = if self.manner == Manner::Honest { WINDOW_TICKS } else { 0 };
                !waits && self.client.world().newest_tick() + early_ticks >= ends
            }
            // Ten a second: more than that is dropped before the scene hears of it.
            Manner::Flooding | Manner::Switching => look.is_multiple_of(2 * LOOKS_PER_TICK),
        };
        if asks {
            self.asked = Some((ends, look));
            self.client.send_command(&beat).expect("the command is in the list");
        }
    }

    /// The input of a tick; a liar's says that it sees the distant past.
    fn step(&mut self) {
        let stand = StepInput { wish: glam::Vec2::ZERO, walk: false };
        if matches!(self.manner, Manner::Honest | Manner::Patient) {
            self.client.send_input(stand).expect("the connection holds");
            return;
        }
        let mut datagram = Vec::new();
        self.client.input(stand, net::mailbox::now_us(), &mut datagram).expect("it fits");
        let mut input = decode_input(&datagram).expect("it has just been written");
        input.view_tick = input.view_tick.saturating_sub(1_000);
        datagram.clear();
        encode_input(&input, &mut datagram).expect("it fits");
        self.client.send_raw_datagram(datagram.into()).expect("the connection holds");
    }

    /// Casts a minute, from the first to the last.
    fn per_minute(&self) -> f64 {
        let (first, last) = (self.casts[0], self.casts[self.casts.len() - 1]);
        (self.casts.len() - 1) as f64 * 60_000.0 / (f64::from(last - first) * TICK_MS)
    }
}

fn seconds() -> u32 {
    std::env::var("MAINSPRING_LATENCY_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS)
}

/// Lets all of them play; the scene keeps to its 20 Hz.
async fn play(live: &mut LiveScene, players: &mut [Player], beat: CastCommand, looks: Range<u32>) {
    let mut pace = unhurried(Duration::from_millis(LOOK_MS));
    for look in looks {
        pace.tick().await;
        if look.is_multiple_of(LOOKS_PER_TICK) {
            live.tick_now();
            let tick = live.scene().tick_number();
            for started in told::<CastStarted>(&live.inner) {
                let caster = players.iter_mut().find(|player| player.id == started.caster);
                caster.expect("players alone cast").casts.push(tick);
            }
        }
        for player in players.iter_mut() {
            player.act(look, beat);
            // Two seconds near, two seconds far.
            if player.manner == Manner::Switching && look.is_multiple_of(400) {
                player.link.set(way(if look % 800 == 0 { 10 } else { 400 }, 0, 9));
            }
        }
    }
}

#[tokio::test]
async fn who_is_150_ms_away_casts_as_often_as_who_is_10_ms_away_and_who_seems_farther_gains_nothing() {
    let assets = test_assets(&DATA);
    let mut live = LiveScene::of(&assets, "scene/flat");
    let dummy = crate::crowd::walker(&mut live.inner, 3.0, 0.0);
    let (honest, patient, flooding) = (Manner::Honest, Manner::Patient, Manner::Flooding);
    let ways = [
        ("near", honest, way(10, 1, 1)),
        ("far", honest, way(150, 1, 2)),
        ("patient_near", patient, way(10, 1, 6)),
        ("patient_far", patient, way(150, 1, 7)),
        ("flooder", flooding, way(10, 0, 3)),
        ("laggard", flooding, way(400, 0, 4)),
        ("switcher", Manner::Switching, way(10, 0, 5)),
    ];
    let mut players = Vec::new();
    for (name, manner, impairment) in ways {
        players.push(Player::join(&mut live, name, manner, impairment).await);
    }
    let beat = CastCommand { skill: skill(&live.inner, "skill/beat"), target: CastTarget::Unit(dummy) };
    // Round trips are measured about once a second: what comes before is not counted.
    play(&mut live, &mut players, beat, 0..LOOKS_BEFORE).await;
    players.iter_mut().for_each(|player| player.casts.clear());
    let looks = seconds() * 1_000 / LOOK_MS as u32;
    play(&mut live, &mut players, beat, LOOKS_BEFORE..LOOKS_BEFORE + looks).await;
    let rates: Vec<f64> = players.iter().map(Player::per_minute).collect();
    for (player, rate) in players.iter().zip(&rates) {
        let (count, stats, rtt) = (player.casts.len(), player.link.stats(), player.client.rtt());
        println!(
            "{}: {rate:.2} a minute, {count} casts, {rtt:?}, {} of {} packets lost",
            player.name, stats.lost, stats.forwarded
        );
    }
    assert!(players[1].client.rtt() > Duration::from_millis(120), "it is far away");
    assert!(players[..4].iter().any(|player| player.link.stats().lost > 0), "packets were lost on the way");
    // Who never asks early pays for a packet lost on the way, once in a while; the distance itself costs nothing.
    let (bound, patient_bound) = if seconds() >= LONG_SECONDS { (0.02, 0.05) } else { (0.1, 0.15) };
    for (near, far, bound) in [(rates[0], rates[1], bound), (rates[2], rates[3], patient_bound)] {
        assert!((near - far).abs() <= bound * near, "near {near}, far {far}");
    }
    for (player, rate) in players.iter().zip(&rates) {
        // The first may have come late by what is made up for, and a tick is as fine as it can be told.
        let between = (player.casts.len() - 1) as f64;
        let possible = 60_000.0 * between / (between * GCD_MS - f64::from(ALLOWANCE_MS_MAX) - TICK_MS);
        assert!(*rate <= possible, "{} casts {rate} a minute, and {possible} are possible", player.name);
    }
    for liar in &rates[4..] {
        assert!(*liar <= rates[0] * (1.0 + bound), "a liar casts {liar} a minute, an honest client {}", rates[0]);
    }
}
