//! Our side: a scene with its clients' mailboxes; the stages' own probe takes the times.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bevy_app::App;
use bevy_ecs::prelude::*;
use bytes::Bytes;
use glam::Vec2;
use net::codec::{decode_state_frame, encode_input};
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::outbound::ReplicationLimits;
use net::protocol::{CLIENT_BYTES_PER_TICK_MAX, InputDatagram, WireStep};
use net::sessions::{self, Join};
use sim::actor::{Actor, Heading, Position};
use sim::features::monsters::Rails;
use sim::features::navigation::WalkTo;
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, Players};
use sim::interest::Interest;
use sim::testing::{TestScene, test_assets};
use sim::tick::{SimTick, Tick, TickSystems};

use crate::spread::{half_side_m, place, scene};
use crate::{Case, Cost, TICKS, WARM_UP_TICKS, median};

/// Runs a case and gives its medians.
pub(crate) fn measure(case: Case) -> Cost {
    let mut world = Sent::of(case);
    for _ in 0..WARM_UP_TICKS {
        world.tick();
    }
    let (mut replicate, mut with_interest, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TICKS {
        let (stages, sent_bytes) = world.tick();
        let spent = |names: &[&str]| {
            stages.iter().filter(|(name, _)| names.contains(name)).map(|&(_, took)| took).sum::<Duration>()
        };
        replicate.push(spent(&["replicate", "transmit"]));
        with_interest.push(spent(&["perceive", "replicate", "transmit"]));
        bytes += sent_bytes;
    }
    Cost {
        replicate: median(replicate),
        with_interest: Some(median(with_interest)),
        in_view: world.in_view(),
        client_bytes: bytes as f64 / f64::from(TICKS * case.clients),
    }
}

type Stages = Vec<(&'static str, Duration)>;

struct Sent {
    scene: TestScene,
    clients: Vec<TaskEnd>,
    /// The newest frame each client has received.
    acks: Vec<u32>,
    spent: Arc<Mutex<Stages>>,
    round: u32,
}

impl Sent {
    fn of(case: Case) -> Self {
        let half_m = half_side_m(f64::from(case.entities), f64::from(case.in_view));
        let assets = test_assets(&[("scenes/bench.ron", &scene(half_m + 100.0, case.clients))]);
        let mut scene = TestScene::of(&assets, "scene/bench", 1, |app| {
            // The peer has no budget either.
            let limits = ReplicationLimits::default();
            app.insert_resource(ReplicationLimits { client_bytes_per_tick: CLIENT_BYTES_PER_TICK_MAX, ..limits });
            app.add_plugins((net::plugin, move_everyone));
        });
        let mut clients = Vec::new();
        for number in 0..case.clients {
            let (task, end) = mailbox(SessionId::next());
            let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts: Vec::new() };
            let join = Join { player: PlayerId(u64::from(number)), character, spawn_point: None };
            sessions::attach(&mut scene.scene, join, end);
            clients.push(task);
        }
        scene.tick();
        let players: Vec<SimId> = scene.scene.world().resource::<Players>().0.values().map(|&(id, _)| id).collect();
        for (number, id) in (0..).zip(players) {
            let at = place(number, half_m);
            scene.place(id, at.x, at.y);
        }
        for number in case.clients..case.entities {
            let at = place(number, half_m);
            let id = scene.monster_at("monster/dummy", at.x, at.y);
            let entity = scene.entity(id);
            // It goes where it is put and does not want to go home.
            scene.scene.world_mut().entity_mut(entity).remove::<(WalkTo, Rails)>();
        }
        let spent = probe(&mut scene);
        let acks = vec![0; clients.len()];
        Self { scene, clients, acks, spent, round: 0 }
    }

    /// One tick with an acknowledgement from every client before it. Answers the stages' times and the bytes of state.
    fn tick(&mut self) -> (Stages, usize) {
        self.round += 1;
        for (client, &frame_ack) in self.clients.iter().zip(&self.acks) {
            let input = InputDatagram {
                sequence: self.round,
                view_tick: self.round,
                forced_epoch: u8::MAX,
                claim_x_cm: 0,
                claim_z_cm: 0,
                frame_ack,
                frame_ack_bits: u32::MAX,
                batch_ack: u32::from(self.round > 2),
                steps: std::iter::once(WireStep { x: 0, z: 0, flags: 0 }).collect(),
            };
            let mut bytes = Vec::new();
            encode_input(&input, &mut bytes).expect("it fits");
            let _full = client.push(Inbound::Datagram { bytes: bytes.into(), received_us: 0 });
        }
        self.scene.tick();
        let mut sent_bytes = 0;
        for (client, ack) in self.clients.iter().zip(&mut self.acks) {
            let outgoing = client.take();
            outgoing.frames.iter().for_each(|frame| client.written(frame.len()));
            sent_bytes += outgoing.datagrams.iter().map(Bytes::len).sum::<usize>();
            let newest = outgoing.datagrams.last().and_then(|datagram| decode_state_frame(datagram).ok());
            *ack = newest.map_or(*ack, |frame| frame.frame);
        }
        (std::mem::take(&mut *self.spent.lock().expect("no panic")), sent_bytes)
    }

    fn in_view(&self) -> f64 {
        let world = self.scene.scene.world();
        let viewers = world.resource::<Players>().0.values();
        let seen = viewers.filter_map(|&(_, entity)| world.get::<Interest>(entity)).map(|seen| seen.visible().len());
        seen.sum::<usize>() as f64 / self.clients.len() as f64
    }
}

/// Has the scene note how long each stage of a tick takes.
fn probe(scene: &mut TestScene) -> Arc<Mutex<Stages>> {
    let spent = Arc::new(Mutex::new(Stages::new()));
    let (sink, mut running) = (Arc::clone(&spent), None::<(TickSystems, Instant)>);
    scene.scene.set_probe(Box::new(move |stage| {
        let now = Instant::now();
        if let Some((before, since)) = running.take() {
            sink.lock().expect("no panic").push((before.name(), now - since));
        }
        running = stage.map(|stage| (stage, now));
    }));
    spent
}

/// Everyone goes to and fro by a step of a running character and looks where it goes, so that views stay as they are.
fn move_everyone(app: &mut App) {
    let step = |tick: Res<SimTick>, mut actors: Query<(&mut Position, &mut Heading), With<Actor>>| {
        let there = (tick.0 / 10).is_multiple_of(2);
        let step = Vec2::from_angle(0.7) * if there { 0.3 } else { -0.3 };
        for (mut position, mut heading) in &mut actors {
            position.0.x += step.x;
            position.0.z += step.y;
            if tick.0.is_multiple_of(10) {
                heading.0 += std::f32::consts::PI;
            }
        }
    };
    app.add_systems(Tick, step.in_set(TickSystems::Resolve).ambiguous_with_all());
}
