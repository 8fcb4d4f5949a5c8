//! A scene with its players, their clients and its monsters. The clients are honest: they walk where their last input
//! pointed, acknowledge what they received, and answer when the server asks whether they are there.

use std::time::{Duration, Instant};

use bevy_app::App;
use bevy_ecs::prelude::*;
use bytes::Bytes;
use glam::Vec2;
use net::codec::{decode_server_message, decode_state_frame, encode_client_message, encode_input};
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::outbound::ReplicationLimits;
use net::protocol::{ClientMessage, InputDatagram, ServerMessage, WireStep};
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

use crate::spread::{self, half_side_m, place};

/// Ticks for which a client walks in one direction (2 s).
const COURSE_TICKS: u32 = 40;
/// Where sleeping monsters lie from the middle of the players' square, in metres, beyond all that a player disturbs.
const ASIDE_M: f32 = 1_500.0;

/// Who is in a scene, and what they do.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// Players, each with a client.
    pub(crate) players: u32,
    /// Monsters: among the players when all move, else far from all of them.
    pub(crate) monsters: u32,
    /// Entities in view of each player, on average.
    pub(crate) in_view: f64,
    /// The side of the square in which everybody is, in metres, instead of one for so many in view.
    pub(crate) side_m: Option<f32>,
    /// Whether everybody walks, and each client sends an input in every tick.
    pub(crate) moving: bool,
}

impl Scenario {
    /// Half the side of the square in which everybody who moves is, in metres.
    fn half_side_m(self) -> f32 {
        if let Some(side_m) = self.side_m {
            return side_m / 2.0;
        }
        half_side_m(f64::from(self.players + if self.moving { self.monsters } else { 0 }), self.in_view)
    }

    /// Half the side of the scene, in metres, with room for the monsters beside the players' square.
    fn half_room_m(self) -> f32 {
        (self.half_side_m() + 100.0).max(if self.moving { 0.0 } else { ASIDE_M + 500.0 }).ceil()
    }
}

/// One client: its end of the mailbox, and what it has received.
struct Client {
    mailbox: TaskEnd,
    frame: u32,
    batch: u32,
    is_asked: bool,
}

/// A scene in which a scenario plays.
pub(crate) struct Crowd {
    /// The scene.
    pub(crate) scene: TestScene,
    /// Who is in it.
    pub(crate) scenario: Scenario,
    half_m: f32,
    clients: Vec<Client>,
    frames: Vec<Bytes>,
    datagrams: Vec<Bytes>,
    round: u32,
}

impl Crowd {
    /// Brings everybody into a new scene, whose clients are served by so many threads; nothing has been ticked yet.
    pub(crate) fn of(scenario: Scenario, threads: usize) -> Self {
        let half_m = scenario.half_side_m();
        let assets = test_assets(&[("scenes/bench.ron", &spread::scene(scenario.half_room_m(), scenario.players))]);
        let mut scene = TestScene::of(&assets, "scene/bench", 1, |app| {
            app.insert_resource(ReplicationLimits { threads, ..ReplicationLimits::default() });
            app.add_plugins(net::plugin);
            if scenario.moving {
                app.add_plugins(walk_monsters);
            }
        });
        let clients = (0..scenario.players).map(|number| enter(&mut scene, number, place(number, half_m))).collect();
        for number in 0..scenario.monsters {
            let at = place(number + 1_000_000, half_m);
            match scenario.moving {
                true => {
                    let id = scene.monster_at("monster/dummy", at.x, at.y);
                    // It walks as it is told and does not want to go home.
                    let entity = scene.entity(id);
                    scene.scene.world_mut().entity_mut(entity).remove::<WalkTo>();
                }
                false => {
                    let at = at / half_m * 400.0 + ASIDE_M;
                    scene.monster_at("monster/rat", at.x, at.y);
                }
            }
        }
        Self { scene, scenario, half_m, clients, frames: Vec::new(), datagrams: Vec::new(), round: 0 }
    }

    /// One tick, with what the clients send before it and receive after it; only the tick itself is timed.
    pub(crate) fn tick(&mut self) -> Duration {
        self.round += 1;
        if self.scenario.moving {
            self.send_inputs();
        }
        let start = Instant::now();
        self.scene.tick();
        let took = start.elapsed();
        for client in &mut self.clients {
            client.receive(&mut self.datagrams, &mut self.frames);
        }
        took
    }

    #[allow(clippy::cast_possible_truncation, reason = "places are far smaller than 2^31 cm")]
    fn send_inputs(&mut self) {
        let random = Random::new(2);
        let world = self.scene.scene.world();
        let characters = world.resource::<Players>().0.values();
        for ((number, client), &(_, entity)) in (0..).zip(&self.clients).zip(characters) {
            let place = world.get::<Position>(entity).expect("it is placed").place() * 100.0;
            let forced_epoch = world.get::<InputProgress>(entity).expect("it is a player").forced_epoch;
            let mut draw = random.draw(self.round / COURSE_TICKS, SimId::new(number, 0), Stream("course"), 0);
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
                frame_ack: client.frame,
                frame_ack_bits: u32::MAX,
                batch_ack: client.batch,
                steps: std::iter::once(WireStep { x, z, flags: 0 }).collect(),
            };
            let mut bytes = Vec::new();
            encode_input(&input, &mut bytes).expect("it fits");
            client.mailbox.push(Inbound::Datagram { bytes: bytes.into(), received_us: 0 }).expect("it has room");
        }
    }

    /// Entities in view of a player, on average.
    pub(crate) fn in_view(&self) -> f64 {
        let world = self.scene.scene.world();
        let players = world.resource::<Players>().0.values();
        let seen = players.filter_map(|&(_, entity)| world.get::<Interest>(entity));
        let seen: usize = seen.map(|interest| interest.visible().len()).sum();
        #[allow(clippy::cast_precision_loss, reason = "some millions")]
        let seen = seen as f64;
        seen / f64::from(self.scenario.players)
    }

    /// The components of a player's character with their bytes in the world's tables, the largest first.
    pub(crate) fn component_bytes(&self) -> Vec<(String, usize)> {
        let world = self.scene.scene.world();
        let (_, entity) = *world.resource::<Players>().0.values().next().expect("somebody is there");
        let whole = world.entity(entity);
        let ids = whole.archetype().components().iter();
        let infos = ids.filter_map(|&id| world.components().get_info(id));
        let mut sizes: Vec<(String, usize)> =
            infos.map(|info| (info.name().shortname().to_string(), info.layout().size())).collect();
        sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        sizes
    }

    /// Side of the players' square in metres.
    pub(crate) const fn side_m(&self) -> f32 {
        self.half_m * 2.0
    }
}

impl Client {
    /// Takes what waits for it, as its connection would.
    fn receive(&mut self, datagrams: &mut Vec<Bytes>, frames: &mut Vec<Bytes>) {
        datagrams.clear();
        self.mailbox.take_datagrams(datagrams);
        let newest = datagrams.last().map(|last| decode_state_frame(last).expect("the server writes frames"));
        self.frame = newest.map_or(self.frame, |newest| newest.frame);
        self.mailbox.take_frames(frames);
        frames.drain(..).for_each(|frame| self.read(&frame));
        if std::mem::take(&mut self.is_asked) {
            let bytes = encode_client_message(&ClientMessage::Alive).expect("it fits");
            self.mailbox.push(Inbound::Frame { bytes, received_us: 0 }).expect("it has room");
        }
    }

    fn read(&mut self, frame: &Bytes) {
        self.mailbox.written(frame.len());
        match decode_server_message(frame).expect("the server writes messages") {
            ServerMessage::Batch { batch, .. } => self.batch = batch,
            ServerMessage::Probe => self.is_asked = true,
            ServerMessage::Goodbye { reason } => panic!("the server ended a session: {reason:?}"),
            _ => {}
        }
    }
}

/// A player comes back to where it was, so that nobody ever stands in a heap at the spawn point.
fn enter(scene: &mut TestScene, number: u32, at: Vec2) -> Client {
    let (task, end) = mailbox(SessionId::next());
    let scene_index = u32::try_from(scene.config.scene.index()).expect("a handful of scenes");
    let saved = [scene_index.to_le_bytes(), at.x.to_le_bytes(), 0.0_f32.to_le_bytes(), at.y.to_le_bytes()];
    let parts = vec![("place".to_owned(), saved.concat())];
    let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts };
    let join = Join { player: PlayerId(u64::from(number)), character, spawn_point: None };
    sessions::attach(&mut scene.scene, join, end);
    Client { mailbox: task, frame: 0, batch: 0, is_asked: false }
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
