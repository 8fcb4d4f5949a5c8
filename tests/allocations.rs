//! A warm scene allocates nothing for a datagram: over 1,000 ticks of moving clients, from the datagrams that come in to
//! those that go out, memory is asked for a few times a tick, however many clients there are. Counted by a wrapper around
//! the system's allocator, for each thread of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use glam::Vec2;
use net::codec::{decode_server_message, decode_state_frame, encode_input};
use net::mailbox::{Inbound, SessionId, TaskEnd, mailbox};
use net::protocol::{InputDatagram, ServerMessage, WireStep};
use net::sessions::{self, Join};
use sim::ids::{PlayerId, SimId};
use sim::input::{Character, InputProgress, Players};
use sim::locomotion::StepInput;
use sim::random::{Random, Stream};
use sim::testing::TestScene;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread asks it for.
pub(crate) struct Counting;

fn count() {
    // A thread that ends has nowhere to count to any more.
    let _ended = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

#[allow(unsafe_code, reason = "an allocator is unsafe by its nature; everything is handed on as it came")]
// SAFETY: every call is handed on to the system's allocator with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

/// Allocations of this thread while `run` runs.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

const CLIENTS: u32 = 50;
/// Allocations of a tick, whoever is in it: those of the stages, none of the clients.
const ALLOCATIONS_PER_TICK_MAX: u64 = 8;
/// Half the side of the square they walk in, in metres: everybody sees everybody.
const HALF_M: f32 = 20.0;

struct Client {
    mailbox: TaskEnd,
    frame: u32,
    batch: u32,
}

struct Crowd {
    scene: TestScene,
    clients: Vec<Client>,
    frames: Vec<Bytes>,
    datagrams: Vec<Bytes>,
    round: u32,
}

impl Crowd {
    fn new() -> Self {
        let mut scene = TestScene::with_plugins(|app| {
            app.add_plugins(net::plugin);
        });
        let clients = (0..CLIENTS).map(|number| enter(&mut scene, number)).collect();
        Self { scene, clients, frames: Vec::new(), datagrams: Vec::new(), round: 0 }
    }

    /// One tick with an input from every client; answers what the tick allocated, and how many datagrams left.
    fn tick(&mut self) -> (u64, usize) {
        self.round += 1;
        self.send_inputs();
        let scene = &mut self.scene.scene;
        let allocated = allocations(|| scene.tick());
        let mut sent = 0;
        for client in &mut self.clients {
            self.datagrams.clear();
            client.receive(&mut self.datagrams, &mut self.frames);
            sent += self.datagrams.len();
        }
        (allocated, sent)
    }

    #[allow(clippy::cast_possible_truncation, reason = "some metres in centimetres")]
    fn send_inputs(&mut self) {
        let world = self.scene.scene.world();
        let characters = world.resource::<Players>().0.values();
        for ((number, client), &(id, entity)) in (0..).zip(&self.clients).zip(characters) {
            let position = self.scene.position(id);
            let place = Vec2::new(position.x, position.z);
            let mut draw = Random::new(3).draw(self.round / 40, SimId::new(number, 0), Stream("course"), 0);
            let outside = place.abs().max_element() > HALF_M;
            let wish = if outside { -place.normalize_or_zero() } else { Vec2::from_angle(draw.unit() * 6.3) };
            let (x, z) = StepInput { wish, walk: false }.to_wire();
            let input = InputDatagram {
                sequence: self.round,
                view_tick: self.round,
                forced_epoch: world.get::<InputProgress>(entity).expect("it is a player").forced_epoch,
                claim_x_cm: (place.x * 100.0) as i32,
                claim_z_cm: (place.y * 100.0) as i32,
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
}

impl Client {
    fn receive(&mut self, datagrams: &mut Vec<Bytes>, frames: &mut Vec<Bytes>) {
        datagrams.clear();
        self.mailbox.take_datagrams(datagrams);
        let newest = datagrams.last().map(|last| decode_state_frame(last).expect("the server writes frames"));
        self.frame = newest.map_or(self.frame, |newest| newest.frame);
        self.mailbox.take_frames(frames);
        frames.drain(..).for_each(|frame| self.read(&frame));
    }

    fn read(&mut self, frame: &Bytes) {
        self.mailbox.written(frame.len());
        if let Ok(ServerMessage::Batch { batch, .. }) = decode_server_message(frame) {
            self.batch = batch;
        }
    }
}

fn enter(scene: &mut TestScene, number: u32) -> Client {
    let (task, end) = mailbox(SessionId::next());
    let character = Character { name: format!("p{number}"), class: "class/fighter".into(), parts: Vec::new() };
    let join = Join { player: PlayerId(u64::from(number)), character, spawn_point: None };
    sessions::attach(&mut scene.scene, join, end);
    Client { mailbox: task, frame: 0, batch: 0 }
}

#[test]
fn a_warm_scene_of_moving_clients_allocates_nothing_for_a_datagram_over_1_000_ticks() {
    let mut crowd = Crowd::new();
    (0..400).for_each(|_| {
        crowd.tick();
    });
    let (mut allocated, mut sent) = (0, 0);
    for _ in 0..1_000 {
        let (in_tick, datagrams) = crowd.tick();
        allocated += in_tick;
        sent += datagrams;
    }
    assert!(sent >= 50_000, "every client is told of the others in every tick: {sent} datagrams");
    let most = 1_000 * ALLOCATIONS_PER_TICK_MAX;
    assert!(allocated <= most, "{allocated} allocations in 1,000 ticks that sent {sent} datagrams");
}
