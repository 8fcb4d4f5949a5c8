//! What does a whole tick cost, and does its cost follow the crowd? One scene, as many players as monsters, all
//! moving, about 50 in view of each player: every stage from the clients' datagrams to the datagrams for every
//! client, on one core, without sockets. At constant density the time per player must stay about the same.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bevy_app::App;
use bevy_ecs::prelude::*;
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use glam::Vec2;
use net::codec::encode_input;
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::protocol::{InputDatagram, WireStep};
use net::sessions::{self, Join};
use sim::actor::{Actor, Position};
use sim::features::navigation::WalkTo;
use sim::features::players::Player;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players};
use sim::intent::MoveIntent;
use sim::interest::Interest;
use sim::locomotion::StepInput;
use sim::random::{Random, Stream};
use sim::testing::{TestScene, test_assets};
use sim::tick::{SimTick, Tick, TickSystems};

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Entities in view of each player, on average.
const IN_VIEW: f64 = 50.0;
/// Between the radii of the scene below, in metres.
const SIGHT_M: f64 = 62.0;
const SCENE: &str = r#"[(
    id: "scene/bench", name: "Bench", bounds: (min: (-1000.0, -1000.0), max: (1000.0, 1000.0)),
    aoi: (enter_m: 60.0, leave_m: 65.0), players_max: 10000,
    geometry: [Heightfield(
        min: (-1000.0, -1000.0), cell_m: 1000.0, columns: 2, rows: 2,
        heights: Inline([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    )],
    spawn_points: [(id: "spawn/middle", at: (0.0, 0.0), yaw_deg: 0.0, radius_m: 5.0)],
)]"#;

/// Half the side of a square in which `count` evenly spread entities have [`IN_VIEW`] others within sight. The chance
/// that two of them are within `r` of each other, in sides of the square, is `pi r^2 - 8 r^3 / 3 + r^4 / 2`.
fn half_side_m(count: f64) -> f32 {
    let in_view = |side_m: f64| {
        let r = SIGHT_M / side_m;
        count * (std::f64::consts::PI * r * r - 8.0 * r.powi(3) / 3.0 + r.powi(4) / 2.0)
    };
    let (mut low, mut high) = (SIGHT_M, 10_000.0);
    while high - low > 0.1 {
        let middle = f64::midpoint(low, high);
        if in_view(middle) > IN_VIEW { low = middle } else { high = middle }
    }
    #[allow(clippy::cast_possible_truncation, reason = "a few hundred metres")]
    let half_m = (low / 2.0) as f32;
    half_m
}

struct Crowd {
    scene: TestScene,
    clients: Vec<TaskEnd>,
    half_m: f32,
    frames: Vec<Bytes>,
    datagrams: Vec<Bytes>,
    round: u32,
}

impl Crowd {
    fn of(count: u16) -> Self {
        let assets = test_assets(&[("scenes/bench.ron", SCENE)]);
        let mut scene = TestScene::of(&assets, "scene/bench", 1, |app| {
            app.add_plugins((net::plugin, walk_monsters));
        });
        let half_m = half_side_m(f64::from(count) * 2.0);
        let random = Random::new(1);
        let place = |number: u32| {
            let mut draw = random.draw(0, SimId::new(number, 0), Stream("place"), 0);
            Vec2::new(draw.unit() * 2.0 - 1.0, draw.unit() * 2.0 - 1.0) * half_m
        };
        let mut clients = Vec::new();
        for number in 0..u32::from(count) {
            let (task, end) = mailbox(SessionId::next());
            let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts: Vec::new() };
            sessions::attach(
                &mut scene.scene,
                Join { player: PlayerId(u64::from(number)), character, spawn_point: None },
                end,
            );
            clients.push(task);
        }
        scene.tick();
        let players: Vec<SimId> = scene.scene.world().resource::<Players>().0.values().map(|&(id, _)| id).collect();
        for (number, id) in (0..).zip(players) {
            let at = place(number);
            scene.place(id, at.x, at.y);
        }
        for number in 0..u32::from(count) {
            let at = place(number + 1_000_000);
            let id = scene.monster_at("monster/dummy", at.x, at.y);
            // It walks as it is told and does not want to go home.
            let entity = scene.entity(id);
            scene.scene.world_mut().entity_mut(entity).remove::<WalkTo>();
        }
        let mut crowd = Self { scene, clients, half_m, frames: Vec::new(), datagrams: Vec::new(), round: 0 };
        for _ in 0..40 {
            crowd.tick();
        }
        crowd
    }

    #[allow(clippy::cast_possible_truncation, reason = "places are far smaller than 2^31 cm")]
    /// One tick with an input from every client before it; only the tick itself is timed.
    fn tick(&mut self) -> Duration {
        self.round += 1;
        let random = Random::new(2);
        let world = self.scene.scene.world();
        let characters = world.resource::<Players>().0.values();
        for ((number, client), &(_, entity)) in (0..).zip(&self.clients).zip(characters) {
            let place = world.get::<Position>(entity).expect("it is placed").place() * 100.0;
            let forced_epoch = world.get::<InputProgress>(entity).expect("it is a player").forced_epoch;
            let mut draw = random.draw(self.round / 40, SimId::new(number, 0), Stream("course"), 0);
            // Whoever has left the square comes back, so that the density stays what it is.
            let outside = place.abs().max_element() > self.half_m * 100.0;
            let wish = if outside { -place.normalize_or_zero() } else { Vec2::from_angle(draw.unit() * 6.3) };
            let (x, z) = StepInput { wish, walk: false }.to_wire();
            let input = InputDatagram {
                sequence: self.round,
                view_tick: self.round,
                forced_epoch,
                claim_x_cm: place.x as i32,
                claim_z_cm: place.y as i32,
                frame_ack: self.round.saturating_sub(2),
                frame_ack_bits: u32::MAX,
                batch_ack: 1,
                steps: vec![WireStep { x, z, flags: 0 }],
            };
            let mut bytes = Vec::new();
            encode_input(&input, &mut bytes).expect("it fits");
            let _full = client.push(Inbound::Datagram { bytes: bytes.into(), received_us: 0 });
        }
        let start = Instant::now();
        self.scene.tick();
        let took = start.elapsed();
        for client in &self.clients {
            self.datagrams.clear();
            empty(client, &mut self.datagrams, &mut self.frames);
        }
        took
    }

    /// Mean time of each stage over 40 ticks, in words.
    fn stages(&mut self) -> String {
        let spent = Arc::new(Mutex::new(Vec::<(&'static str, Duration)>::new()));
        let (sink, mut running) = (Arc::clone(&spent), None::<(TickSystems, Instant)>);
        self.scene.scene.set_probe(Box::new(move |stage| {
            let now = Instant::now();
            if let Some((before, since)) = running.take() {
                sink.lock().expect("no panic").push((before.name(), now - since));
            }
            running = stage.map(|stage| (stage, now));
        }));
        (0..40).for_each(|_| {
            self.tick();
        });
        self.scene.scene.set_probe(Box::new(|_| {}));
        let spent = spent.lock().expect("no panic");
        let mean_us = |name: &str| {
            let own = spent.iter().filter(|(stage, _)| *stage == name).map(|(_, took)| *took);
            own.sum::<Duration>().as_micros() / 40
        };
        TickSystems::ALL.map(|stage| format!("{} {}", stage.name(), mean_us(stage.name()))).join(", ")
    }

    fn report(&mut self) {
        println!("microseconds by stage: {}", self.stages());
        let world = self.scene.scene.world();
        let players = &world.resource::<Players>().0;
        let seen: usize = players
            .values()
            .filter_map(|&(_, entity)| world.get::<Interest>(entity))
            .map(|interest| interest.visible().len())
            .sum();
        let stats = sessions::take_stats(&mut self.scene.scene);
        println!(
            "{} players: {} in view of each, {} state bytes and {:.2} datagrams per client and tick, square of {:.0} m",
            self.clients.len(),
            seen / self.clients.len(),
            stats.datagram_bytes / (self.clients.len() as u64 * u64::from(self.round)),
            stats.datagrams as f64 / (self.clients.len() as f64 * f64::from(self.round)),
            self.half_m * 2.0,
        );
    }
}

/// Takes what waits for a client, as its connection would.
fn empty(client: &TaskEnd, datagrams: &mut Vec<Bytes>, frames: &mut Vec<Bytes>) {
    client.take_datagrams(datagrams);
    client.take_frames(frames);
    frames.drain(..).for_each(|frame| client.written(frame.len()));
}

type Walker<'a> = (&'a SimId, &'a mut MoveIntent);

/// Has every monster walk in circles, as if it had a reason to.
fn walk_monsters(app: &mut App) {
    let walk = |tick: Res<SimTick>, mut monsters: Query<Walker, (With<Actor>, Without<Player>)>| {
        for (id, mut intent) in &mut monsters {
            #[allow(clippy::cast_precision_loss, reason = "a small angle")]
            let angle = (tick.0 + id.bits() % 997) as f32 / 20.0;
            intent.steps.clear();
            intent.steps.push(StepInput { wish: Vec2::from_angle(angle), walk: false });
        }
    };
    app.add_systems(Tick, walk.in_set(TickSystems::Act).ambiguous_with_all());
}

fn whole_tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole_tick");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    for count in [1_000, 2_000, 4_000] {
        let mut crowd = Crowd::of(count);
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::new("players_and_as_many_monsters", count), |bencher| {
            bencher.iter_custom(|ticks| (0..ticks).map(|_| crowd.tick()).sum());
        });
        crowd.report();
    }
    group.finish();
}

criterion_group!(benches, whole_tick);
criterion_main!(benches);
