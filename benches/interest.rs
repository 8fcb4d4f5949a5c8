//! What should be the unit of interest, an exact radius or whole cells? Everybody moves and everybody watches, 50 to
//! 1,000 in view. The exact radius is the scene's own Perceive and Replicate stages, from places to datagrams; cells are
//! the same entities encoded once per cell and concatenated per subscriber, with no client's state, no loss and no budget:
//! their floor. Brute force finds the same neighbours by looking at everybody.
//!
//! Prints medians of nanoseconds per (client x visible entity) and bytes per client and tick, all taken in one run.

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};
use net::codec::encode_input;
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::protocol::{InputDatagram, WireStep};
use net::sessions::{self, Join};
use sim::actor::Position;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players};
use sim::interest::Interest;
use sim::testing::{TestScene, test_assets};
use sim::tick::{Tick, TickSystems};

#[path = "spread.rs"]
mod spread;

use spread::{SIGHT_M, half_side_m};

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PLAYERS: u32 = 2_000;
const TICKS: usize = 41;
const STEP_M: f32 = 0.3;
/// Bytes of a record: two of index, three of place.
const RECORD: [u8; 5] = [1, 2, 3, 4, 5];

/// Where somebody is in a tick: on a small circle about a place of its own, a step further in every tick.
#[allow(clippy::cast_precision_loss, reason = "a small angle")]
fn place(number: u32, tick: u32, half_m: f32) -> Vec2 {
    let radius_m = 20.0;
    spread::place(number, half_m) + Vec2::from_angle(number as f32 + tick as f32 * STEP_M / radius_m) * radius_m
}

struct Exact {
    scene: TestScene,
    clients: Vec<TaskEnd>,
    /// Frames that each client has been sent, and acknowledges in the next tick.
    frame_counts: Vec<u32>,
    players: Vec<(SimId, Entity)>,
    tick: u32,
    spent: Arc<Mutex<Vec<(TickSystems, Duration)>>>,
}

impl Exact {
    fn new(half_m: f32) -> Self {
        let text = spread::scene(half_m + 40.0, PLAYERS);
        let mut scene = TestScene::of(&test_assets(&[("scenes/bench.ron", &text)]), "scene/bench", 1, |app| {
            app.add_plugins(net::plugin);
            // Where everybody goes is the bench's: after all that moves, before anybody looks.
            let walk = move |tick: Res<sim::tick::SimTick>, mut all: Query<(&SimId, &mut Position)>| {
                for (id, mut position) in &mut all {
                    let at = place(u32::try_from(id.index()).unwrap_or(0), tick.0, half_m);
                    position.0 = Vec3::new(at.x, position.0.y, at.y);
                }
            };
            app.add_systems(Tick, walk.after(TickSystems::Resolve).before(TickSystems::Perceive).ambiguous_with_all());
        });
        let clients: Vec<TaskEnd> = (0..PLAYERS).map(|number| join(&mut scene, number)).collect();
        scene.tick();
        let players = scene.scene.world().resource::<Players>().0.values().copied().collect();
        let spent = Arc::new(Mutex::new(Vec::new()));
        let (sink, mut running) = (Arc::clone(&spent), None::<(TickSystems, Instant)>);
        scene.scene.set_probe(Box::new(move |stage| {
            let now = Instant::now();
            if let Some((before, since)) = running.take() {
                sink.lock().expect("no panic").push((before, now - since));
            }
            running = stage.map(|stage| (stage, now));
        }));
        let frame_counts = vec![0; clients.len()];
        let mut exact = Self { scene, clients, frame_counts, players, tick: 1, spent };
        (0..30).for_each(|_| exact.tick());
        exact
    }

    fn tick(&mut self) {
        self.tick += 1;
        for (client, &frame_ack) in self.clients.iter().zip(&self.frame_counts) {
            let input = InputDatagram {
                sequence: self.tick,
                view_tick: self.tick,
                forced_epoch: 0,
                claim_x_cm: 0,
                claim_z_cm: 0,
                frame_ack,
                frame_ack_bits: u32::MAX,
                batch_ack: 1,
                steps: std::iter::once(WireStep { x: 0, z: 0, flags: 0 }).collect(),
            };
            let mut bytes = Vec::new();
            encode_input(&input, &mut bytes).expect("it fits");
            let _full = client.push(Inbound::Datagram { bytes: bytes.into(), received_us: 0 });
        }
        self.scene.tick();
        let (mut datagrams, mut frames) = (Vec::new(), Vec::new());
        for (client, frame_count) in self.clients.iter().zip(&mut self.frame_counts) {
            client.take_datagrams(&mut datagrams);
            *frame_count += u32::try_from(datagrams.drain(..).count()).unwrap_or(0);
            client.take_frames(&mut frames);
            frames.drain(..).for_each(|frame| client.written(frame.len()));
        }
    }

    /// Median nanoseconds per pair of Perceive and of Replicate, pairs per client, and bytes per client and tick.
    fn measure(&mut self) -> (f64, f64, f64, f64) {
        let _before = sessions::take_stats(&mut self.scene.scene);
        self.spent.lock().expect("no panic").clear();
        (0..TICKS).for_each(|_| self.tick());
        let stats = sessions::take_stats(&mut self.scene.scene);
        let world = self.scene.scene.world();
        let seen: usize = self
            .players
            .iter()
            .map(|&(_, entity)| world.get::<Interest>(entity).map_or(0, |one| one.visible().len()))
            .sum();
        let spent = self.spent.lock().expect("no panic");
        let of = |stage: TickSystems| {
            let times = spent.iter().filter(|(other, _)| *other == stage).map(|(_, took)| *took).collect();
            per_pair(median(times), seen)
        };
        let clients = f64::from(PLAYERS);
        let bytes = stats.datagram_bytes as f64 / (clients * TICKS as f64);
        (of(TickSystems::Perceive), of(TickSystems::Replicate), seen as f64 / clients, bytes)
    }
}

fn join(scene: &mut TestScene, number: u32) -> TaskEnd {
    let (task, end) = mailbox(SessionId::next());
    let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts: Vec::new() };
    let join = Join { player: PlayerId(u64::from(number)), character, spawn_point: None };
    sessions::attach(&mut scene.scene, join, end);
    task
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn per_pair(time: Duration, pairs: usize) -> f64 {
    time.as_nanos() as f64 / pairs as f64
}

/// Cells as the unit of interest: `reach` cells to each side of the own one, each `SIGHT_M / reach` wide, so that
/// nothing within sight is missed. Answers nanoseconds per sent record, and bytes per client and tick.
fn cells(half_m: f32, reach: usize) -> (f64, f64) {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let (cell_m, side) = {
        let cell_m = SIGHT_M / reach as f32;
        (cell_m, ((half_m + 20.0) * 2.0 / cell_m).ceil() as usize + 2 * reach)
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the square")]
    let cell_of = |at: Vec2| {
        let local = (at + Vec2::splat(half_m + 20.0)) / cell_m;
        (local.y as usize + reach) * side + local.x as usize + reach
    };
    let mut rows: Vec<Vec<u8>> = vec![Vec::new(); side * side];
    let (mut sent, mut times, mut out) = (0, Vec::new(), Vec::new());
    for tick in 0..u32::try_from(TICKS).unwrap_or(0) {
        let places: Vec<Vec2> = (0..PLAYERS).map(|number| place(number, tick, half_m)).collect();
        let start = Instant::now();
        rows.iter_mut().for_each(Vec::clear);
        for &at in &places {
            rows[cell_of(at)].extend_from_slice(black_box(&RECORD));
        }
        sent = 0;
        for &at in &places {
            let own = cell_of(at);
            out.clear();
            for row in 0..=2 * reach {
                let first = own - reach + row * side - reach * side;
                rows[first..=first + 2 * reach].iter().for_each(|cell| out.extend_from_slice(cell));
            }
            sent += black_box(&out).len();
        }
        times.push(start.elapsed());
    }
    (per_pair(median(times), sent / RECORD.len()), sent as f64 / f64::from(PLAYERS))
}

/// Nanoseconds per pair in sight when everybody is compared with everybody.
fn brute_force(half_m: f32) -> f64 {
    let places: Vec<Vec2> = (0..PLAYERS).map(|number| place(number, 0, half_m)).collect();
    let mut pairs = 0;
    let times = (0..5).map(|_| {
        let start = Instant::now();
        let near = |at: &Vec2| places.iter().filter(|other| other.distance_squared(*at) <= SIGHT_M * SIGHT_M).count();
        pairs = black_box(places.iter().map(near).sum());
        start.elapsed()
    });
    let times = times.collect();
    per_pair(median(times), pairs)
}

fn main() {
    println!("{PLAYERS} players, all moving, all watching; ns per (client x visible), bytes per client and tick");
    println!("in view | exact: perceive + replicate = sum, bytes | 3x3 cells | 5x5 cells | 9x9 cells | brute force");
    // Numbers on the command line choose rows.
    let asked: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for in_view in [50, 100, 200, 1_000].into_iter().filter(|row| asked.is_empty() || asked.contains(row)) {
        let half_m = half_side_m(f64::from(PLAYERS), f64::from(in_view));
        let (perceive, replicate, seen, bytes) = Exact::new(half_m).measure();
        let mut line =
            format!("{seen:7.0} | {perceive:.2} + {replicate:.2} = {:.2} ns, {bytes:.0} B", perceive + replicate);
        for reach in [1, 2, 4] {
            let (time, bytes) = cells(half_m, reach);
            line += &format!(" | {time:.2} ns, {bytes:.0} B");
        }
        println!("{line} | {:.1} ns", brute_force(half_m));
    }
}
